"""What another system's columns are, and what holds for all of its rows.

A mapping names the columns, by a vendor's name (`vendors.toml`) or from a file of one's own; the
defaults are what the operator states.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from chalicelib.cells import unguarded
from chalicelib.http.bodies import trimmed
from chalicelib.newsletter import service
from ops import times
from ops.tables import BadFile, Cells, Table
from ops.words import _

REQUIRED = ("email", "language", "topics", "consent_version", "confirmed_at", "source_address")
OPTIONAL = ("consent_text", "consent_sha256", "page", "proof_note")
_OURS = (*REQUIRED, *OPTIONAL)
OWN_EXPORT = "own-export"
# The columns by which our own export is known.
_EXPORTED = {"email", "state", "unsubscribe_url", "preferences_url"}
_VENDORS = Path(__file__).parent / "vendors.toml"


def _as_names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _zone(name: str) -> str:
    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name}") from None
    return name


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]
# The values that fulfil a condition, or `not empty`, or `not empty and not …`.
Values = tuple[str, ...] | str


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(_Strict):
    """The columns of a file; of several names it has one."""

    own_columns: bool = False  # those of `python -m ops import --help`
    email: Names = ()
    language: Names = ()
    topics: Names = ()
    consent_version: Names = ()
    consent_text: Names = ()
    consent_sha256: Names = ()
    confirmed_at: Names = ()
    source_address: Names = ()
    page: Names = ()
    proof_note: Names = ()
    ended_at: Names = ()  # when somebody left, if they did
    confirmed_if: dict[str, Values] = {}  # all of these have to hold
    withdrawn_if: dict[str, Values] = {}  # one of these is enough
    withdrawn_with: Names = ()  # columns that only a file of people who left has
    every_row: Literal["", "withdrawn"] = ""
    date_order: times.Order = ""
    guarded: bool = False  # whether a quote stands before what looks like a formula


class Defaults(_Strict):
    """What holds for each row whose own cell is empty, or has no column."""

    language: str = ""
    topics: Annotated[tuple[str, ...], BeforeValidator(_as_names)] = ()
    consent_version: str = ""
    consent_text: str = ""
    consent_sha256: str = ""
    time_zone: Annotated[str, AfterValidator(_zone)] = ""
    source_address: str | None = None  # empty: the other system kept none
    page: str = ""
    proof_note: str = ""


@dataclass(frozen=True)
class Layout:
    """How to read a file's rows."""

    columns: Columns
    defaults: Defaults
    names: Mapping[str, str]  # the file's name of a column, by our name or a condition's
    places: frozenset[str]  # the file's names of the columns that a row has to reach
    all_left: bool

    def fields(self, cells: Cells) -> dict[str, str]:
        """Return a row's texts by our names; empty where there is none."""
        found = {}
        for name in (*REQUIRED, *OPTIONAL, "ended_at"):
            text = cells.named.get(self.names.get(name, ""), "") if name in self.names else ""
            found[name] = unguarded(text) if self.columns.guarded else text
        return found

    def has_left(self, cells: Cells) -> bool:
        """Tell whether a row is of somebody who left."""
        return self.all_left or any(
            _holds(cells.named.get(self.names[name], ""), wanted)
            for name, wanted in self.columns.withdrawn_if.items()
        )

    def unconfirmed(self, cells: Cells) -> tuple[str, str] | None:
        """Return the column, and its text, that says a row was never confirmed; else None."""
        for name, wanted in self.columns.confirmed_if.items():
            text = cells.named.get(self.names[name], "")
            if not _holds(text, wanted):
                return self.names[name], trimmed(text)
        return None

    def misses(self, cells: Cells, header: Sequence[str]) -> bool:
        """Tell whether a row that does not fit the header lacks what is needed, or has too much."""
        reached = header[: cells.has]
        return cells.has > len(header) or not self.places <= set(reached)


def layout(table: Table, columns: Columns | None, defaults: Defaults) -> Layout:
    """Return how a file's rows are read; without `columns` it has ours. Raises BadFile."""
    folded = [name.casefold() for name in table.header]
    if not folded and table.path.suffix == ".jsonl":
        return Layout(Columns(), defaults, {}, frozenset(), True)  # an export of nobody
    if columns is None and set(folded) >= _EXPORTED:
        columns, own = vendor(OWN_EXPORT)
        if not table.separator:
            columns = columns.model_copy(update={"guarded": False})  # JSON lines
        defaults = own.model_copy(update=defaults.model_dump(exclude_unset=True))
    if columns is None or columns.own_columns:
        columns = _own(folded)
    names, lacking = _names(table, columns)
    all_left = columns.every_row == "withdrawn" or bool(
        {name.casefold() for name in columns.withdrawn_with} & set(folded)
    )
    needed = {"email"} if all_left else {"email", "confirmed_at"}
    if not all_left:
        needed |= {*columns.confirmed_if, *columns.withdrawn_if}
        needed |= _unstated(names, defaults)
    if missing := [lacking.get(name, name) for name in sorted(needed) if name not in names]:
        raise BadFile(
            _(
                "the first line lacks the columns %(columns)s, and --default states nothing for "
                "them; it has %(has)s",
                columns=", ".join(missing),
                has=", ".join(table.header)[:500],
            )
        )
    double = [
        name for name, count in Counter(folded).items() if count > 1 and name in _folded(names)
    ]
    if double:
        raise BadFile(_("the first line has columns twice: %(columns)s", columns=", ".join(double)))
    return Layout(columns, defaults, names, frozenset(names.values()), all_left)


def _unstated(names: Mapping[str, str], defaults: Defaults) -> set[str]:
    """Return what a confirmed row needs that has neither a column nor a default."""
    stated = defaults.model_dump(exclude_unset=True)
    wanted = {"language", "topics", "consent_version", "source_address"}
    lacking = {name for name in wanted if name not in names and not stated.get(name)}
    if stated.get("source_address") is not None:
        lacking.discard("source_address")
    if "consent_version" not in names:
        texts = ("consent_text", "consent_sha256")
        ours = stated.get("consent_version") in service.wordings.all
        if not (ours or any(name in names or stated.get(name) for name in texts)):
            lacking.add("consent_text")
    return lacking


def _names(table: Table, columns: Columns) -> tuple[dict[str, str], dict[str, str]]:
    """Return the file's name of each column that it has, and of the others what they may be."""
    has = {name.casefold(): name for name in reversed(table.header) if name}
    wanted: dict[str, tuple[str, ...]] = {
        name: getattr(columns, name) for name in (*REQUIRED, *OPTIONAL, "ended_at")
    }
    wanted |= {name: (name,) for name in (*columns.confirmed_if, *columns.withdrawn_if)}
    found, lacking = {}, {}
    for name, choices in wanted.items():
        there = [has[each.casefold()] for each in choices if each.casefold() in has]
        if there:
            found[name] = there[0]
        elif choices:
            lacking[name] = " / ".join(choices)
    return found, lacking


def _folded(names: Mapping[str, str]) -> set[str]:
    return {name.casefold() for name in names.values()}


def _own(folded: Sequence[str]) -> Columns:
    unknown = [name for name in folded if name and name not in _OURS]
    if unknown:
        raise BadFile(
            _(
                "the first line has unknown columns: %(columns)s; which are ours is said by "
                "--from or --map",
                columns=", ".join(unknown),
            )
        )
    return Columns.model_validate({name: name for name in _OURS})


def _holds(text: str, wanted: Values) -> bool:
    text = trimmed(text)
    if isinstance(wanted, str):
        but = wanted.removeprefix("not empty").removeprefix(" and not ")
        return not times.is_none(text) and text != but
    return text.casefold() in {each.casefold() for each in wanted}


@cache
def vendors() -> tuple[str, ...]:
    """Return the names that `--from` takes."""
    return tuple(tomllib.loads(_VENDORS.read_text()))


def vendor(name: str) -> tuple[Columns, Defaults]:
    """Return the mapping of a vendor, and what holds for all of its rows."""
    known = tomllib.loads(_VENDORS.read_text())[name]
    return Columns(**known["mapping"]), Defaults(**known["defaults"])


def read(path: Path) -> tuple[Columns | None, Defaults]:
    """Read a mapping of one's own: TOML, or JSON where the name ends so. Raises BadFile.

    It has the mapping's fields at its top, or the tables `mapping` and `defaults`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        known: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        defaults = Defaults(**known.pop("defaults", {}))
        fields = known.pop("mapping") if "mapping" in known else known
        return (Columns(**fields) if fields else None), defaults
    except (ValueError, TypeError, AttributeError) as error:
        raise BadFile(_("%(file)s: %(error)s", file=path, error=_short(error))) from None


def stated(given: Sequence[str]) -> Defaults:
    """Read defaults such as `language=de`. Raises BadFile."""
    fields: dict[str, Any] = dict(each.partition("=")[::2] for each in given)
    if "topics" in fields:
        fields["topics"] = tuple(filter(None, map(str.strip, fields["topics"].split(","))))
    if fields.get("consent_text", "").startswith("@"):
        fields["consent_text"] = Path(fields["consent_text"][1:]).read_text(encoding="utf-8-sig")
    try:
        return Defaults(**fields)
    except ValidationError as error:
        raise BadFile(f"--default {_short(error)}") from None


def _short(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())


def merged(*given: Defaults) -> Defaults:
    """Return the defaults of several sources, of which the last wins."""
    fields: dict[str, Any] = {}
    for each in given:
        fields |= each.model_dump(exclude_unset=True)
    return Defaults(**fields)
