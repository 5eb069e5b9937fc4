"""The types of the contract's fields, where a table of examples does not suffice."""

import sys
import unicodedata
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chalicelib.http import bodies, fields
from tests import cases
from tests.cases import TextCase

LINE: TypeAdapter[str] = TypeAdapter(fields.Line)
TYPED: dict[str, TypeAdapter[str]] = {
    "name": TypeAdapter(fields.Name),
    "note": TypeAdapter(fields.Note),
}
CASES = [each for each in cases.names_and_notes() if "\0" not in each.typed]  # no body has a NUL
# The codes of ours for what pydantic finds.
CODES = {"string_too_short": "required", "string_too_long": "too_long"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_names_and_notes_are_kept_as_the_tables_say(case: TextCase) -> None:
    try:
        kept = TYPED[case.field].validate_python(case.typed)
    except ValidationError as refused:
        (error,) = refused.errors()
        assert case.may_be_refused(CODES.get(error["type"], error["type"])), error
    else:
        assert case.fits(kept), repr(kept)


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


def invisible() -> set[str]:
    """Return what shows nothing, by Unicode: Cc, Cf and White_Space, which `isspace` is but for it.

    U+001C to U+001F are space to Python alone; they are of Cc.
    """
    every = map(chr, range(sys.maxunicode + 1))
    return {each for each in every if unicodedata.category(each) in ("Cc", "Cf") or each.isspace()}


@pytest.mark.parametrize(
    "kind", [fields.Line, fields.Name, fields.Note, fields.PageUrl, fields.Version]
)
def test_what_shows_nothing_is_removed_at_the_ends(kind: Any) -> None:
    of_kind = TypeAdapter(kind)
    for each in invisible():
        assert of_kind.validate_python(f"{each}Eva{each}") == "Eva"
        assert bodies.trimmed(f"Eva{each}") == "Eva"
    assert bodies.trimmed("  \t\u200b\ufeff\xad\r\n") == ""
    assert bodies.trimmed(f"{bodies.BLANK}Eva{bodies.BLANK}") == "Eva"


def test_what_shows_nothing_is_removed_inside_what_people_type() -> None:
    turning = {chr(at) for at in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}
    for each in invisible():
        category = unicodedata.category(each)
        for field, adapter in TYPED.items():
            try:
                kept = adapter.validate_python(f"Eva{each}Muster")
            except ValidationError:
                assert category in ("Cc", "Zl", "Zp"), repr(each)
                continue
            shown = {"Cf": "EvaMuster", "Zs": "Eva Muster"}
            lines = f"Eva{each}Muster" if each in "\n\t" else "Eva\nMuster"
            line = "Eva Muster" if each == "\t" else ""
            assert kept == shown.get(category, lines if field == "note" else line), repr(each)
            assert not set(kept) & turning


@given(st.text(max_size=40))
def test_what_is_kept_stays_the_same(text: str) -> None:
    for adapter in TYPED.values():
        try:
            kept = adapter.validate_python(text)
        except ValidationError:
            continue
        assert adapter.validate_python(kept) == kept
        assert unicodedata.is_normalized("NFC", kept)
        assert kept == bodies.trimmed(kept)


def test_a_text_is_trimmed_before_it_is_measured() -> None:
    name = TypeAdapter(fields.Name)
    assert name.validate_python("\u200b" * 200 + "ä" * 100 + " " * 200) == "ä" * 100
    with pytest.raises(ValidationError) as told:
        name.validate_python("\u2060\ufeff ")
    assert told.value.errors()[0]["type"] == "string_too_short"
    address = TypeAdapter(fields.Email)
    assert address.validate_python(" " * 300 + "eva@example.org") == "eva@example.org"


@pytest.mark.parametrize("body", ['{"a": " x\u200b ", "b": ["\\u00a0y"], "c": {"d": "z\\n"}}'])
def test_every_text_of_a_body_is_trimmed(body: str) -> None:
    assert bodies.read(body, False, bodies.JSON) == {"a": "x", "b": ["y"], "c": {"d": "z"}}


def test_a_form_sends_no_field_of_blanks_alone() -> None:
    assert bodies.read("a=+&b=%E2%80%8B&c=+x%0D%0A", False, bodies.FORM) == {"c": "x"}


INSTANT: TypeAdapter[datetime] = TypeAdapter(fields.Instant)
DAY: TypeAdapter[date] = TypeAdapter(fields.Day)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2000-01-01T00:00:00Z", ""),
        ("2100-12-31T23:59:59Z", ""),
        ("2026-11-23T09:00:00+14:00", ""),
        ("2026-11-23T09:00:00-12:00", ""),
        ("1999-12-31T23:59:59Z", "range"),
        ("2101-01-01T00:00:00Z", "range"),
        ("2000-01-01T00:30:00+01:00", "range"),
        ("2100-12-31T23:30:00-01:00", "range"),
        ("0001-01-01T00:00:00+14:00", "range"),
        ("9999-12-31T23:59:59-12:00", "range"),
        ("2026-11-23T09:00:00+23:59", "range"),
        ("2026-11-23T09:00:00-12:01", "range"),
        ("2026-11-23T09:00:00", "timezone_aware"),
        ("2026-06-30T23:59:60Z", "datetime_from_date_parsing"),
        ("2026-02-30T09:00:00Z", "datetime_from_date_parsing"),
        ("2026-11-23T09:00:00+24:00", "datetime_from_date_parsing"),
        ("10000-01-01T00:00:00Z", "datetime_from_date_parsing"),
        ("1e308", "type"),
        ("", "type"),
    ],
)
def test_an_instant_lies_between_2000_and_2100(written: str, code: str) -> None:
    assert refused(INSTANT, written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2000-01-01", ""),
        ("2100-12-31", ""),
        ("1999-12-31", "range"),
        ("2101-01-01", "range"),
        ("0001-01-01", "range"),
        ("9999-12-31", "range"),
        ("2027-02-29", "date_from_datetime_parsing"),
    ],
)
def test_a_day_lies_between_2000_and_2100(written: str, code: str) -> None:
    assert refused(DAY, written) == code


def refused(kind: TypeAdapter[Any], written: str) -> str:
    """Return by which code a text is refused; empty if it is not."""
    try:
        kind.validate_python(written)
    except ValidationError as error:
        return error.errors()[0]["type"]
    return ""
