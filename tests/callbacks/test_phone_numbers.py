"""Which telephone numbers are called back, how they are read, and why others are not called."""

import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks.phone_numbers import Number
from chalicelib.errors import Invalid
from tests import cases
from tests.cases import PhoneCase
from tests.scale import Scale

OWN = "+4979302699"
REGIONS = ("DE", "AT", "CH")
CASES = list(cases.phones())


def read(written: str, regions: tuple[str, ...] = REGIONS) -> Number | str:
    """Return how a text is read, or the code of the refusal."""
    try:
        return phone_numbers.read(written, regions, OWN)
    except Invalid as refused:
        (error,) = refused.fields
        assert error.field == "phone"
        return error.code


def test_the_tables_are_whole() -> None:
    assert len({each.id for each in CASES}) == len(CASES) == 175


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_people_type_is_read_as_the_tables_say(case: PhoneCase) -> None:
    found = read(case.typed, tuple(case.regions.split(",")))
    if isinstance(found, Number):
        found = f"{found.e164} x{found.extension}" if found.extension else found.e164
    assert case.fits(found), f"{found}: {case.why}"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "phone"),
        ("07930 2698 oder 2697", "phone_letters"),
        ("07930 2698 / 2697", "phone_two"),
        ("07930 2698\n07930 2697", "phone_two"),
        ("07930 2698 +49 7930 2697", "phone_two"),
        ("+ +49 7930 2698", "phone"),
        ("0171 123456", "phone_country"),
        ("7930 2698", "phone_country"),
        ("49 171 392002", "phone_country"),
        ("+49 7", "phone"),
        ("+999 1234567", "phone"),
        ("+49 116 117", "phone_kind"),
        ("112", "phone_kind"),
    ],
)
def test_a_refusal_says_what_is_wrong(written: str, code: str) -> None:
    assert read(written) == code


def test_how_a_number_is_shown_and_dialled() -> None:
    assert phone_numbers.display(OWN) == "+49 7930 2699"
    plain, extended = Number("+4979302001"), Number("+4979302001", "12")
    assert (plain.shown("de"), plain.uri) == ("+49 7930 2001", "tel:+4979302001")
    assert extended.shown("de") == "+49 7930 2001, Durchwahl 12"
    assert extended.shown("en") == "+49 7930 2001, extension 12"
    assert extended.uri == "tel:+4979302001;ext=12"
    assert read(extended.uri) == extended
    assert read(extended.shown("de")) == read(extended.shown("en")) == extended


def test_the_words_for_an_extension_are_those_of_the_companys_languages() -> None:
    for word in ("ext", "Extension", "x", "DW", "Durchwahl", "App.", "Nebenstelle:", "KLAPPE"):
        assert read(f"07930 2001 {word} 12") == Number("+4979302001", "12"), word
    for word in ("Zimmer", "Haus", "Fax", "poste"):
        assert read(f"07930 2001 {word} 12") == "phone_letters", word


# What stands before the digits, the digits themselves, what stands between and behind them.
# fmt: off
PREFIXES = [
    "0", "+49", "0049", "+49 (0)", "(0)", "49", "", "00", "+", "43", "+43", "0043 0", "+41", "41 0",
    "+44", "1", "+1", "00 1", "+423", "+0049", "049", "+49 49", "tel:+49-", "tel:", "Tel. 0",
]
CORES = [
    "1713920012", "17639200123", "3023125123", "79302001", "71123456", "931112", "4971234", "9119",
    "15885812345", "6641234567", "446681800", "791234567", "158858", "42681212", "8001234567",
    "4917139200", "49179302001", "3020794609", "2025550143", "32123456789", "720123456",
]
SIGNS = [
    *" -/.(),\t;+\n0O", "", "", " ", " / ", " - ", " 0", " 00",
    "\u00a0", "\u2013", "\u200b", "\u00b2", "\u0661", "\uff12",
]
ENDS = [
    "", "", "", "", "-0", " DW 12", " ext. 7", "x3", ";ext=20", " Apparat", " / 2",
    " 0171 3920012", " privat", ",", " (Eva)", "\u00bd", "#",
]
# fmt: on


@st.composite
def typed(draw: st.DrawFn) -> str:
    """Return a number as people type it, and mistype it."""
    core = draw(st.sampled_from(CORES) | st.text("0123456789", min_size=2, max_size=12))
    for sign in draw(st.lists(st.sampled_from(SIGNS), max_size=4)):
        at = draw(st.integers(0, len(core)))
        core = core[:at] + sign + core[at:]
    return draw(st.sampled_from(PREFIXES)) + core + draw(st.sampled_from(ENDS))


TYPED = typed() | typed() | typed() | st.text(max_size=30)


def digits_of(written: str) -> str:
    """Return the digits that a person typed, in their order."""
    return "".join(str(unicodedata.decimal(each)) for each in written if each.isdecimal())


def was_typed(written: str, number: Number, home: str = "49") -> bool:
    """Tell whether a number is what was typed.

    Only the home country's code may be added; only the zeros before a country code or an area code
    left out.
    """
    found = re.fullmatch(r"\+(49|43|41)([1-9]\d+)", number.e164)
    if not found:
        return False
    code, national = found.groups()
    prefixes = rf"(?:00)?{code}0?" + ("|0?" if code == home else "")
    spellings = rf"(?:{prefixes}){national}{number.extension}"
    return re.fullmatch(spellings, digits_of(written)) is not None


def test_a_number_that_nobody_typed_would_be_seen() -> None:
    for e164 in ("+49171392001", "+4901713920012", "+431713920012", "+4917139200122"):
        assert not was_typed("0171 3920012", Number(e164))
    assert not was_typed("0171 3920012 (Eva)", Number("+491713920012382"))
    assert not was_typed("0171 3920012", Number("+491713920012", "1"))
    assert was_typed("+49 (0)171 3920012 x1", Number("+491713920012", "1"))


def test_no_number_is_dialled_that_nobody_typed(scale: Scale) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=scale(5_000), database=None)
    @given(TYPED, st.sampled_from([REGIONS, ("DE",), ("AT", "DE")]))
    @example("070 123 45 67 (Axel)", REGIONS)
    @example("00 0049 171 3920012", REGIONS)
    def check(written: str, regions: tuple[str, ...]) -> None:
        found = read(written, regions)
        if isinstance(found, Number):
            seen["accepted"] += 1
            typed_so = was_typed(written, found, "43" if regions[0] == "AT" else "49")
            seen["nobody typed"] += not typed_so
            assert typed_so, f"{written!r} is read as {found}"
            assert phone_numbers.read(found.uri, regions, OWN) == found
        else:
            seen["refused"] += 1

    check()
    assert seen["accepted"] > 20
    print(
        f"\nnumbers: {seen['accepted']} texts read, {seen['refused']} refused, "
        f"numbers dialled that nobody typed: {seen['nobody typed']}"
    )


MOBILES = st.from_regex(r"0(15[127]|16[023]|17[0-9])[0-9]{7}", fullmatch=True)


@given(MOBILES, st.data())
def test_a_mistyped_national_number_never_becomes_a_foreign_one(
    number: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(number) - 1))
    mistyped = (
        number[:at] + data.draw(st.sampled_from(["", "0", "1", "43", "41"])) + number[at + 1 :]
    )
    found = read(mistyped)
    assert isinstance(found, str) or found.e164.startswith("+49")
