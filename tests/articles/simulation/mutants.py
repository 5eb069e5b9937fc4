"""Ways of counting that are right only while nothing fails.

They show that the simulation finds wrong counting.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from chalicelib import aws, errors
from chalicelib.articles import model
from chalicelib.articles.model import Marker
from chalicelib.articles.stores import markers
from chalicelib.aws import Item
from chalicelib.settings import current
from tests.articles.simulation.stream import Record
from tests.articles.simulation.world import Outcome, World

# A mutant sets no flags, so this deviation is no mistake of its own.
FLAGS = "not what is flagged"


def without_flag(records: list[Record]) -> None:
    """Add to the sums without flags: a batch that comes again is counted again."""
    for chunk in model.chunks(_markers(records)):
        aws.write(*_sums(chunk))


def batch_token(records: list[Record]) -> None:
    """Count with a token by which DynamoDB recognises a batch that comes again.

    It does so for ten minutes only, and only if the batch was cut alike.
    """
    for chunk in model.chunks(_markers(records)):
        token = hashlib.sha256("".join(marker.key for marker in chunk).encode()).hexdigest()[:36]
        aws.call("transact_write_items", TransactItems=_sums(chunk), ClientRequestToken=token)


def shard_checkpoint(records: list[Record]) -> None:
    """Keep the last sequence number of each shard beside the sums.

    Records that a parallel batch has overtaken are left out.
    """
    for shard, group in groupby(records, key=lambda record: str(record["shardId"])):
        key = {"pk": "CHECKPOINT", "sk": shard}
        seen = (aws.get(current().view_counts_table, key) or {}).get("seen", 0)
        new = [record for record in group if _number(record) > seen]
        if not new:
            continue
        condition = "seen = :seen" if seen else "attribute_not_exists(seen)"
        said = {"upto": max(map(_number, new)), **({"seen": seen} if seen else {})}
        upto = aws.update(current().view_counts_table, key, "SET seen = :upto", condition, **said)
        try:
            aws.write(
                upto, *(each for chunk in model.chunks(_markers(new)) for each in _sums(chunk))
            )
        except aws.Cancelled:
            raise errors.Unavailable("another batch was quicker") from None


MUTANTS = (without_flag, batch_token, shard_checkpoint)


def play(mutant: Callable[[list[Record]], None], calm: bool, seed: int) -> Outcome:
    """Play a run of a mutant, and judge it by the views alone."""
    outcome = World(seed, mutant, calm=calm, swept=False).play()
    del outcome.deviations[FLAGS]
    return outcome


def _markers(records: Iterable[Record]) -> list[Marker]:
    images = [aws.unpack_item(record["dynamodb"].get("NewImage", {})) for record in records]
    return [markers.marker_of(image) for image in images if image.get("pk", "").startswith("VIEW#")]


def _sums(chunk: tuple[Marker, ...]) -> list[Item]:
    slug, day, size = chunk[0].slug, chunk[0].day, len(chunk)
    hours: dict[str, Any] = Counter(f"h{marker.hour:02}" for marker in chunk)
    adds = ", ".join(f"{hour} :{hour}" for hour in hours)
    table, pk = current().view_counts_table, f"ARTICLE#{slug}"
    named: dict[str, Any] = {"names": {"#views": "views"}, "n": size}
    return [
        aws.update(table, {"pk": pk, "sk": "TOTAL#00"}, "ADD #views :n", **named),
        aws.update(
            table,
            {"pk": pk, "sk": f"DAY#{day}#00"},
            f"SET day_key = :day ADD #views :n, {adds}",
            day=f"DAY#{day}#0",
            **named,
            **hours,
        ),
    ]


def _number(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
