"""SES's rules: of each, the largest value that is accepted and the smallest that is refused."""

from typing import Any

import pytest

from local.aws import ses


def request(**changes: Any) -> dict[str, Any]:
    """Return a SendEmail request without a fault, but for the changes."""
    return {
        "FromEmailAddress": "Shop <noreply@shop.example>",
        "Destination": {"ToAddresses": ["erika@example.org"]},
        "Content": {"Simple": simple()},
        **changes,
    }


def simple(**changes: Any) -> dict[str, Any]:
    said = {"Data": "Größe", "Charset": "UTF-8"}
    return {"Subject": said, "Body": {"Text": said}, **changes}


def headers(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"Simple": simple(Headers=[{"Name": name, "Value": value} for name, value in pairs])}


def to(*addresses: str) -> dict[str, Any]:
    return {"ToAddresses": list(addresses)}


def tag(name: str, value: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value}]


def subject(data: str, **more: str) -> dict[str, Any]:
    return {"Simple": simple(Subject={"Data": data, **more})}


def body(data: str) -> dict[str, Any]:
    return {"Simple": simple(Subject={"Data": ""}, Body={"Text": {"Data": data}})}


LARGEST = 41_943_040 // 4 * 3  # bytes whose base64 has 40 MB
LABEL = "d" * 63
DOMAIN = ".".join([LABEL, LABEL, LABEL, "d" * 60])  # 252 characters
ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("a mail", {}),
    ("a domain in Punycode", {"Destination": to("post@xn--mller-kva.example")}),
    ("a local part of 64", {"Destination": to("l" * 64 + "@example.org")}),
    ("a domain of 255", {"Destination": to(f"l@{DOMAIN}.de")}),
    ("a quoted local part", {"Destination": to('"er ika"@example.org')}),
    ("a plus", {"Destination": to("erika+news@sub.example.org")}),
    ("50 recipients", {"Destination": to(*["e@example.org"] * 50)}),
    ("a quoted display name", {"FromEmailAddress": '"Shop, Inc." <a@shop.example>'}),
    ("an encoded word", {"FromEmailAddress": "=?utf-8?q?M=C3=BCller?= <a@shop.example>"}),
    ("15 headers", {"Content": headers(*[("X-Name", "value")] * 15)}),
    ("a header name of 126", {"Content": headers(("n" * 126, "v"))}),
    ("a header of 996", {"Content": headers(("n", "v" * 995))}),
    ("a field once", {"Content": headers(("List-Unsubscribe", "<mailto:a@shop.example>"))}),
    ("a tag's alphabet", {"EmailTags": tag("message", "newsletter-welcome_aZ09_1")}),
    ("a tag of 256", {"EmailTags": tag("n" * 256, "v" * 256)}),
    ("an ASCII subject", {"Content": subject("Hello ~")}),
    ("a subject with a charset", {"Content": subject("Größe", Charset="UTF-8")}),
    ("40 MB", {"Content": body("x" * LARGEST)}),
]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("an umlaut domain", {"Destination": to("post@müller.example")}, "Domain contains illegal"),
    ("an umlaut domain, reply", {"ReplyToAddresses": ["a@müller.example"]}, "Domain contains"),
    ("an umlaut domain, sender", {"FromEmailAddress": "a@müller.example"}, "Domain contains"),
    ("an umlaut domain, copy", {"Destination": {"CcAddresses": ["a@ü.example"]}}, "Domain contain"),
    ("an umlaut domain, blind", {"Destination": {"BccAddresses": ["a@ü.example"]}}, "Domain cont"),
    ("an umlaut local part", {"Destination": to("jörg@example.org")}, "Local address"),
    ("a local part of 65", {"Destination": to("l" * 65 + "@example.org")}, "Local address"),
    ("a domain of 256", {"Destination": to(f"l@{DOMAIN}.dee")}, "Domain is malformed"),
    ("no domain", {"Destination": to("erika")}, "Missing final '@domain'"),
    ("no local part", {"Destination": to("@example.org")}, "Missing final '@domain'"),
    ("no top-level domain", {"Destination": to("erika@example")}, "Domain is malformed"),
    ("a dot at the end", {"Destination": to("erika.@example.org")}, "Local address"),
    ("two dots", {"Destination": to("erika@example..org")}, "Domain is malformed"),
    ("a space", {"Destination": to("eri ka@example.org")}, "Local address"),
    ("two addresses in one", {"Destination": to("a@b.example,c@d.example")}, "Local address"),
    ("a line break", {"Destination": to("e@example.org\r\nBcc: a@b.example")}, "control character"),
    ("51 recipients", {"Destination": to(*["e@example.org"] * 51)}, "Recipient count exceeds 50"),
    ("no recipient", {"Destination": to()}, "at least one recipient"),
    ("no sender", {"FromEmailAddress": None}, "FromEmailAddress is required"),
    ("an umlaut name", {"FromEmailAddress": "Müller <a@shop.example>"}, "encoded word"),
    ("a comma in a name", {"FromEmailAddress": "Shop, Inc. <a@shop.example>"}, "Display name"),
    ("16 headers", {"Content": headers(*[("X-Name", "value")] * 16)}, "Header count exceeds 15"),
    ("a header name of 127", {"Content": headers(("n" * 127, "v"))}, "Header name"),
    ("no header name", {"Content": headers(("", "v"))}, "Header name"),
    ("a colon in a name", {"Content": headers(("X:Y", "v"))}, "Header name"),
    ("an umlaut in a header name", {"Content": headers(("X-Ü", "v"))}, "Header name"),
    ("a header of 997", {"Content": headers(("nn", "v" * 995))}, "longer than 996"),
    ("a header value of 996", {"Content": headers(("n", "v" * 996))}, "Value of header"),
    ("no header value", {"Content": headers(("X-Name", ""))}, "Value of header"),
    ("an umlaut in a value", {"Content": headers(("X-Name", "ü"))}, "Value of header"),
    ("a line break in a value", {"Content": headers(("X-Name", "a\nb"))}, "Value of header"),
    ("a field that SES makes", {"Content": headers(("REPLY-To", "a@b.example"))}, "cannot be set"),
    ("a field twice", {"Content": headers(*[("List-Id", "<a>")] * 2)}, "Duplicate header"),
    ("a dot in a tag", {"EmailTags": tag("message", "welcome.a.1")}, "Message tag value"),
    ("a dot in a tag's name", {"EmailTags": tag("a.b", "c")}, "Message tag name"),
    ("an empty tag", {"EmailTags": tag("message", "")}, "Message tag value"),
    ("a tag of 257", {"EmailTags": tag("n", "v" * 257)}, "longer than 256"),
    ("a line break in a subject", {"Content": subject("a\nb")}, "line break"),
    ("a control character", {"Content": subject("a\x7f")}, "control character"),
    ("an umlaut, no charset", {"Content": subject("Größe")}, "names no charset"),
    ("an umlaut in a body, no charset", {"Content": body("Größe")}, "names no charset"),
    ("more than 40 MB", {"Content": body("x" * (LARGEST + 1))}, "Message length"),
]


@pytest.mark.parametrize(("what", "changes"), ACCEPTED, ids=[each[0] for each in ACCEPTED])
def test_accepted(what: str, changes: dict[str, Any]) -> None:
    assert ses.refusal(request(**changes)) is None


@pytest.mark.parametrize(("what", "changes", "said"), REFUSED, ids=[each[0] for each in REFUSED])
def test_refused(what: str, changes: dict[str, Any], said: str) -> None:
    refused = ses.refusal(request(**changes))
    assert refused is not None
    assert refused.code == "BadRequestException"
    assert said in refused.message


def test_a_raw_message_names_its_own_people() -> None:
    content = {"Raw": {"Data": "x" * 41_943_040}}
    assert ses.refusal({"Content": content}) is None
    content["Raw"]["Data"] += "x"
    assert ses.refusal({"Content": content}) is not None
