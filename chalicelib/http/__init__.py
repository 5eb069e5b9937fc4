"""The one place for HTTP: what comes in is read and checked here, what goes out gets its shape here.

    request → call (who, from where, which language) → bodies (size, type, JSON or form) → fields (the contract's
    types) → the view → answers (JSON, page, redirect, CORS) or problems (the one error shape)

`routing` ties these around every view; `openapi` publishes the contract from what the routes declare.
"""

from chalicelib.http.answers import PUBLIC_READ, Page, Reply, Thanks
from chalicelib.http.call import Call
from chalicelib.http.fields import Body
from chalicelib.http.routing import Routes

__all__ = ["PUBLIC_READ", "Body", "Call", "Page", "Reply", "Routes", "Thanks"]
