"""The types of the contract's fields. Each refuses with a code that `messages` explains."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Any

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
from chalicelib.http.bodies import is_plain, trimmed

_SLUG = re.compile(r"[a-z0-9._-]{1,200}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # Unicode's categories Cc, Zl and Zp
_URL = re.compile(
    r"://|www\.|\b[\w-]+\.(?:com|net|org|info|biz|de|tk|ru|cn|xyz|top|io|ly|link|click)\b", re.I
)


class Body(BaseModel):
    """A request's fields. Unknown ones are ignored: a plain form sends its button's name, too."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False, frozen=True)


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


def _no_url(text: str) -> str:
    if _URL.search(text):
        raise refusal("url")
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


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# A validator that stands after the constraints in this order comes before them: what a person
# types is trimmed before it is measured.
_ONE_LINE = BeforeValidator(_one_line)
Line = Annotated[str, _ONE_LINE]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100), _ONE_LINE, AfterValidator(_no_url)
]
Email = Annotated[str, StringConstraints(max_length=254), _ONE_LINE, AfterValidator(_email)]
OptionalEmail = Annotated[Email | None, BeforeValidator(_none_if_empty)]
Note = Annotated[str, StringConstraints(max_length=500), _ONE_LINE]
PageUrl = Annotated[str, StringConstraints(max_length=2000), _ONE_LINE]
Version = Annotated[str, StringConstraints(min_length=1, max_length=100), _ONE_LINE]
Honeypot = Annotated[
    str,
    _ONE_LINE,
    AfterValidator(_empty),
    Field(description="a trap for robots, hidden from people: stays empty, else 422"),
]
Slug = Annotated[str, AfterValidator(_slug)]
Instant = Annotated[AwareDatetime, AfterValidator(_instant)]  # between 2000 and 2100
Day = Annotated[date, AfterValidator(_day)]  # between 2000 and 2100
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
