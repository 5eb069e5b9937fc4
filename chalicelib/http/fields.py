"""The types of the contract's fields. Each refuses with a code that `messages` explains."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from chalicelib import company, instants
from chalicelib.http.bodies import BLANK, is_plain, trimmed

_SLUG = re.compile(r"[a-z0-9._-]{1,200}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # Unicode's categories Cc, Zl and Zp
# A name that is spelled like an internet address; only such as end alike, since after a full stop
# people also leave the blank out.
_DOMAIN = (
    r"\b\w[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|info|biz|eu|de|at|ch|tk|ru|cn|xyz|top|io|ly|cc|pw|icu"
    r"|link|click|shop|store|online|site|website|space|club|win|vip|bet|fun|app)\b"
)
_ADDRESS = (
    r"\w://|\b(?:https?|ftp|mailto|javascript|data):|\bwww\.|\b\w[\w-]*\.(?-i:[a-z]{2,})[/?#]\w"
)
# What a company's name may end with, after a domain.
_LEGAL_FORM = (
    r",?\s+(?:gmbh|g?ag|ug|kg(?:aa)?|ohg|gbr|mbh|se|e\.?\s?(?:k|u|g|v)|b\.?v|s\.?a(?:\.?r\.?l)?"
    r"|s\u00e0rl|ltd|inc|llc|limited|corp)\b"
)
# A title, or initials, without a blank before a name whose first part ends domains, too.
_PARTICLE = r"[A-Z]\w{1,3}\.de\s+(?:[^\Wa-z]|la\b|las\b|los\b|den\b|der\b)"
_IN_ADDRESSES = ".:\u3002\uff0e\uff1a\uff61\u2024\u2025\ufe52\ufe55"
_MARKUP = r"\[(?:url|link|img)\b|<a\s|\bhref\s*=|\]\(\s*(?:https?:|www\.)"
_LONGEST_TITLE = 200  # characters
# Joiners belong to the writing of some languages, and to emoji: after a letter that has no case, a
# mark or a sign.
_JOINERS, _JOINED = "\u200c\u200d", ("Lo", "Mn", "Mc", "So", "Sk")


class Body(BaseModel):
    """A request's fields. Unknown ones are ignored: a plain form sends its button's name, too."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False, frozen=True)
    mends: ClassVar[bool] = False  # whether what is no text in a field is mended, not refused


class Beacon(Body):
    """What a page says of itself while it counts: nothing that is said badly costs the count."""

    mends = True


def refusal(code: str) -> PydanticCustomError:
    """Return the error of a field that cannot be accepted, by its code."""
    return PydanticCustomError(code, code)


class OneOf:
    """Accept a text only if `names` returns it at the time of the request."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        """Check the text after the schema of its type."""
        return no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """List the names in the contract."""
        return {**handler(schema), "enum": list(self._names())}

    def _check(self, text: str) -> str:
        if text not in self._names():
            raise refusal("choice")
        return text


def default(value: Callable[[], Any]) -> Any:
    """Return a field that defaults to `value()` at the time of the request.

    The contract shows that default, too.
    """

    def show(schema: dict[str, Any]) -> None:
        schema["default"] = value()

    return Field(default_factory=value, json_schema_extra=show)


def default_language() -> Any:
    """Return a field that is the company's default language."""
    return default(lambda: company.current().language)


def _one_line(value: Any) -> Any:
    """Trim a text and refuse control characters inside; the type refuses what is no text.

    A request's fields come trimmed; those of a command or a file do not.
    """
    if not isinstance(value, str):
        return value
    text = trimmed(value)
    if not is_plain(text) and _CONTROL.search(text):
        raise refusal("control_characters")
    return text


def _typed_line(value: Any) -> Any:
    """Return what a person typed in one line as people see it; a tab inside is a blank."""
    if not isinstance(value, str):
        return value
    text = trimmed(value)
    return text if is_plain(text) else _one_line(_shown(text.replace("\t", " ")))


def _title(value: Any) -> Any:
    """Return a title as people see it, on one line and cut; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    text = value if is_plain(value) else _shown(_CONTROL.sub(" ", value))
    return " ".join(text.split())[:_LONGEST_TITLE].rstrip()


def _page_or_nothing(value: Any) -> Any:
    """Return an address that may be a page's; empty for what cannot be one."""
    if not isinstance(value, str) or len(value) > 2000:
        return ""
    return value if is_plain(value) or not _CONTROL.search(value) else ""


def _typed_lines(value: Any) -> Any:
    """Return what a person typed in several lines as people see it, with one end for a line."""
    if not isinstance(value, str):
        return value
    text = trimmed(value)
    if is_plain(text):
        return text
    text = _shown(re.sub("\r\n|[\r\u2028\u2029]", "\n", text))
    if _CONTROL.search(re.sub(r"[\n\t]", "", text)):
        raise refusal("control_characters")
    return text


def _shown(text: str) -> str:
    """Return a text without what does not show or turns its direction; empty if nothing shows.

    Each letter is one character with its accents, where there is such a one (NFC).
    """
    import unicodedata

    kept: list[str] = []
    before = ""
    for each in text:
        kind = unicodedata.category(each)
        if kind == "Cf" and not (each in _JOINERS and before in _JOINED):
            continue
        kept.append(" " if kind == "Zs" or each in BLANK else each)
        before = kind
    made = trimmed(unicodedata.normalize("NFC", "".join(kept)))
    return made if any(unicodedata.category(each)[0] not in "MZC" for each in made) else ""


def _no_url(text: str) -> str:
    """Refuse an internet address in a name.

    A bare domain may be the whole name, or a company's before its legal form.
    """
    if not any(each in text for each in _IN_ADDRESSES):
        return text
    import unicodedata

    plain = unicodedata.normalize("NFKC", text).replace("\u3002", ".")
    if re.search(_ADDRESS, plain, re.I):
        raise refusal("url")
    for found in re.finditer(_DOMAIN, plain, re.I):
        named = found[0] == plain or re.match(_LEGAL_FORM, plain[found.end() :], re.I)
        if not named and not re.match(_PARTICLE, plain[found.start() :]):
            raise refusal("url")
    return text


def _no_markup(text: str) -> str:
    """Refuse links in the markup of forums and pages, as programs send them."""
    if any(each in text for each in "[<=") and re.search(_MARKUP, text, re.I):
        raise refusal("markup")
    return text


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise refusal("slug")
    return text


def _email(text: str) -> str:
    # Costly to import; only some forms need it.
    from email_validator import EmailNotValidError, validate_email

    try:
        # `strict` is the limit of 64 octets before the @ (RFC 5321, section 4.5.3.1.1).
        found = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise refusal("email") from error
    if not found.local_part.isascii():
        raise refusal("email_local")
    return found.normalized


def _empty(text: str) -> str:
    if text:
        raise refusal("honeypot")
    return text


def _is_written(value: Any) -> Any:
    """Refuse a number, which would count as seconds or milliseconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and "-" in value[1:]):
        return value
    raise refusal("type")


def _instant(at: datetime) -> datetime:
    try:
        return instants.sent(at)
    except instants.OutOfRange as error:
        raise refusal("range") from error


def _day(day: date) -> date:
    try:
        return instants.sent_day(day)
    except instants.OutOfRange as error:
        raise refusal("range") from error


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _one_of_several(value: Any) -> Any:
    """Return the last of several values, as a query does; what is no text is an empty one."""
    last = value[-1] if isinstance(value, list) and value else value
    return last if isinstance(last, str) else ""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# A validator that stands after the constraints in this order comes before them: what a person
# types is trimmed before it is measured.
_ONE_LINE = BeforeValidator(_one_line)
Line = Annotated[str, _ONE_LINE]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    BeforeValidator(_typed_line),
    AfterValidator(_no_url),
]
Phone = Annotated[str, StringConstraints(min_length=1, max_length=50), BeforeValidator(_typed_line)]
Email = Annotated[str, StringConstraints(max_length=254), _ONE_LINE, AfterValidator(_email)]
OptionalEmail = Annotated[Email | None, BeforeValidator(_none_if_empty)]
Note = Annotated[
    str,
    StringConstraints(max_length=500),
    BeforeValidator(_typed_lines),
    AfterValidator(_no_markup),
]
PageUrl = Annotated[str, StringConstraints(max_length=2000), _ONE_LINE]
Title = Annotated[
    str,
    BeforeValidator(_title),
    Field(description="one line; cut at 200 characters, and cleaned"),
]
PageOrNothing = Annotated[
    str, BeforeValidator(_page_or_nothing), Field(description="dropped where it cannot be used")
]
Version = Annotated[str, StringConstraints(min_length=1, max_length=100), _ONE_LINE]
Honeypot = Annotated[
    str,
    _ONE_LINE,
    AfterValidator(_empty),
    Field(description="a trap for robots, hidden from people: stays empty, else 422"),
]
# The token of a mailed link: a missing one, or what is none, is a bad one and answered alike.
LinkToken = Annotated[str, BeforeValidator(_one_of_several)]
# The visit to a page of ours by which something was done, for its undo.
Visit = Annotated[str, StringConstraints(max_length=100), _ONE_LINE]
Slug = Annotated[str, AfterValidator(_slug)]
_WRITTEN = BeforeValidator(_is_written)
# Both lie between 2000 and 2100.
Instant = Annotated[AwareDatetime, _WRITTEN, AfterValidator(_instant)]
Day = Annotated[date, _WRITTEN, AfterValidator(_day)]
Language = Annotated[str, OneOf(lambda: company.current().languages)]
NewsletterTopic = Annotated[str, OneOf(lambda: company.current().newsletter_topics)]
CallbackTopic = Annotated[str, OneOf(lambda: company.current().callback_topics)]
ListOf = BeforeValidator(_as_list)


class InLanguage(Body):
    """The language of what is asked for."""

    language: Language = default_language()


class Declaration(BaseModel, title="ConsentDeclaration"):
    """The declaration of consent a form must show; `sha256` is over its UTF-8 text."""

    version: str
    language: str
    text: str
    sha256: str
    topics: list[str] = Field(description="those the declaration covers")
