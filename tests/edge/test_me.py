"""The page of an address's owner: what it shows, every way out, and that each keeps its word."""

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from chalicelib import aws, instants, intake, tokens, triggers
from chalicelib.me.service import LOOKS_AN_HOUR
from chalicelib.newsletter import links, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.service import MOVES_A_DAY, UNDONE_A_DAY
from chalicelib.newsletter.stores import subscribers
from chalicelib.settings import current
from tests.backend import FORM, ORIGIN, Backend
from tests.edge.staff import ask
from tests.edge.test_misuse import MORNING
from tests.edge.test_newsletter import confirm, intakes, sign_up
from tests.edge.test_subscription import (
    HTML,
    _allow_mails,
    link,
    mail_feedback,
    post,
    press,
    state,
    subscribe,
    told,
    welcome,
)
from tests.events import Answer

_letters = itertools.count(1)


def owner(email: str) -> str:
    """Return the token of a fresh link to the page of an address's owner."""
    in_a_day = instants.now() + timedelta(days=1)
    return tokens.sign(links.DATA, key_of(email), next(_letters), in_a_day)


def page(backend: Backend, token: str, action: str, **fields: str) -> Answer:
    """Press a button of the page as a person does, in English."""
    pressed = "&".join(f"{name}={value}" for name, value in fields.items())
    body = f"token={token}&action={action}&language=en&{pressed}"
    return backend.call("POST", "/me", body, HTML)


def stored(email: str) -> Subscriber:
    subscriber = subscribers.load(key_of(email)).subscriber
    assert subscriber
    return subscriber


def test_the_page_shows_all_that_is_stored(line: Backend) -> None:
    subscribe(line, "owner@example.org")
    reference = ask(line, email="Owner@example.org", name="Somebody Else", note="secret note")
    other = ask(line, phone="07930 2999", email="other@example.org")
    token = owner("owner@example.org")
    shown = page(line, token, "show")
    assert shown.status == 200
    for said in (
        "owner@example.org",
        "Financial news",
        "Signed up",
        "192.0.2.1",
        f"{ORIGIN}/gold",
        "Art. 7 (1) GDPR",
        "Amazon Web Services",
        reference,
        "Number that ends in 000",
    ):
        assert said in shown.text, said
    for hidden in ("Somebody Else", "secret note", "4979302000", "07930", other):
        assert hidden not in shown.text, hidden
    data = press(line, token, "show").json
    assert (data["status"], data["state"]) == ("shown", "confirmed")
    assert data["newsletter"]["record"]["asked_at"]
    assert [each["reference"] for each in data["callbacks"]] == [reference]
    downloaded = press(line, token, "download").json
    for each in (data, downloaded):
        each["newsletter"].pop("made_at")
    assert downloaded == data


def test_what_the_owner_presses_is_done(line: Backend) -> None:
    key = subscribe(line, "presses@example.org")
    token = owner("presses@example.org")
    both = press(line, token, "preferences", topics="news", language="en")
    assert both.json == {"status": "saved"}
    assert (stored("presses@example.org").topics, stored("presses@example.org").language) == (
        ("news",),
        "en",
    )
    assert press(line, token, "unsubscribe").json == {"status": "unsubscribed"}
    assert press(line, token, "unsubscribe").json == {"status": "unsubscribed"}
    assert press(line, token, "preferences", topics="news", language="en").status == 409
    assert press(line, token, "undo").json == {"status": "confirmed"}
    assert press(line, token, "undo").json == {"status": "confirmed"}
    assert state(key) == "confirmed"
    none = page(line, token, "preferences")
    assert "You are unsubscribed." in none.text
    assert none.text.count('name="action" value="undo"') == 1
    other = owner("presses@example.org")  # another mail's link is another visit
    refused = press(line, other, "undo")
    assert (refused.status, refused.json["reason"]) == (409, "nothing_to_undo")
    with time_machine.travel(instants.now() + timedelta(minutes=11), tick=False):
        assert press(line, token, "undo").json["reason"] == "too_late"
    assert press(line, token, "nonsense").status == 422
    assert press(line, "nonsense", "show").json["code"] == "token"


def test_an_address_is_replaced_once_the_new_one_is_confirmed(backend: Backend) -> None:
    old = subscribe(backend, "old@example.org")
    token = owner("old@example.org")
    assert press(backend, token, "change_email").json["errors"][0]["field"] == "email"
    assert press(backend, token, "change_email", email="new@example.org").json == {"status": "sent"}
    backend.deliver()
    (mail,) = backend.mails("new@example.org")
    assert mail["subject"] == "Bitte bestätigen Sie Ihre neue Adresse"
    assert "old@example.org" not in mail["text"] + mail["html"]
    assert state(old) == "confirmed"
    assert confirm(backend, link(backend, "new@example.org", "confirm")).status == 200
    assert (state(old), state(key_of("new@example.org"))) == ("unsubscribed", "confirmed")
    # An old mail's link still ends the subscription, and its undo takes it up again.
    leaving = tokens.sign(links.UNSUBSCRIBE, old, 0)
    post(backend, f"unsubscribe?token={leaving}", visit="v")
    assert state(key_of("new@example.org")) == "unsubscribed"
    post(backend, f"unsubscribe?token={leaving}", visit="v", action="undo")
    assert state(key_of("new@example.org")) == "confirmed"
    assert press(backend, owner("new@example.org"), "erase").json == {"status": "erased"}
    backend.settle()
    assert [each for each in ("old@example", "new@example") if each in str(backend.items())] == []


def test_who_is_asked_to_be_replaced_by_a_stranger_is_not_erased_by_them(backend: Backend) -> None:
    victim = subscribe(backend, "victim@example.org")
    press(backend, owner("victim@example.org"), "change_email", email="mistyped@example.org")
    assert press(backend, owner("mistyped@example.org"), "erase").status == 200
    assert (state(victim), state(key_of("mistyped@example.org"))) == ("confirmed", "none")


def test_a_callback_is_cancelled_by_the_owner_of_its_address_alone(line: Backend) -> None:
    mine = ask(line, email="mine@example.org")
    other = ask(line, phone="07930 2999", email="other@example.org")
    token = owner("mine@example.org")
    refused = press(line, token, "cancel", reference=other)
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    for _ in range(2):
        assert press(line, token, "cancel", reference=mine).json == {"status": "cancelled"}
    states = {each["reference"]: each["state"] for each in _requests(line)}
    assert states == {mine: "cancelled", other: "open"}


def _requests(backend: Backend) -> list[dict[str, Any]]:
    return [each for each in backend.items(prefix="CALLBACK#") if each["sk"] == "CALLBACK"]


def test_an_address_that_is_known_for_callbacks_alone_gets_the_link(line: Backend) -> None:
    reference = ask(line, email="caller@example.org")
    assert post(line, "access", email="CALLER@example.org").status == 202
    assert post(line, "access", email="stranger@example.org").status == 202
    line.deliver()
    (mail,) = [each for each in line.mails("caller@example.org") if "Daten" in each["subject"]]
    assert line.mails("stranger@example.org") == []
    token = link(line, "caller@example.org", "me")
    assert token in mail["html"]
    shown = page(line, token, "show")
    assert (reference in shown.text, "nothing stored" in shown.text) == (True, True)
    # One mail in ten minutes, whatever is known.
    assert post(line, "access", email="caller@example.org").status == 202
    line.deliver()
    assert len(line.mails("caller@example.org")) == 2  # with that of the callback
    review = page(line, token, "review_erasure")
    assert (reference in review.text, "An encrypted identifier" in review.text) == (True, False)
    assert press(line, token, "erase").json == {"status": "erased"}
    line.settle()
    assert "caller@" not in str(line.items()).lower()
    assert [each["state"] for each in _requests(line)] == ["withdrawn"]


def test_after_an_erasure_the_address_is_nowhere(
    line: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check tables, messages, logs and SES's list, with a callback nobody has taken in yet."""
    email, lifted = "canary-me@example.org", list[str]()
    subscribe(line, email)
    line.settle()
    _allow_mails(line)
    first = ask(line, email=email)
    ask(line, email="stays@example.org")  # of somebody else, for the same number
    ask(line, email=email, note="canary again")
    followed = ask(line, phone="07930 2777", email=email)
    line.takes_in = False
    ask(line, phone="07930 2888", email=email)
    sign_up(line, email)
    assert len(intakes(line)) == 2
    line.takes_in = True
    assert len(line.items(prefix="ADDRESS#")) == 5
    assert email in str(line.items())

    def note(params: dict[str, Any], **_: Any) -> None:
        lifted.append(params["EmailAddress"])

    token = owner(email)
    with line.hooked("sesv2", "provide-client-params.sesv2.DeleteSuppressedDestination", note):
        assert press(line, token, "erase").json == {"status": "erased"}
    line.settle()
    for _ in range(2):
        assert press(line, token, "erase").json == {"status": "erased"}
    said = capsys.readouterr()
    everything = str(line.items()) + said.out + said.err
    hits = everything.count("canary")
    states = {each["reference"]: each["state"] for each in _requests(line)}
    listed = [each["sk"] for each in line.items(prefix="ADDRESS#")]
    with capsys.disabled():
        print(f"\nerased by /me: hits in tables and logs {hits} · SES's list asked {len(lifted)}")
    assert hits == 0
    assert set(lifted) == {email}
    assert (states[first], states[followed], len(states)) == ("open", "withdrawn", 2)
    assert len(listed) == 1  # the other's
    assert intakes(line) == []


LEAVINGS: dict[str, Callable[[Backend, str], object]] = {
    "a mail's link": lambda backend, email: post(
        backend, f"unsubscribe?token={_standing(email)['unsubscribe']}", visit="v"
    ),
    "one click": lambda backend, email: backend.call(
        "POST",
        f"/newsletter/unsubscribe?token={_standing(email)['unsubscribe']}",
        "List-Unsubscribe=One-Click",
        {"content-type": FORM},
    ),
    "no topic left": lambda backend, email: post(
        backend, "preferences", token=_standing(email)["preferences"], language="de"
    ),
    "that was not me": lambda backend, email: post(
        backend, "refuse", token=link(backend, email, "refuse")
    ),
    "the page of one's data": lambda backend, email: press(backend, owner(email), "unsubscribe"),
    "its erasure": lambda backend, email: press(backend, owner(email), "erase"),
    "the staff": lambda backend, email: service.withdraw_for(
        key_of(email), "telephone", "", "sam", instants.now()
    ),
    "a bounce": lambda backend, email: mail_feedback(
        backend, told("event-bounce-permanent-general", *welcome(backend, key_of(email)))
    ),
    "a complaint": lambda backend, email: mail_feedback(
        backend, told("event-complaint-abuse", *welcome(backend, key_of(email)))
    ),
}


def _standing(email: str) -> dict[str, str]:
    links_of = links.standing_of(key_of(email), "de")
    return {name: re.findall(r"token=([^&]+)", url)[0] for name, url in links_of.items()}


def test_left_is_left(backend: Backend) -> None:
    """Check that after each way out no mail leaves, whatever was queued before it."""
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000", LIMIT_ACCESS_PER_CALLER="1000")
    sent, ways = {}, 0
    for number, (way, leave) in enumerate(LEAVINGS.items()):
        email = f"leaves-{number}@example.org"
        subscribe(backend, email)
        _allow_mails(backend)
        sign_up(backend, email)  # owes the mail with the settings
        backend.settle()
        assert len(backend.mails(email)) == 3
        _allow_mails(backend)
        press(backend, owner(email), "preferences", topics="news", language="de")
        press(backend, owner(email), "change_email", email=f"moves-{number}@example.org")
        with time_machine.travel(instants.now() + timedelta(days=8), tick=False):
            sign_up(backend, email)  # and once more, after a week
        before = len(backend.mails(email))
        leave(backend, email)
        backend.settle()
        backend.tick(instants.now() + timedelta(days=9))
        sent[way] = len(backend.mails(email)) - before
        assert state(key_of(email)) != "confirmed", way
        # The address that was to replace it cannot take up what has ended.
        moving = link(backend, f"moves-{number}@example.org", "confirm")
        assert confirm(backend, moving).status == 400, way
        ways += 1
    print(f"\nways out {ways} · mails after them {sum(sent.values())}")
    assert sum(sent.values()) == 0


def test_one_click_is_taken_in_whatever_shape_it_comes(backend: Backend) -> None:
    """Check bodies and links as mail programs, their filters and people send them."""
    multipart = "multipart/form-data; boundary=x"
    part = (
        '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--'
    )
    token = _standing("shapes@example.org")["unsubscribe"]
    wrapped = f"{token[:40]}%0D%0A%20{token[40:]}"
    shapes: dict[str, tuple[str, str | None, str]] = {
        "RFC 8058": (token, "List-Unsubscribe=One-Click", FORM),
        "multipart": (token, part, multipart),
        "no body": (token, None, ""),
        "no type": (token, "List-Unsubscribe=One-Click", ""),
        "text": (token, "List-Unsubscribe=One-Click", "text/plain"),
        "JSON": (token, '{"List-Unsubscribe": "One-Click"}', "application/json"),
        "broken JSON": (token, "{", "application/json"),
        "a list": (token, "[]", "application/json"),
        "&amp;": (f"{token}&amp;language=de", None, ""),
        "wrapped": (wrapped, None, ""),
        "in angle brackets": (f"%3C{token}%3E", None, ""),
        "a full stop": (f"{token}.", None, ""),
        "a bracket and a comma": (f"{token}),", None, ""),
        "encoded twice": (token.replace(".", "%252E").replace("-", "%252D"), None, ""),
        "quoted-printable": (f"3D{token}", None, ""),
        "twice": (f"{token}&token={token}", None, ""),
        "also in the body": (token, f"token={token}&token={token}", FORM),
        "only in the body": ("", f"token={token}", FORM),
        "a foreign action": (token, "action=delete&visit=v", FORM),
        "a long visit": (token, f"visit={'v' * 500}", FORM),
    }
    taken = {}
    subscribe(backend, "shapes@example.org")
    for name, (given, body, kind) in shapes.items():
        _subscribed_again("shapes@example.org")
        headers = {"content-type": kind} if kind else {}
        url = f"/newsletter/unsubscribe?token={given}"
        answer = backend.call("POST", url, body, {**headers, "accept": "text/html"})
        taken[name] = (answer.status, state(key_of("shapes@example.org")))
        assert not {"location", "set-cookie"} & set(answer.headers), name
        assert 'value="undo"' not in answer.text, name
    left = list(taken.values()).count((200, "unsubscribed"))
    print(f"\nshapes of one click {len(taken)} · unsubscribed {left}")
    assert {name: done for name, done in taken.items() if done != (200, "unsubscribed")} == {}
    lower = backend.call("POST", f"/newsletter/unsubscribe?token={token.lower()}")
    assert (lower.status, lower.json["code"]) == (400, "token")


def _subscribed_again(email: str) -> None:
    """Let a subscription that ended go on, as if it had never ended."""
    key = key_of(email)
    if state(key) == "unsubscribed":
        item = {"pk": f"SUB#{key}", "sk": "SUB"}
        names = {"#state": "state"}
        table = current().contacts_table
        aws.write(aws.update(table, item, "SET #state = :on", names=names, on="confirmed"))


def test_the_undo_belongs_to_the_visit_that_left(backend: Backend) -> None:
    """Check two tabs, the button back after an undo, and that mail programs get no undo."""
    key = subscribe(backend, "tabs@example.org")
    token = _standing("tabs@example.org")["unsubscribe"]
    visits = []
    for _ in range(2):
        shown = backend.call("GET", f"/newsletter/unsubscribe?token={token}", headers=HTML)
        visits.append(re.findall(r'name="visit" value="([^"]+)"', shown.text)[0])
    assert len(set(visits)) == 2
    url = f"unsubscribe?token={token}"
    first = post(backend, url, HTML, visit=visits[0])
    second = post(backend, url, HTML, visit=visits[1])
    assert ['value="undo"' in each.text for each in (first, second)] == [True, False]
    assert post(backend, url, visit=visits[1], action="undo").status == 409
    assert post(backend, url, action="undo").status == 409
    assert post(backend, url, visit=visits[0], action="undo").json == {"status": "confirmed"}
    assert state(key) == "confirmed"
    # Back in the browser, and pressed once more.
    again = post(backend, url, HTML, visit=visits[0])
    assert ('value="undo"' in again.text, state(key)) == (True, "unsubscribed")
    post(backend, url, visit=visits[0], action="undo")
    post(backend, url)
    assert post(backend, url, visit=visits[0], action="undo").status == 409
    assert state(key) == "unsubscribed"


def test_presses_have_limits_and_leaving_has_none(backend: Backend) -> None:
    backend.configure(LIMIT_ACCESS_PER_CALLER="1000")
    with time_machine.travel(MORNING, tick=False):
        key = subscribe(backend, "presser@example.org")
        token, other = owner("presser@example.org"), owner("presser@example.org")
        looks = [press(backend, token, "show").status for _ in range(LOOKS_AN_HOUR + 3)]
        limited = press(backend, token, "download")
        assert (limited.status, limited.json["code"]) == (429, "me_limit")
        assert 0 < int(limited.headers["retry-after"]) <= 3600
        assert press(backend, other, "show").status == 200  # each link has its own
        moves = [
            press(backend, token, "change_email", email=f"m{n}@example.org").status
            for n in range(MOVES_A_DAY + 2)
        ]
        undone, left = [], []
        for _ in range(UNDONE_A_DAY + 2):
            left.append(press(backend, token, "unsubscribe").status)
            undone.append(press(backend, token, "undo").status)
    print(f"\nlooks {looks.count(200)} · moves {moves.count(200)} · undone {undone.count(200)}")
    assert (looks.count(200), looks.count(429)) == (LOOKS_AN_HOUR, 3)
    assert (moves.count(200), moves.count(429)) == (MOVES_A_DAY, 2)
    assert (undone.count(200), undone.count(429)) == (UNDONE_A_DAY, 2)
    assert set(left) == {200}
    assert state(key) == "unsubscribed"


def test_a_signup_of_a_subscriber_brings_the_mail_with_their_settings(backend: Backend) -> None:
    subscribe(backend, "again@example.org")
    token = _standing("again@example.org")["preferences"]
    post(backend, "preferences", token=token, topics="news", language="de")
    _allow_mails(backend)
    sign_up(backend, "again@example.org", topics=["offers", "news"])
    backend.deliver()
    mail = backend.mails("again@example.org")[0]
    assert mail["subject"] == "Sie sind bereits angemeldet"
    assert "noch nicht abonniert: Angebote." in mail["text"]
    shown = backend.call("GET", f"/newsletter/preferences?token={token}", headers=HTML)
    boxes = re.findall(r'value="(\w+)"( checked)?>[^<]+(<span)?', shown.text)
    assert [each for each in boxes if each[0] in ("products", "news", "offers")] == [
        ("products", "", ""),
        ("news", " checked", ""),
        ("offers", "", "<span"),
    ]
    assert page(backend, link(backend, "again@example.org", "me"), "show").status == 200


@pytest.mark.parametrize("language", ["de", "en"])
def test_pages_speak_the_language_of_the_mail(backend: Backend, language: str) -> None:
    backend.call(
        "POST",
        "/newsletter/signups",
        {
            "email": "speaks@example.org",
            "consent": f"newsletter-{language}-1",
            "language": language,
        },
    )
    backend.deliver()
    other = {"accept": "text/html", "accept-language": "en" if language == "de" else "de"}
    confirm(backend, link(backend, "speaks@example.org", "confirm"))
    backend.deliver()
    post(backend, "access", email="speaks@example.org")
    backend.deliver()
    spoken = set()
    looked = 0
    for mail in backend.mails("speaks@example.org"):
        for url in re.findall(r"https://contact\.site\.example(/\S+token=\S+)", mail["text"]):
            shown = backend.call("GET", url, headers=other)
            looked += 1
            spoken.add(re.findall(r'<html lang="(\w+)"', shown.text)[0])
            for each in re.findall(r'name="language" value="(\w+)"', shown.text):
                spoken.add(each) if "radio" not in shown.text else None
    assert looked >= 6
    assert spoken == {language}


def test_no_page_is_a_dead_end(backend: Backend) -> None:
    for path in ("/me", "/newsletter/unsubscribe", "/newsletter/preferences"):
        lost = backend.call("GET", f"{path}?token=wrong&language=en", headers=HTML)
        assert lost.status == 400
        assert 'action="https://contact.site.example/newsletter/access"' in lost.text
    for path in ("/newsletter/confirm", "/newsletter/refuse"):
        lost = backend.call("GET", f"{path}?token=wrong&language=en", headers=HTML)
        assert (lost.status, f'href="{ORIGIN}"' in lost.text) == (400, True)
        assert f'href="{ORIGIN}/en/advice"' in lost.text


def test_a_request_for_ones_data_is_taken_in_once(line: Backend) -> None:
    ask(line, email="twice@example.org")
    line.takes_in = False
    post(line, "access", email="twice@example.org")
    (kept,) = [each for each in intakes(line) if each["kind"] == "newsletter-access"]
    taken = intake.load({name: kept[name] for name in ("pk", "sk")})
    assert taken
    owed = [len(intake.take(taken, triggers.takers())) for _ in range(2)]
    assert owed == [1, 0]
