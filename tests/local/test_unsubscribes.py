"""Which mails the example `examples/unsubscribes.py` takes, and which a person has to read."""

import subprocess
import sys
from pathlib import Path

import pytest

HEADERS = {
    "X-SES-Spam-Verdict": "PASS",
    "X-SES-Virus-Verdict": "PASS",
    "Authentication-Results": "amazonses.com; spf=pass; dkim=pass; dmarc=pass;",
    "From": "Eva Leser <Eva@Example.org>",
    "To": "abmelden@abmelden.example",
    "Subject": "unsubscribe",
}


def run(root: Path, folder: Path, *mails: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the addresses and the lines about the others."""
    for number, headers in enumerate(mails):
        text = "".join(f"{name}: {value}\n" for name, value in headers.items() if value)
        (folder / f"mail-{number}").write_text(f"{text}\nBitte\n")
    done = subprocess.run(
        [sys.executable, root / "examples" / "unsubscribes.py", folder],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.parametrize(
    "subject",
    ["unsubscribe", "Unsubscribe", "Re: Abmeldung", "Widerruf", "=?utf-8?q?Abbestellen?="],
)
def test_a_plain_mail_is_taken(root: Path, tmp_path: Path, subject: str) -> None:
    assert run(root, tmp_path, {**HEADERS, "Subject": subject}) == (["Eva@Example.org"], [])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"X-SES-Spam-Verdict": "FAIL"}, "X-SES-Spam-Verdict: FAIL"),
        ({"X-SES-Spam-Verdict": "GRAY"}, "X-SES-Spam-Verdict: GRAY"),
        ({"X-SES-Virus-Verdict": ""}, "X-SES-Virus-Verdict: none"),
        ({"Authentication-Results": "amazonses.com; spf=pass; dmarc=fail"}, "not proven"),
        ({"Authentication-Results": "mx.evil.example; dmarc=pass"}, "not proven"),
        ({"Auto-Submitted": "auto-replied"}, "no person wrote it"),
        ({"From": "eva@example.org, ida@example.org"}, "not one sender"),
        ({"From": ""}, "not one sender"),
        ({"Subject": "Frage zum Goldpreis"}, "asks for something else"),
        ({"Subject": ""}, "asks for something else"),
    ],
)
def test_the_others_are_read(root: Path, tmp_path: Path, change: dict[str, str], why: str) -> None:
    taken, left = run(root, tmp_path, {**HEADERS, **change}, HEADERS)
    assert taken == ["Eva@Example.org"]
    (line,) = left
    assert line.startswith("mail-0: ")
    assert why in line
