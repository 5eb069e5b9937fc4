"""Telephone numbers to call back: valid by libphonenumber's rules, and called by ours."""

from dataclasses import dataclass

from chalicelib.errors import FieldError, Invalid


@dataclass(frozen=True)
class Number:
    """A number as E.164, and an extension dialled after it."""

    e164: str
    extension: str = ""


def read(written: str, regions: tuple[str, ...], own: str) -> Number:
    """Read a number as it was typed; without a country code it is one of the first region.

    Raises Invalid: `phone` for no valid number, `phone_region` for one outside the regions,
    `phone_kind` for neither a landline nor a mobile, `phone_own` for our `own` (E.164).
    """
    import phonenumbers  # costly to import; only callbacks need it
    from phonenumbers import PhoneNumberType

    try:
        parsed = phonenumbers.parse(written, regions[0])
    except phonenumbers.NumberParseException as error:
        raise Invalid(FieldError("phone", "phone")) from error
    kind = phonenumbers.number_type(parsed)
    region = phonenumbers.region_code_for_number(parsed)
    if not phonenumbers.is_valid_number(parsed):
        raise Invalid(FieldError("phone", "phone"))
    if region not in regions:
        raise Invalid(FieldError("phone", "phone_region"))
    if kind not in (
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    ):
        raise Invalid(FieldError("phone", "phone_kind"))
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if e164 == own:
        raise Invalid(FieldError("phone", "phone_own"))
    return Number(e164, parsed.extension or "")


def display(e164: str) -> str:
    """Write a number as people do: `+49 7930 2699`."""
    import phonenumbers

    return phonenumbers.format_number(
        phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
