"""The types of the contract's fields. Each refuses with a code that `messages` explains."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

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


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise refusal("control_characters")
    return text.strip()


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
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise refusal("email") from error


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[
    str,
    StringConstraints(max_length=100),
    AfterValidator(_one_line),
    AfterValidator(_no_url),
    StringConstraints(min_length=1),
]
Email = Annotated[
    str, StringConstraints(max_length=254), AfterValidator(_one_line), AfterValidator(_email)
]
OptionalEmail = Annotated[Email | None, BeforeValidator(_none_if_empty)]
Note = Annotated[Annotated[str, StringConstraints(max_length=500)], AfterValidator(_one_line)]
PageUrl = Annotated[Annotated[str, StringConstraints(max_length=2000)], AfterValidator(_one_line)]
Version = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=100)], AfterValidator(_one_line)
]
Honeypot = Annotated[Annotated[str, StringConstraints(max_length=2000)], AfterValidator(_one_line)]
Slug = Annotated[str, AfterValidator(_slug)]
Language = Literal["de", "en"]
ListOf = BeforeValidator(_as_list)


class InLanguage(Body):
    """The language of what is asked for."""

    language: Language = "de"


class Declaration(BaseModel, title="ConsentDeclaration"):
    """The declaration of consent a form must show; `sha256` is over its UTF-8 text."""

    version: str
    language: str
    text: str
    sha256: str
