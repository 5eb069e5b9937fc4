"""Declarations of other systems and wordings of mails, for the proofs that rest on them.

They are kept under their hashes, for ever, and name nobody.
"""

import hashlib

from chalicelib import aws
from chalicelib.aws import Cancelled
from chalicelib.settings import current

V = 1  # the version of the items' format


def keep(sha256: str, text: str) -> None:
    """Keep a text under its hash (hex)."""
    item = {"pk": f"WORDING#{sha256}", "sk": "WORDING", "v": V, "text": text}
    try:
        aws.write(aws.put(current().contacts_table, item, "attribute_not_exists(pk)"))
    except Cancelled:
        pass  # the same hash is the same text


_known: set[tuple[str, str]] = set()  # the tables and hashes that this process has kept


def keep_once(text: str) -> str:
    """Keep a wording, if this process has not yet; return its hash."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    place = current().contacts_table, sha256
    if place not in _known:
        keep(sha256, text)
        _known.add(place)
    return sha256


def text(sha256: str) -> str | None:
    """Return the text kept under a hash, or None."""
    item = aws.get(current().contacts_table, {"pk": f"WORDING#{sha256}", "sk": "WORDING"})
    return item.get("text") if item else None
