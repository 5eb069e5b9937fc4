"""Which phone numbers are called back, and why others are not."""

import pytest

from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks.phone_numbers import Number
from chalicelib.errors import Invalid

OWN = "+4979302699"


def read(written: str) -> Number:
    return phone_numbers.read(written, ("DE", "AT", "CH"), OWN)


@pytest.mark.parametrize(
    ("written", "e164", "extension"),
    [
        ("07930 2000", "+4979302000", ""),
        ("+49 (0) 7930 / 2000", "+4979302000", ""),
        ("0049 7930 2000", "+4979302000", ""),
        ("0151 23456789", "+4915123456789", ""),
        ("+43 1 58858", "+43158858", ""),
        ("+41 44 668 18 00", "+41446681800", ""),
        ("07930 2000 ext. 12", "+4979302000", "12"),
    ],
)
def test_numbers_people_type(written: str, e164: str, extension: str) -> None:
    assert read(written) == Number(e164, extension)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("abc", "phone"),
        ("1", "phone"),
        ("110", "phone"),
        ("112", "phone"),
        ("+49 7", "phone"),
        ("07930 2000 2000 2000 2000", "phone"),
        ("+49 900 1234567", "phone_kind"),
        ("0180 5 123456", "phone_kind"),
        ("0700 12345678", "phone_kind"),
        ("0800 1234567", "phone_kind"),
        ("+53 5 1234567", "phone_region"),
        ("+1 202 555 0100", "phone_region"),
        ("+33 1 42 68 53 00", "phone_region"),
        ("+49 7930-2699", "phone_own"),
        ("07930 2699", "phone_own"),
    ],
)
def test_numbers_we_do_not_call(written: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(written)
    assert [error.code for error in refused.value.fields] == [code]


def test_display() -> None:
    assert phone_numbers.display(OWN) == "+49 7930 2699"
