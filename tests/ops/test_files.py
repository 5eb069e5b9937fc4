"""Files are whole or not there."""

import stat
from pathlib import Path

import pytest

from ops.files import whole


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, SystemExit])
def test_a_file_is_whole_or_not_there(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(stop):
        _write_half(path, stop)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.csv", "before")]
    with whole(path) as file:
        file.write("all")
    assert path.read_text() == "all"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _write_half(path: Path, stop: type[BaseException]) -> None:
    with whole(path) as file:
        file.write("half")
        raise stop
