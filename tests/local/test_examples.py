"""Run the examples against the local cloud, as a reader of the docs would."""

import os
import subprocess
from pathlib import Path

import pytest

from local.cloud import Cloud


@pytest.mark.soak
def test_both_sides_of_the_hotline(cloud: Cloud, root: Path) -> None:
    done = subprocess.run(
        [root / "examples" / "hotline.sh"],
        env={**os.environ, "API": cloud.api, "MAILBOX": cloud.mailbox},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("every end was reached\n")
