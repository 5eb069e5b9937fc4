"""A subscription after its confirmation.

Leaving, topics, one's own data, erasure, bounces, complaints and the proof of consent.
"""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

import app
from chalicelib import aws, instants, tokens
from chalicelib.newsletter import links, proof, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.stores import growth, subscribers
from local.cloud import Cloud
from tests.backend import FORM, ORIGIN, Backend
from tests.edge.test_newsletter import confirm, sign_up
from tests.events import Answer, Context
from tests.ops.commands import ops, row, table, written
from tests.scale import Scale, part

EVENTS = Path(__file__).parent.parent / "cases" / "ses_events"
HTML = {"content-type": FORM, "accept": "text/html"}
SCRIPT = {"content-type": FORM, "accept": "application/json"}


def link(backend: Backend, address: str, page: str) -> str:
    """Return a link's token from the newest mail to an address that has such a link."""
    for mail in backend.mails(address):
        path = page if page == "me" else f"newsletter/{page}"
        found = re.search(rf"https://contact\.site\.example/{path}\?token=([^\s&]+)", mail["text"])
        if found:
            return found[1]
    raise AssertionError(f"no mail with a link to {page}")


def subscribe(backend: Backend, address: str) -> str:
    """Sign up and confirm, and return the subscriber's key."""
    assert sign_up(backend, address, page=f"{ORIGIN}/gold").status == 202
    backend.deliver()
    assert confirm(backend, link(backend, address, "confirm")).status == 200
    backend.deliver()
    return key_of(address)


def state(key: str) -> str:
    subscriber = subscribers.load(key).subscriber
    return subscriber.state if subscriber else "none"


def intact(key: str) -> bool:
    document = proof.document(key, service.wordings, instants.now())
    return document is not None and document["intact"] is True


def post(
    backend: Backend, page: str, headers: dict[str, str] | None = None, **fields: str
) -> Answer:
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return backend.call("POST", f"/newsletter/{page}", body, headers or SCRIPT)


def press(backend: Backend, token: str, action: str, **fields: str) -> Answer:
    """Press a button of the page of one's data."""
    body = urlencode({"token": token, "action": action, **fields})
    return backend.call("POST", "/me", body, SCRIPT)


def mail_feedback(backend: Backend, told: dict[str, Any] | str, topic: str | None = None) -> None:
    """Deliver an event, or the bare text of one, as SNS does."""
    record: dict[str, Any] = {
        "Sns": {
            "TopicArn": topic or backend.env["MAIL_EVENTS_TOPIC_ARN"],
            "Message": told if isinstance(told, str) else json.dumps(told),
            "Subject": None,
            "MessageAttributes": {},
        }
    }
    app.mail_feedback({"Records": [record]}, Context())


def told(shape: str, message_id: str, service_id: str, feedback_id: str = "") -> dict[str, Any]:
    """Return an event as SES documents it, about one of our messages, of this moment.

    Its recipient is the message's subscriber.
    """
    key = message_id.partition("_")[2].rpartition("_")[0]
    subscriber = subscribers.load(key).subscriber
    recipient = subscriber.email if subscriber else "nobody@example.org"
    now = instants.text(instants.now())
    event: dict[str, Any] = json.loads(
        text(
            f"{shape}.json",
            message_id,
            service_id,
            recipient,
            mailed=now,
            feedback_id=feedback_id or f"feedback-{shape}",
        )
    )
    return event


def text(
    file: str,
    message_id: str,
    service_id: str,
    recipient: str,
    mailed: str,
    feedback_id: str = "feedback",
) -> str:
    """Return the text of one of the cases' events, filled in."""
    filled = (EVENTS / file).read_text()
    now = instants.now()
    for name, value in (
        ("OUR-MESSAGE", message_id),
        ("SERVICE-ID", service_id),
        ("RECIPIENT-UPPER", recipient.upper()),
        ("RECIPIENT", recipient),
        ("MAILED", mailed),
        ("NOW", instants.text(now)),
        ("LATER", instants.text(now + timedelta(hours=14))),
        ("FEEDBACK-ID", feedback_id),
    ):
        filled = filled.replace(name, value)
    return filled


def welcome(backend: Backend, key: str) -> tuple[str, str]:
    """Return the ids of the welcome mail: ours, and SES's."""
    (item,) = [
        each for each in backend.items(prefix="MSG#newsletter-welcome") if each["subject"] == key
    ]
    return item["id"], item["service_id"]


def test_one_click_unsubscribe_to_the_letter(backend: Backend) -> None:
    key = subscribe(backend, "leaves@example.org")
    sent: list[dict[str, Any]] = []
    sign_up(backend, "header@example.org")
    with backend.hooked(
        "sesv2",
        "before-send.sesv2.SendEmail",
        lambda request, **_: sent.append(json.loads(request.body)),
    ):
        backend.deliver()
        assert confirm(backend, link(backend, "header@example.org", "confirm")).status == 200
        backend.deliver()
    confirmation, mail = (each["Content"]["Simple"] for each in sent)
    assert [each["Name"] for each in confirmation["Headers"]] == ["Auto-Submitted"]
    headers = {each["Name"]: each["Value"] for each in mail["Headers"]}
    assert headers.keys() == {"List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted"}
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(
        r"<https://contact\.site\.example(/newsletter/unsubscribe\?token=\S+)>, "
        r"<mailto:post@tauberwerk\.example\?subject=unsubscribe>",
        headers["List-Unsubscribe"],
    )
    assert url
    token = link(backend, "leaves@example.org", "unsubscribe")
    boundary = "multipart/form-data; boundary=x"
    multipart = (
        '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        "One-Click\r\n--x--\r\n"
    )
    for kind, body in ((FORM, "List-Unsubscribe=One-Click"), (boundary, multipart)):
        answer = backend.call(
            "POST", f"/newsletter/unsubscribe?token={token}", body, {"content-type": kind}
        )
        assert answer.status == 200
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert state(key) == "unsubscribed"
    assert (
        backend.call("POST", url[1], "List-Unsubscribe=One-Click", {"content-type": FORM}).status
        == 200
    )
    assert state(key_of("header@example.org")) == "unsubscribed"


def test_an_unsubscribe_is_honoured_by_mail_that_waits(backend: Backend) -> None:
    assert sign_up(backend, "queued@example.org").status == 202
    backend.deliver()
    assert confirm(backend, link(backend, "queued@example.org", "confirm")).status == 200
    key = key_of("queued@example.org")
    post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
    backend.deliver()
    assert {each["subject"] for each in backend.mails("queued@example.org")} == {
        "Bitte bestätigen Sie Ihre Anmeldung"
    }
    assert sorted(backend.states().values()) == ["sent", "void"]


def test_preferences(backend: Backend) -> None:
    key = subscribe(backend, "prefers@example.org")
    token = link(backend, "prefers@example.org", "preferences")
    page = backend.call(
        "GET", f"/newsletter/preferences?token={token}", headers={"accept": "text/html"}
    )
    assert page.text.count(" checked") == 4  # three topics, one language
    answer = post(backend, "preferences", token=token, topics="offers", language="en")
    assert answer.json == {"status": "saved"}
    subscriber = subscribers.load(key).subscriber
    assert subscriber
    assert (subscriber.topics, subscriber.language) == (("offers",), "en")
    unnamed = backend.call("POST", "/newsletter/preferences", {"token": token, "language": "en"})
    assert (unnamed.status, unnamed.json["errors"][0]["field"]) == (422, "topics")
    none = post(backend, "preferences", token=token, language="en", visit="v")
    assert none.json == {"status": "unsubscribed"}
    assert state(key) == "unsubscribed"
    undone = post(backend, "preferences", token=token, visit="v", action="undo")
    assert (undone.json, state(key)) == ({"status": "confirmed"}, "confirmed")
    post(backend, f"unsubscribe?token={link(backend, 'prefers@example.org', 'unsubscribe')}")
    ended = backend.call("GET", f"/newsletter/preferences?token={token}", headers=HTML)
    assert (ended.status, ended.text.count(f'class="button" href="{ORIGIN}"')) == (200, 1)
    assert (
        post(backend, "preferences", token=token, topics="news", language="de").json["code"]
        == "token"
    )


def test_not_me(backend: Backend) -> None:
    sign_up(backend, "stranger@example.org")
    backend.deliver()
    token, key = (
        link(backend, "stranger@example.org", "refuse"),
        key_of("stranger@example.org"),
    )
    assert backend.call("GET", f"/newsletter/refuse?token={token}").text.count("<button") == 1
    assert state(key) == "pending"
    for _ in range(2):
        assert post(backend, "refuse", token=token).json == {"status": "refused"}
    assert sign_up(backend, "stranger@example.org").text == '{"status":"pending"}'
    assert confirm(backend, token).status == 400
    backend.settle()
    assert len(backend.mails("stranger@example.org")) == 1
    again = post(backend, "refuse", HTML, token=token, action="undo")
    assert (again.status, state(key)) == (200, "pending")
    assert confirm(backend, token).status == 200
    ended = post(backend, "refuse", {**HTML, "accept-language": "en"}, token=token)
    assert "The subscription of this address has ended." in ended.text
    assert ended.text.count('name="action" value="undo"') == 1
    with time_machine.travel(instants.now() + timedelta(minutes=11), tick=False):
        late = post(backend, "refuse", {**HTML, "accept-language": "en"}, token=token)
        assert "are over" in late.text
        assert 'value="undo"' not in late.text
        refused = post(backend, "refuse", token=token, action="undo")
    assert (refused.status, refused.json["state"]) == (409, "refused")
    assert refused.json["reason"] == "too_late"


def test_ones_data_and_its_erasure_want_a_fresh_link(backend: Backend) -> None:
    key = subscribe(backend, "mine@example.org")
    old = link(backend, "mine@example.org", "preferences")
    for page in ("mydata", "erase"):
        assert backend.call("GET", f"/newsletter/{page}?token={old}").status == 400
    _allow_mails(backend)
    answers = [
        post(backend, "access", token=old),
        post(backend, "access", email="nobody@example.org"),
        post(backend, "access", email="MINE@example.org"),
    ]
    assert {(each.status, each.text) for each in answers} == {(202, '{"status":"sent"}')}
    backend.deliver()
    token = link(backend, "mine@example.org", "me")
    for page in ("mydata", "erase"):
        led = backend.call("GET", f"/newsletter/{page}?token={token}&language=en")
        there = f"https://contact.site.example/me?token={token}&language=en"
        assert (led.status, led.headers["location"], led.text) == (303, there, "")
    assert backend.call("GET", f"/me?token={token}").text.count("<button") == 1
    data = press(backend, token, "download")
    assert data.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert data.json["email"] == "mine@example.org"
    events = [each["event"] for each in data.json["newsletter"]["events"]]
    assert events == [
        "signup",
        "mailed",
        "confirmed",
        "access",
        "access",
    ]  # by the link, and by the address
    assert data.json["newsletter"]["events"][0]["personal"]["page"] == f"{ORIGIN}/gold"
    for _ in range(2):
        assert post(backend, "erase", token=token).json == {"status": "erased"}
    assert state(key) == "none"


def _allow_mails(backend: Backend) -> None:
    """Forget the mails to all mailboxes, as if a day had passed."""
    for item in backend.items(prefix="MAILBOX#"):
        aws.client("dynamodb").delete_item(
            TableName=backend.env["CONTACTS_TABLE"],
            Key=aws.pack_item({name: item[name] for name in ("pk", "sk")}),
        )


def test_after_an_erasure_nothing_personal_is_anywhere(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = {"user-agent": "Canary/1.0", "content-type": "application/json"}
    body = {
        "email": "canary@example.org",
        "consent": "newsletter-de-1",
        "page": f"{ORIGIN}/canary-page",
    }
    backend.call("POST", "/newsletter/signups", body, agent, client_ip="203.0.113.77")
    backend.deliver()
    confirm(backend, link(backend, "canary@example.org", "confirm"))
    backend.settle()
    key = key_of("canary@example.org")
    assert "canary@example.org" in str(backend.items())
    token = tokens.sign(links.DATA, key, 0)
    assert post(backend, "erase", token=token).status == 200
    backend.settle()
    letters = (
        aws.client("sqs")
        .receive_message(QueueUrl=backend.env["DEAD_LETTER_QUEUE_URL"])
        .get("Messages", [])
    )
    tables = [
        backend.items(table)
        for table in ("CONTACTS_TABLE", "VIEW_MARKERS_TABLE", "VIEW_COUNTS_TABLE")
    ]
    kept, said = str([tables, letters]), capsys.readouterr()
    everything = kept + said.out + said.err
    hits = sum(everything.count(canary) for canary in ("canary", "Canary", "203.0.113.77"))
    again = ops("import", written(tmp_path / "old.csv", row("CANARY@example.org")))
    with capsys.disabled():
        outcome = again.output.splitlines()[-1]
        print(f"\nerased: hits in tables, queue and logs {hits} · imported again: {outcome}")
    assert hits == 0
    assert again.output.splitlines()[-1] == "0 imported, 0 done before, 1 refused"
    assert [each["reason"] for each in table(tmp_path / "old.csv.refused.csv")] == [
        "was erased here: only the person can come back, by signing up"
    ]
    known = subscribers.load(key)
    assert known.suppressed
    shown = proof.document(key, service.wordings, instants.now())
    assert shown
    assert (shown["intact"], shown["events"][0]["personal"]) == (True, None)
    assert all(
        "expires" in each for each in backend.items(prefix="SUB#") if each["sk"].startswith("EVENT")
    )
    sign_up(backend, "canary@example.org")
    backend.settle()
    confirm(backend, link(backend, "canary@example.org", "confirm"))
    assert not subscribers.load(key).suppressed


def test_a_thousand_looks_at_every_link_change_nothing(backend: Backend, scale: Scale) -> None:
    key = subscribe(backend, "scanner@example.org")
    sign_up(backend, "scanner-2@example.org")
    backend.deliver()
    confirming = link(backend, "scanner-2@example.org", "confirm")
    data = tokens.sign(links.DATA, key, 0)
    pages = {
        "confirm": confirming,
        "refuse": confirming,
        "unsubscribe": link(backend, "scanner@example.org", "unsubscribe"),
        "preferences": link(backend, "scanner@example.org", "preferences"),
        "mydata": data,
        "erase": data,
        "me": data,
    }
    personal = ("scanner", "192.0.2.1", "Firefox", key)
    shown = 0
    before = backend.items()
    writes: list[str] = []
    looks = 0
    with backend.hooked(
        "dynamodb", "before-send.dynamodb", lambda event_name, **_: writes.append(event_name)
    ):
        for page, token in pages.items():
            for number in range(scale(1000)):
                method = "HEAD" if number % 2 else "GET"
                path = "/me" if page == "me" else f"/newsletter/{page}"
                answer = backend.call(method, f"{path}?token={token}")
                looks += answer.status in (200, 303)
                shown += sum(each in answer.text + str(answer.headers) for each in personal)
    assert (looks, shown) == (7 * scale(1000), 0)
    assert {each.rpartition(".")[2] for each in writes} <= {"Query", "GetItem", "BatchGetItem"}
    assert backend.items() == before
    pressed = [confirm(backend, confirming).status]
    pressed.append(
        post(
            backend, "preferences", token=pages["preferences"], topics="news", language="de"
        ).status
    )
    pressed += [post(backend, f"unsubscribe?token={pages['unsubscribe']}").status]
    pressed += [press(backend, data, "show").status, press(backend, data, "erase").status]
    working = f"buttons that work afterwards {pressed.count(200)}"
    print(f"\nlooks at mailed links {looks} · writes 0 · personal data shown {shown} · {working}")
    assert pressed == [200] * 5
    assert (state(key), state(key_of("scanner-2@example.org"))) == ("none", "confirmed")


@pytest.mark.parametrize(
    "shape", ["event-bounce-permanent-general", "notification-bounce-permanent-general"]
)
def test_a_hard_bounce_ends_it_and_a_fresh_opt_in_begins_it_again(
    backend: Backend, shape: str
) -> None:
    address = f"{shape}@example.org"
    key = subscribe(backend, address)
    message, service_id = welcome(backend, key)
    event = told(shape, message, service_id)
    for _ in range(3):
        mail_feedback(backend, event)
    assert state(key) == "bounced"
    events = [each.event for each in subscribers.events(key)]
    assert events == ["signup", "mailed", "confirmed", "bounced"]
    _allow_mails(backend)
    sign_up(backend, address)
    backend.deliver()
    assert confirm(backend, link(backend, address, "confirm")).status == 200
    mail_feedback(backend, event)  # the same event once more, late
    assert state(key) == "confirmed"


@pytest.mark.parametrize(
    "order",
    part(
        [
            (order,)
            for order in permutations(
                [
                    "event-delivery",
                    "event-bounce-transient-mailboxfull",
                    "event-bounce-permanent-general",
                    "event-complaint-abuse",
                ]
            )
        ]
    ),
)
def test_feedback_in_every_order_ends_in_one_state(
    backend: Backend, order: tuple[str, ...]
) -> None:
    key = subscribe(backend, "orders@example.org")
    message, service_id = welcome(backend, key)
    for shape in order:
        for _ in range(2):
            mail_feedback(backend, told(shape, message, service_id))
    assert state(key) == "complained"
    assert intact(key)
    _allow_mails(backend)
    assert sign_up(backend, "orders@example.org").status == 202
    assert state(key) == "complained"


def test_an_event_resolves_a_message_without_an_answer(backend: Backend) -> None:
    from botocore.exceptions import ReadTimeoutError

    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="ses")

    sign_up(backend, "silent@example.org")
    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", lose):
        backend.deliver()
    (message,) = backend.states()
    assert backend.states() == {message: "unclear"}
    mail_feedback(backend, told("event-delivery", message, "ses-knows"))
    assert backend.states() == {message: "sent"}
    found = [each["service_id"] for each in backend.items(prefix="MSG#")]
    assert found == ["ses-knows"]


def test_foreign_topics_unknown_messages_and_nonsense_change_nothing(backend: Backend) -> None:
    key = subscribe(backend, "forged@example.org")
    message, service_id = welcome(backend, key)
    before = backend.items()
    mail_feedback(
        backend,
        told("event-complaint-abuse", message, service_id),
        topic="arn:aws:sns:eu-central-1:000000000000:foreign",
    )
    mail_feedback(backend, told("event-complaint-abuse", "newsletter-welcome_nobody_1", "unknown"))
    for nonsense in (
        {},
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": {"messageId": service_id}},
    ):
        mail_feedback(backend, nonsense)
    assert backend.items() == before


def test_the_proof_verifies_and_one_changed_byte_shows(backend: Backend) -> None:
    key = subscribe(backend, "proven@example.org")
    shown = proof.document(key, service.wordings, instants.now())
    assert shown
    assert shown["intact"]
    assert shown["declarations"][0]["text"] == service.wordings.all["newsletter-de-1"].text
    assert [each["state"] for each in shown["mails"]] == ["sent", "sent"]
    assert all(each["service_id"] and each["sha256"] for each in shown["mails"])
    table, detected, changed = backend.env["CONTACTS_TABLE"], 0, 0
    for item in [each for each in backend.items(prefix="SUB#") if each["sk"].startswith("EVENT")]:
        for name in ("at", "event", "personal_digest", "previous", "hash", "facts", "personal"):
            value = item[name]
            forged: Any = (
                {**value, next(iter(value)): "x"} if isinstance(value, dict) else _flip(value)
            )
            aws.client("dynamodb").put_item(
                TableName=table, Item=aws.pack_item({**item, name: forged})
            )
            found = proof.document(key, service.wordings, instants.now())
            assert found
            changed += 1
            detected += not found["intact"] and bool(found["faults"])
        aws.client("dynamodb").put_item(TableName=table, Item=aws.pack_item(item))
    assert intact(key)
    print(f"\nchanged values {changed} · detected {detected}")
    assert detected == changed


def _flip(text: str) -> str:
    return text[:-1] + chr(ord(text[-1]) ^ 1)


def test_growth_is_counted_with_what_grew(backend: Backend) -> None:
    for number in range(5):
        key = subscribe(backend, f"grown-{number}@example.org")
    post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
    message, service = welcome(backend, key_of("grown-0@example.org"))
    mail_feedback(backend, told("event-bounce-permanent-general", message, service))
    day = instants.day(instants.now(), "Europe/Berlin").isoformat()
    reads: list[str] = []
    with backend.hooked(
        "dynamodb", "before-send.dynamodb", lambda event_name, **_: reads.append(event_name)
    ):
        year = growth.by_day(date(int(day[:4]), 1, 1), date(int(day[:4]), 12, 31))
    assert year == {day: {"signup": 5, "confirmed": 5, "unsubscribed": 1, "bounced": 1}}
    assert len(reads) == 1


def test_the_staff_look_up_prove_and_erase(cloud: Cloud) -> None:
    """Check the staff's calls on the local stage, with the key of its settings."""
    with Backend(cloud, cloud.env) as backend:
        staff = {"authorization": f"Bearer {cloud.env['STAFF_TEST_KEY']}"}
        sign_up(backend, "staff-looks@example.org")
        search = {"email": "STAFF-looks@example.org"}
        (found,) = backend.call("POST", "/staff/subscribers/search", search, staff).json[
            "subscribers"
        ]
        assert (found["email"], found["state"]) == ("staff-looks@example.org", "pending")
        path = f"/staff/subscribers/{found['id']}"
        assert backend.call("GET", f"{path}/proof", headers=staff).json["intact"]
        page = backend.call(
            "GET", f"{path}/proof?language=en", headers={**staff, "accept": "text/html"}
        )
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for shown in (
            "staff-looks@example.org",
            "Vollständig und unverändert",  # the subscriber's language
            service.wordings.all["newsletter-de-1"].text,
            "newsletter-de-1",
        ):
            assert shown in page.text
        for _ in range(2):
            assert backend.call("DELETE", path, headers=staff).json == {"status": "erased"}
        assert backend.call("GET", path, headers=staff).json["state"] == "erased"
        assert backend.call("GET", "/staff/subscribers/nobody/proof", headers=staff).status == 404


@pytest.mark.soak
def test_confirming_against_unsubscribing_has_one_end(backend: Backend) -> None:
    """Check that confirming and unsubscribing at once leave a state that the ledger explains.

    Whoever comes first, a repeated unsubscribe ends the subscription.
    """
    ends: Counter[str] = Counter()
    for number in range(8):
        email = f"both-{number}@example.org"
        sign_up(backend, email)
        backend.deliver()
        confirming, key = link(backend, email, "confirm"), key_of(email)
        leaving = tokens.sign(links.UNSUBSCRIBE, key, 0)
        acts = [
            lambda c=confirming: confirm(backend, c),
            lambda t=leaving: post(backend, f"unsubscribe?token={t}"),
        ] * 4
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda act: act(), acts))
        events = [each.event for each in subscribers.events(key)]
        ends[state(key)] += 1
        confirmed = ["signup", "mailed", "confirmed", "unsubscribed"][: len(events)]
        assert events in (confirmed, ["signup", "mailed", "unsubscribed"])
        assert state(key) == events[-1]
        assert intact(key)
        assert post(backend, f"unsubscribe?token={leaving}").status == 200
        assert state(key) == "unsubscribed"
    outcome = f"races 8 · ends {dict(ends)} · ledgers intact 8"
    print(f"\nconfirmations against unsubscribes, 4 each at once: {outcome}")
    assert ends.keys() <= {"confirmed", "unsubscribed"}
