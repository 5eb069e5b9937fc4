"""The last mails and alerts that AWS would not have delivered, in the shape of the mailbox."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from local.aws import ses, sns
from local.aws.refusal import Refusal

KEPT = 200
SUPPRESSED = "on the account's suppression list"
Message = dict[str, Any]


class Undelivered:
    """The last refused or swallowed messages, in memory. `why` is a code and a message of AWS's."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque(maxlen=KEPT)
        self._numbers = count(1)

    def refused(self, message: Message, refusal: Refusal) -> None:
        """Keep a message that was refused."""
        why = {"code": refusal.code, "message": refusal.message}
        self._keep({**message, "id": f"refused-{next(self._numbers)}", "undelivered": why})

    def swallowed(self, message: Message, name: str, recipients: Sequence[str]) -> None:
        """Keep a mail that SES accepted by a name and did not deliver to some recipients."""
        why = {"code": None, "message": SUPPRESSED}
        kept = {**message, "id": f"{name}-suppressed", "to": list(recipients)}
        self._keep({**kept, "undelivered": why})

    def _keep(self, message: Message) -> None:
        self.messages.append(
            {**message, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        )


def mail(asked: Mapping[str, Any]) -> Message:
    """Return what a SendEmail request says of its mail."""
    simple = (asked.get("Content") or {}).get("Simple") or {}
    body = simple.get("Body") or {}
    return {
        "kind": "mail",
        "from": asked.get("FromEmailAddress") or "",
        "to": ses.recipients(asked),
        "subject": (simple.get("Subject") or {}).get("Data") or "",
        "text": (body.get("Text") or {}).get("Data") or "",
        "html": (body.get("Html") or {}).get("Data") or None,
        "attributes": None,
    }


def alert(asked: Mapping[str, str]) -> Message:
    """Return what a Publish request says of its notification."""
    bodies = sns.bodies(asked)
    to = asked.get("TopicArn") or asked.get("TargetArn") or asked.get("PhoneNumber") or ""
    return {
        "kind": "alert",
        "from": to.rpartition(":")[2],
        "to": [to],
        "subject": asked.get("Subject") or "",
        "text": bodies.pop("default", asked.get("Message") or ""),
        "html": None,
        "bodies": bodies,
        "attributes": {name: value for name, _, value in sns.attributes(asked)},
    }
