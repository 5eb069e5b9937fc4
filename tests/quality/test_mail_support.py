"""What mail programs do not support, by caniemail.com's data, is known, and has a fallback.

The tool looks at elements, attributes, styles and the rules outside of `@media`.
"""

import json
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.quality.conftest import NPM, Collection

pytestmark = [pytest.mark.soak, pytest.mark.edge]
TABLE = tomllib.loads((Path(__file__).parent / "mail_support.toml").read_text("utf-8"))


def unsupported(tools: Path, folder: Path, mails: Sequence[Path]) -> dict[str, list[str]]:
    """Return the clients that do not support something in a mail, by what it is."""
    shutil.copy(NPM / "mails.mjs", folder)
    (folder / "node_modules").symlink_to(tools)
    done = subprocess.run(
        ["node", "mails.mjs", ",".join(TABLE["clients"]), *map(str, mails)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def known() -> dict[str, Any]:
    return {feature: each["clients"] for feature, each in TABLE["unsupported"].items()}


def test_each_fallback_is_known(tools: Path, collection: Collection, tmp_path: Path) -> None:
    found = unsupported(tools, tmp_path, collection.write(tmp_path, "mail/"))
    assert found == known()
    assert all(each["fallback"] for each in TABLE["unsupported"].values())


def test_what_is_new_is_found(tools: Path, collection: Collection, tmp_path: Path) -> None:
    (mail, *_) = collection.write(tmp_path, "mail/welcome.")
    mail.write_text(mail.read_text().replace('class="card" style="', 'style="position:fixed;'))
    found = unsupported(tools, tmp_path, [mail])
    assert "gmail.ios" in found["position"]
    assert "position" not in known()
