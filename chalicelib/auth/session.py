"""Sessions: who is signed in at which browser. The browser has a random id, the table its hash."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from chalicelib import aws, instants
from chalicelib.auth import cookies
from chalicelib.auth.person import Person
from chalicelib.auth.roles import Role
from chalicelib.errors import BadToken
from chalicelib.settings import current

SESSION_V = 1  # the version of the items' format
SIGN_IN_V = 1
STAFF_V = 1
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
_COLLEAGUE_FOR = timedelta(days=30)  # after a sign-in: others can offer this person requests
# The last use of a session is saved at most once a minute, because a read should cost no write. An
# idle session ends up to a minute early for that.
_TOUCH = timedelta(minutes=1)
_COOKIE = "staff"


def given(headers: Mapping[str, str]) -> str:
    """Return the session id that a browser sends; empty where it sends none."""
    return cookies.read(headers, _COOKIE)


def cookie(session_id: str) -> str:
    """Return the Set-Cookie header that gives a browser its session; an empty id deletes it."""
    return cookies.put(_COOKIE, session_id, int(LONGEST.total_seconds()) if session_id else 0)


def begin(person: Person, cause: str, now: datetime) -> str:
    """Begin a session and return its id.

    `cause` is the sign-in's secret. Raises BadToken where it began a session before.
    """
    session_id = secrets.token_urlsafe(32)
    item = {"v": SESSION_V, "id": person.id, "name": person.name, "role": person.role}
    item |= {"began": instants.text(now), "seen": instants.text(now), "expires": _expires(now, now)}
    used = {
        "pk": f"SIGN-IN#{_hash(cause)}",
        "sk": "SIGN-IN",
        "v": SIGN_IN_V,
        "expires": instants.epoch(now + LONGEST),
    }
    colleague = {
        "v": STAFF_V,
        "name": person.name,
        "email": person.email,
        "expires": instants.epoch(now + _COLLEAGUE_FOR),
    }
    table = current().contacts_table
    try:
        aws.write(
            aws.assign(table, _key(session_id), item),
            aws.put(table, used, "attribute_not_exists(pk)"),
            aws.assign(table, {"pk": "STAFF", "sk": person.id}, colleague),
        )
    except aws.Cancelled:
        raise BadToken from None
    return session_id


def colleagues(now: datetime) -> dict[str, str]:
    """Return the names of those who signed in within 30 days, by id."""
    found = aws.query(current().contacts_table, "pk = :pk", pk="STAFF")
    return {item["sk"]: item["name"] for item in found if item["expires"] > instants.epoch(now)}


def address(id: str, now: datetime) -> str:
    """Return the mail address of a colleague who signed in within 30 days; empty if none is known.

    An id that is no colleague's has none.
    """
    item = aws.get(current().contacts_table, {"pk": "STAFF", "sk": id})
    known = item is not None and item["expires"] > instants.epoch(now)
    return str(item.get("email", "")) if item and known else ""


def find(session_id: str, now: datetime, touch: bool = True) -> Person | None:
    """Return whose session this is; None where it was idle or lasted too long, or does not exist.

    Without `touch` the look does not count as use.
    """
    item = aws.get(current().contacts_table, _key(session_id))
    if item is None:
        return None
    began, seen = instants.parse(item["began"]), instants.parse(item["seen"])
    if now >= seen + IDLE or now >= began + LONGEST:
        return None
    if touch and now >= seen + _TOUCH and not _touch(session_id, began, now):
        return None
    return Person(item["id"], item["name"], cast(Role, item["role"]))


def end(session_id: str) -> None:
    """End a session, in whatever browser its id is used."""
    aws.write(aws.delete(current().contacts_table, _key(session_id)))


def _touch(session_id: str, began: datetime, now: datetime) -> bool:
    """Save that a session was used; return False where it ended meanwhile."""
    try:
        aws.write(
            aws.update(
                current().contacts_table,
                _key(session_id),
                "SET seen = :seen, expires = :expires",
                "attribute_exists(pk)",  # a session that ended meanwhile stays ended
                seen=instants.text(now),
                expires=_expires(began, now),
            )
        )
    except aws.Cancelled:
        return False
    return True


def _expires(began: datetime, seen: datetime) -> int:
    return instants.epoch(min(seen + IDLE, began + LONGEST))


def _key(session_id: str) -> aws.Item:
    return {"pk": f"SESSION#{_hash(session_id)}", "sk": "SESSION"}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
