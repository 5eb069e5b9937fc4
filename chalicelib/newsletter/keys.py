"""The key of an address: it stands for the address wherever the address itself has no business."""

from chalicelib import keys


def key_of(email: str) -> str:
    """Return the key of an address, in whatever case it is written."""
    return keys.identity("email", email.strip().casefold())
