"""Every route by path and method: what `openapi` publishes and the tests walk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chalicelib.auth import gate
from chalicelib.auth.roles import Role
from chalicelib.errors import ContactError

# The statuses of successful calls other than 200 OK (RFC 9110).
ACCEPTED, NO_CONTENT, SEE_OTHER = 202, 204, 303
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
View = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    view: View
    takes: type[BaseModel] | None = None  # the body
    params: type[BaseModel] | None = None  # query and path
    gives: type[BaseModel] | None = None  # the JSON answer
    html: bool = False  # whether people are shown a page
    status: int = 200
    errors: tuple[type[ContactError], ...] = ()  # beyond those that every route has
    role: Role = "agent"  # under `/staff`: the least role that may call it

    @property
    def closed(self) -> bool:
        """Whether only those who are signed in may call it."""
        return gate.closes(self.path)


INVENTORY: dict[str, dict[str, Route]] = {}
