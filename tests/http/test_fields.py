"""The types of the contract's fields, where a table of examples does not suffice."""

import sys
import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from chalicelib.http import fields

LINE: TypeAdapter[str] = TypeAdapter(fields.Line)


def test_every_control_character_and_line_break_is_refused_and_nothing_else() -> None:
    refused = set()
    for at in range(sys.maxunicode + 1):
        if 0xD800 <= at < 0xE000:
            # The body's parser refuses lone surrogates before a field sees them.
            continue
        try:
            LINE.validate_python(f"a{chr(at)}b")
        except ValidationError:
            refused.add(at)
    assert refused == {
        at
        for at in range(sys.maxunicode + 1)
        if unicodedata.category(chr(at)) in ("Cc", "Zl", "Zp")
    }


@pytest.mark.parametrize("text", ["\n", "a\n", "\u2028a"])
def test_also_at_the_ends_which_are_trimmed(text: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(text)
