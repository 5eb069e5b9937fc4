"""Files that are never half-written."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path) -> Iterator[IO[str]]:
    """A file to write that appears under its name once it is complete, and not at all after an error or Ctrl-C.

    Only its owner may read it, as it holds personal data.
    """
    place = path.resolve()  # behind a link, for the link to stay
    handle, draft = tempfile.mkstemp(dir=place.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, place)
    except BaseException:
        os.unlink(draft)
        raise
