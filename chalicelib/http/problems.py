"""Errors as `application/problem+json` (RFC 9457): the one error shape, for every status."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from chalicelib import company, errors
from chalicelib.errors import FieldError
from chalicelib.messages import CONSENTS, MESSAGES, consent, lost, message
from chalicelib.settings import current

# Our code for each type of pydantic's errors.
_CODES = {
    "missing": "required",
    "string_too_short": "required",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "too_short": "required",
    "literal_error": "choice",
    "enum": "choice",
    "greater_than_equal": "range",
    "less_than_equal": "range",
}


class FieldProblem(BaseModel):
    """One field that cannot be accepted."""

    field: str
    code: str = Field(description="stable identifier")
    message: str


class ProblemBody(BaseModel, title="Problem"):
    """The error shape."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="stable identifier of the whole problem")
    errors: list[FieldProblem] | None = None
    state: str | None = Field(default=None, description="with 409: the state that is in the way")
    reason: str | None = Field(
        default=None, description="with 409: what in this state is in the way, a stable identifier"
    )
    holder: str | None = Field(default=None, description="with 409 `held`: who has it")


class Problem(Exception):
    """An answer that is an error: its status, its code and what belongs to it."""

    def __init__(
        self,
        status: int,
        code: str,
        fields: Iterable[FieldError] = (),
        headers: dict[str, str] | None = None,
        conflict: errors.Conflict | None = None,
        detail: str = "",
        named: str = "",
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.fields = status, code, tuple(fields)
        self.headers, self.conflict = headers or {}, conflict
        self.detail, self.named = detail or code, named

    def sentence(self, language: str) -> str:
        """Return the one sentence that says most: of the first field, else of the whole."""
        body = self.body(language)
        return body.errors[0].message if body.errors else body.detail

    def body(self, language: str, path: str = "") -> ProblemBody:
        """Return the problem in the caller's language, for whoever called this path."""
        conflict, capability = self.conflict or errors.Conflict(""), path.strip("/").split("/")[0]
        values = {"named": self.named, "holder": conflict.holder}

        def said(error: FieldError) -> str:
            agreed = error.field != "consent" or error.code not in ("required", "consent")
            if not agreed and capability in CONSENTS:
                return consent(capability, language)
            if error.code == "token" and (where := lost_link(path)):
                return lost(where, language, way_back(where, language))
            return message(error.code, language, **values)

        wrong = [FieldProblem(field=e.field, code=e.code, message=said(e)) for e in self.fields]
        return ProblemBody(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=said(FieldError("", conflict.reason or self.detail)),
            code=self.code,
            errors=wrong or None,
            state=conflict.state or None,
            reason=conflict.reason or None,
            holder=conflict.holder or None,
        )


# The status and the code that each domain error is answered with.
_ANSWERS: dict[type[errors.ContactError], tuple[int, str]] = {
    errors.Invalid: (422, "validation"),
    errors.BadToken: (400, "token"),
    errors.NotSignedIn: (401, "unauthorized"),
    errors.NotAllowed: (403, ""),  # its reason is its code
    errors.NotFound: (404, "not_found"),
    errors.Conflict: (409, "conflict"),
    errors.LimitReached: (429, ""),  # its reason is its code
    errors.Unavailable: (503, "unavailable"),
}


def lost_link(path: str) -> str:
    """Return what a link to this path was for, by `messages.LOST`; empty for the staff's paths."""
    if path.startswith("/callbacks/"):
        return "callback"
    if path in ("/newsletter/confirm", "/newsletter/refuse"):
        return "signup"
    return "data" if path == "/me" or path.startswith("/newsletter/") else ""


def way_back(where: str, language: str) -> str:
    """Return the URL at which a person goes on whose link does not work; `where` is of LOST."""
    if where == "callback":
        return company.current().link("support", language)
    if where == "signup":
        return current().site_url
    return f"{current().base_url}/newsletter/access?language={language}"


def status_of(kind: type[errors.ContactError]) -> int:
    """Return the status that errors of this class are answered with."""
    return _ANSWERS[kind][0]


def of(error: errors.ContactError) -> Problem:
    """Return the problem that a domain error is answered with."""
    kind = next(each for each in type(error).__mro__ if each in _ANSWERS)
    status, code = _ANSWERS[kind]
    match error:
        case errors.Invalid():
            return Problem(status, code, error.fields)
        case errors.BadToken():
            return Problem(status, code, (FieldError("token", "token"),))
        case errors.NotSignedIn():
            return Problem(status, code, headers={"WWW-Authenticate": "Bearer"})
        case errors.NotFound():
            return Problem(status, code, detail=error.reason, named=error.named)
        case errors.NotAllowed():
            return Problem(status, error.reason)
        case errors.Conflict():
            return Problem(status, code, conflict=error)
        case errors.NotRunning():
            retry_after = {"Retry-After": str(error.retry_after)}
            return Problem(status, "not_running", headers=retry_after)
        case errors.LimitReached():
            retry_after = {"Retry-After": str(error.retry_after)}
            return Problem(status, error.reason, headers=retry_after, named=error.named)
        case errors.SignInAway():
            retry_after = {"Retry-After": str(error.retry_after)}
            return Problem(status, code, headers=retry_after, detail="sign_in_away")
        case errors.Unavailable():
            return Problem(status, code, headers={"Retry-After": str(error.retry_after)})
    return Problem(status, code)


def of_validation(error: ValidationError) -> Problem:
    """Return the problem of a model that refuses its input: the first error of each field."""
    fields: dict[str, FieldError] = {}
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(each["loc"][0]) if each["loc"] else "body"
        fields.setdefault(name, FieldError(name, _code(each)))
    return Problem(422, "validation", fields.values())


def _code(error: Any) -> str:
    kind = error["type"]
    return kind if kind in MESSAGES else _CODES.get(kind, "type")
