"""Telephone numbers as people type them, and those that we call back.

The library `phonenumbers` knows the numbering plans, but reads whatever it can: letters as digits,
two numbers as one. So this module takes a text apart by itself, and asks the library only whether
the digits that were typed, in their order, are a number. Where two numbers could be meant, it
refuses and says what is missing. The public answer shows how a number was read.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from chalicelib import company, texts
from chalicelib.errors import FieldError, Invalid
from chalicelib.texts import N_

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# The words, and their abbreviations, that people write before an extension, divided by blanks.
_EXTENSION_WORDS = N_("ext extn extension x")
_LONGEST = 15  # digits of a number with its country code (ITU-T E.164)
_LONGEST_EXTENSION = 8
_NUMBER = r"[ (\[]*\+?[0-9 ()\[\]/\\.,;|&-]*"
_APART = r"[/\\,;|&(\[]"  # what may divide two numbers
# What a landline's number is not, behind an area code or alone: 110 and 112 reach the emergency
# services whatever follows; the others are lines of authorities, doctors, ambulances, directories.
_SERVICE = r"11[02]\d*|1\d\d|116\d{3}|118\d{2,3}|19\d{3}"


@dataclass(frozen=True)
class Number:
    """A number as E.164, and an extension dialled after it."""

    e164: str
    extension: str = ""

    @property
    def uri(self) -> str:
        """The address that a telephone dials: `tel:+4979302001;ext=12` (RFC 3966)."""
        return f"tel:{self.e164};ext={self.extension}" if self.extension else f"tel:{self.e164}"

    def shown(self, language: str) -> str:
        """Write the number as people do, with its extension: `+49 7930 2001, extension 12`."""
        number = display(self.e164)
        if not self.extension:
            return number
        said = texts.of(language).gettext(N_("%(number)s, extension %(extension)s"))
        return said % {"number": number, "extension": self.extension}


def display(e164: str) -> str:
    """Write a number as people do: `+49 7930 2699`."""
    import phonenumbers

    return phonenumbers.format_number(
        phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )


def read(written: str, regions: tuple[str, ...], own: str) -> Number:
    """Read a number as it was typed; without a country code it is one of the first region.

    The digits of the result are those that were typed; at most a country code is added, and a
    trunk prefix (the 0 of an area code) or an international one left out.

    Raises Invalid: `phone` for no number, `phone_letters` for words, `phone_two` for more than one,
    `phone_country` where a prefix is missing to tell which it is, `phone_region` for one outside
    the regions, `phone_kind` for neither a landline nor a mobile, `phone_own` for ours.
    """
    main, extension = _divided(_plain(written))
    if re.search("[^\\W\\d_]", main):
        _refuse("phone_letters")
    if not re.search(r"\d", main):
        _refuse("phone")
    if not re.fullmatch(_NUMBER, main):
        _refuse("phone_two" if re.search(r"[1-9].*\+", main) else "phone")
    if any(_ends(main, at, then, regions) for at, then in _gaps(main)):
        _refuse("phone_two")
    return Number(_e164(main, regions, own), extension)


def _refuse(code: str) -> NoReturn:
    raise Invalid(FieldError("phone", code))


def _plain(written: str) -> str:
    """Return the text in small ASCII letters, digits and signs, as far as there are such.

    What shows nothing is left out, every white space is a blank, every dash a hyphen.
    """
    plain = []
    for each in written:
        kind = unicodedata.category(each)
        if kind == "Nd":
            plain.append(str(unicodedata.decimal(each)))
        elif each in "\n\r\u2028\u2029":
            plain.append(";")
        elif each.isspace():
            plain.append(" ")
        elif kind == "Pd" or each == "\u2212":
            plain.append("-")
        elif kind != "Cf":
            same = unicodedata.normalize("NFKC", each)
            if re.search(r"\d", same):  # such as a half, or the 2 of a square
                _refuse("phone")
            plain.append(same.lower())
    return "".join(plain).strip(" '\"`.,;:/-")


def _divided(text: str) -> tuple[str, str]:
    """Return what stands before an extension, and the extension's digits."""
    main = re.sub(r"^tel\b[.:]*", "", text).strip()
    found = re.fullmatch(
        rf"(.*\d[ )\]]*)[ ,;/([-]*(?:{_extension_words()})[ .:=-]*"
        rf"(\d{{1,{_LONGEST_EXTENSION}}})[ )\]]*",
        main,
    )
    return (found[1].strip(), found[2]) if found else (main, "")


def _extension_words() -> str:
    spoken = (texts.SOURCE, *company.current().languages)
    words = {word for each in spoken for word in texts.of(each).gettext(_EXTENSION_WORDS).split()}
    return "|".join(sorted(map(re.escape, map(str.lower, words)), key=len, reverse=True))


def _gaps(main: str) -> Iterator[tuple[int, int]]:
    """Yield where a group of digits ends and where the next one begins."""
    for found in re.finditer(r"(?<=\d)[^\d+]+(?=[\d+])", main):
        yield found.span()


def _ends(main: str, at: int, then: int, regions: tuple[str, ...]) -> bool:
    """Tell whether a whole number ends at a gap, so that what follows is another one.

    Behind a sign that divides, whatever follows is another one or another end; behind a blank or a
    hyphen only what is a whole number as well. A hyphen between blanks divides as well, unless a
    shorter group follows: the end of a direct dial.
    """
    apart = re.search(_APART, main[at:then]) is not None
    if main[at:then] == " - ":
        last, following = re.findall(r"\d+", main[:at])[-1], re.findall(r"\d+", main[then:])[0]
        apart = len(following) >= len(last)
    if not apart and main[then] not in "0+":
        return False
    return _is_whole(main[:at], regions) and (apart or _is_whole(main[then:], regions))


def _is_whole(part: str, regions: tuple[str, ...]) -> bool:
    try:
        _parsed(part, regions)
    except Invalid:
        return False
    return True


def _e164(main: str, regions: tuple[str, ...], own: str) -> str:
    """Return the number that is called for what was typed. Raises Invalid."""
    import phonenumbers
    from phonenumbers import PhoneNumberType

    digits = re.sub(r"\D", "", main)
    if re.fullmatch(_SERVICE, digits):
        _refuse("phone_kind")
    parsed = _parsed(main, regions)
    kind = phonenumbers.number_type(parsed)
    if phonenumbers.region_code_for_number(parsed) not in regions:
        _refuse("phone_region")
    if kind not in (
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    ):
        _refuse("phone_kind")
    national = phonenumbers.national_significant_number(parsed)
    area = phonenumbers.length_of_geographical_area_code(parsed)
    if re.fullmatch(_SERVICE, national) or (area and re.fullmatch(_SERVICE, national[area:])):
        _refuse("phone_kind")
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if e164 == own:
        _refuse("phone_own")
    return e164


def _parsed(main: str, regions: tuple[str, ...]) -> "PhoneNumber":
    """Return the number that the digits are, as the library has it. Raises Invalid."""
    from phonenumbers import PhoneMetadata, country_code_for_region

    home = regions[0]
    plan = PhoneMetadata.metadata_for_region(home)
    trunk, code = (plan and plan.national_prefix) or "", str(country_code_for_region(home))
    digits = re.sub(r"\D", "", main)
    abroad = re.match((plan and plan.international_prefix) or "$", digits)
    if "+" in main:
        return _abroad(digits.removeprefix("00"), regions, "phone")
    if abroad:
        return _abroad(digits[abroad.end() :], regions, "phone")
    if trunk and digits.startswith(trunk):
        return _at_home(main, digits, trunk, regions)
    if trunk and digits.startswith(code):
        # The home country's code without its plus. Never an area code that begins alike.
        return _abroad(digits, regions, "phone_country")
    # Without the trunk prefix, as a spreadsheet leaves it. A landline's number may lack its area
    # code as well, or be a foreign one without its plus.
    found = _as_typed(digits, home, {code + digits})
    if found and (not trunk or _is_mobile(found)):
        return found
    _refuse("phone_country")


def _abroad(digits: str, regions: tuple[str, ...], otherwise: str) -> "PhoneNumber":
    """Read digits that begin with a country code; `otherwise` is the code where they do not."""
    from phonenumbers import PhoneMetadata, country_code_for_region, region_code_for_country_code

    starts = (digits[:length] for length in (1, 2, 3) if len(digits) > length)
    known = ((each, region_code_for_country_code(int(each))) for each in starts)
    code, region = next((each for each in known if each[1] != "ZZ"), ("", ""))
    if not code:
        _refuse(otherwise)
    if int(code) not in map(country_code_for_region, regions):
        _refuse("phone_region")
    plan = PhoneMetadata.metadata_for_region(region)
    trunk = (plan and plan.national_prefix) or ""
    bare = digits[len(code) :].removeprefix(trunk)
    found = _as_typed(f"+{digits}", regions[0], {digits, code + bare})
    if re.fullmatch(_SERVICE, bare):
        _refuse("phone_kind")
    if found is None:
        _refuse(otherwise)
    if _is_doubled(code, bare):
        _refuse("phone_country")
    return found


def _at_home(main: str, digits: str, trunk: str, regions: tuple[str, ...]) -> "PhoneNumber":
    """Read digits that begin with the home country's trunk prefix."""
    from phonenumbers import country_code_for_region, length_of_national_destination_code

    code, bare = str(country_code_for_region(regions[0])), digits.removeprefix(trunk)
    found = _as_typed(digits, regions[0], {code + bare})
    if found is None:
        codes = {each: f"{country_code_for_region(each)}{bare}" for each in regions[1:]}
        elsewhere = any(_as_typed(digits, each, {spelled}) for each, spelled in codes.items())
        _refuse("phone_country" if elsewhere else "phone")
    # One digit that stands alone as an area code, as of Vienna. In pairs it says nothing.
    alone = re.match(rf"\D*{trunk}\D*\d\D+\d{{3}}", main)
    if _is_doubled(code, bare) or (alone and length_of_national_destination_code(found) > 1):
        _refuse("phone_country")
    return found


def _as_typed(text: str, region: str, spelled: set[str]) -> "PhoneNumber | None":
    """Return the valid number that the library reads, if its digits are among the spelled ones."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    digits = f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
    fits = digits in spelled and len(digits) <= _LONGEST
    return parsed if fits and phonenumbers.is_valid_number(parsed) else None


def _is_doubled(code: str, bare: str) -> bool:
    """Tell whether a mobile number stands behind a second country code or a misspelt one."""
    if not bare.startswith(code):
        return False
    found = _as_typed(f"+{bare}", "ZZ", {bare})
    return found is not None and _is_mobile(found)


def _is_mobile(parsed: "PhoneNumber") -> bool:
    import phonenumbers

    kind, kinds = phonenumbers.number_type(parsed), phonenumbers.PhoneNumberType
    return kind in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE)
