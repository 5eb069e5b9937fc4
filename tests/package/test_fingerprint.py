"""A package is taken again only where it was made of the same files in the same way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.packaging import fingerprint, is_marked, mark


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "chalicelib" / "web").mkdir(parents=True)
    (tmp_path / "app.py").write_text("app")
    (tmp_path / "requirements.txt").write_text("chalice==1")
    (tmp_path / "chalicelib" / "web" / "page.html").write_text("page")
    (tmp_path / "made.zip").write_bytes(b"package")
    mark(tmp_path / "made.zip", tmp_path / "made.made", fingerprint(tmp_path))
    return tmp_path


def taken_again(project: Path) -> bool:
    return is_marked(project / "made.zip", project / "made.made", fingerprint(project))


def test_what_is_no_part_of_it_changes_nothing(project: Path) -> None:
    (project / "chalicelib" / "__pycache__").mkdir()
    (project / "chalicelib" / "__pycache__" / "web.pyc").write_text("x")
    (project / "README.md").write_text("x")
    assert taken_again(project)


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "app.py").write_text("application"),
        lambda project: (project / "requirements.txt").write_text("chalice==2"),
        lambda project: (project / "chalicelib" / "new.py").write_text(""),
        lambda project: (project / "chalicelib/web/page.html").rename(
            project / "chalicelib/p.html"
        ),
        lambda project: (project / "chalicelib" / "web" / "page.html").unlink(),
        lambda project: (project / "made.zip").write_bytes(b"plain"),
        lambda project: (project / "made.zip").unlink(),
        lambda project: (project / "made.made").unlink(),
    ],
)
def test_any_other_is_made_anew(project: Path, change: Callable[[Path], object]) -> None:
    change(project)
    assert not taken_again(project)
