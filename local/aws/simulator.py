"""SES's mailbox simulator: what SES tells of a mail to one of its addresses.

Sources: SES's developer guide, "Using the mailbox simulator manually" (the addresses, and that a
label may follow each: `bounce+label@…`) and "Contents of event data that Amazon SES publishes to
Amazon SNS" (the shape). SES puts no address of the simulator on the account's suppression list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.aws import ses

DOMAIN = "simulator.amazonses.com"
_AGENT = "dns; a8-53.smtp-out.amazonses.com"
# What a bounce of each mailbox says: type, subtype, and of its recipient status and diagnosis.
_BOUNCES = {
    "bounce": ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    "suppressionlist": (
        "Permanent",
        "Suppressed",
        "5.1.1",
        "Amazon SES has suppressed sending to this address because it has a recent history of "
        "bouncing as an invalid address.",
    ),
}
# What SES tells of a mail to each mailbox, in this order.
_TOLD = {
    "success": ("Send", "Delivery"),
    "bounce": ("Send", "Bounce"),
    "ooto": ("Send", "Delivery", "Bounce"),  # an absence note, which SES tells as a bounce
    "complaint": ("Send", "Delivery", "Complaint"),
    "suppressionlist": ("Send", "Bounce"),
}


@dataclass(frozen=True)
class Sent:
    """A mail that SES took: what was asked for, its name at SES, whose it is, and when."""

    asked: Mapping[str, Any]
    name: str
    account: str
    region: str
    at: datetime


def mailbox(written: str) -> str:
    """Return which mailbox of the simulator an address is; empty for any other address."""
    local, _, domain = ses.bare(written).lower().rpartition("@")
    name = local.partition("+")[0]
    return name if domain == DOMAIN and name in _TOLD else ""


def events(sent: Sent) -> Iterator[dict[str, Any]]:
    """Yield the events that SES publishes of a mail, one recipient after the other."""
    for written in ses.recipients(sent.asked):
        box = mailbox(written)
        for kind in _TOLD.get(box, ()):
            part = _part(kind, box, ses.bare(written), sent)
            yield {"eventType": kind, "mail": _mail(sent), kind.lower(): part}


def _part(kind: str, box: str, address: str, sent: Sent) -> dict[str, Any]:
    at = _text(sent.at)
    if kind == "Send":
        return {}
    if kind == "Delivery":
        return {
            "timestamp": at,
            "processingTimeMillis": 500,
            "recipients": [address],
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": _AGENT,
        }
    told = {"feedbackId": f"{sent.name}-{kind.lower()}", "timestamp": at}
    if kind == "Complaint":
        return {
            **told,
            "complainedRecipients": [{"emailAddress": address}],
            "complaintSubType": None,
            "complaintFeedbackType": "abuse",
            "userAgent": "Amazon SES Mailbox Simulator",
            "arrivalDate": at,
        }
    if box not in _BOUNCES:
        recipient = {"emailAddress": address}
        return {
            **told,
            "bounceType": "Transient",
            "bounceSubType": "General",
            "bouncedRecipients": [recipient],
        }
    kind_of, subtype, status, diagnosis = _BOUNCES[box]
    recipient = {
        "emailAddress": address,
        "action": "failed",
        "status": status,
        "diagnosticCode": diagnosis,
    }
    return {
        **told,
        "bounceType": kind_of,
        "bounceSubType": subtype,
        "bouncedRecipients": [recipient],
        "reportingMTA": _AGENT,
    }


def _mail(sent: Sent) -> dict[str, Any]:
    asked = sent.asked
    source = str(asked.get("FromEmailAddress") or "")
    domain = ses.bare(source).rpartition("@")[2]
    tags = {each["Name"]: [each["Value"]] for each in asked.get("EmailTags") or ()}
    return {
        "timestamp": _text(sent.at),
        "source": source,
        "sourceArn": f"arn:aws:ses:{sent.region}:{sent.account}:identity/{domain}",
        "sendingAccountId": sent.account,
        "messageId": sent.name,
        "destination": [ses.bare(each) for each in ses.recipients(asked)],
        "headersTruncated": False,
        "headers": [],
        "commonHeaders": {"from": [source], "messageId": sent.name},
        "tags": {**tags, "ses:configuration-set": [str(asked.get("ConfigurationSetName") or "")]},
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
