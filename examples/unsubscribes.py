"""Sort mails that unsubscribe: `python examples/unsubscribes.py FOLDER`, see docs/operations.md.

FOLDER has mails as SES stored them. The addresses of those that are plain go to the output, one a
line, for `ops unsubscribe`. The files that a person has to read go to the error output, each with
the reason.
"""

import re
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path

_ASKS = re.compile(r"\b(unsubscribe|abmeld\w*|abbestell\w*|widerruf\w*)", re.IGNORECASE)


def sort(mail: EmailMessage) -> tuple[str, str]:
    """Return the address that unsubscribes, or an empty one and why a person has to read the mail.

    Of a header that comes twice the first counts, which is SES's own.
    """
    for verdict in ("X-SES-Virus-Verdict", "X-SES-Spam-Verdict"):
        if mail.get(verdict) != "PASS":
            return "", f"{verdict}: {mail.get(verdict, 'none')}"
    proven = str(mail.get("Authentication-Results", ""))
    if not proven.startswith("amazonses.com;") or "dmarc=pass" not in proven:
        return "", "the sender is not proven"
    if str(mail.get("Auto-Submitted", "no")).lower() != "no":
        return "", "no person wrote it"
    found = [address for _, address in getaddresses([str(mail.get("From", ""))]) if address]
    if len(found) != 1 or "@" not in found[0]:
        return "", "not one sender"
    if not _ASKS.search(str(mail.get("Subject", ""))):
        return "", "the subject asks for something else"
    return found[0], ""


def main(folder: Path) -> None:
    """Sort the mails of a folder."""
    for file in sorted(each for each in folder.iterdir() if each.is_file()):
        address, why = sort(message_from_bytes(file.read_bytes(), policy=policy.default))
        if address:
            print(address)
        else:
            print(f"{file.name}: {why}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
