"""The check before a deployment names everything that is missing, all at once."""

import json
import re
import shutil
from pathlib import Path

import pytest

from infra import policies
from infra.checks import check
from infra.checks.company import FOLDER as COMPANY
from infra.checks.settings import unreadable, unsendable
from infra.config import NoStage
from infra.target import NotDone, Target
from tests import cases
from tests.cases import HoursCase


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
    environment["SUPERVISOR_MAIL"] = "jörg@firma.de"
    environment.update(TIME_ZONE="Berlin", HOTLINE_NUMBER="112", HOTLINE_EXCEPTIONS="1-6 closed")
    del environment["STAFF_MAIL"]
    whole["stages"]["prod"]["operations"] = {"budgt": 50, "mfa": False}
    shutil.copytree(root / COMPANY, tmp_path / COMPANY)
    entries = (tmp_path / COMPANY / "company.toml").read_text()
    without = re.sub("^imprint = .*\n", "", entries, flags=re.MULTILINE)
    (tmp_path / COMPANY / "company.toml").write_text(without)
    (tmp_path / "infra").mkdir()
    shutil.copy(root / "infra" / "template.json", tmp_path / "infra")
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(whole))
    with pytest.raises(NotDone) as told:
        list(check(Target(tmp_path, "prod")))
    for missing in (
        "STAFF_MAIL is not set in .chalice/config.json, stage prod",
        "MAIL_FROM still has the example's value",
        "STAGE must be prod",
        "SUPERVISOR_MAIL has jörg@firma.de, which SES cannot send to",
        "operations has no budgt, only mail_domain",
        "must not use http://www.firma.de: https only",
        "TIME_ZONE: 'Berlin' is no time zone such as Europe/Berlin (in .chalice/config.json",
        "HOTLINE_NUMBER: '112' is no telephone number in E.164",
        "HOTLINE_EXCEPTIONS: '1-6 closed': '1-6' is no day such as 12-24",
        "company.toml: links.imprint: is missing (chalicelib/company)",
        "AWS credentials that work, and a region (Unable to locate credentials)",
    ):
        assert missing in str(told.value)


@pytest.mark.usefixtures("stranger")
def test_a_stage_that_is_not_there(root: Path) -> None:
    with pytest.raises(NoStage, match="there is no stage test in "):
        list(check(Target(root, "test")))


def test_a_configuration_that_nobody_can_read(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text('{"stages": {"prod": {},}}')
    with pytest.raises(NoStage, match=r"\.chalice/config\.json is no JSON: .* line 1 column"):
        list(check(Target(tmp_path, "prod")))


GOOD = {
    "MAIL_FROM": "Müller & Söhne, Köln <post@müller.example>",
    "MAIL_REPLY_TO": "Büro <buero@müller.example>",
    "MAIL_UNSUBSCRIBE": "abmeldung@müller.example",
    "STAFF_MAIL": "a@müller.example, b@xn--mller-kva.example",
    "SUPERVISOR_MAIL": "C@müller.example",
    "STAFF_SHIFTS": "anna@müller.example Mon-Fri 09:00-13:00 | ben@shop.example Mon 13:00-17:00",
    "BASE_URL": "https://contact.xn--mller-kva.example",
}


def test_addresses_with_umlauts_in_their_domains_are_fine() -> None:
    assert list(unsendable(GOOD)) == []
    assert list(unsendable({})) == []


@pytest.mark.parametrize(
    ("setting", "written", "said"),
    [
        ("MAIL_FROM", "Jörg <jörg@firma.de>", "MAIL_FROM has Jörg <jörg@firma.de>, which SES"),
        ("MAIL_FROM", "Firma", "MAIL_FROM has Firma, which is no e-mail address"),
        ("MAIL_REPLY_TO", "a@b", "MAIL_REPLY_TO has a@b, which is no e-mail address"),
        ("MAIL_UNSUBSCRIBE", "ä@b.de", "MAIL_UNSUBSCRIBE has ä@b.de, which SES cannot send to"),
        ("MAIL_UNSUBSCRIBE", "A <a@b.de>", "MAIL_UNSUBSCRIBE takes addresses without a name"),
        ("STAFF_MAIL", "a@b.de, ö@b.de", "STAFF_MAIL has ö@b.de, which SES cannot send to"),
        ("STAFF_MAIL", "Anna <a@b.de>", "STAFF_MAIL takes addresses without a name"),
        ("SUPERVISOR_MAIL", "a b@c.de", "SUPERVISOR_MAIL has a b@c.de, which is no e-mail"),
        (
            "STAFF_SHIFTS",
            "a@b.de Mon 09:00-10:00 | ü@b.de Tue 09:00-10:00",
            "STAFF_SHIFTS has ü@b.de, which SES cannot send to",
        ),
        ("STAFF_MAIL", "a@Ⅷ.de", "STAFF_MAIL has a@Ⅷ.de, which is written a@viii.de"),
        ("BASE_URL", "https://kontakt.müller.de", "BASE_URL has https://kontakt.müller.de, but"),
    ],
)
def test_an_address_that_no_mail_could_go_to_is_named(
    setting: str, written: str, said: str
) -> None:
    (fault,) = unsendable({**GOOD, setting: written})
    assert fault.startswith(said)


@pytest.mark.parametrize("case", list(cases.hours()), ids=lambda each: f"{each.id} {each.why}")
def test_a_setting_of_the_line_is_refused_before_a_deployment_or_read(case: HoursCase) -> None:
    found = list(unreadable({case.setting: case.text}))
    assert all(each.startswith(case.setting) for each in found)
    assert len(found) <= 1
    assert ("refuse" if found else "read") in {
        each if each == "refuse" else "read" for each in case.answers
    }


def test_how_many_settings_of_the_line_are_refused_before_a_deployment() -> None:
    lines = list(cases.hours())
    refused = sum(bool(list(unreadable({each.setting: each.text}))) for each in lines)
    print(f"settings: {len(lines)} lines, {refused} refused with the part, the others read rightly")
    assert refused >= sum(each.answers == {"refuse"} for each in lines)


def test_the_senders_domain_is_ascii_in_policies(root: Path, tmp_path: Path) -> None:
    whole = json.loads((root / ".chalice" / "config.json").read_text())
    whole["stages"]["prod"]["environment_variables"]["MAIL_FROM"] = GOOD["MAIL_FROM"]
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(whole))
    mails = [
        each["Resource"]
        for each in policies.document(tmp_path, "prod", "clock")["Statement"]
        if each["Sid"] == "Mails"
    ]
    assert mails[0][0] == "arn:aws:ses:*:*:identity/xn--mller-kva.example"
