"""Regular expressions that come with the package are those that `re` would compile."""

import re
from typing import Any

import pytest

from chalicelib import patterns

TRICKY = [
    ("", 0),
    ("a|b", re.I),
    (r"(?P<year>\d{4})-(?P<month>\d\d)|(x)?(?(3)y|z)", 0),
    (r"(?i:ä)[^\W\d_]+?(?=é)(?<!k)\Z", re.M | re.S),
    (r"(?x) a  # a comment", 0),
    (r"[\u0100-\U0010ffff]{2,}", re.A),
    (rb"(GLIBC_([0-9.]+))|\x00\xff", 0),
    (r"(?>a+)b*+", 0),
]


@pytest.mark.parametrize(("text", "flags"), TRICKY)
def test_a_pattern_is_what_re_would_make(text: Any, flags: int) -> None:
    wanted = re.compile(text, flags)
    (row,) = patterns.rows([(type(text), text, int(flags))])
    made = patterns.pattern(eval(repr(row)))  # noqa: S307  as it stands in the module
    assert made == wanted  # by flags, text and code
    assert (made.groupindex, made.groups) == (wanted.groupindex, wanted.groups)
