"""What SNS refuses to publish.

Sources: the API reference of SNS (Publish, MessageAttributeValue) and the developer guide's page
"Amazon SNS message attributes". A message with a body per protocol is refused in the words that
LocalStack's tests have recorded of AWS (pull request 8487).
"""

import json
import re
from collections.abc import Iterator, Mapping

from local.aws.refusal import Refusal

MESSAGE = 256 * 1024  # bytes, attributes included; the default of a topic's MaximumMessageSize
# "Less than 100 characters." Older editions of the reference want ASCII and a letter, number or
# punctuation mark at the start, newer ones any UTF-8. The narrower rule holds in both.
SUBJECT = 99
ATTRIBUTE_NAME = 256  # characters
SMS = 1600  # characters

_SUBJECT = re.compile(r"[!-~][ -~]*")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_RESERVED = re.compile(r"(?:aws|amazon)\.", re.IGNORECASE)
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def refusal(asked: Mapping[str, str]) -> Refusal | None:
    """Return what SNS answers a Publish request with that breaks a rule, None if none is broken.

    `asked` has the parameters of the query protocol: `MessageAttributes.entry.1.Name` and so on.
    """
    return next(_breaches(asked), None)


def bodies(asked: Mapping[str, str]) -> dict[str, str]:
    """Return the body of each protocol, and `default` for the others.

    SNS ignores one that is not a string.
    """
    if asked.get("MessageStructure") != "json":
        return {"default": asked.get("Message") or ""}
    try:
        read = json.loads(asked.get("Message") or "")
    except ValueError:
        return {}
    found = read.items() if isinstance(read, dict) else ()
    return {name: body for name, body in found if isinstance(body, str)}


def attributes(asked: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and value of each message attribute."""
    number = 1
    while (name := asked.get(f"MessageAttributes.entry.{number}.Name")) is not None:
        value = f"MessageAttributes.entry.{number}.Value"
        said = asked.get(f"{value}.StringValue") or asked.get(f"{value}.BinaryValue") or ""
        yield name, asked.get(f"{value}.DataType") or "", said
        number += 1


def _breaches(asked: Mapping[str, str]) -> Iterator[Refusal]:
    message = asked.get("Message") or ""
    if not message:
        yield _invalid("Empty message")
    yield from _structure(asked, message)
    subject = asked.get("Subject")
    if subject is not None and (len(subject) > SUBJECT or not _SUBJECT.fullmatch(subject)):
        yield _invalid("Subject")
    size = len(message.encode())
    for name, kind, value in attributes(asked):
        yield from _attribute(name, kind, value)
        size += len(name.encode()) + len(kind.encode()) + len(value.encode())
    if size > MESSAGE:
        yield _invalid("Message too long")
    phone = asked.get("PhoneNumber")
    if phone is not None:
        if not _E164.fullmatch(phone):
            yield _invalid(f"PhoneNumber Reason: {phone} is not valid to publish to")
        if len(message) > SMS:
            yield _invalid("Message too long")


def _structure(asked: Mapping[str, str], message: str) -> Iterator[Refusal]:
    structure = asked.get("MessageStructure")
    if structure is None:
        return
    if structure != "json":
        yield _invalid("MessageStructure")
    try:
        read = json.loads(message)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        yield _invalid("Message Structure - JSON message body failed to parse")
    if "default" not in bodies(asked):
        yield _invalid("Message Structure - No default entry in JSON message body")


def _invalid(what: str) -> Refusal:
    return Refusal("InvalidParameter", f"Invalid parameter: {what}")


def _attribute(name: str, kind: str, value: str) -> Iterator[Refusal]:
    valid = _ATTRIBUTE_NAME.fullmatch(name) and len(name) <= ATTRIBUTE_NAME
    if not valid or _RESERVED.match(name):
        yield Refusal("ParameterValueInvalid", f"Invalid message attribute name '{name}'.")
    if not kind or not value:
        yield Refusal(
            "ParameterValueInvalid",
            f"The message attribute '{name}' must contain non-empty message attribute value for "
            f"message attribute type '{kind}'.",
        )
