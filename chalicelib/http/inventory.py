"""Every route by path and method: what `openapi` publishes and the tests walk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chalicelib.auth import gate
from chalicelib.auth.roles import Role
from chalicelib.errors import ContactError

# What a call is answered with when it succeeds (RFC 9110).
OK, CREATED, ACCEPTED, NO_CONTENT, SEE_OTHER, NOT_MODIFIED = 200, 201, 202, 204, 303, 304
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
View = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    view: View
    takes: type[BaseModel] | None = None  # the body
    any_body: bool = False  # whether a body that cannot be read is taken for an empty one
    params: type[BaseModel] | None = None  # query and path
    gives: type[BaseModel] | None = None  # the JSON answer
    html: bool = False  # whether people are shown a page
    status: int = 200
    errors: tuple[type[ContactError], ...] = ()  # beyond those that every route has
    role: Role = "agent"  # under `/staff`: the least role that may call it
    # The types of an answer that is neither a model's JSON nor a page.
    media: str | tuple[str, ...] = ""
    also: tuple[int, ...] = ()  # further answers, such as NOT_MODIFIED to `If-None-Match`
    tag: str = ""  # the heading it is listed under in the contract, one of `openapi.TAGS`

    @property
    def operation_id(self) -> str:
        """The operation's name in the contract: that of its view, in camel case."""
        first, *others = self.view.__name__.split("_")
        return first + "".join(each.capitalize() for each in others)

    @property
    def closed(self) -> bool:
        """Whether only those who are signed in may call it."""
        return gate.closes(self.path)


INVENTORY: dict[str, dict[str, Route]] = {}
