"""Every staff route refuses everybody who may not use it, by the routes' own inventory."""

import re

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.auth import gate
from chalicelib.http.inventory import INVENTORY, METHODS
from tests.auth.issuer import Issuer, key
from tests.auth.test_tokens import hs256, unsigned
from tests.backend import Backend

STAFF = sorted(path for path in INVENTORY if re.match(r"/staff(/|$)", path))
CLOSED = [path for path in STAFF if path not in gate.OPEN]


def url(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def strangers(issuer: Issuer) -> dict[str, dict[str, str]]:
    """Return the headers of callers whom nobody knows, by what is wrong with them."""
    public = (
        issuer.keys["first"]
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    boss = issuer.claims(groups=["supervisor"])
    tokens = {
        "forged": issuer.token(signed_by=key(), groups=["supervisor"]),
        "expired": issuer.token(exp=1, groups=["supervisor"]),
        "other issuer": issuer.token(iss="https://evil.example", groups=["supervisor"]),
        "alg none": unsigned({"alg": "none", "kid": "first"}, boss),
        "HS256 with the public key": hs256(public, boss),
        "another algorithm": jwt.encode(
            boss, issuer.keys["first"], "RS512", headers={"kid": "first"}
        ),
        "wrong audience": issuer.token(aud="another", groups=["supervisor"]),
        "refresh token": issuer.token(token_use="refresh", groups=["supervisor"]),
        "empty": "",
        "the local stage's key": "local-staff-key",
        "no such test key": ":supervisor",
    }
    return {
        "none": {},
        "a made-up session": {"cookie": "staff=made-up"},
        "an empty session": {"cookie": "staff="},
        "another scheme": {"authorization": f"Basic {issuer.token(groups=['supervisor'])}"},
        "no scheme": {"authorization": issuer.token(groups=["supervisor"])},
        **{name: {"authorization": f"Bearer {token}"} for name, token in tokens.items()},
        "wrong role": {"authorization": f"Bearer {issuer.token(groups=['customer'])}"},
    }


def test_nobody_unknown_gets_past_the_gate(staffed: Backend, issuer: Issuer) -> None:
    denied, let_in = 0, []
    for who, headers in strangers(issuer).items():
        for path in CLOSED:
            for method in METHODS:
                answer = staffed.call(
                    method, url(path), headers={**headers, "origin": "http://contact.test"}
                )
                assert "access-control-allow-origin" not in answer.headers
                assert answer.headers["cache-control"] == "no-store"
                if answer.status == (403 if who == "wrong role" else 401):
                    denied += 1
                else:
                    let_in.append((who, method, path, answer.status))
    outcome = f"denied {denied}, let in {len(let_in)}"
    print(f"\nstaff routes {len(CLOSED)} · requests of strangers {outcome}")
    assert denied
    assert let_in == []


def test_an_agent_may_what_agents_may_and_no_more(staffed: Backend, issuer: Issuer) -> None:
    agent = {"authorization": f"Bearer {issuer.token()}"}
    refused = 0
    for path in CLOSED:
        for method, route in INVENTORY[path].items():
            if route.role == "supervisor":
                answer = staffed.call(method, url(path), headers=agent)
                assert (answer.status, answer.json["code"]) == (403, "role"), (method, path)
                refused += 1
            else:
                assert staffed.call(method, url(path), headers=agent).status not in (401, 403), (
                    method,
                    path,
                )
    print(f"\nsupervisors' calls refused to an agent {refused}")
    assert refused


def test_a_supervisor_may_everything(staffed: Backend, issuer: Issuer) -> None:
    supervisor = {"authorization": f"Bearer {issuer.token(groups=['supervisor'])}"}
    for path in CLOSED:
        for method in INVENTORY[path]:
            assert staffed.call(method, url(path), headers=supervisor).status not in (401, 403), (
                method,
                path,
            )


def test_only_the_sign_in_is_open(staffed: Backend) -> None:
    """Check that only the sign-in answers an unknown caller with anything but a refusal."""
    found = {path for path in STAFF if staffed.call("GET", url(path)).status not in (401, 403)}
    assert found == gate.OPEN == {"/staff/sign-in", "/staff/signed-in"}


def test_the_contract_says_who_may(staffed: Backend) -> None:
    paths = staffed.call("GET", "/openapi.json").json["paths"]
    for path, methods in INVENTORY.items():
        for method, route in methods.items():
            operation = paths[path][method.lower()]
            if path in CLOSED:
                assert operation["security"] == [{"session": [route.role]}, {"token": [route.role]}]
                assert {"401", "403"} <= set(operation["responses"])
            else:
                assert operation["security"] == []
                assert "401" not in operation["responses"]


def test_roles_are_declared_for_the_staffs_routes_alone() -> None:
    routes = [each for methods in INVENTORY.values() for each in methods.values()]
    assert [
        each.path for each in routes if each.role == "supervisor" and each.path not in CLOSED
    ] == []
