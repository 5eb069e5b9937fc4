"""The newsletter on real tables: signup, mail, confirmation, and what goes wrong."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws, instants, intake, tokens, triggers
from chalicelib.errors import BadToken
from chalicelib.newsletter import links
from tests.backend import FORM, ORIGIN, Backend
from tests.events import Answer

SIGNUP = {"email": "eva@example.org", "consent": "newsletter-de-1"}


def sign_up(backend: Backend, email: str, **more: object) -> Answer:
    return backend.call("POST", "/newsletter/signups", {**SIGNUP, "email": email, **more})


def token_in(backend: Backend, email: str) -> str:
    (mail,) = backend.mails(email)
    found = re.search(
        r"https://contact\.site\.example/newsletter/confirm\?token=([^\s&]+)", mail["text"]
    )
    assert found
    assert found[1] in mail["html"]
    return found[1]


def confirm(backend: Backend, token: str, accept: str = "application/json") -> Answer:
    return backend.call(
        "POST", "/newsletter/confirm", f"token={token}", {"content-type": FORM, "accept": accept}
    )


def test_signup_mail_confirmation(backend: Backend) -> None:
    answer = sign_up(
        backend, "one@example.org", topics=["news"], language="de", page=f"{ORIGIN}/gold"
    )
    assert (answer.status, answer.json) == (202, {"status": "pending"})
    backend.deliver()
    token = token_in(backend, "one@example.org")
    shown = backend.call(
        "GET", f"/newsletter/confirm?token={token}", headers={"accept": "text/html"}
    )
    assert shown.status == 200
    assert shown.text.count("<button") == 1
    assert "<script" not in shown.text
    for _ in range(3):
        assert confirm(backend, token).json == {"status": "confirmed"}
    (item,) = [each for each in backend.items(prefix="SUB#") if each["sk"] == "SUB"]
    assert (item["state"], item["topics"], item["consent"]) == (
        "confirmed",
        ["news"],
        "newsletter-de-1",
    )
    assert "expires" not in item
    events = [each for each in backend.items(prefix="SUB#") if each["sk"] != "SUB"]
    assert sorted(each["event"] for each in events) == ["confirmed", "mailed", "signup"]
    assert all("expires" not in each for each in events)
    backend.deliver()
    welcome, _ = backend.mails("one@example.org")
    assert welcome["subject"] == "Willkommen beim Newsletter"
    page = confirm(backend, token, "text/html")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_the_answer_is_the_same_whatever_is_known(backend: Backend) -> None:
    answers = [sign_up(backend, "known@example.org") for _ in range(2)]
    backend.deliver()
    assert confirm(backend, token_in(backend, "known@example.org")).status == 200
    answers += [sign_up(backend, "known@example.org"), sign_up(backend, "new@example.org")]
    assert {(each.status, each.text, tuple(each.headers.items())) for each in answers} == {
        (202, '{"status":"pending"}', tuple(answers[0].headers.items()))
    }


def test_an_address_is_one_subscriber_in_whatever_case(backend: Backend) -> None:
    for email in ("Eva@Example.org", "eva@example.ORG", "EVA@EXAMPLE.ORG"):
        sign_up(backend, email)
    assert len([each for each in backend.items() if each["sk"] == "SUB"]) == 1


def test_looking_at_the_link_changes_nothing(backend: Backend) -> None:
    sign_up(backend, "scanned@example.org")
    backend.deliver()
    token = token_in(backend, "scanned@example.org")
    before = backend.items()
    for _ in range(100):
        for method in ("GET", "HEAD"):
            assert backend.call(method, f"/newsletter/confirm?token={token}").status == 200
    assert backend.items() == before
    assert confirm(backend, token).status == 200


def test_twenty_equal_signups_at_once_are_one_subscriber_and_one_mail(backend: Backend) -> None:
    backend.takes_in = False
    for _ in range(20):
        assert sign_up(backend, "race@example.org").status == 202
    kept = [intake.load({name: each[name] for name in ("pk", "sk")}) for each in intakes(backend)]
    together = threading.Barrier(20)

    def take(each: intake.Intake | None) -> int:
        assert each
        together.wait()
        return len(intake.take(each, triggers.takers()))

    with ThreadPoolExecutor(20) as pool:
        mails = sum(pool.map(take, kept))
    owed = len(backend.items(prefix="MSG#"))
    stored = len([each for each in backend.items(prefix="SUB#") if each["sk"] == "SUB"])
    print(f"\nequal signups at once 20 · subscribers {stored} · mails owed {owed}")
    assert (mails, owed, stored, intakes(backend)) == (1, 1, 1, [])


def intakes(backend: Backend) -> list[dict[str, Any]]:
    return backend.items(prefix="INTAKE#")


def test_bad_links_are_all_the_same(backend: Backend) -> None:
    sign_up(backend, "bad@example.org")
    backend.deliver()
    token, now = token_in(backend, "bad@example.org"), instants.now()
    key, letter = tokens.read(links.CONFIRM, token, now)
    in_a_week = now + timedelta(days=7)
    bad = {
        "of another purpose": tokens.sign("newsletter.unsubscribe", key, letter, in_a_week),
        "of another opt-in": tokens.sign(links.CONFIRM, key, letter - 1, in_a_week),
        "of nobody": tokens.sign(links.CONFIRM, "nobody", letter, in_a_week),
        "expired": tokens.sign(links.CONFIRM, key, letter, now - timedelta(seconds=1)),
        "empty": "",
        "words": "not-a-token",
        "dots": "..",
        **{
            f"flipped at {at}": token[:at] + chr(ord(token[at]) ^ 1) + token[at + 1 :]
            for at in range(len(token))
            if (chr(ord(token[at]) ^ 1)).isalnum() or token[at] == "."
        },
    }
    answers = {name: confirm(backend, each) for name, each in bad.items()}
    assert {each.status for each in answers.values()} == {400}
    assert len({each.text for each in answers.values()}) == 1
    assert answers["expired"].json["code"] == "token"
    assert answers["expired"].json["errors"][0]["code"] == "token"
    assert confirm(backend, token).status == 200


def test_no_spelling_of_a_token_is_accepted_but_its_own(backend: Backend) -> None:
    token = tokens.sign("purpose", "subject", 1)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            tokens.read("purpose", token[:-1] + last, instants.now())
        except BadToken:
            continue
        accepted.append(last)
    assert accepted == [token[-1]]


def test_keys_rotate_and_old_links_go_on_working(backend: Backend) -> None:
    sign_up(backend, "rotated@example.org")
    backend.deliver()
    old = token_in(backend, "rotated@example.org")
    arn = backend.env["TOKEN_SECRET_ARN"]
    secret = {**aws.secret(arn), "2": "a second key that is long enough to be one"}
    aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(secret))
    backend.forget()
    new = tokens.sign(links.CONFIRM, "somebody", 1)
    assert confirm(backend, old).status == 200
    del secret["1"]
    aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(secret))
    backend.forget()
    assert tokens.read(links.CONFIRM, new, instants.now()) == ("somebody", 1)
    assert confirm(backend, old).status == 400


def test_one_address_may_sign_up_so_often_an_hour(backend: Backend) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="3")
    statuses = [sign_up(backend, f"{n}@example.org").status for n in range(5)]
    assert statuses == [202, 202, 202, 429, 429]
    refused = sign_up(backend, "another@example.org", language="en")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert refused.json["code"] == "rate_limited"
    other = backend.call(
        "POST", "/newsletter/signups", {**SIGNUP, "email": "9@example.org"}, client_ip="192.0.2.2"
    )
    assert other.status == 202


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_declaration_stays_reachable_by_its_version(backend: Backend, language: str) -> None:
    current = backend.call("GET", f"/newsletter/consent?language={language}")
    again = backend.call("GET", f"/newsletter/consent/{current.json['version']}")
    assert current.json == again.json
    assert current.json["language"] == language
    assert backend.call("GET", "/newsletter/consent/newsletter-de-999").status == 404


def test_a_plain_form_goes_on_to_the_thank_you_page(backend: Backend) -> None:
    def post(**more: str) -> Answer:
        body = "&".join(
            f"{k}={v}"
            for k, v in {"email": "f%40example.org", "consent": "newsletter-de-1", **more}.items()
        )
        return backend.call(
            "POST", "/newsletter/signups", body, {"content-type": FORM, "accept": "text/html"}
        )

    assert (post().status, post().headers["location"]) == (303, f"{ORIGIN}/danke")
    assert post(next=f"{ORIGIN}/thanks").headers["location"] == f"{ORIGIN}/thanks"
    wrong = post(email="nonsense")
    assert wrong.status == 422
    assert "E-Mail-Adresse: Bitte eine gültige E-Mail-Adresse angeben." in wrong.text
