"""The migrations: how an item of one version of its format becomes one of the next. Pure.

A format that changes gets a higher version in its store and an entry at the end of this list.
Readers take both until every stage is migrated. `docs/decisions/0073-formats.md` has the rules.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ops.kinds import KINDS, Kind

Item = dict[str, Any]


@dataclass(frozen=True)
class Migration:
    """A step from one version to a later one, of all items of some kinds.

    `change` gets an item as plain values and returns it as it shall be; `v` is set for it. Items
    without a version are of version 0. Where it is not `reversible`, an older version of the code
    cannot read what it makes, or something is lost.
    """

    name: str
    kinds: Collection[str]
    before: int
    after: int
    change: Callable[[Item], Item]
    reversible: bool = True

    def takes(self, kind: Kind, item: Item) -> bool:
        """Tell whether it is this migration that an item needs next."""
        return kind.name in self.kinds and item.get("v", 0) == self.before


class Poison(Exception):
    """An item that a migration cannot change; the text says why."""


def _same(item: Item) -> Item:
    return item


# What is in the table of the views goes by itself within four days.
STAMPED = tuple(each.name for each in KINDS if each.table != "view-markers")
MIGRATIONS: tuple[Migration, ...] = (Migration("stamp", STAMPED, 0, 1, _same),)


def migrated(
    kind: Kind, item: Item, migrations: Sequence[Migration]
) -> tuple[Item, tuple[Migration, ...]]:
    """Return an item after every migration that it needs, one after the other, and which these are.

    Raises Poison.
    """
    applied: list[Migration] = []
    while step := next((each for each in migrations if each.takes(kind, item)), None):
        try:
            made = {**step.change(dict(item)), "v": step.after}
        except Exception as error:
            raise Poison(f"{step.name}: {type(error).__name__}") from error
        if step.after <= step.before or any(made.get(key) != item.get(key) for key in ("pk", "sk")):
            raise Poison(f"{step.name}: another key, or no later version")
        item = made
        applied.append(step)
    return item, tuple(applied)
