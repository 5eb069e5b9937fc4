"""`make cost`: what each call to the articles costs in capacity units, and at list price.

Every call is made on an embedded cloud, and its requests to DynamoDB are observed. Units are
computed from the items' sizes by DynamoDB's rules (its docs: "Read and write operations", "Item
sizes and formats"): a write is 1 unit a KB, twice that in a transaction, and again for each index
the item is in; an eventually consistent read is half a unit per 4 KB. The table shows the
emulator's own figure, too: it agrees on writes and queries, but is missing for a condition that
failed and for a BatchGetItem.
"""

import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib import aws
from chalicelib.articles import ranking
from chalicelib.articles.entries import Entry
from chalicelib.articles.stores import known
from local.cloud import Cloud
from tests.backend import Backend

# us-east-1 list prices in USD per million, 2026: request units on demand, REST API calls, Lambda
# invocations of 5 ms with 512 MB (arm64).
WRITE, READ, API, LAMBDA = 0.625, 0.125, 3.50, 0.25
KB = 1024


def size(item: Any) -> int:
    """Return the bytes that DynamoDB counts for an item or a value in wire format."""
    ((kind, value),) = (
        item.items() if len(item) == 1 and next(iter(item)) in _KINDS else (("ITEM", item),)
    )
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return math.ceil(len(value.lstrip("-").replace(".", "")) / 2) + 1
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + size(each) for each in value)
        case "M":
            return 3 + sum(len(name.encode()) + 1 + size(each) for name, each in value.items())
    return sum(len(name.encode()) + size(each) for name, each in value.items())


REPEAT = "a repeated view"
VIRAL = "a new view, one article (viral)"
TAIL = "a new view, each of another article (long tail)"
Row = tuple[float, float, float, float, bool]
_KINDS = {"S", "N", "BOOL", "NULL", "L", "M"}


class Meter:
    """A counter of the capacity units that DynamoDB calls consume while it is on."""

    def __init__(self) -> None:
        self.units = {"write": 0.0, "index": 0.0, "read": 0.0}
        self.reported = 0.0

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count the DynamoDB calls that are made inside."""
        events = aws.client("dynamodb").meta.events
        events.register("provide-client-params.dynamodb", self._ask)
        events.register("after-call.dynamodb", self._read)
        try:
            yield
        finally:
            events.unregister("provide-client-params.dynamodb", self._ask)
            events.unregister("after-call.dynamodb", self._read)

    def _ask(self, params: Any, model: Any, **_: Any) -> Any:
        self._params = params
        return {**params, "ReturnConsumedCapacity": "TOTAL"}

    def _read(self, parsed: Any, model: Any, **_: Any) -> None:
        params, operation = self._params, model.name
        reported = parsed.get("ConsumedCapacity", [])
        for each in reported if isinstance(reported, list) else [reported]:
            self.reported += each.get("CapacityUnits", 0)
        if operation in ("PutItem", "UpdateItem"):
            self._write(params, 1)
        elif operation == "TransactWriteItems" and "Error" not in parsed:
            for member in params["TransactItems"]:
                ((_, each),) = member.items()
                self._write(each, 2)
        elif operation == "Query":
            self.units["read"] += (
                max(1, math.ceil(sum(map(size, parsed.get("Items", []))) / (4 * KB))) / 2
            )
        elif operation == "GetItem":
            factor = 1 if params.get("ConsistentRead") else 0.5
            self.units["read"] += factor * max(
                1, math.ceil(size(parsed.get("Item", {"": {"S": ""}})) / (4 * KB))
            )
        elif operation == "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                found = parsed["Responses"].get(table, [])
                self.units["read"] += (
                    sum(max(1, math.ceil(size(each) / (4 * KB))) for each in found) / 2
                )
                self.units["read"] += (len(asked["Keys"]) - len(found)) / 2

    def _write(self, member: Any, factor: int) -> None:
        key = member.get("Key") or {
            name: member["Item"][name] for name in ("pk", "sk") if name in member["Item"]
        }
        events = aws.client("dynamodb").meta.events
        events.unregister("provide-client-params.dynamodb", self._ask)
        events.unregister("after-call.dynamodb", self._read)
        try:
            stored = aws.client("dynamodb").get_item(
                TableName=member["TableName"], Key=key, ConsistentRead=True
            )
        finally:
            events.register("provide-client-params.dynamodb", self._ask)
            events.register("after-call.dynamodb", self._read)
        units = math.ceil(size(stored.get("Item", key)) / KB)
        self.units["write"] += units * factor
        if "day_key" in stored.get("Item", {}):
            self.units["index"] += units


def measure(backend: Backend) -> dict[str, Row]:
    """Return by call: write, index and read units, the emulator's figure, whether it is by HTTP.

    The figures are for one call.
    """
    rows: dict[str, Row] = {}

    def row(name: str, act: Callable[[], object], per: int = 1, http: bool = True) -> None:
        meter = Meter()
        with meter.on():
            act()
        units = meter.units
        rows[name] = (
            units["write"] / per,
            units["index"] / per,
            units["read"] / per,
            meter.reported / per,
            http,
        )

    def view(slug: str, visitor: int) -> None:
        caller = f"10.{visitor // 65536}.{visitor // 256 % 256}.{visitor % 256}"
        agent = {
            "origin": backend.env["SITE_ORIGINS"],
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
        }
        said = {"title": f"The title of {slug}", "page": f"https://www.site.example/{slug}"}
        backend.call("POST", f"/articles/{slug}/views", said, agent, caller)

    def counted(slugs: list[str], each: int) -> Callable[[], None]:
        def act() -> None:
            for slug in slugs:
                for visitor in range(each):
                    view(slug, visitor)
            backend.count()

        return act

    view("warm", 1)
    backend.count()
    row(REPEAT, lambda: view("warm", 1))
    row(VIRAL, counted(["viral"], 980), 980)
    row(
        "a new view, ten at a time of each (mixed)",
        counted([f"mixed-{n}" for n in range(40)], 10),
        400,
    )
    row(TAIL, counted([f"tail-{n}" for n in range(200)], 1), 200)
    read = {each["pk"].partition("#")[2] for each in backend.items("VIEW_COUNTS_TABLE", "ARTICLE#")}
    page = "https://www.site.example"
    known.learn(Entry(each, f"The title of {each}", f"{page}/{each}") for each in read)
    ranking.rank()
    row("GET /articles/{slug}/views", lambda: backend.call("GET", "/articles/mixed-1/views"))
    row("the same, of a viral article", lambda: backend.call("GET", "/articles/viral/views"))
    slugs = ",".join(f"tail-{n}" for n in range(100))
    row(
        "GET /articles/views, 100 articles",
        lambda: backend.call("GET", f"/articles/views?slugs={slugs}"),
    )
    row(
        "GET /articles/popular", lambda: backend.call("GET", "/articles/popular?window=7d&limit=50")
    )
    row(
        "GET /page, all an article page shows",
        lambda: backend.call(
            "GET",
            "/page?article=mixed-1&popular=7d:10&hotline=1&slots=5&consent=newsletter,callbacks",
        ),
    )
    row(
        "GET /articles/{slug}/views/daily, a year",
        lambda: backend.call("GET", "/articles/viral/views/daily?from=2026-01-01&to=2026-12-31"),
    )
    row("one ranking, 242 articles", ranking.rank, http=False)
    return rows


def price(row: Row) -> float:
    """Return the price of DynamoDB's units in USD per million calls."""
    return (row[0] + row[1]) * WRITE + row[2] * READ


def main() -> int:
    """Print the table and the goals. Returns 1 if a goal is missed, else 0."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cloud(Path(folder)) as cloud,
        Backend.of_its_own(cloud, "cost") as backend,
    ):
        rows = measure(backend)
    print(
        f"{'':52}{'write':>8}{'index':>8}{'read':>8}{'emulator':>10}{'$/1M db':>10}{'$/1M all':>10}"
    )
    for name, row in rows.items():
        whole = price(row) + (API + LAMBDA if row[4] else LAMBDA)
        print(
            f"{name:52}{row[0]:8.2f}{row[1]:8.2f}{row[2]:8.2f}{row[3]:10.2f}"
            f"{price(row):10.2f}{whole:10.2f}"
        )
    met = goals(rows)
    print()
    for goal, holds in met.items():
        print(f"{'met   ' if holds else 'MISSED'} {goal}")
    return 0 if all(met.values()) else 1


def goals(rows: dict[str, Row]) -> dict[str, bool]:
    """Return for each goal whether these figures meet it; prices are rounded to cents."""
    repeat, viral, tail = rows[REPEAT], rows[VIRAL], rows[TAIL]
    return {
        "a repeat is 1 unit": repeat[0] + repeat[1] == 1,
        "a new view of a viral article is at most 3.1 units": viral[0] + viral[1] <= 3.1,
        "a million of them are at most $1.91": round(price(viral), 2) <= 1.91,
        "a million where every article is different are at most $5.00": round(price(tail), 2)
        <= 5.00,
    }


if __name__ == "__main__":
    sys.exit(main())
