"""The Nu HTML checker, which the W3C runs, has no complaint about any page or mail."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from local.preview import scene
from local.site import Pages
from tests.quality.conftest import Collection

pytestmark = [pytest.mark.soak, pytest.mark.edge]
# A file has no origin, so nothing is `'self'` in the policy that a page of the demo carries.
NOT_OF_FILES = r".*Content Security Policy \(meta tag\).*"


def complaints(tools: Path, folder: Path) -> list[str]:
    """Return what the checker says about the HTML files below a folder."""
    jar = tools / "vnu-jar" / "build" / "dist" / "vnu.jar"
    options = ["--format", "json", "--skip-non-html", "--filterpattern", NOT_OF_FILES]
    done = subprocess.run(
        ["java", "-jar", str(jar), *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    found = json.loads(done.stderr)["messages"]
    return sorted(
        f"{each['url'].rpartition(f'{folder.name}/')[2]}:{each.get('lastLine')}: {each['message']}"
        f" {each.get('extract', '')!r}"
        for each in found
    )


def write_demo(root: Path, folder: Path) -> Iterable[Path]:
    """Write the demo's pages as its server renders them, and yield the files."""
    addresses = {"api": scene.STAGE["BASE_URL"], "site": scene.STAGE["SITE_URL"]}
    with scene.stage():
        pages = Pages(root / "demo" / "site", addresses)
        for path in [*pages.paths(), "/404", "/en/404"]:
            _, kind, body = pages.answer(path)
            assert kind.startswith("text/html"), (path, body)
            file = folder / f"{path.strip('/') or 'index'}.html"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            yield file


def test_no_complaint(tools: Path, root: Path, collection: Collection, tmp_path: Path) -> None:
    files = [*collection.write(tmp_path), *write_demo(root, tmp_path / "demo")]
    found = complaints(tools, tmp_path)
    print(f"\nNu HTML checker: {len(files)} files, {len(found)} complaints")
    assert found == []


def test_the_checker_finds_what_is_wrong(
    tools: Path, collection: Collection, tmp_path: Path
) -> None:
    (file, *_) = collection.write(tmp_path, "page/confirm.")
    html = file.read_text()
    assert "</form>" in html
    file.write_text(html.replace("</form>", ""))
    assert any("Unclosed element “form”" in each for each in complaints(tools, tmp_path))
