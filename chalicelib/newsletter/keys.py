"""The key of an address, which stands for it where the address itself is not needed."""

from chalicelib import keys


def key_of(email: str) -> str:
    """Return the key of a person's address: every spelling of it has the same.

    Raises ValueError for an address that SES cannot reach.
    """
    return keys.of_address(email)
