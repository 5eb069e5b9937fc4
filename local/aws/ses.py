"""What SES v2 refuses to send.

Sources: the API reference of SES v2 (SendEmail, Destination, Message, MessageHeader, MessageTag),
and the developer guide's pages "Service quotas in Amazon SES" and "Amazon SES header fields".
AWS documents no highest number of tags, so there is none here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from local.aws.refusal import Refusal

RECIPIENTS = 50  # a message, over To, Cc and Bcc; quotas page
MESSAGE = 40 * 1024 * 1024  # bytes in base64; quotas page
HEADERS = 15  # of the sender's own; MessageHeaderList
HEADER_NAME, HEADER_VALUE, HEADER = 126, 995, 996  # characters; MessageHeader
TAG = 256  # characters; MessageTag
LOCAL_PART, DOMAIN = 64, 255  # octets; RFC 5321, 4.5.3.1

# fmt: off
# SES makes these fields of a Simple message from the other parameters. RFC 5322 and the page on
# header fields allow each of them once.
MADE_BY_SES = frozenset({
    "from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id",
    "return-path", "mime-version", "content-type", "content-transfer-encoding", "dkim-signature",
})
# What the page on header fields allows once, besides those.
ONCE = frozenset({
    "accept-language", "acceptlanguage", "archived-at", "auto-submitted", "bounces-to",
    "comments", "content-alternative", "content-base", "content-class", "content-description",
    "content-disposition", "content-duration", "content-id", "content-language",
    "content-length", "content-location", "content-md5", "delivered-to",
    "disposition-notification-options", "disposition-notification-to", "domainkey-signature",
    "errors-to", "importance", "in-reply-to", "keywords", "list-archive", "list-help",
    "list-id", "list-owner", "list-post", "list-subscribe", "list-unsubscribe",
    "list-unsubscribe-post", "message-context", "organization", "original-from",
    "original-message-id", "original-recipient", "original-subject", "precedence", "priority",
    "references", "return-receipt-to", "solicitation", "sensitivity", "thread-index",
    "thread-topic", "user-agent", "vbr-info",
})
# fmt: on

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DISPLAY_NAME = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^()<>\[\]:;@\\,"]*)\s*')
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~]|\\[ -~])*"')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_PRINTABLE = re.compile(r"[ -~]*")
_TAG = re.compile(r"[A-Za-z0-9_-]+")


def refusal(asked: Mapping[str, Any]) -> Refusal | None:
    """Return what SES answers a SendEmail request with that breaks a rule, None if none is broken.

    What depends on the account, such as its quota, is in `account`.
    """
    return next(_breaches(asked), None)


def recipients(asked: Mapping[str, Any]) -> list[str]:
    """Return the addresses a request goes to, as they are written in it."""
    destination = asked.get("Destination") or {}
    kinds = ("ToAddresses", "CcAddresses", "BccAddresses")
    return [written for kind in kinds for written in destination.get(kind) or ()]


def bare(written: str) -> str:
    """Return an address without its display name."""
    return written[:-1].rpartition("<")[2] if written.endswith(">") else written


def address(written: str) -> Refusal | None:
    """Return why SES takes a text for no address, None if it takes it."""
    return next(_address(written), None)


def _breaches(asked: Mapping[str, Any]) -> Iterator[Refusal]:
    to, content = recipients(asked), asked.get("Content") or {}
    if not to and "Raw" not in content:
        yield _bad("The message must include at least one recipient.")
    if len(to) > RECIPIENTS:
        yield _bad(f"Recipient count exceeds {RECIPIENTS}.")
    sender = asked.get("FromEmailAddress")
    if sender is None and "Raw" not in content:
        yield _bad("FromEmailAddress is required.")
    replies = asked.get("ReplyToAddresses") or ()
    for written in (*([] if sender is None else [sender]), *to, *replies):
        yield from _address(written)
    for tag in asked.get("EmailTags") or ():
        yield from _tag(tag)
    if simple := content.get("Simple"):
        yield from _text("Subject", simple.get("Subject") or {})
        yield from _headers(simple.get("Headers") or ())
        for part in (simple.get("Body") or {}).values():
            yield from _charset("Body", part)
    if (size := _size(content)) > MESSAGE:
        yield _bad(f"Message length is more than {MESSAGE} bytes long: '{size}'.")


def _bad(message: str) -> Refusal:
    return Refusal("BadRequestException", message)


def _address(written: str) -> Iterator[Refusal]:
    """Check `name <local@domain>` or `local@domain`: all of it is 7-bit ASCII.

    SES knows no SMTPUTF8. A domain with other letters is to be given as Punycode, a display name
    as an encoded word of RFC 2047.
    """
    if _CONTROL.search(written):
        yield _bad("Address contains a control character.")
    plain = bare(written)
    name = written.rpartition("<")[0] if plain != written else ""
    if not name.isascii():
        yield _bad("Display name contains non-ASCII characters: use an encoded word (RFC 2047).")
    if not _DISPLAY_NAME.fullmatch(name):
        yield _bad("Display name contains an illegal character.")
    local, at, domain = plain.rpartition("@")
    if not (at and local):
        yield _bad("Missing final '@domain'")
    if not domain.isascii():
        yield _bad("Domain contains illegal character")
    if not _DOMAIN.fullmatch(domain) or len(domain) > DOMAIN:
        yield _bad("Domain is malformed: it must be like example.com.")
    if not _LOCAL_PART.fullmatch(local) or len(local) > LOCAL_PART:
        yield _bad("Local address contains illegal character")


def _tag(tag: Mapping[str, str]) -> Iterator[Refusal]:
    for what in ("Name", "Value"):
        said = tag.get(what) or ""
        if not _TAG.fullmatch(said):
            yield _bad(
                f"Message tag {what.lower()} <{said}> is invalid: only alphanumeric ASCII "
                "characters, '_' and '-' are allowed."
            )
        if len(said) > TAG:
            yield _bad(f"Message tag {what.lower()} is longer than {TAG} characters.")


def _text(what: str, part: Mapping[str, str]) -> Iterator[Refusal]:
    if _CONTROL.search(part.get("Data") or ""):
        yield _bad(f"{what} contains a line break or a control character.")
    yield from _charset(what, part)


def _charset(what: str, part: Mapping[str, str]) -> Iterator[Refusal]:
    if not (part.get("Data") or "").isascii() and not part.get("Charset"):
        yield _bad(f"{what} contains non-ASCII characters, but names no charset.")


def _headers(headers: Any) -> Iterator[Refusal]:
    if len(headers) > HEADERS:
        yield _bad(f"Header count exceeds {HEADERS}.")
    for header in headers:
        name, value = str(header.get("Name") or ""), str(header.get("Value") or "")
        if not _HEADER_NAME.fullmatch(name) or len(name) > HEADER_NAME:
            yield _bad(f"Header name <{name}> is invalid.")
        if name.lower() in MADE_BY_SES:
            yield _bad(f"Header <{name}> cannot be set by a header of the message.")
        if not value or not _PRINTABLE.fullmatch(value) or len(value) > HEADER_VALUE:
            yield _bad(f"Value of header <{name}> is invalid.")
        if len(name) + len(value) > HEADER:
            yield _bad(f"Header <{name}> is longer than {HEADER} characters.")
    for name, times in Counter(str(each.get("Name")).lower() for each in headers).items():
        if times > 1 and name in ONCE:
            yield _bad(f"Duplicate header '{name}'.")


def _size(content: Mapping[str, Any]) -> int:
    """Return a message's bytes in base64; a Raw message's data is in base64 already."""
    simple = content.get("Simple") or {}
    parts = [simple.get("Subject") or {}, *(simple.get("Body") or {}).values()]
    plain = sum(len((part.get("Data") or "").encode()) for part in parts)
    return (plain + 2) // 3 * 4 + len((content.get("Raw") or {}).get("Data") or "")
