"""Errors as `application/problem+json` (RFC 9457): the one error shape, for every status."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from chalicelib import errors
from chalicelib.errors import FieldError
from chalicelib.messages import MESSAGES, Language, message

# What pydantic calls it → what we call it.
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


class ProblemBody(BaseModel):
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
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.fields = status, code, tuple(fields)
        self.headers, self.conflict = headers or {}, conflict

    def body(self, language: Language) -> ProblemBody:
        """The problem in the caller's language."""
        conflict = self.conflict or errors.Conflict("")
        detail = message(conflict.reason or self.code, language)
        return ProblemBody(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=f"{conflict.holder} {detail}" if conflict.holder else detail,
            code=self.code,
            errors=[
                FieldProblem(field=e.field, code=e.code, message=message(e.code, language))
                for e in self.fields
            ]
            or None,
            state=conflict.state or None,
            reason=conflict.reason or None,
            holder=conflict.holder or None,
        )


def of(error: errors.ContactError) -> Problem:
    """The problem a domain error is answered with."""
    match error:
        case errors.Invalid():
            return Problem(422, "validation", error.fields)
        case errors.BadToken():
            return Problem(400, "token", (FieldError("token", "token"),))
        case errors.NotSignedIn():
            return Problem(401, "unauthorized", headers={"WWW-Authenticate": "Bearer"})
        case errors.NotAllowed():
            return Problem(403, error.reason)
        case errors.NotFound():
            return Problem(404, "not_found")
        case errors.Conflict():
            return Problem(409, "conflict", conflict=error)
        case errors.LimitReached():
            return Problem(429, "rate_limited", headers={"Retry-After": str(error.retry_after)})
        case errors.Unavailable():
            code = "not_running" if isinstance(error, errors.NotRunning) else "unavailable"
            return Problem(503, code, headers={"Retry-After": str(error.retry_after)})
    raise error


def of_validation(error: ValidationError) -> Problem:
    """The problem of a model that does not accept its input: the first error of each field."""
    fields: dict[str, FieldError] = {}
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(each["loc"][0]) if each["loc"] else "body"
        fields.setdefault(name, FieldError(name, _code(each)))
    return Problem(422, "validation", fields.values())


def _code(error: Any) -> str:
    kind = error["type"]
    return kind if kind in MESSAGES else _CODES.get(kind, "type")
