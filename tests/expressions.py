"""DynamoDB's expressions, as far as the simulations meet them.

Any other expression raises Unknown, so that none passes unchecked.
"""

import base64
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Item = dict[str, Any]  # in wire format: {"views": {"N": "3"}}
Values = Mapping[str, Any]
Names = Mapping[str, str]
Test = Callable[[Item, Values, Names], bool]

_EXISTS = re.compile(r"attribute_exists\(([#\w]+)\)")
_MISSING = re.compile(r"attribute_not_exists\(([#\w]+)\)")
_BEGINS = re.compile(r"begins_with\(([#\w]+), (:\w+)\)")
_BETWEEN = re.compile(r"([#\w]+) BETWEEN (:\w+) AND (:\w+)")
_COMPARED = re.compile(r"([#\w]+) (=|<=|<) (:\w+)")
_SECTIONS = re.compile(r"\b(SET|ADD|REMOVE)\b")
_ASSIGNED = re.compile(r"([#\w]+) = (:\w+)")
_KEPT = re.compile(r"([#\w]+) = if_not_exists\(([#\w]+), (:\w+)\)")
_ADDED = re.compile(r"([#\w]+) (:\w+)")


class Unknown(NotImplementedError):
    """The simulation does not know this expression yet: teach it here."""


def holds(expression: str, item: Item, values: Values, names: Names) -> bool:
    """Tell whether a condition, filter or key condition holds for an item."""
    return all(test(item, values, names) for test in _tests(expression))


def updated(expression: str, item: Item, values: Values, names: Names) -> Item:
    """Return an item after an update. Right-hand sides are read from the item as it was."""
    after = dict(item)
    for section, clause in _clauses(expression):
        if section == "ADD":
            name, value = _parts(_ADDED, clause)
            own = _own(name, names)
            after[own] = {"N": str(plain(item.get(own, {"N": "0"})) + plain(values[value]))}
        elif section == "REMOVE":
            after.pop(_own(clause, names), None)
        elif kept := _KEPT.fullmatch(clause):
            name, source, value = kept.groups()
            after[_own(name, names)] = item.get(_own(source, names), values[value])
        else:
            name, value = _parts(_ASSIGNED, clause)
            after[_own(name, names)] = values[value]
    return after


def as_given(value: Item) -> Item:
    """Return an object of a request's JSON as the client was given it: bytes are no text."""
    binary = value.get("B") if len(value) == 1 else None
    return {"B": base64.b64decode(binary)} if isinstance(binary, str) else value


def plain(attribute: Mapping[str, Any]) -> Any:
    """Return the value by which an attribute is compared: a number's int, a text's str."""
    ((kind, value),) = attribute.items()
    if kind not in ("N", "S"):
        raise Unknown(f"comparison of {kind}")
    return int(value) if kind == "N" else value


def _own(name: str, names: Names) -> str:
    return names[name] if name.startswith("#") else name


def _parts(pattern: re.Pattern[str], clause: str) -> tuple[str, ...]:
    found = pattern.fullmatch(clause)
    if not found:
        raise Unknown(clause)
    return found.groups()


@lru_cache(maxsize=1024)
def _clauses(expression: str) -> list[tuple[str, str]]:
    start, *rest = _SECTIONS.split(expression)
    if start.strip() or not rest:
        raise Unknown(expression)
    sections = zip(rest[::2], rest[1::2], strict=True)
    return [
        (name, clause.strip())
        for name, text in sections
        for clause in re.split(r",(?![^(]*\))", text)
    ]


@lru_cache(maxsize=256)
def _tests(expression: str) -> list[Test]:
    whole = re.sub(_BETWEEN, lambda found: found[0].replace(" AND ", " & "), expression)
    return [_test(part.strip().replace(" & ", " AND ")) for part in whole.split(" AND ")]


def _test(text: str) -> Test:
    if found := _EXISTS.fullmatch(text):
        name = found[1]
        return lambda item, values, names: _own(name, names) in item
    if found := _MISSING.fullmatch(text):
        name = found[1]
        return lambda item, values, names: _own(name, names) not in item
    if found := _BEGINS.fullmatch(text):
        name, start = found.groups()
        return lambda item, values, names: _of(item, name, names, "").startswith(
            plain(values[start])
        )
    if found := _BETWEEN.fullmatch(text):
        name, low, high = found.groups()
        return lambda item, values, names: (
            _own(name, names) in item
            and bool(plain(values[low]) <= _of(item, name, names) <= plain(values[high]))
        )
    if found := _COMPARED.fullmatch(text):
        name, sign, value = found.groups()
        return lambda item, values, names: _compare(
            _of(item, name, names), sign, plain(values[value])
        )
    raise Unknown(text)


def _of(item: Item, name: str, names: Names, missing: Any = None) -> Any:
    own = _own(name, names)
    return plain(item[own]) if own in item else missing


def _compare(left: Any, sign: str, right: Any) -> bool:
    if left is None:
        return False
    return bool({"=": left == right, "<": left < right, "<=": left <= right}[sign])
