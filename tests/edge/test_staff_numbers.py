"""The staff's pages to search by number and reference, to block and to erase."""

import json
import re
from datetime import timedelta

import pytest

from chalicelib import aws, instants
from tests.backend import FORM, Backend
from tests.edge.staff import STAFF, Agent, ask
from tests.edge.test_staff_figures import look
from tests.events import Answer

BASE = "https://contact.site.example"
NUMBER = "07930 2000"


@pytest.fixture
def anna(line: Backend) -> Agent:
    return Agent(line)


def send(who: Agent, url: str, body: str = "") -> Answer:
    """Post a plain form, as a browser sends it."""
    return who.backend.call(
        "POST", url, body, {**who.headers, "content-type": FORM, "accept": "text/html"}
    )


def find(who: Agent, wanted: str) -> Answer:
    return send(who, "/staff/search", f"text={wanted.replace('+', '%2B').replace(' ', '+')}")


def led(answer: Answer) -> str:
    """Return the path that a form's post leads to."""
    assert answer.status == 303, answer.text
    return answer.headers["location"].removeprefix(BASE)


def test_by_reference_and_by_number(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    for written in (reference, reference.lower(), f" {reference.replace('-', '')} "):
        assert led(find(anna, written)) == f"{STAFF}/{reference}"
    numbers = {led(find(anna, written)) for written in (NUMBER, "+49 7930-2000", "0049 7930 2000")}
    assert len(numbers) == 1
    (path,) = numbers
    assert re.fullmatch(r"/staff/search/[\w-]{22}", path)
    shown = look(anna, path).text
    assert reference in shown
    assert "offen" in shown
    assert "2000" not in shown  # the number is shown only to who claims the request
    assert "Eva" not in shown


def test_programs_find_by_whatever_is_known(line: Backend, anna: Agent, sam: Agent) -> None:
    reference = ask(line, email="Eva@Example.org")
    subscriber = {"email": "eva@example.org", "consent": "newsletter-de-1"}
    assert line.call("POST", "/newsletter/signups", subscriber).status == 202

    def found(who: Agent, text: str) -> list[tuple[str, str]]:
        answer = who.post("/staff/search", text=text)
        assert answer.status == 200
        assert "Muster" not in answer.text
        assert "xample" not in answer.text
        return [(each["kind"], each["id"]) for each in answer.json["found"]]

    own = ("callback", reference)
    assert found(anna, reference) == [own]
    assert found(anna, "muster") == [own]
    assert found(anna, "Eva muster") == [own]
    for who in (anna, sam):
        assert [kind for kind, _ in found(who, "eva@example.org")] == ["callback", "subscriber"]
    assert [kind for kind, _ in found(anna, "07930 2000")] == ["number"]
    assert found(anna, "Muster Hans") == found(anna, "usterman") == found(anna, "") == []
    shown = find(anna, "Eva Muster")
    assert led(shown) == f"{STAFF}/{reference}"


def test_what_is_not_found_is_said_on_the_same_page(anna: Agent) -> None:
    for wanted, status, said in (
        ("R-ZZZZ", 404, "Den Vorgang R-ZZZZ gibt es nicht."),
        ("hallo", 404, "Dazu wurde nichts gefunden."),
        ("niemand@example.org", 404, "Dazu wurde nichts gefunden."),
        ("0711 12", 422, "Bitte eine gültige Telefonnummer angeben"),
        ("0900 1234567", 422, "Sonder-, Service- und Notrufnummern"),
        ("", 404, "Dazu wurde nichts gefunden."),
        ("<img src=x onerror=a>", 404, "&lt;img src=x onerror=a&gt;"),
    ):
        answer = find(anna, wanted)
        assert (answer.status, said in answer.text) == (status, True), wanted
    unknown = led(find(anna, "0711 123456"))
    assert "ist kein Rückruf bekannt" in look(anna, unknown).text
    assert look(anna, "/staff/search/short").status == 422


def test_a_supervisor_blocks_a_number_and_lifts_that(
    line: Backend, sam: Agent, anna: Agent
) -> None:
    path = led(find(sam, NUMBER))
    assert "Keine Nummer ist gesperrt." in look(sam, "/staff/search").text
    assert "90 Tage" in look(sam, f"{path}/block").text
    assert line.items(prefix="NUMBER#") == []  # looking changes nothing
    for _ in range(2):  # a second press
        assert led(send(sam, f"{path}/block")) == f"{path}?done=block"
    told = look(sam, f"{path}?done=block").text
    assert "Die Nummer ist gesperrt." in told
    assert "Rückgängig" in told
    assert path in look(sam, "/staff/search").text
    assert "von Hand" in look(sam, "/staff/search").text
    ask(line)
    (held,) = sam.tab("held")  # a supervisor decides about a blocked number's request
    assert led(send(sam, f"{path}/lift")) == f"{path}?done=lift"
    assert "Rückgängig" in look(sam, f"{path}?done=lift").text
    assert path not in look(sam, "/staff/search").text
    assert held in look(anna, path).text


def test_a_block_by_hand_holds_the_live_request_until_it_is_lifted(
    line: Backend, sam: Agent, anna: Agent
) -> None:
    reference = ask(line)
    anna.do(reference, "claim")
    for _ in range(2):  # a second press
        sam.post("/staff/numbers/block", phone=NUMBER, blocked=True)
        held = anna.get(f"{STAFF}/{reference}").json
        assert (held["state"], held["held_for"], held["holder"]) == ("held", "blocked", None)
    assert [each["event"] for each in held["history"]] == ["submitted", "claimed", "held"]
    assert anna.do(reference, "dial").status == 409
    sam.post("/staff/numbers/block", phone=NUMBER, blocked=False)
    assert anna.tab("due") == [reference]
    path = led(find(sam, NUMBER))
    assert led(send(sam, f"{path}/restore"))
    assert sam.tab("held") == [reference]


def test_a_lifted_block_is_put_back_with_its_old_end(
    line: Backend, sam: Agent, anna: Agent
) -> None:
    reference = ask(line)
    anna.do(reference, "claim")
    anna.do(reference, "outcome", outcome="refused")
    path = led(find(sam, NUMBER))
    (block,) = [each for each in line.items(prefix="NUMBER#") if each["sk"] == "BLOCK"]
    key = {"pk": block["pk"], "sk": "BLOCK"}
    until = instants.text((instants.now() + timedelta(days=12)).replace(microsecond=0))
    aws.write(
        aws.update(
            line.env["CONTACTS_TABLE"],
            key,
            "SET #until = :until",
            names={"#until": "until"},
            until=until,
        )
    )

    def blocked_until() -> str:
        told: str | None = sam.post("/staff/numbers", phone="07930 2000").json["blocked_until"]
        return instants.text(instants.parse(told)) if told else ""

    # Nothing was lifted, so nothing changes.
    assert led(send(sam, f"{path}/restore")) == f"{path}?done=restore"
    assert blocked_until() == until
    for _ in range(2):
        send(sam, f"{path}/lift")
        assert blocked_until() == ""
    assert reference not in look(sam, "/staff/search").text
    assert "alten Ende" in look(sam, f"{path}/restore").text
    for _ in range(2):  # a second press
        send(sam, f"{path}/restore")
        assert blocked_until() == until
    assert reference in look(sam, "/staff/search").text
    assert "gilt wieder, so lange wie zuvor" in look(sam, f"{path}?done=restore").text
    send(sam, f"{path}/lift")
    ask(line)
    send(sam, f"{path}/block")  # a new block, not the old one
    assert blocked_until() > until


def test_what_was_never_blocked_is_neither_lifted_nor_put_back(line: Backend, sam: Agent) -> None:
    path = led(find(sam, NUMBER))
    for action in ("lift", "restore"):
        assert led(send(sam, f"{path}/{action}")) == f"{path}?done={action}"
    assert line.items(prefix="NUMBER#") == []


def test_a_refusal_blocks_and_the_list_names_its_request(
    line: Backend, sam: Agent, anna: Agent
) -> None:
    references = [ask(line, phone=f"07930 200{number}") for number in range(3)]
    for reference in references:
        assert anna.do(reference, "claim").status == 200
        assert anna.do(reference, "outcome", outcome="refused").status == 200
    listed = look(sam, "/staff/search").text
    assert re.findall(r">(R-\w+)</a>", listed) == references[::-1]
    assert all(reference not in look(anna, "/staff/search").text for reference in references)
    assert anna.tab("closed") == references[::-1]  # a block is no card of the board


def test_a_block_is_over_when_its_time_is_whether_the_table_dropped_it_or_not(
    line: Backend, sam: Agent
) -> None:
    path = led(find(sam, NUMBER))
    send(sam, f"{path}/block")
    key = {"pk": f"NUMBER#{path.rpartition('/')[2]}", "sk": "BLOCK"}
    past = {"until": "2020-01-01T00:00:00.000Z"}
    aws.write(
        aws.update(
            line.env["CONTACTS_TABLE"],
            key,
            "SET #until = :until",
            names={"#until": "until"},
            **past,
        )
    )
    assert path not in look(sam, "/staff/search").text
    assert "gesperrt" not in look(sam, path).text


def test_a_supervisor_erases_a_person(
    line: Backend, sam: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = ask(line, email="eva@example.org", note="Krügerrand")
    path = led(find(sam, NUMBER))
    assert f"{reference}</a>. Er endet dann." in look(sam, f"{path}/erase").text
    for _ in range(2):
        assert led(send(sam, f"{path}/erase")) == f"{path}?done=erase"
    assert "sind gelöscht" in look(sam, f"{path}?done=erase").text
    kept = json.dumps(line.items(prefix="CALLBACK#") + line.items(prefix="NUMBER#"))
    for personal in ("Eva", "eva@example.org", "Krügerrand", '2000"', "49793"):
        assert personal not in kept
    logged = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    erased = [each for each in logged if each["event"] == "callback.person_erased"]
    assert [(each["requests"], each["by"]) for each in erased] == [(1, "test-Sam"), (0, "test-Sam")]


def test_an_agent_may_look_and_no_more(anna: Agent) -> None:
    path = led(find(anna, NUMBER))
    assert "sperren" not in look(anna, path).text
    assert "Gesperrte Nummern" not in look(anna, "/staff/search").text
    for action in ("block", "lift", "restore", "erase"):
        assert look(anna, f"{path}/{action}").status == 403
        assert send(anna, f"{path}/{action}").status == 403
    assert anna.backend.items(prefix="NUMBER#") == []


def test_an_action_that_is_none_of_ours(sam: Agent) -> None:
    path = led(find(sam, NUMBER))
    assert send(sam, f"{path}/destroy").status == 422
    assert look(sam, f"{path}?done=destroyed").status == 422
