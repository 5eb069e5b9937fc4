"""What SES says in an event about a mail. Pure.

An event has one of two shapes, by AWS's pages "Contents of event data that Amazon SES publishes to
Amazon SNS" (`eventType`) and "Amazon SNS notification contents for Amazon SES"
(`notificationType`).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

Kind = Literal["hard bounce", "soft bounce", "complaint"]
Part = TypeVar("Part")

# SES sends this to a topic that becomes an event destination.
_VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
# SES never sent these mails, even if it took them. Part and member say why.
_NEVER_SENT = {"Reject": ("reject", "reason"), "RenderingFailure": ("failure", "errorMessage")}
# Bounces that are the mail's fault, and complaints that machines make. The reader did nothing.
_FAULTY_MAIL = ("MessageTooLarge", "ContentRejected", "AttachmentRejected")
_MACHINES = ("virus", "auth-failure")

_ADDRESS = re.compile(r"""[^\s<>()\[\],;:"\\@]+@[^\s<>()\[\],;:"\\@]+""")
_QUOTED = re.compile(r"\S*@\S*")
_NAME = re.compile(r"[\w.<>@-]{1,256}", re.ASCII)
_FRACTION = re.compile(r"\d[.,]\d")
_LONGEST = 200
_NEVER = datetime.min.replace(tzinfo=UTC)
_AHEAD = timedelta(days=1)  # the time of an event that is further ahead is wrong


class Unreadable(Exception):
    """The shape of an event is unknown; the text names the part that is missing or wrong."""


@dataclass(frozen=True)
class Line:
    """A log line about an event, without personal data."""

    level: Literal["info", "warning"]
    event: str
    details: Mapping[str, str]


@dataclass(frozen=True)
class Notice:
    """One event. Where it is about no mail, it has nothing but a line."""

    line: Line | None = None
    tagged: tuple[str, ...] = ()  # what our tag says: a message's id
    service_id: str = ""
    failure: str = ""  # why SES never sent the mail
    counts: tuple[tuple[str, Kind], ...] = ()  # the recipients it is held against
    id: str = ""  # the same when the event comes again
    mailed_at: datetime = _NEVER
    at: datetime = _NEVER


def read(text: str, now: datetime) -> Notice:
    """Return what an event says. Raises Unreadable."""
    if text.strip() == _VALIDATED:
        return Notice(Line("info", "feedback.topic_validated", {}))
    whole = _object(text)
    named = whole.get("eventType") or whole.get("notificationType")
    if not isinstance(named, str):
        raise Unreadable("eventType")
    if named == "AmazonSnsSubscriptionSucceeded":
        return Notice(Line("info", "feedback.topic_subscribed", {}))
    if "mail" in whole and whole["mail"] is None:
        return Notice(Line("warning", "feedback.without_mail", {}))
    kind, mail = named.replace(" ", ""), _part(whole, "mail", dict)
    part: Mapping[str, Any] = {}
    counts: list[tuple[str, Kind]] = []
    line = None
    if kind == "Bounce":
        part = _part(whole, "bounce", dict)
        counts, line = _bounce(part)
    elif kind == "Complaint":
        part = _part(whole, "complaint", dict)
        counts, line = _complaint(part)
    mailed_at = _instant(mail.get("timestamp"), now)
    at = _instant(part.get("timestamp"), now) or mailed_at or now
    return Notice(
        line,
        tuple(_tagged(mail)),
        _name(mail.get("messageId")),
        _failure(kind, whole),
        tuple(counts),
        _id(part, whole),
        mailed_at or at,
        at,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("JSON") from None
    if not isinstance(whole, dict):
        raise Unreadable("object")
    return whole


def _part(whole: Mapping[str, Any], name: str, kind: type[Part]) -> Part:
    """Return a part that must be there. Raises Unreadable."""
    part = whole.get(name)
    if not isinstance(part, kind):
        raise Unreadable(name)
    return part


def _bounce(bounce: Mapping[str, Any]) -> tuple[list[tuple[str, Kind]], Line]:
    """Return the recipients that a bounce is held against, and its line. Raises Unreadable."""
    recipients = list(_recipients(bounce, "bouncedRecipients"))
    hardness, subtype = bounce.get("bounceType"), bounce.get("bounceSubType")
    if hardness == "Permanent":
        return [(address, "hard bounce") for address, _ in recipients], _line("bounce", "hard")
    if hardness not in ("Transient", "Undetermined"):
        return [], _not_counted("a bounce without a known type")
    if subtype in _FAULTY_MAIL:
        return [], _not_counted(str(subtype))
    # SES reports absence notes as such bounces, too. Their recipients have no `action`.
    soft: list[tuple[str, Kind]] = [
        (address, "soft bounce")
        for address, each in recipients
        if subtype == "MailboxFull" or each.get("action") == "failed"
    ]
    return soft, _line("bounce", "soft" if soft else "no")


def _complaint(complaint: Mapping[str, Any]) -> tuple[list[tuple[str, Kind]], Line | None]:
    """Return the recipients who complain, and a line. Raises Unreadable."""
    recipients = list(_recipients(complaint, "complainedRecipients"))
    kind = complaint.get("complaintFeedbackType")
    if kind == "not-spam":
        return [], None
    if kind in _MACHINES:
        return [], _not_counted(str(kind))
    return [(address, "complaint") for address, _ in recipients], _line("complaint", "yes")


def _line(what: str, counted: str) -> Line:
    return Line("info", f"feedback.{what}", {"counted": counted})


def _not_counted(why: str) -> Line:
    return Line("warning", "feedback.not_counted", {"why": why})


def _recipients(part: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the address and the entry of each recipient. Raises Unreadable."""
    for each in _part(part, name, list):
        if not isinstance(each, dict):
            raise Unreadable(name)
        yield _address(_part(each, "emailAddress", str)), each


def _address(written: str) -> str:
    """Return the address in `Name <address>`, or as it stands; empty where there is none."""
    found = _ADDRESS.search(written.rpartition("<")[2])
    return found[0].strip("'").rstrip(".") if found else ""


def _tagged(mail: Mapping[str, Any]) -> Iterator[str]:
    tags = mail.get("tags")
    values = tags.get("message") if isinstance(tags, dict) else None
    for each in values if isinstance(values, list) else [values]:
        if name := _name(each):
            yield name


def _name(value: Any) -> str:
    """Return a text that can be the name of a message or a mail, else an empty one."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _failure(kind: str, whole: Mapping[str, Any]) -> str:
    """Return why SES never sent the mail; empty if it did."""
    if kind not in _NEVER_SENT:
        return ""
    part, name = _NEVER_SENT[kind]
    why = whole.get(part)
    reason = str(why.get(name) or "") if isinstance(why, dict) else ""
    # The reason is kept and logged, and must not quote an address.
    return f"{kind}: {_QUOTED.sub('…', reason)}"[:_LONGEST].rstrip(": ")


def _id(part: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """Return the id of a bounce or a complaint; the hash of the event where it has none."""
    id = part.get("feedbackId")
    if isinstance(id, str) and 0 < len(id) <= _LONGEST:
        return id
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _instant(written: Any, now: datetime) -> datetime | None:
    """Return an event's time in UTC, None where it has none that can be right.

    A time without a fraction means the end of its second: a mail of the second in which an opt-in
    began is not taken for one from before. One without an offset is in UTC, as all of SES's are.
    """
    try:
        instant = datetime.fromisoformat(written)
        instant = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    if not _FRACTION.search(written):
        instant += timedelta(milliseconds=999)
    return instant if instant.year >= 2000 and instant <= now + _AHEAD else None
