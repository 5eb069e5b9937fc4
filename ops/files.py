"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path) -> Iterator[IO[str]]:
    """Open a file for writing that gets its name `path` once it is complete.

    After an error or Ctrl-C no file stays. Only its owner may read it, as it holds personal data.
    """
    place = path.resolve()  # the target of a link, so that the link itself stays
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
