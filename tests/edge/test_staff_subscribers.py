"""A supervisor looks up a subscriber at a browser, proves the consent, and erases.

Programs get JSON from the same paths.
"""

import json
from urllib.parse import quote

import pytest

from chalicelib.newsletter.keys import key_of
from tests.backend import Backend
from tests.edge.staff import Agent
from tests.edge.test_newsletter import sign_up
from tests.edge.test_staff_figures import look
from tests.edge.test_staff_numbers import led, send
from tests.edge.test_subscription import subscribe
from tests.events import Answer

PATH = "/staff/subscribers"
EVA = "eva@example.org"


@pytest.fixture
def sam(backend: Backend) -> Agent:
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    return Agent(backend, "Sam", "supervisor")


def find(sam: Agent, email: str) -> Answer:
    return send(sam, PATH, f"email={quote(email)}")


def test_from_the_address_to_the_proof_without_the_address_in_a_link(sam: Agent) -> None:
    subscribe(sam.backend, EVA)
    path = led(find(sam, "Eva@Example.org"))
    assert path == f"{PATH}/{key_of(EVA)}"
    shown = look(sam, path).text
    assert EVA in shown
    assert "bestätigt" in shown
    assert "newsletter-de-1" in shown
    assert "Nachweis der Einwilligung" in look(sam, f"{path}/proof").text
    assert led(look(sam, f"{PATH}?email={EVA}")) == path


def test_who_is_not_there_and_what_is_no_address(sam: Agent) -> None:
    for email, status, said in (
        ("nobody@example.org", 404, "Zu dieser Adresse ist nichts gespeichert."),
        ("nonsense", 422, "Bitte eine gültige E-Mail-Adresse angeben."),
        ("", 422, "Bitte eine gültige E-Mail-Adresse angeben."),
        ('"><script>alert(1)</script>', 422, "&lt;script&gt;"),
    ):
        answer = find(sam, email)
        assert (answer.status, said in answer.text) == (status, True), email
    assert look(sam, f"{PATH}/x").status == 404
    assert look(sam, f"{PATH}/x/erase").status == 404


def test_erasing_asks_first_and_a_second_press_does_no_more(
    sam: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    subscribe(sam.backend, EVA)
    path = led(find(sam, EVA))
    before = sam.backend.items(prefix="SUB#")
    assert EVA in look(sam, f"{path}/erase").text
    assert sam.backend.items(prefix="SUB#") == before
    for _ in range(2):
        assert led(send(sam, f"{path}/erase")) == f"{PATH}?done=erased"
    assert "sind gelöscht" in look(sam, f"{PATH}?done=erased").text
    assert look(sam, path).status == 404
    sam.backend.settle()
    assert EVA not in json.dumps(sam.backend.items(prefix="SUB#"))
    logged = capsys.readouterr().out
    assert EVA not in logged
    told = [json.loads(each) for each in logged.splitlines()]
    key = key_of(EVA)
    assert [
        (each["subscriber"], each["by"])
        for each in told
        if each["event"] == "newsletter.person_erased"
    ] == [
        (key, "test-Sam"),
        (key, "test-Sam"),
    ]


def test_programs_get_the_json_they_had(sam: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    sign_up(sam.backend, EVA)
    record = sam.get(f"{PATH}?email={EVA}")
    assert record.headers["content-type"] == "application/json"
    assert list(record.json) == [
        "id",
        "email",
        "state",
        "language",
        "topics",
        "consent",
        "asked_at",
        "confirmed_at",
        "ended_at",
    ]
    assert sam.get(f"{PATH}/{record.json['id']}").text == record.text
    for query, code in (
        ("", "required"),
        ("?email=", "email"),
        ("?email=x", "email"),
        ("?done=erased", "required"),
    ):
        refused = sam.get(PATH + query)
        assert (
            refused.status,
            [(each["field"], each["code"]) for each in refused.json["errors"]],
        ) == (
            422,
            [("email", code)],
        )
    assert sam.get(f"{PATH}?email=nobody@example.org").status == 404
    looked = [
        json.loads(each) for each in capsys.readouterr().out.splitlines() if "looked_up" in each
    ]
    assert [each["by"] for each in looked] == ["test-Sam", "test-Sam"]


def test_agents_may_none_of_it(sam: Agent) -> None:
    anna = Agent(sam.backend)
    for path in (PATH, f"{PATH}/x", f"{PATH}/x/proof", f"{PATH}/x/erase", f"{PATH}.csv"):
        answer = look(anna, path)
        assert (answer.status, "Das darf nur die Leitung." in answer.text) == (403, True)
    assert find(anna, EVA).status == 403
    assert "subscribers" not in look(anna, "/staff").text
    assert "subscribers" in look(sam, "/staff").text
