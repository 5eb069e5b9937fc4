"""Which alerts a digest stands for.

A digest is decided on once, by the first message that finds too many others due at the same
opening, and written down: that message leads it, the others are dropped. So no alert depends on
what becomes of another's request.

    DIGEST#<kind>#<opening>   each digest of an opening: its leader and the references it stands for
    DIGEST#<message>          the same, for the leader, whenever it leaves in the end
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import aws, instants
from chalicelib.outbox.model import KEPT
from chalicelib.settings import current

V = 1  # the version of the items' format


@dataclass(frozen=True)
class Digest:
    """The message that leads it, by id, and the references of the requests it stands for."""

    leader: str
    references: tuple[str, ...]


def led_by(message_id: str) -> Digest | None:
    """Return the digest that a message leads, or None."""
    key = {"pk": f"DIGEST#{message_id}", "sk": "DIGEST"}
    item = aws.get(current().contacts_table, key)
    return Digest(message_id, tuple(item["references"])) if item else None


def of(kind: str, opening: datetime) -> list[Digest]:
    """Return the digests of an opening for one kind of message, first to last."""
    found = aws.query_consistent(current().contacts_table, "pk = :pk", pk=_pk(kind, opening))
    return [Digest(item["leader"], tuple(item["references"])) for item in found]


def add(kind: str, opening: datetime, number: int, digest: Digest) -> None:
    """Write the digest number `number` of an opening. Raises Cancelled where there is one."""
    table = current().contacts_table
    kept = {
        "v": V,
        "references": list(digest.references),
        "expires": instants.epoch(opening + KEPT),
    }
    first = {"pk": _pk(kind, opening), "sk": f"{number:04}", "leader": digest.leader, **kept}
    own = aws.assign(table, {"pk": f"DIGEST#{digest.leader}", "sk": "DIGEST"}, kept)
    aws.write(aws.put(table, first, "attribute_not_exists(pk)"), own)


def _pk(kind: str, opening: datetime) -> str:
    return f"DIGEST#{kind}#{instants.text(opening)}"
