"""The one place for HTTP: requests are read and checked here, answers get their shape here.

    request (who, from where, which language) → bodies (size, type, JSON or form) → fields (the
    contract's types) → the view → replies (what it answers) → responses (JSON, page, redirect,
    CORS) or problems (the one error shape)

`routing` ties these around every view, `inventory` lists the routes, `openapi` publishes the
contract from them, and `staff_page` is the frame of the staff's pages.
"""

from chalicelib.http.fields import Body
from chalicelib.http.inventory import ACCEPTED, CREATED, NO_CONTENT, NOT_MODIFIED, OK, SEE_OTHER
from chalicelib.http.replies import (
    PUBLIC_READ,
    Page,
    Reply,
    Thanks,
    no_content,
    not_modified,
    redirect,
)
from chalicelib.http.request import Request
from chalicelib.http.routing import Routes

__all__ = [
    "ACCEPTED",
    "CREATED",
    "NOT_MODIFIED",
    "NO_CONTENT",
    "OK",
    "PUBLIC_READ",
    "SEE_OTHER",
    "Body",
    "Page",
    "Reply",
    "Request",
    "Routes",
    "Thanks",
    "no_content",
    "not_modified",
    "redirect",
]
