"""What happened to an address lately: the end of its ledger, without its hashes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib import aws, instants
from chalicelib.newsletter.stores import items
from chalicelib.settings import current


@dataclass(frozen=True)
class Entry:
    """One event; `note` is what the staff wrote about it, and goes with an erasure."""

    event: str
    at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def entries(key: str, most: int = 20) -> list[Entry]:
    """Return the last events of an address, the latest first."""
    ledger = "pk = :pk AND begins_with(sk, :events)"
    found = aws.last(current().contacts_table, ledger, most, pk=items.pk(key), events="EVENT#")
    return [
        Entry(
            item["event"],
            instants.parse(item["at"]),
            item["facts"],
            item.get("personal", {}).get("note", ""),
        )
        for item in found
    ]
