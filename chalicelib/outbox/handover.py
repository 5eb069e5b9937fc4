"""Handing a message to SES or SNS. Everything but subjects of mails and bodies is ASCII.

SES takes addresses in 7-bit ASCII, a domain as punycode and a name in encoded words
("EmailAddress" in its API reference); SNS takes a subject of less than 100 ASCII characters.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import astuple
from email.header import Header
from email.utils import formataddr
from functools import cache
from typing import Any

from chalicelib import addresses, aws
from chalicelib.outbox.model import Alert, Mail, Message, Publication
from chalicelib.settings import current

# Nobody answers a mail of ours that no person wrote, such as an absence note would (RFC 3834).
_ALWAYS = (("Auto-Submitted", "auto-generated"),)
_ENCODED_WORD = 75  # characters at most (RFC 2047, section 2)
_SUBJECT = 99  # characters of an alert's
# The letters whose bare form is another letter in German.
# fmt: off
_SPELT = str.maketrans({
    "\xe4": "ae", "\xf6": "oe", "\xfc": "ue", "\xc4": "Ae", "\xd6": "Oe", "\xdc": "Ue",
    "\xdf": "ss", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'",
    "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-",
})
# fmt: on
_NO_VALUE = re.compile(r"[^\x20-\x7e]")


class Unsendable(ValueError):
    """A message that the service would never take; the text says why, without an address."""


def mail(message: Message, parcel: Mail) -> str:
    """Send a mail by SES and return SES's id of it. Raises Unsendable, and botocore's errors."""
    body = {"Text": {"Data": parcel.text, "Charset": "UTF-8"}}
    if parcel.html:
        body["Html"] = {"Data": parcel.html, "Charset": "UTF-8"}
    headers = [{"Name": each, "Value": value} for each, value in (*parcel.headers, *_ALWAYS)]
    for each in headers:
        if _NO_VALUE.search(each["Value"]):
            raise Unsendable(f"the header {each['Name']} is not ASCII")
    simple = {
        "Subject": {"Data": parcel.subject, "Charset": "UTF-8"},
        "Body": body,
        "Headers": headers,
    }
    named: dict[str, Any] = {"FromEmailAddress": sender("MAIL_FROM", current().mail_from)}
    if current().mail_reply_to:
        named["ReplyToAddresses"] = [sender("MAIL_REPLY_TO", current().mail_reply_to)]
    answer = aws.fresh("sesv2").send_email(
        **named,
        Destination={"ToAddresses": _recipients(parcel.to)},
        Content={"Simple": simple},
        ConfigurationSetName=current().mail_configuration_set,
        EmailTags=[{"Name": "message", "Value": message.id}],  # SES's events find the message by it
    )
    return str(answer["MessageId"])


def alert(message: Message, parcel: Alert) -> str:
    """Publish an alert to its topic and return SNS's id of it. Raises botocore's errors.

    Each subscriber gets the body of its protocol, or the text.
    """
    attributes = {**parcel.attributes, "message": message.id}
    subject = subject_of(parcel.subject)
    bodies = {"default": parcel.text, **parcel.bodies}
    answer = aws.fresh("sns").publish(
        TopicArn=current().alerts_topic_arn,
        **({"Subject": subject} if subject else {}),
        Message=json.dumps(bodies, ensure_ascii=False),
        MessageStructure="json",
        MessageAttributes={
            name: _attribute(value)
            for name, value in attributes.items()
            if value  # SNS refuses an empty one
        },
    )
    return str(answer["MessageId"])


def publication(parcel: Publication) -> str:
    """Publish an event to its topic and return SNS's id of it. Raises botocore's errors."""
    answer = aws.fresh("sns").publish(
        TopicArn=current().domain_events_topic_arn,
        Message=parcel.text,
        MessageAttributes={name: _attribute(value) for name, value in parcel.attributes.items()},
    )
    return str(answer["MessageId"])


def _attribute(value: str | tuple[str, ...]) -> dict[str, str]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "String.Array", "StringValue": json.dumps(value)}


def digest(parcel: Mail | Alert | Publication) -> str:
    """Return the SHA-256 of a message's whole content, as hex."""
    return hashlib.sha256(json.dumps(astuple(parcel), sort_keys=True).encode()).hexdigest()


@cache
def sender(setting: str, written: str) -> str:
    """Return a setting's address in ASCII, its display name quoted or in encoded words.

    Raises Unsendable, which names the setting.
    """
    name, address = addresses.split(" ".join(written.split()))
    try:
        bare = addresses.to_ascii(address)
    except ValueError as error:
        raise Unsendable(f"{setting}: {error}") from error
    if name.isascii():
        return formataddr((name, bare))
    words = Header(name, "utf-8", maxlinelen=_ENCODED_WORD).encode(splitchars="")
    return f"{' '.join(words.split())} <{bare}>"


def subject_of(text: str) -> str:
    """Return an alert's subject as SNS takes it: short, ASCII, in one line.

    Letters lose their accents; those of other alphabets are left out.
    """
    bare = unicodedata.normalize("NFKD", text.translate(_SPELT)).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[\x00-\x20\x7f]+", " ", bare).split())[:_SUBJECT].strip()


def _recipients(to: Iterable[str]) -> list[str]:
    try:
        return [addresses.to_ascii(each) for each in to]
    except ValueError as error:
        raise Unsendable(f"recipient: {error}") from error
