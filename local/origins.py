"""The origins of further websites that may call the local API."""

import re

_ORIGIN = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


class BadOrigin(ValueError):
    """What was given is no origin; the text says what is one."""


def read(written: str) -> tuple[str, ...]:
    """Return the origins of a list by commas or blanks. Raises BadOrigin."""
    found = tuple(each for each in re.split(r"[,\s]+", written) if each)
    for each in found:
        if not _ORIGIN.fullmatch(each):
            raise BadOrigin(
                f"an origin is http:// or https:// with a host and no path, such as "
                f"http://localhost:5173, not {each!r}"
            )
    return found
