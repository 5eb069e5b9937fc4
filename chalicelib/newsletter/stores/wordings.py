"""Declarations of other systems, kept under their hashes as long as there are proofs: for ever."""

from chalicelib import aws
from chalicelib.aws import Cancelled
from chalicelib.settings import current


def keep(sha256: str, text: str) -> None:
    """Keep the declaration of another system under its hash (hex)."""
    item = {"pk": f"WORDING#{sha256}", "sk": "WORDING", "text": text}
    try:
        aws.write(aws.put(current().contacts_table, item, "attribute_not_exists(pk)"))
    except Cancelled:
        pass  # the same hash is the same text


def text(sha256: str) -> str | None:
    """Return the text of a declaration kept under its hash, or None."""
    item = aws.get(current().contacts_table, {"pk": f"WORDING#{sha256}", "sk": "WORDING"})
    return item.get("text") if item else None
