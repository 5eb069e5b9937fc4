"""What SES may say, in shapes that its documentation has and in those that people have met."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.outbox import notices
from chalicelib.outbox.notices import Notice, Unreadable

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CASES = Path(__file__).parent.parent / "cases" / "ses_events"
FILES = sorted(each.name for each in CASES.glob("*n*-*.json") if not each.name.startswith("text"))


def bounce(recipient: Any = "eva@example.org", mail: Any = None, **parts: Any) -> Notice:
    """Read a hard bounce with other parts; a part that is `...` is left out."""
    told = {
        "bounceType": "Permanent",
        "bouncedRecipients": [{"emailAddress": recipient}],
        "feedbackId": "f-1",
        "timestamp": "2026-11-23T08:59:59.500Z",
        **parts,
    }
    of = {"messageId": "ses-1", "timestamp": "2026-11-23T08:59:58.500Z", **(mail or {})}
    event = {"eventType": "Bounce", "bounce": _given(told), "mail": _given(of)}
    return notices.read(json.dumps(event), NOW)


def _given(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not ...}


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("eva@example.org", "eva@example.org"),
        ("EVA@EXAMPLE.ORG", "EVA@EXAMPLE.ORG"),
        ("Eva <eva@example.org>", "eva@example.org"),
        ('"Beispiel, Eva" <eva@example.org>', "eva@example.org"),
        ('"eva@old.example" <eva@example.org>', "eva@example.org"),
        ("=?UTF-8?Q?Eva_M=C3=BCller?= <eva@example.org>", "eva@example.org"),
        ("<eva@example.org>", "eva@example.org"),
        ("eva@example.org>", "eva@example.org"),
        ("<eva@example.org", "eva@example.org"),
        ("  eva@example.org\r\n", "eva@example.org"),
        ("eva@example.org (Eva Beispiel)", "eva@example.org"),
        ("'eva@example.org'", "eva@example.org"),
        ("rfc822; eva@example.org", "eva@example.org"),
        ("eva@example.org.", "eva@example.org"),
        ("o'hara+news/x@example.org", "o'hara+news/x@example.org"),
        ("eva@bücher.example", "eva@bücher.example"),
        ("eva@xn--bcher-kva.example", "eva@xn--bcher-kva.example"),
        ("", ""),
        ("eva", ""),
        ("undisclosed-recipients:;", ""),
    ],
)
def test_recipients_as_other_servers_write_them(written: str, address: str) -> None:
    assert bounce(written).counts == ((address, "hard bounce"),)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-23T08:00:00.123Z", "2026-11-23T08:00:00.123000+00:00"),
        ("2026-11-23T08:00:00Z", "2026-11-23T08:00:00.999000+00:00"),
        ("2026-11-23T09:00:00.123+01:00", "2026-11-23T08:00:00.123000+00:00"),
        ("2026-11-23T09:00:00+0100", "2026-11-23T08:00:00.999000+00:00"),
        ("2026-11-23T08:00:00.123456789Z", "2026-11-23T08:00:00.123456+00:00"),
        ("2026-11-23T08:00:00.123", "2026-11-23T08:00:00.123000+00:00"),
        ("1970-01-01T00:00:00.000Z", None),
        ("2106-02-07T06:28:15.000Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("Mon, 23 Nov 2026 08:00:00 GMT", None),
        ("", None),
        (None, None),
        (1795420800, None),
        (..., None),
    ],
)
def test_the_time_of_a_mail(written: Any, read: str | None) -> None:
    """Check that the event's own time stands in for one that cannot be right."""
    stand_in = "2026-11-23T08:59:59.500000+00:00"
    assert bounce(mail={"timestamp": written}).mailed_at.isoformat() == (read or stand_in)


def test_the_time_of_an_event_falls_back_to_the_mails_and_to_now() -> None:
    mailed = "2026-11-23T08:59:58.500000+00:00"
    assert bounce(timestamp=...).at.isoformat() == mailed
    assert bounce(timestamp="1970-01-01T00:00:00.000Z").at.isoformat() == mailed
    neither = bounce(timestamp=..., mail={"timestamp": ...})
    assert (neither.at, neither.mailed_at) == (NOW, NOW)


@pytest.mark.parametrize("id", [..., None, "", 7, "x" * 201])
def test_an_event_without_an_id_has_one_of_its_own_that_stays(id: Any) -> None:
    first, again = bounce(feedbackId=id), bounce(feedbackId=id)
    other = bounce("other@example.org", feedbackId=id)
    assert first.id == again.id
    assert re.fullmatch("[0-9a-f]{64}", first.id)
    assert other.id != first.id


@pytest.mark.parametrize(
    ("tags", "tagged"),
    [
        ({"message": ["a.b.1"]}, ("a.b.1",)),
        ({"message": ["a.b.1", "c.d.2"]}, ("a.b.1", "c.d.2")),
        ({"message": "a.b.1"}, ("a.b.1",)),
        ({"message": []}, ()),
        ({"message": None}, ()),
        ({"message": [None, "", 7, "x" * 300, "with blank"]}, ()),
        ({"Message": ["a.b.1"]}, ()),
        (["message"], ()),
        (None, ()),
        (..., ()),
    ],
)
def test_tags(tags: Any, tagged: tuple[str, ...]) -> None:
    assert bounce(mail={"tags": tags}).tagged == tagged


@pytest.mark.parametrize("id", [..., None, "", 7, ["ses-1"], "x" * 300, "not an id"])
def test_a_mail_without_an_id_that_could_be_one_is_nobodys(id: Any) -> None:
    assert bounce(mail={"messageId": id}).service_id == ""


SOFT = ("eva@example.org", "soft bounce")


@pytest.mark.parametrize(
    ("hardness", "subtype", "action", "counts", "level"),
    [
        ("Transient", "MailboxFull", None, (SOFT,), "info"),
        ("Transient", "General", "failed", (SOFT,), "info"),
        ("Transient", "General", None, (), "info"),
        ("Transient", "General", "delayed", (), "info"),
        ("Transient", "General", ["failed"], (), "info"),
        ("Transient", "CustomTimeoutExceeded", "failed", (SOFT,), "info"),
        ("Transient", "AttachmentRejected", "failed", (), "warning"),
        ("Transient", "MessageTooLarge", "failed", (), "warning"),
        ("Transient", "ContentRejected", None, (), "warning"),
        ("Transient", None, None, (), "info"),
        ("Undetermined", "Undetermined", "failed", (SOFT,), "info"),
        ("Undetermined", "Undetermined", None, (), "info"),
        (None, "General", "failed", (), "warning"),
        ("Tomorrow", "General", "failed", (), "warning"),
        (["Permanent"], "General", "failed", (), "warning"),
    ],
)
def test_which_bounces_count(
    hardness: Any, subtype: Any, action: Any, counts: tuple[Any, ...], level: str
) -> None:
    recipient = {"emailAddress": "eva@example.org", "action": action}
    notice = bounce(bounceType=hardness, bounceSubType=subtype, bouncedRecipients=[recipient])
    assert notice.counts == counts
    assert notice.line
    assert notice.line.level == level


def test_of_several_recipients_each_has_an_action_of_its_own() -> None:
    recipients = [
        {"emailAddress": "away@example.org"},
        {"emailAddress": "eva@example.org", "action": "failed"},
    ]
    notice = bounce(bounceType="Transient", bounceSubType="General", bouncedRecipients=recipients)
    assert notice.counts == (SOFT,)


def test_a_very_long_diagnosis_is_read() -> None:
    recipient = {"emailAddress": "eva@example.org", "diagnosticCode": "smtp; 550 " + "x" * 200_000}
    assert bounce(bouncedRecipients=[recipient]).counts


MAIL = {"messageId": "ses-1"}


@pytest.mark.parametrize(
    ("kind", "part", "failure"),
    [
        ("Reject", {"reject": {"reason": "Bad content"}}, "Reject: Bad content"),
        ("Reject", {"reject": {}}, "Reject"),
        ("Reject", {}, "Reject"),
        ("Rendering Failure", {"failure": {"errorMessage": "no 'x'"}}, "RenderingFailure: no 'x'"),
        ("RenderingFailure", {"failure": None}, "RenderingFailure"),
        ("Reject", {"reject": {"reason": "to <eva@example.org>"}}, "Reject: to …"),
        ("Send", {"reject": {"reason": "Bad content"}}, ""),
    ],
)
def test_why_a_mail_was_never_sent(kind: str, part: dict[str, Any], failure: str) -> None:
    event = {"eventType": kind, "mail": MAIL, **part}
    assert notices.read(json.dumps(event), NOW).failure == failure
    assert len(notices.read(json.dumps({**event, "x": 1}), NOW).failure) <= 200


UNREADABLE = {
    "no JSON": "nonsense",
    "empty": "",
    "a number": "7",
    "a list": "[]",
    "null": "null",
    "too deep": "[" * 100_000,
    "nothing": "{}",
    "no kind": json.dumps({"mail": MAIL}),
    "a kind that is no text": json.dumps({"eventType": ["Bounce"], "mail": MAIL}),
    "no mail": json.dumps({"eventType": "Bounce", "bounce": {"bouncedRecipients": []}}),
    "a mail that is none": json.dumps({"eventType": "Send", "mail": "ses-1"}),
    "a bounce without its part": json.dumps({"eventType": "Bounce", "mail": MAIL}),
    "a bounce of null": json.dumps({"eventType": "Bounce", "mail": MAIL, "bounce": None}),
    "no recipients": json.dumps({"eventType": "Bounce", "mail": MAIL, "bounce": {}}),
    "a complaint without its part": json.dumps({"notificationType": "Complaint", "mail": MAIL}),
    "a recipient that is none": json.dumps(
        {"eventType": "Bounce", "mail": MAIL, "bounce": {"bouncedRecipients": ["eva@example.org"]}}
    ),
    "a recipient without an address": json.dumps(
        {"eventType": "Bounce", "mail": MAIL, "bounce": {"bouncedRecipients": [{}]}}
    ),
    # A topic that passes another topic's messages on wraps them once more.
    "an envelope in the envelope": json.dumps({"Type": "Notification", "Message": "{}"}),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_nobody_can_read(name: str) -> None:
    with pytest.raises(Unreadable) as raised:
        notices.read(UNREADABLE[name], NOW)
    assert "@" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["Successfully validated SNS topic for Amazon SES event publishing."]
)
@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}"])
def test_sess_own_test_is_known(text: str, around: str) -> None:
    line = notices.read(around.format(text), NOW).line
    assert line
    assert (line.level, line.event) == ("info", "feedback.topic_validated")


values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("eva@example.org"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(FILES), st.integers(0, 10_000), values)
def test_any_part_of_an_event_may_be_anything(file: str, place: int, value: Any) -> None:
    """Check that a changed part is read or named as unreadable, and raises nothing else."""
    event = json.loads((CASES / file).read_text())
    paths = list(_paths(event))
    *path, last = paths[place % len(paths)]
    inner: Any = event
    for step in path:
        inner = inner[step]
    inner[last] = value
    try:
        notice = notices.read(json.dumps(event), NOW)
    except Unreadable:
        return
    assert all(isinstance(address, str) for address, _ in notice.counts)
    if notice.line:
        assert "@" not in str(notice.line)
    assert notice.mailed_at <= NOW + timedelta(days=1)
    assert len(notice.id) <= 200


def _paths(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in pairs:
        yield [name]
        if isinstance(inner, dict | list):
            yield from ([name, *rest] for rest in _paths(inner))
