"""The check before a deployment names everything that is missing, all at once."""

import json
import re
import shutil
from pathlib import Path

import pytest

from infra.checks import COMPANY, check
from infra.config import NoStage
from infra.target import NotDone, Target


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the credentials, as for somebody who has not signed in to AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.usefixtures("stranger")
def test_settings_and_credentials_are_named_together(root: Path, tmp_path: Path) -> None:
    whole = json.loads((root / ".chalice" / "config.json").read_text())
    environment = whole["stages"]["prod"]["environment_variables"]
    environment.update(SITE_URL="http://www.firma.de", STAGE="dev")
    del environment["STAFF_MAIL"]
    whole["stages"]["prod"]["operations"] = {"budgt": 50, "mfa": False}
    shutil.copytree(root / COMPANY, tmp_path / COMPANY)
    entries = (tmp_path / COMPANY / "company.toml").read_text()
    without = re.sub("^imprint = .*\n", "", entries, flags=re.MULTILINE)
    (tmp_path / COMPANY / "company.toml").write_text(without)
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(whole))
    with pytest.raises(NotDone) as told:
        list(check(Target(tmp_path, "prod")))
    for missing in (
        "STAFF_MAIL is not set in .chalice/config.json, stage prod",
        "MAIL_FROM still has the example's value",
        "STAGE must be prod",
        "operations has no budgt, only mail_domain",
        "must not use http://www.firma.de: https only",
        "company.toml: links.imprint: is missing (chalicelib/company)",
        "AWS credentials that work, and a region (Unable to locate credentials)",
    ):
        assert missing in str(told.value)


@pytest.mark.usefixtures("stranger")
def test_a_stage_that_is_not_there(root: Path) -> None:
    with pytest.raises(NoStage, match="there is no stage test in "):
        list(check(Target(root, "test")))
