"""What the staff decided about articles, an item each, in the `view-counts` table.

An article that another is merged into, and the one that is merged, have it in their totals, too:
a read of a count finds it there without another call.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import aws, instants
from chalicelib.aws import Item
from chalicelib.settings import current

V = 1  # the version of the items' format
MOST_ALIASES = 20


@dataclass(frozen=True)
class Decision:
    """What is decided about a name; `title` is empty where the feed's stays."""

    accepted: bool = False
    title: str = ""
    hidden: bool = False
    merged_into: str = ""
    deleted_at: str = ""  # counts from before this instant are gone


def load() -> dict[str, Decision]:
    """Return all decisions by name."""
    items = aws.query_consistent(current().view_counts_table, "pk = :pk", pk="DECISION")
    return {item["sk"]: _decision(item) for item in items}


def of(name: str) -> Decision:
    """Return what is decided about a name."""
    return _decision(aws.get(current().view_counts_table, _key(name)) or {})


def save(name: str, made: Decision, before: Decision, by: str, now: datetime) -> None:
    """Save a decision in the place of `before`. Raises Cancelled where that has changed.

    A change of what the name is merged into changes both totals in the same transaction.
    """
    table, fields = current().view_counts_table, Decision.__dataclass_fields__
    values = {each: getattr(made, each) or None for each in fields}
    own = {*_key(name), *fields}
    stored = aws.get(table, _key(name)) or {}
    rest = {each: value for each, value in stored.items() if each not in own}
    item = {**rest, **_key(name), "v": V, **values, "by": by, "at": instants.text(now)}
    condition, said = _unchanged(before)
    members = [aws.put(table, item, condition, **said)]
    if made.merged_into != before.merged_into:
        if before.merged_into:
            members += _links(name, before.merged_into, remove=True)
        if made.merged_into:
            members += _links(name, made.merged_into, remove=False)
    aws.write(*members)


def aliases(name: str) -> list[str]:
    """Return the names that are merged into this one."""
    item = aws.get(current().view_counts_table, _total(name)) or {}
    found: list[str] = item.get("aliases", [])
    return found


def _unchanged(before: Decision) -> tuple[str | None, Item]:
    if before == Decision():
        return "attribute_not_exists(merged_into) AND attribute_not_exists(deleted_at)", {}
    if before.merged_into:
        return "merged_into = :before", {"before": before.merged_into}
    return "attribute_not_exists(merged_into)", {}


def _links(name: str, target: str, remove: bool) -> list[Item]:
    """Return the updates of both totals. Raises Cancelled, through `write`, on another's change."""
    table = current().view_counts_table
    before = aliases(target)
    after = [each for each in before if each != name] if remove else [*before, name]
    same = "aliases = :before" if before else "attribute_not_exists(aliases)"
    said: Item = {"before": before} if before else {}
    ours = (
        aws.update(table, _total(name), "REMOVE merged_into")
        if remove
        else aws.update(
            table,
            _total(name),
            "SET merged_into = :target",
            "attribute_not_exists(aliases)",
            target=target,
        )
    )
    if after:
        said, change = {**said, "after": after}, "SET aliases = :after"
    else:
        change = "REMOVE aliases"
    free = f"{same} AND attribute_not_exists(merged_into)"
    return [ours, aws.update(table, _total(target), change, free, **said)]


def _decision(item: Item) -> Decision:
    return Decision(**{each: item[each] for each in Decision.__dataclass_fields__ if each in item})


def _key(name: str) -> Item:
    return {"pk": "DECISION", "sk": name}


def _total(name: str) -> Item:
    return {"pk": f"ARTICLE#{name}", "sk": "TOTAL#00"}
