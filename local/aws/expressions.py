"""What an expression of DynamoDB's names.

Source: DynamoDB's developer guide, "Reserved words in DynamoDB" and the pages on expressions.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from ministack.services._dynamodb_keywords import AWS_KEYWORDS

RESERVED: frozenset[str] = AWS_KEYWORDS  # AWS's list of 573 words, in capitals
SLOTS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)

_TOKEN = re.compile(r"[#:]?[A-Za-z_0-9]+")
_CALLS = re.compile(r"\b[a-z_]+(?=\s*\()")  # functions are written in small letters
_OPERATORS = {"AND", "OR", "NOT", "BETWEEN", "IN"}
_CLAUSES = re.compile(r"(?:^|(?<=[\s,]))(?:SET|REMOVE|ADD|DELETE)(?=\s)", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """The placeholders `#…` and `:…` of an expression, and a reserved word it has as a name."""

    names: frozenset[str]
    values: frozenset[str]
    reserved: str | None


@lru_cache(maxsize=4096)
def named(slot: str, expression: str) -> Named:
    """Return what an expression names; `slot` is the parameter that has it."""
    text = _CALLS.sub(" ", expression)
    if slot == "UpdateExpression":
        text = _CLAUSES.sub(" ", text)
    tokens = _TOKEN.findall(text)
    operators = set() if slot == "ProjectionExpression" else _OPERATORS
    words = (each for each in tokens if each[0] not in "#:" and each.upper() not in operators)
    return Named(
        frozenset(each for each in tokens if each[0] == "#"),
        frozenset(each for each in tokens if each[0] == ":"),
        next((each for each in words if each.upper() in RESERVED), None),
    )
