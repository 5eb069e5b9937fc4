"""E-mail addresses: as people see them, as SES takes them, and who is the same person. Pure."""

import unicodedata


def to_ascii(address: str) -> str:
    """Return an address in ASCII, the domain as punycode in lower case (RFC 5891).

    The local part keeps its case. Raises ValueError where it is not ASCII: SES cannot send to such
    an address, and documents no SMTPUTF8.
    """
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError("the part before the @ is not ASCII")
    return f"{local}@{'.'.join(map(_label, domain.split('.')))}"


def _label(label: str) -> str:
    known = unicodedata.normalize("NFC", label.lower())
    return known if known.isascii() else f"xn--{known.encode('punycode').decode()}"


def identity(address: str) -> str:
    """Return what two addresses of one person have in common: the ASCII form in lower case.

    Raises ValueError as `to_ascii` does.
    """
    return to_ascii(address).lower()


def mailbox(address: str) -> str:
    """Return what the spellings of one mailbox have in common, for limits only."""
    return identity(address)
