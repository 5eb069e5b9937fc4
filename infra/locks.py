"""The locks of what is installed, as `uv pip compile` writes them."""

import re


def entries(lock: str) -> dict[str, str]:
    """Return a lock's entries, with their hashes, by `name==version`."""
    found = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    return {each.split()[0]: each for each in found if each.strip()}
