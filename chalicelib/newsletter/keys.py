"""The key of an address, which stands for it where the address itself is not needed."""

from chalicelib import keys


def key_of(email: str) -> str:
    """Return the key of an address, in whatever case it is written."""
    return keys.identity("email", email.strip().casefold())
