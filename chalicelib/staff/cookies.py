"""The staff's cookies: `__Host-` and Secure, so that no other host and no open line can set or read them.

Locally there is only http, on which a browser refuses both; no other stage starts with a base URL of http.
"""

from collections.abc import Mapping

from chalicelib.settings import current


def put(name: str, value: str, seconds: int) -> str:
    """The Set-Cookie header of a cookie that lasts so long; 0 takes it away."""
    secure = "; Secure" if _secure() else ""
    return f"{_full(name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def read(headers: Mapping[str, str], name: str) -> str:
    """A cookie's value, empty where the browser sent none."""
    for each in headers.get("cookie", "").split(";"):
        found, _, value = each.strip().partition("=")
        if found == _full(name):
            return value
    return ""


def _secure() -> bool:
    return current().base_url.startswith("https://")


def _full(name: str) -> str:
    return f"__Host-{name}" if _secure() else name
