"""What is refused is counted and logged in samples: each kind of attempt, and nothing personal."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

import app
from chalicelib import instants, log, tokens
from chalicelib.auth import session
from chalicelib.auth.person import Person
from infra.alarms import MEASURES
from tests.auth.issuer import Issuer, key
from tests.backend import Backend
from tests.edge.test_challenges import fresh, written
from tests.events import Context
from tests.infra.test_watching import matches, value

EMAIL, NUMBER, EVIL = "eva@example.org", "+49793020000", "https://evil.example"
CALLBACK = {"name": "Eva", "phone": NUMBER, "consent": "callback-de-1", "email": EMAIL}
SIGNUP = {"email": EMAIL, "consent": "newsletter-de-1"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def link(backend: Backend, issuer: Issuer) -> int:
    return backend.call("GET", f"/newsletter/confirm?token={EMAIL}.forged").status


def foreign_link(backend: Backend, issuer: Issuer) -> int:
    other = tokens.sign("callback.wish", EMAIL, 0)
    return backend.call("POST", f"/newsletter/unsubscribe?token={other}", "").status


def token(backend: Backend, issuer: Issuer) -> int:
    forged = issuer.token(signed_by=key(), groups=["supervisor"], email=EMAIL)
    return backend.call("GET", "/staff/callbacks", headers=bearer(forged)).status


def role(backend: Backend, issuer: Issuer) -> int:
    return backend.call("GET", "/staff/stats", headers=bearer(issuer.token(name=EMAIL))).status


def no_role(backend: Backend, issuer: Issuer) -> int:
    stranger = bearer(issuer.token(groups=["customer"], email=EMAIL))
    return backend.call("GET", "/staff/callbacks", headers=stranger).status


def sign_in_without_a_role(backend: Backend, issuer: Issuer) -> int:
    began = backend.call("GET", "/staff/sign-in")
    asked = {name: values[0] for name, values in _query(began.headers["location"]).items()}
    issuer.codes["code"] = issuer.token(nonce=asked["nonce"], groups=[], email=EMAIL)
    sent = {"cookie": began.headers["set-cookie"].partition(";")[0]}
    return backend.call(
        "GET", f"/staff/signed-in?code=code&state={asked['state']}", headers=sent
    ).status


def anothers_sign_in(backend: Backend, issuer: Issuer) -> int:
    began = backend.call("GET", "/staff/sign-in")
    sent = {"cookie": began.headers["set-cookie"].partition(";")[0], "accept": "application/json"}
    return backend.call("GET", "/staff/signed-in?code=code&state=anothers", headers=sent).status


def _query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def foreign_page(backend: Backend, issuer: Issuer) -> int:
    begun = session.begin(Person("anna", EMAIL, "agent"), instants.text(instants.now()), _now())
    sent = {"cookie": f"staff={begun}", "origin": EVIL}
    return backend.call("POST", "/staff/sign-out", headers=sent).status


def _now() -> Any:
    return instants.now()


def foreign_preflight(backend: Backend, issuer: Issuer) -> int:
    return backend.call("OPTIONS", "/newsletter/signups", headers={"origin": EVIL}).status


def honeypot(backend: Backend, issuer: Issuer) -> int:
    return backend.call("POST", "/newsletter/signups", {**SIGNUP, "website": EVIL}).status


def proxy(backend: Backend, issuer: Issuer) -> int:
    sent = {"x-origin-secret": "guessed", "x-real-ip": "203.0.113.7"}
    return backend.call("POST", "/articles/gold/views", headers=sent).status


def topic(backend: Backend, issuer: Issuer) -> int:
    sns: dict[str, Any] = {"TopicArn": "foreign", "Message": f'{{"to": "{EMAIL}"}}'}
    sns |= {"Subject": EMAIL, "MessageAttributes": {}}
    app.mail_feedback({"Records": [{"Sns": sns}]}, Context())
    return 0


def used_proof(backend: Backend, issuer: Issuer) -> int:
    proof = written(fresh(backend))
    assert backend.call("POST", "/callbacks", {**CALLBACK, "altcha": proof}).status == 202
    return backend.call("POST", "/callbacks", {**CALLBACK, "altcha": proof}).status


def forged_proof(backend: Backend, issuer: Issuer) -> int:
    proof = fresh(backend)
    proof["challenge"]["signature"] = "0" * 64
    return backend.call("POST", "/callbacks", {**CALLBACK, "altcha": written(proof)}).status


Try = Callable[[Backend, Issuer], int]
ATTEMPTS: list[tuple[str, Try, int]] = [
    ("link", link, 400),
    ("link", foreign_link, 400),
    ("token", token, 401),
    ("role", role, 403),
    ("role", no_role, 403),
    ("role", sign_in_without_a_role, 403),
    ("link", anothers_sign_in, 400),
    ("origin", foreign_page, 403),
    ("origin", foreign_preflight, 204),
    ("honeypot", honeypot, 422),
    ("proxy", proxy, 204),
    ("topic", topic, 0),
    ("proof", used_proof, 422),
    ("proof", forged_proof, 422),
]


@pytest.fixture
def guarded(staffed: Backend) -> Backend:
    """Require proofs of work, and believe a proxy by its secret."""
    made = staffed.cloud.client("secretsmanager").create_secret(
        Name=f"{staffed.env['CONTACTS_TABLE']}-origin", SecretString=json.dumps({"1": "s3cret"})
    )
    staffed.configure(
        ALTCHA_REQUIRED="1",
        ALTCHA_COST="20",
        ORIGIN_SECRET_ARN=made["ARN"],
        TRUSTED_ADDRESS_HEADER="X-Real-IP",
        HOTLINE_HOURS="Mon-Sun 00:00-24:00",
        LIMIT_CALLBACKS_PER_CALLER="1000",
        LIMIT_CALLBACKS_PER_NUMBER="1000",
    )
    return staffed


def attempts(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    written = capsys.readouterr().out.splitlines()
    return [json.loads(each) for each in written if '"event": "attempt.' in each]


def counted(lines: list[dict[str, Any]]) -> float:
    """Return what the metric says after these lines, as CloudWatch reads it."""
    (measure,) = (each for each in MEASURES if each.name == "Attempts")
    assert {"api_handler", "mail_feedback"} == set(measure.functions)
    return sum(value(measure.value, each) for each in lines if matches(measure.pattern, each))


def test_each_shows_in_log_and_metric_and_names_nobody(
    guarded: Backend, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, attempt, status in ATTEMPTS:
        log.forget()
        capsys.readouterr()
        assert attempt(guarded, issuer) == status, attempt.__name__
        (line,) = attempts(capsys)
        assert (line["event"], line["level"], line["count"]) == (f"attempt.{kind}", "WARNING", 1)
        assert counted([line]) == 1
        kept = {"level", "event", "count", "path", "request_id", "gateway_request_id"}
        assert line.keys() <= kept, attempt.__name__
        assert "{" in line.get("path", "{") or line["path"] in app.app.routes
        for personal in (EMAIL, NUMBER, EVIL, "192.0.2.1", "203.0.113.7", "forged", "guessed"):
            assert personal not in json.dumps(line)
    print(f"\nattempts {len(ATTEMPTS)} · kinds {len({kind for kind, *_ in ATTEMPTS})}")


def test_what_honest_people_do_is_none(
    guarded: Backend, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    late = written(fresh(guarded))
    old = tokens.sign("newsletter.confirm", "somebody", 0, instants.now() - timedelta(days=1))
    capsys.readouterr()
    assert guarded.call("GET", "/newsletter/confirm").status in (400, 422)
    assert guarded.call("GET", f"/newsletter/confirm?token={old}").status == 400
    assert guarded.call("GET", "/staff/callbacks").status == 401
    expired = bearer(issuer.token(exp=1))
    assert guarded.call("GET", "/staff/callbacks", headers=expired).status == 401
    assert guarded.call("GET", "/staff/signed-in?error=access_denied").status == 400
    assert guarded.call("POST", "/callbacks", CALLBACK).status == 422
    with time_machine.travel(instants.now() + timedelta(minutes=11)):
        assert guarded.call("POST", "/callbacks", {**CALLBACK, "altcha": late}).status == 422
    assert guarded.call("OPTIONS", "/newsletter/signups").status == 204
    assert attempts(capsys) == []


def test_a_flood_fills_no_log_and_is_counted_all_the_same(
    guarded: Backend, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for _ in range(250):
        honeypot(guarded, issuer)
    lines = attempts(capsys)
    assert (len(lines), counted(lines)) == (10 + 24, 250)
    link(guarded, issuer)  # another kind has lines of its own
    assert counted(attempts(capsys)) == 1
