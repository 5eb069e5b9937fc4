"""The staff's cookies: `__Host-` and Secure, so that no other host and no plain http can set them.

The local stage has http only, over which a browser refuses both. No other stage starts with http.
"""

from collections.abc import Mapping

from chalicelib.settings import current


def put(name: str, value: str, seconds: int) -> str:
    """Return the Set-Cookie header of a cookie that lasts this long; 0 seconds delete it."""
    secure = "; Secure" if _secure() else ""
    return f"{_full(name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def read(headers: Mapping[str, str], name: str) -> str:
    """Return a cookie's value; empty where the browser sent none."""
    for each in headers.get("cookie", "").split(";"):
        found, _, value = each.strip().partition("=")
        if found == _full(name):
            return value
    return ""


def _secure() -> bool:
    return current().base_url.startswith("https://")


def _full(name: str) -> str:
    return f"__Host-{name}" if _secure() else name
