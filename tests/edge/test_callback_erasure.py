"""The erasure of a person's data: after its term, and when they ask for it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import instants
from chalicelib.callbacks import changes, erasure, rules, workflow
from chalicelib.callbacks.model import Callback, Change
from tests.backend import Backend
from tests.edge.staff import STAFF, Agent, ask, backdate

PERSON = {
    "name": "Canary Muster",
    "phone": "07930 2468",
    "email": "canary-call@example.org",
    "note": "canary-note",
}
CANARIES = (
    "Canary",
    "Muster",
    "49793024",
    "7930 24",
    "canary-call",
    "canary-note",
    "canary-remark",
    "canary-colleague",
    "192.0.2.1",
)


def found(line: Backend) -> list[str]:
    """Return the canaries that are still in the table."""
    kept = json.dumps(line.items(), ensure_ascii=False)
    return [each for each in CANARIES if each in kept]


def worked(line: Backend, anna: Agent) -> str:
    reference = ask(line, **PERSON)
    line.deliver()
    anna.do(reference, "claim")
    assert anna.do(reference, "handover", to="canary-colleague").status == 200
    anna.do(reference, "dial")
    anna.do(reference, "outcome", outcome="reached", note="canary-remark")
    line.deliver()
    return reference


def test_contact_data_goes_ninety_days_after_the_end(
    line: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    anna, lead = Agent(line), Agent(line, "Sam", "supervisor")
    reference = worked(line, anna)
    now = instants.now()
    assert erasure.erase_ended(lambda: 20.0, now + timedelta(days=89)) == []
    assert erasure.erase_ended(lambda: 20.0, now + timedelta(days=91), dry=True) == [reference]
    assert "Canary" in found(line)
    assert erasure.erase_ended(lambda: 20.0, now + timedelta(days=91)) == [reference]
    assert erasure.erase_ended(lambda: 20.0, now + timedelta(days=91)) == []
    # The proof of consent stays: from where, when and to which declaration.
    assert found(line) == ["192.0.2.1"]
    (proof,) = [each for each in line.items(prefix="CALLBACK#") if each["sk"] == "PROOF"]
    assert {"at", "wording", "consent", "number_key", "expires"} <= proof.keys()
    assert proof["personal"].keys() == {"caller", "agent", "page"}
    kept_until = datetime.fromtimestamp(proof["expires"], UTC)
    # The proof is kept for five full years.
    assert (kept_until.year, kept_until.month, kept_until.day) == (now.year + 6, 1, 1)
    shown = lead.get(f"{STAFF}/{reference}").json
    assert (shown["state"], shown["contact"]) == ("done", None)
    assert [call["outcome"] for call in shown["calls"]] == ["reached"]  # the figures need it
    told = capsys.readouterr().out
    assert f'"callback.erased", "reference": "{reference}"' in told
    assert [each for each in CANARIES if each in told] == []


@pytest.mark.parametrize("live", [True, False])
def test_a_person_is_erased_by_their_number(
    line: Backend, live: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    anna, lead = Agent(line), Agent(line, "Sam", "supervisor")
    reference = ask(line, **PERSON) if live else worked(line, anna)
    assert anna.post("/staff/numbers/erase", phone="07930 2468").status == 403
    assert lead.post("/staff/numbers/erase", phone="07930 2468").json == {
        "status": "erased",
        "requests": 1,
    }
    assert lead.post("/staff/numbers/erase", phone="07930 2468").json == {
        "status": "erased",
        "requests": 0,
    }
    line.deliver()
    assert found(line) == []
    assert lead.get(f"{STAFF}/{reference}").json["state"] == ("withdrawn" if live else "done")
    assert lead.post("/staff/numbers", phone="07930 2468").json["requests"] == []
    staff = [
        each
        for each in line.messages()
        if reference in str(each) and "beratung" in str(each.get("to"))
    ]
    told = capsys.readouterr().out + json.dumps(staff)
    assert [each for each in CANARIES if each in told] == []
    print(f"erase: {len(CANARIES)} canaries, 0 in the table, the alerts and the log")
    assert ask(line, **PERSON) != reference


def test_one_that_is_not_over_is_not_erased(line: Backend) -> None:
    reference = ask(line, **PERSON)
    backdate(line, reference, due_key="ENDED", due_at="2020-01-01T00:00:00.000Z")
    assert erasure.erase_ended(lambda: 20.0) == []
    assert "Canary" in found(line)


@pytest.mark.parametrize("wholly", [False, True])
def test_no_name_of_a_fact_decides_what_is_erased(line: Backend, wholly: bool) -> None:
    """A fact may have the name of an attribute or of something personal, and stays."""
    lead = Agent(line, "Sam", "supervisor")
    names = ("to", "caller", "agent", "page", "at", "by", "event", "state", "expires", "personal")
    facts = {name: f"a fact {name}" for name in names}
    reference = ask(line)

    def end(before: Callback) -> Change:
        after = workflow.cancel(before, before.reference, rules.current(), instants.now()).after
        return Change(before, after, "cancelled", "customer", facts=facts, personal={"to": "x"})

    ended = changes.change(reference, end, instants.now())
    written = lead.get(f"{STAFF}/{reference}").json["history"]
    assert written[-1]["about"] == {**facts, "to": "x"}
    erasure._strip(ended, instants.now(), wholly)
    kept = lead.get(f"{STAFF}/{reference}").json["history"]
    assert kept == [*written[:-1], {**written[-1], "about": facts}]
