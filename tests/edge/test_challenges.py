"""The forms' proof of work: solved by the library, as a browser does it, and used once."""

import base64
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import altcha
import pytest

from chalicelib import aws, challenges, instants
from chalicelib.callbacks import intakes, model
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Proof
from chalicelib.errors import Invalid
from chalicelib.guards import Guards
from chalicelib.limits import Limit
from chalicelib.settings import BadSetting, parse
from tests.backend import FORM, Backend
from tests.events import Answer

REFUSED = [("altcha", "altcha")]


@pytest.fixture
def guarded(backend: Backend) -> Backend:
    """Require a quick proof on all forms of a stage whose line is open around the clock."""
    backend.configure(
        ALTCHA_REQUIRED="1",
        ALTCHA_COST="20",
        LIMIT_CALLBACKS_PER_CALLER="1000",
        HOTLINE_HOURS="Mon-Sun 00:00-24:00",
        HOTLINE_HOLIDAYS="",
        HOTLINE_EXCEPTIONS="",
    )
    return backend


def solve(challenge: dict[str, Any]) -> dict[str, Any]:
    """Solve a challenge, and return it with its solution."""
    found = altcha.solve_challenge(altcha.Challenge.from_dict(challenge))
    assert found
    return {"challenge": challenge, "solution": found.to_dict()}


def written(proof: dict[str, Any]) -> str:
    """Encode a proof as the widget writes it into the form."""
    return base64.b64encode(json.dumps(proof, separators=(",", ":")).encode()).decode()


def fresh(backend: Backend, form: str = "callback") -> dict[str, Any]:
    """Get a challenge for a form from the API, and solve it."""
    answer = backend.call("GET", f"/altcha?form={form}")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    return solve(answer.json)


def ask(backend: Backend, **given: Any) -> Answer:
    body = {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1", **given}
    return backend.call("POST", "/callbacks", body)


def refused(answer: Answer) -> bool:
    return (
        answer.status == 422
        and [(each["field"], each["code"]) for each in answer.json["errors"]] == REFUSED
    )


def test_a_proof_opens_the_form_once(guarded: Backend) -> None:
    proof = written(fresh(guarded))
    assert ask(guarded, altcha=proof).status == 202
    before = guarded.items()
    # The first would merge into the open request, the second would open another.
    for phone in ("07930 2000", "07930 2001"):
        assert refused(ask(guarded, phone=phone, altcha=proof))
    assert guarded.items() == before
    (used,) = guarded.items(prefix="ALTCHA#")
    expires = json.loads(base64.b64decode(proof))["challenge"]["parameters"]["expiresAt"]
    assert used == {"pk": used["pk"], "sk": "USED", "v": 1, "expires": expires + 3600}


def test_the_same_proof_written_otherwise_is_used_too(guarded: Backend) -> None:
    proof = fresh(guarded)
    assert ask(guarded, altcha=written(proof)).status == 202
    proof["solution"]["time"] = 12.5
    proof["challenge"]["parameters"] = dict(reversed(proof["challenge"]["parameters"].items()))
    assert refused(
        ask(guarded, altcha=base64.b64encode(json.dumps(proof, indent=1).encode()).decode())
    )


def _changed(*path: str, to: Any) -> Callable[[dict[str, Any]], str]:
    def change(proof: dict[str, Any]) -> str:
        at = proof
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = to(at[path[-1]]) if callable(to) else to
        return written(proof)

    return change


PARAMETERS = ("challenge", "parameters")
BAD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "null": lambda proof: None,
    "empty": lambda proof: "",
    "garbage": lambda proof: "garbage!",
    "not JSON": lambda proof: base64.b64encode(b"\xff{").decode(),
    "a list": lambda proof: base64.b64encode(b"[]").decode(),
    "null inside": lambda proof: base64.b64encode(b"null").decode(),
    "deep": lambda proof: base64.b64encode(b"[" * 10_000).decode(),
    "no solution": lambda proof: written({"challenge": proof["challenge"]}),
    "the first version's shape": lambda proof: written(
        {"algorithm": "SHA-256", "number": 1, "salt": "x"}
    ),
    "parameters of text": _changed(*PARAMETERS, to="x"),
    "another form": lambda proof: written({**proof, **fresh_of["newsletter"]}),
    "no signature": _changed("challenge", "signature", to=None),
    "wrong signature": _changed("challenge", "signature", to=lambda text: text[1:] + text[:1]),
    "signature of a number": _changed("challenge", "signature", to=1),
    "wrong number": _changed("solution", "counter", to=lambda number: number + 1),
    "a number as text": _changed("solution", "counter", to=str),
    "too large a number": _changed("solution", "counter", to=2**70),
    "wrong key": _changed("solution", "derivedKey", to="00" * 32),
    "no key": _changed("solution", "derivedKey", to=None),
    "less to do": _changed(*PARAMETERS, "keyPrefix", to="00"),
    "fewer rounds": _changed(*PARAMETERS, "cost", to=1),
    "rounds as a fraction": _changed(*PARAMETERS, "cost", to=float),
    "infinite rounds": _changed(*PARAMETERS, "cost", to=float("inf")),
    "another algorithm": _changed(*PARAMETERS, "algorithm", to="SHA-256"),
    "a later end": _changed(*PARAMETERS, "expiresAt", to=lambda at: at + 3600),
    "no end": _changed(*PARAMETERS, "expiresAt", to=None),
    "claimed for this form": lambda proof: _changed(*PARAMETERS, "data", to={"form": "callback"})(
        fresh_of["newsletter"]
    ),
}
fresh_of: dict[str, dict[str, Any]] = {}


@pytest.mark.parametrize("how", BAD)
def test_what_is_no_proof_is_refused(guarded: Backend, how: str) -> None:
    fresh_of["newsletter"] = fresh(guarded, "newsletter")
    answer = ask(guarded, altcha=BAD[how](fresh(guarded)))
    assert refused(answer), answer.text
    assert guarded.items() == []


def test_none_at_all_is_refused_and_says_why(guarded: Backend) -> None:
    assert refused(ask(guarded))
    form = "name=Eva&phone=07930+2000&consent=callback-de-1"
    page = guarded.call("POST", "/callbacks", form, {"content-type": FORM, "accept": "text/html"})
    assert page.status == 422
    assert "JavaScript" in page.text


def test_a_plain_form_brings_its_proof(guarded: Backend) -> None:
    proof = written(fresh(guarded)).replace("+", "%2B").replace("=", "%3D")
    form = f"name=Eva&phone=07930+2000&consent=callback-de-1&altcha={proof}"
    assert guarded.call("POST", "/callbacks", form, {"content-type": FORM}).status == 303


def test_it_expires_by_our_clock(guarded: Backend) -> None:
    now = instants.now()
    proof = written(solve(challenges.create("callback", now)))
    challenges.solved("callback", proof, now + timedelta(minutes=9, seconds=58))
    for late in (timedelta(minutes=10), timedelta(days=1)):
        with pytest.raises(Invalid):
            challenges.solved("callback", proof, now + late)
    guarded.configure(ALTCHA_MINUTES="2")
    proof = written(solve(challenges.create("callback", now)))
    with pytest.raises(Invalid):
        challenges.solved("callback", proof, now + timedelta(minutes=2))


@pytest.mark.parametrize(
    "setting", [{"ALTCHA_MINUTES": "11"}, {"ALTCHA_MINUTES": "0"}, {"ALTCHA_COST": "0"}]
)
def test_settings_that_would_not_protect_are_refused(setting: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="ALTCHA"):
        parse(setting)


def test_the_other_stage_s_challenges_are_foreign_and_a_rotated_key_s_are_not(
    guarded: Backend,
) -> None:
    arn = guarded.env["TOKEN_SECRET_ARN"]
    proof, foreign = written(fresh(guarded)), written(solve(_signed_with("not-our-key")))
    assert refused(ask(guarded, altcha=foreign))
    late, old = written(fresh(guarded)), aws.secret(arn)
    _rotate(guarded, {**old, "2": "a new one"})
    assert ask(guarded, altcha=proof).status == 202
    anew = written(fresh(guarded))
    _rotate(guarded, {"2": "a new one"})
    assert refused(ask(guarded, altcha=late))
    assert ask(guarded, altcha=anew).status == 202


def _rotate(backend: Backend, secrets: dict[str, str]) -> None:
    """Replace the stage's token keys, as a process knows them that starts afterwards."""
    aws.client("secretsmanager").put_secret_value(
        SecretId=backend.env["TOKEN_SECRET_ARN"], SecretString=json.dumps(secrets)
    )
    backend.forget()


def _signed_with(secret: str) -> dict[str, Any]:
    made = altcha.create_challenge(
        "PBKDF2/SHA-256",
        2000,
        counter=1,
        data={"form": "callback"},
        hmac_secret=secret,
        expires_at=instants.epoch(instants.now()) + 60,
    )
    return dict(made.to_dict())


def test_fifty_uses_at_once_are_one(guarded: Backend) -> None:
    proof, now, together = written(fresh(guarded)), instants.now(), threading.Barrier(50)

    def use(number: int) -> tuple[int, ...]:
        """Use the proof in a transaction, and return which of its two members failed."""
        member = challenges.solved("callback", proof, now)
        other = aws.put(guarded.env["CONTACTS_TABLE"], {"pk": f"USE#{number}", "sk": "USE"})
        together.wait()
        try:
            aws.write(other, member, tries=20)
        except aws.Cancelled as cancelled:
            return cancelled.failed
        return ()

    with ThreadPoolExecutor(50) as pool:
        failed = list(pool.map(use, range(50)))
    print(f"\nuses of one proof at once 50 · accepted {failed.count(())}")
    assert sorted(failed) == [(), *[(1,)] * 49]
    assert len(guarded.items(prefix="USE#")) == 1


def test_twenty_posts_with_one_proof_are_one_request(guarded: Backend) -> None:
    proof, together = written(fresh(guarded)), threading.Barrier(20)

    def post(number: int) -> int:
        together.wait()
        return ask(guarded, phone=f"07930 20{number:02}", altcha=proof).status

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(post, range(20)))
    assert statuses == [202] + [422] * 19
    assert len([item for item in guarded.items(prefix="NUMBER#") if item["sk"] == "LOCK"]) == 1


def test_a_lost_race_does_not_use_it_up(guarded: Backend) -> None:
    """Check that the second try brings the same proof where the reference was taken."""
    now = instants.now()
    spent = challenges.solved("callback", written(fresh(guarded)), now)
    guards = Guards((Limit("callbacks", "me", 5),), spent)
    asked = model.Asked("Eva", "+4979302000", "key", "key", "general", "callback-de-1", "de")
    aws.write(requests.reserved("R-TAKEN"))
    with pytest.raises(aws.Cancelled):
        intakes.keep(asked, "R-TAKEN", Proof("", {}), guards, now)
    assert guarded.items(prefix="ALTCHA#") == []
    intakes.keep(asked, "R-FREE", Proof("", {}), guards, now)
    assert len(guarded.items(prefix="ALTCHA#")) == 1
    with pytest.raises(Invalid):
        intakes.keep(asked, "R-OTHER", Proof("", {}), guards, now)
    assert len(guarded.items(prefix="INTAKE#")) == 1


def test_the_limit_is_named_before_the_proof(one_hour: None, guarded: Backend) -> None:
    guarded.configure(LIMIT_CALLBACKS_PER_CALLER="1")
    proof = written(fresh(guarded))
    assert ask(guarded, altcha=proof).status == 202
    assert ask(guarded, altcha=proof).status == 429


def test_a_stage_that_requires_none_looks_at_none(guarded: Backend) -> None:
    guarded.configure(ALTCHA_REQUIRED="0")
    for given in ({}, {"altcha": None}, {"altcha": ""}, {"altcha": "garbage"}):
        assert ask(guarded, **given).status == 202
    assert guarded.items(prefix="ALTCHA#") == []


def test_challenges_are_for_our_forms_and_fresh(guarded: Backend) -> None:
    assert guarded.call("GET", "/altcha").json["parameters"]["data"] == {"form": "newsletter"}
    assert guarded.call("GET", "/altcha?form=callback").json["parameters"]["data"] == {
        "form": "callback"
    }
    answer = guarded.call("GET", "/altcha?form=staff")
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [("form", "choice")]
    assert (
        len({guarded.call("GET", "/altcha").json["parameters"]["nonce"] for _ in range(20)}) == 20
    )
    assert guarded.items() == []


def test_a_page_that_still_loads_the_former_script_gets_one_that_does_nothing(
    guarded: Backend,
) -> None:
    answer = guarded.call("GET", "/altcha.js")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert re.fullmatch(r"// .*\n", answer.text)


@pytest.mark.parametrize("required", [True, False])
def test_a_challenge_says_whether_the_forms_want_it_done(guarded: Backend, required: bool) -> None:
    guarded.configure(ALTCHA_REQUIRED=str(int(required)))
    assert guarded.call("GET", "/altcha").json["required"] is required


def test_the_solver_s_licence_is_served_beside_it(backend: Backend) -> None:
    answer = backend.call("GET", "/embed/altcha-license.js")
    assert answer.status == 200
    assert "MIT License" in answer.text


def test_a_signup_needs_a_proof_of_its_own_form_once(guarded: Backend) -> None:
    def sign_up(email: str, **given: Any) -> Answer:
        body = {"email": email, "consent": "newsletter-de-1", **given}
        return guarded.call("POST", "/newsletter/signups", body)

    proof = written(fresh(guarded, "newsletter"))
    for wrong in (None, "", "nonsense", written(fresh(guarded, "callback"))):
        refused = sign_up("proof@example.org", altcha=wrong)
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, "altcha")
    assert guarded.items(prefix="SUB#") == []
    assert sign_up("proof@example.org", altcha=proof).status == 202
    assert sign_up("another@example.org", altcha=proof).status == 422
    assert len([each for each in guarded.items(prefix="SUB#") if each["sk"] == "SUB"]) == 1
