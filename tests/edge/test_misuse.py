"""Misuse of the newsletter: each threat with its input, and what came of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from chalicelib import instants
from chalicelib.http.inventory import INVENTORY
from chalicelib.newsletter import proof, service
from chalicelib.newsletter.keys import key_of
from tests.backend import ORIGIN, Backend
from tests.edge.test_challenges import fresh, written
from tests.edge.test_newsletter import SIGNUP, sign_up
from tests.edge.test_subscription import (
    HTML,
    link,
    mail_feedback,
    post,
    state,
    subscribe,
    told,
    welcome,
)
from tests.events import Answer
from tests.scale import Scale, some

INJECTED = "x\r\nBcc: e@x.y"
MORNING = datetime(2027, 3, 10, 0, 0, 30, tzinfo=UTC)  # a day without a clock change


@pytest.mark.parametrize("proven", some([False, True], [True]), ids=["no proof", "proof solved"])
def test_a_thousand_signups_of_one_address_are_three_mails_a_day(
    backend: Backend, scale: Scale, proven: bool
) -> None:
    signups = scale(1000, 10, 300)
    backend.configure(ALTCHA_REQUIRED=str(int(proven)), ALTCHA_COST="1")
    address, answers = f"bombed-{int(proven)}@example.org", set()
    with time_machine.travel(MORNING, tick=False) as clock:
        for number in range(signups):
            given = {"altcha": written(fresh(backend, "newsletter"))} if proven else {}
            body = {**SIGNUP, "email": address, **given}
            answer = backend.call(
                "POST", "/newsletter/signups", body, client_ip=f"198.51.100.{number % 100}"
            )
            answers.add((answer.status, answer.text, str(answer.headers)))
            if number % scale(50) == 0:
                backend.deliver()
            clock.shift(timedelta(days=1) / signups)
        backend.deliver()
    mails = len(backend.mails(address))
    figures = f"mails {mails} · different answers {len(answers)}"
    print(f"\nsignups of one address in a day {signups} · client addresses 100 · {figures}")
    assert mails == 3
    assert {each[:2] for each in answers} == {(202, '{"status":"pending"}')}
    assert len(answers) == 1


PLACES = [
    (path, method, name)
    for path, methods in INVENTORY.items()
    for method, route in methods.items()
    for model in (route.takes, route.params)
    if model and not path.startswith(("/staff", "/articles", "/views"))
    for name in model.model_fields
    if "{" + name + "}" not in path
    if name not in ("note", "article")  # one has lines, the other any name
]


def test_line_breaks_are_refused_in_every_field(backend: Backend) -> None:
    statuses: dict[tuple[str, str, str], int] = {}
    for path, method, name in PLACES:
        answer = _inject(backend, path, method, name)
        statuses[path, method, name] = answer.status
        wrong = {each["field"] for each in answer.json["errors"]} if answer.status == 422 else set()
        # Where a body may be anything, one that cannot be taken is an empty one.
        lenient = name == "token" or INVENTORY[path][method].any_body
        assert name in wrong or (lenient and answer.json["code"] == "token"), (
            path,
            name,
            answer.text,
        )
    backend.deliver()
    mails = len(backend.items(prefix="MSG#"))
    print(f"\nfields with a header injected {len(statuses)} · accepted 0 · mails {mails}")
    assert set(statuses.values()) == {400, 422}
    assert backend.items() == []


def _inject(backend: Backend, path: str, method: str, name: str) -> Answer:
    """Send a valid request, but for a line break in this field."""
    valid = {
        "email": "a@example.org",
        "consent": "newsletter-de-1",
        "name": "Eva",
        "phone": "07930 2000",
        "topics": "news",
        "language": "de",
        "action": "cancel",
    }
    if path == "/callbacks":
        valid["consent"] = "callback-de-1"
    if path.startswith("/newsletter/"):
        valid["action"] = "undo"
    if path == "/me":
        valid["action"] = "show"
    quoted = INJECTED.replace("\r\n", "%0D%0A").replace(" ", "%20")
    route = INVENTORY[path][method]
    if route.params and name in route.params.model_fields:
        return backend.call(method, f"{path}?{name}={quoted}", valid if route.takes else None)
    return backend.call(method, path, {**valid, name: INJECTED})


def test_nothing_typed_by_a_stranger_is_in_mail_to_an_unconfirmed_address(backend: Backend) -> None:
    """Check that a mail has no words of a stranger: neither an unknown field nor the page.

    The page is kept for the proof only.
    """
    name = "Gewinn http://evil.tk"
    typed = {"name": name, "subject": name, "page": "https://evil.tk/gewinn", "next": "//evil.tk"}
    answer = backend.call(
        "POST", "/newsletter/signups", {**SIGNUP, "email": "typed@example.org", **typed}
    )
    assert answer.status == 202
    sent: list[str] = []
    with backend.hooked(
        "sesv2", "before-send.sesv2.SendEmail", lambda request, **_: sent.append(str(request.body))
    ):
        backend.deliver()
    body = {"name": name, "phone": "07930 2000", "consent": "callback-de-1"}
    named = backend.call("POST", "/callbacks", body)
    found = sum(word in sent[0] for word in ("Gewinn", "evil", "http://"))
    print(
        f"\nwords of a stranger in the confirmation mail {found} · a URL in a name {named.status}"
    )
    assert (len(sent), found, named.status) == (1, 0, 422)
    assert [(each["field"], each["code"]) for each in named.json["errors"]] == [("name", "url")]


def test_markup_comes_out_escaped(backend: Backend) -> None:
    """Check that the form's page and the browser's name are escaped in the proof."""
    bad = "<img src=x onerror=1>"
    headers = {"user-agent": bad, "content-type": "application/json"}
    backend.call(
        "POST",
        "/newsletter/signups",
        {**SIGNUP, "email": "markup@example.org", "page": bad},
        headers,
    )
    document = proof.document(key_of("markup@example.org"), service.wordings, instants.now())
    assert document
    assert document["events"][0]["personal"]["page"] == bad
    shown, _ = proof.page(document, "de")
    escaped = shown.count("&lt;img src=x onerror=1&gt;")
    print(f"\nmarkup in a page unescaped {shown.count(bad)} · escaped {escaped}")
    assert bad not in shown
    assert escaped == 2


def test_a_form_goes_on_to_listed_pages_alone(backend: Backend) -> None:
    host = ORIGIN.removeprefix("https://")
    foreign = [
        "//evil",
        "//evil.example",
        f"https://{host}@evil",
        f"https://{host}.evil",
        f"{ORIGIN}/danke.evil",
        f"{ORIGIN}/danke/../../evil",
        f"{ORIGIN}/danke?to=//evil",
        f"{ORIGIN}/danke#x",
        "/\\evil",
        "\\\\evil",
        "https:evil",
        "javascript:alert(1)",
        "data:text/html,x",
        f"{ORIGIN.upper()}/danke",
        f"http://{host}/danke",
        f"{ORIGIN}:443/danke",
        f" {ORIGIN}/danke@evil",
        "/danke",
    ]
    fields = {"email": "form@example.org", "consent": "newsletter-de-1"}
    ours = [
        post(backend, "signups", HTML, **fields, next=each.replace("#", "%23")) for each in foreign
    ]
    followed = sum("location" in each.headers for each in ours)
    print(f"\nforeign pages to go on to {len(foreign)} · followed {followed}")
    assert [(each.status, each.headers.get("location")) for each in ours] == [(200, None)] * len(
        foreign
    )
    assert all("Fast geschafft" in each.text for each in ours)
    good = post(backend, "signups", HTML, **fields, next=f"{ORIGIN}/thanks")
    assert (good.status, good.headers["location"]) == (303, f"{ORIGIN}/thanks")


def test_links_ignore_what_a_request_claims_to_be_sent_to(backend: Backend) -> None:
    poison = {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "forwarded": "host=evil.example;proto=http",
        "x-original-host": "evil.example",
        "x-forwarded-proto": "http",
        "x-forwarded-port": "81",
        "origin": "https://evil.example",
        "referer": "https://evil.example/",
    }
    given = {**poison, "content-type": "application/json"}
    for name, headers in {"poisoned": given, "plain": {}}.items():
        backend.call(
            "POST", "/newsletter/signups", {**SIGNUP, "email": f"{name}@example.org"}, headers
        )
    backend.settle()
    for name, headers in {"poisoned": given, "plain": {}}.items():
        token = link(backend, f"{name}@example.org", "confirm")
        backend.call("POST", "/newsletter/confirm", {"token": token}, headers)
    backend.settle()
    mails = [each["text"] + each["html"] for each in backend.mails("poisoned@example.org")]
    plain = [each["text"] + each["html"] for each in backend.mails("plain@example.org")]
    shape = [
        [text.count("https://contact.site.example/newsletter/") for text in each]
        for each in (mails, plain)
    ]
    changed = sum("evil" in text for text in mails)
    print(f"\npoisoned headers {len(poison)} · mails {len(mails)} · links changed {changed}")
    assert not [text for text in mails if "evil" in text or "http://" in text]
    assert len(mails) == 2
    assert shape[0] == shape[1]


def test_a_hundred_forged_forwards_are_one_client(
    one_hour: None, backend: Backend, scale: Scale
) -> None:
    statuses, beyond = [], scale(80)
    for number in range(20 + beyond):
        claims = dict.fromkeys(
            ("x-forwarded-for", "x-real-ip", "true-client-ip", "forwarded"), f"203.0.113.{number}"
        )
        claims["content-type"] = "application/json"
        body = {**SIGNUP, "email": f"forged-{number}@example.org"}
        statuses.append(backend.call("POST", "/newsletter/signups", body, claims).status)
    taken, refused = statuses.count(202), statuses.count(429)
    print(f"\nforged X-Forwarded-For {20 + beyond} · taken {taken} · refused with 429 {refused}")
    assert statuses == [202] * 20 + [429] * beyond


def test_foreign_origins_find_no_permission(backend: Backend) -> None:
    ours, asked, permitted = [path for path in INVENTORY if path.startswith("/newsletter")], 0, 0
    for path in ours:
        for origin in (
            "null",
            f"{ORIGIN}.evil",
            "https://evil",
            f"https://evil.{ORIGIN.removeprefix('https://')}",
            "",
        ):
            for method in ("OPTIONS", *INVENTORY[path]):
                answer = backend.call(
                    method, path.replace("{version}", "newsletter-de-1"), headers={"origin": origin}
                )
                assert answer.headers["vary"].startswith("Origin")
                asked += 1
                permitted += any(name.startswith("access-control-") for name in answer.headers)
    print(f"\nrequests from foreign origins {asked} · permitted {permitted}")
    assert permitted == 0


def test_events_of_a_foreign_topic_are_refused_and_logged(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    key = subscribe(backend, "forged-event@example.org")
    message, service = welcome(backend, key)
    before, forged = (
        backend.items(),
        (
            "event-complaint-abuse",
            "event-bounce-permanent-general",
            "notification-bounce-permanent-general",
            "event-delivery",
        ),
    )
    capsys.readouterr()
    for shape in forged:
        mail_feedback(
            backend,
            told(shape, message, service),
            topic="arn:aws:sns:eu-central-1:000000000000:foreign",
        )
    logged = [json.loads(each)["event"] for each in capsys.readouterr().out.splitlines()]
    changes = int(backend.items() != before)
    print(f"\nforged SES events {len(forged)} · logged {len(logged)} · changes {changes}")
    assert logged == ["attempt.topic"] * len(forged)
    assert (backend.items(), state(key)) == (before, "confirmed")
    assert not [path for path in INVENTORY if "events" in path or "sns" in path]


@pytest.mark.soak
def test_the_mail_after_the_days_cap_is_kept_delayed_and_can_be_counted(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.configure(MAILS_A_DAY="25", LIMIT_SIGNUPS_PER_CALLER="100")
    with time_machine.travel(MORNING, tick=False) as clock:
        for number in range(21):
            assert sign_up(backend, f"cap-{number}@example.org").status == 202
        backend.deliver()
        capped = sorted(backend.states().values())
        logged = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
        for _ in range(3):
            clock.shift(timedelta(hours=7))
            backend.tick(instants.now())
        same_day = sorted(backend.states().values())
        clock.shift(timedelta(hours=4))
        backend.tick(instants.now())
    print(
        f"\nthe cap 20 · mails 21 · sent {capped.count('sent')} · kept {capped.count('due')} · "
        f"lines an alarm counts {len(logged)} · sent the next day {same_day.count('due')}"
    )
    assert capped == same_day == ["due"] + ["sent"] * 20
    assert [(each["level"], each["event"]) for each in logged] == [("WARNING", "mail.cap")]
    assert set(backend.states().values()) == {"sent"}
    assert [len(backend.mails(f"cap-{number}@example.org")) for number in range(21)] == [1] * 21
