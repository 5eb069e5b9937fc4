"""The callback workflow through the staff's API, to each of its ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib import instants
from tests.backend import Backend
from tests.edge.staff import STAFF, Agent, ask, backdate
from tests.scale import Scale

ENDS = {
    "reached": "done",
    "no_answer": "retry",
    "busy": "retry",
    "mailbox": "retry",
    "refused": "refused",
    "wrong_number": "wrong_number",
}


@pytest.fixture
def anna(line: Backend) -> Agent:
    return Agent(line)


@pytest.mark.parametrize("outcome", ENDS)
def test_from_alert_to_outcome(line: Backend, anna: Agent, outcome: str) -> None:
    reference = ask(line, note="Krügerrand", email="eva@example.org")
    assert anna.tab("due") == [reference]
    before = anna.get(f"{STAFF}/{reference}").json
    assert (before["state"], before["contact"]) == ("open", None)
    claimed = anna.do(reference, "claim")
    assert claimed.status == 200
    assert claimed.json["contact"] == {
        "name": "Eva Muster",
        "phone": "+4979302000",
        "display": "+49 7930 2000",
        "extension": "",
        "dial": "tel:+4979302000",
        "email": "eva@example.org",
        "note": "Krügerrand",
        "language": "de",
    }
    assert (anna.tab("due"), anna.tab("mine")) == ([], [reference])
    assert anna.do(reference, "dial").json["calling"] is True
    ended = anna.do(reference, "outcome", outcome=outcome, note="Ruft nach Feierabend")
    assert (ended.status, ended.json["state"]) == (200, ENDS[outcome])
    assert [(call["by"], call["outcome"]) for call in ended.json["calls"]] == [("Anna", outcome)]
    told = [each["event"] for each in ended.json["history"]]
    assert told[:3] == ["submitted", "claimed", "dialled"]
    assert anna.do(reference, "outcome", outcome=outcome).json["state"] == ENDS[outcome]
    assert len(anna.get(f"{STAFF}/{reference}").json["history"]) == len(told)
    tab = "waiting" if ENDS[outcome] == "retry" else "closed"
    assert (anna.tab(tab), anna.tab("mine")) == ([reference], [])


def test_forty_claim_at_once_fifty_times_one_winner_each(line: Backend, scale: Scale) -> None:
    winners = 0
    for number in range(scale(50)):
        reference = ask(line, phone=f"07930 2{number:03}")
        together = threading.Barrier(40)

        def once(
            who: int, reference: str = reference, together: threading.Barrier = together
        ) -> tuple[int, str]:
            together.wait()
            answer = Agent(line, f"Agent {who}").do(reference, "claim")
            return answer.status, answer.json["holder"]

        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(once, range(40)))
        assert sorted(status for status, _ in answers) == [200] + [409] * 39
        assert len({holder for _, holder in answers}) == 1
        winners += 1
    print(f"claim: 40 at once, {winners} rounds, one winner each, 39 told the name")


def test_who_was_faster_is_named_in_the_callers_language(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    anna.do(reference, "claim")
    late = Agent(line, "Ben").do(reference, "claim")
    assert (late.status, late.json["state"], late.json["reason"], late.json["holder"]) == (
        409,
        "claimed",
        "held",
        "Anna",
    )
    assert late.json["detail"] == "Anna hat den Rückruf schon übernommen."


def test_a_name_and_a_number_are_the_holders_alone(line: Backend, anna: Agent) -> None:
    reference, ben, lead = ask(line), Agent(line, "Ben"), Agent(line, "Sam", "supervisor")

    def everywhere(who: Agent) -> str:
        return who.get(f"{STAFF}/{reference}").text + who.get(STAFF).text

    for who in (anna, ben, lead):
        assert "Muster" not in everywhere(who)
    anna.do(reference, "claim")
    assert "Muster" in everywhere(anna)
    assert "Muster" not in everywhere(ben) + everywhere(lead)
    anna.do(reference, "outcome", outcome="reached")
    assert "Muster" in everywhere(anna)
    assert "Muster" in everywhere(lead)
    assert "Muster" not in everywhere(ben)


def test_hand_over(line: Backend, anna: Agent) -> None:
    reference, ben = ask(line), Agent(line, "Ben")
    anna.do(reference, "claim")
    assert anna.do(reference, "handover", to="Ben").json["offered_to"] == "Ben"
    assert (ben.tab("mine"), anna.tab("mine")) == ([reference], [reference])
    assert ben.do(reference, "claim").json["holder"] == "Ben"
    assert anna.tab("mine") == []
    assert anna.do(reference, "dial").json["reason"] == "held"


def test_release_alerts_anew_and_an_alert_is_void_once_somebody_has_it(
    line: Backend, anna: Agent
) -> None:
    reference = ask(line)
    anna.do(reference, "claim")
    line.deliver()
    assert set(line.states().values()) == {"void"}
    for _ in range(2):  # a second press
        assert anna.do(reference, "release").json["state"] == "open"
        line.deliver()
        assert sorted(line.states().values()) == ["sent", "sent", "void", "void"]


def test_later_wants_a_time_and_keeps_the_agent(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    anna.do(reference, "claim")
    missing = anna.do(reference, "outcome", outcome="later")
    assert (missing.status, missing.json["errors"][0]["field"]) == (422, "window")
    slot = line.call("GET", "/callbacks/slots?days=3").json["slots"][4]
    agreed = anna.do(reference, "outcome", outcome="later", window=slot)
    assert (agreed.json["state"], agreed.json["expected"], agreed.json["preferred"]) == (
        "scheduled",
        slot,
        "Anna",
    )
    assert anna.tab("waiting") == [reference]


def test_calls_are_limited_and_each_refusal_says_why(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    assert anna.do(reference, "dial").json["state"] == "open"
    anna.do(reference, "claim")
    assert anna.do(reference, "dial").status == 200
    assert anna.do(reference, "dial").status == 200  # the second press is the same call
    anna.do(reference, "release")
    anna.do(reference, "claim")
    early = anna.do(reference, "dial")
    assert (early.status, early.json["reason"]) == (409, "too_soon")
    slot = line.call("GET", "/callbacks/slots?days=3").json["slots"][4]
    wished = ask(line, phone="0151 23456789", window=slot)
    anna.do(wished, "claim")  # before its time has come
    assert anna.do(wished, "dial").json["reason"] == "outside_window"
    assert anna.do(wished, "dial", outside_window=True).json["calling"] is True


def test_the_customer_rang_in(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    assert anna.post(f"{STAFF}/called-in", phone="0151 23456789").status == 404
    done = anna.post(f"{STAFF}/called-in", phone="+49 7930 2000")
    assert (done.status, done.json["id"], done.json["state"]) == (200, reference, "done")
    assert anna.post(f"{STAFF}/called-in", phone="+49 7930 2000").json["id"] == reference
    again = ask(line)
    assert again != reference  # the number is free again
    by_reference = anna.post(f"{STAFF}/called-in", reference=again.lower())
    assert (by_reference.status, by_reference.json["id"]) == (200, again)
    assert anna.post(f"{STAFF}/called-in").json["errors"][0]["field"] == "phone"
    back = anna.do(again, "undo").json
    assert (back["state"], back["history"][-1]["event"]) == ("open", "undone")


def test_not_requested_is_not_called_again(line: Backend, anna: Agent) -> None:
    reference, lead = ask(line), Agent(line, "Sam", "supervisor")
    anna.do(reference, "claim")
    anna.do(reference, "outcome", outcome="refused")
    again = ask(line)
    assert anna.tab("held") == [again]
    assert anna.do(again, "claim").json["reason"] == "undecided"
    assert anna.do(again, "admit").status == 403
    known = lead.post("/staff/numbers", phone="07930 2000").json
    until = instants.parse(known["blocked_until"])
    assert timedelta(days=89) < until - instants.now() < timedelta(days=91)
    assert (known["live"], known["requests"]) == (again, [again, reference])
    assert (anna.get(f"{STAFF}/{again}").json["contact"], lead.do(again, "decline").status) == (
        None,
        200,
    )
    assert anna.post("/staff/numbers/block", phone="07930 2000", blocked=False).status == 403
    assert (
        lead.post("/staff/numbers/block", phone="07930 2000", blocked=False).json["blocked_until"]
        is None
    )
    assert anna.get(f"{STAFF}/{ask(line)}").json["follows"] == again
    print("abuse: a number that said 'not requested' is called after a supervisor's decision only")


def test_three_a_day_for_one_number_and_the_fourth_waits_for_a_supervisor(
    line: Backend, anna: Agent
) -> None:
    references, held = [], list[str]()
    for _ in range(4):
        references.append(ask(line))
        held = anna.tab("held")
        if held:
            break
        anna.post(f"{STAFF}/called-in", phone="07930 2000")
    assert (len(references), held) == (4, references[3:])
    shown = anna.get(f"{STAFF}/{references[3]}").json
    assert (shown["held_for"], shown["contact"]) == ("limit", None)
    lead = Agent(line, "Sam", "supervisor")
    assert lead.get(f"{STAFF}/{references[3]}").json["contact"]["name"] == "Eva Muster"
    assert lead.do(references[3], "admit").json["state"] == "open"
    assert lead.do(references[3], "admit").json["state"] == "open"  # a second press
    print("abuse: the 4th request of a day for one number waits for a supervisor, answered alike")


def test_the_board_turns_pages_in_order(line: Backend, anna: Agent) -> None:
    slots = line.call("GET", "/callbacks/slots?days=9").json["slots"]
    asked = [
        ask(line, phone=f"07930 2{number:03}", window=slots[60 - number]) for number in range(60)
    ]
    first = anna.get(f"{STAFF}?state=waiting").json
    rest = anna.get(f"{STAFF}?state=waiting&cursor={first['cursor']}").json
    found = [each["id"] for each in first["callbacks"] + rest["callbacks"]]
    assert (len(first["callbacks"]), found, rest["cursor"]) == (50, asked[::-1], None)
    assert anna.get(f"{STAFF}?state=waiting&cursor=nonsense").status == 422
    assert anna.get(f"{STAFF}?state=elsewhere").json["errors"][0]["code"] == "choice"
    assert anna.get(f"{STAFF}?state=closed").json == {"callbacks": [], "cursor": None}


def test_overdue(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    assert anna.tab("overdue") == []
    past = [instants.text(instants.now() - timedelta(minutes=each)) for each in (40, 10)]
    (item,) = [each for each in line.items(prefix="CALLBACK#") if each["sk"] == "CALLBACK"]
    wishes = [{**item["wishes"][0], "expected": past}]
    backdate(line, reference, wishes=wishes, opened_at=past[0], board_at=past[1])
    assert anna.tab("overdue") == [reference]
    (card,) = anna.get(f"{STAFF}?state=overdue").json["callbacks"]
    assert (card["overdue"], card["waiting_minutes"]) == (True, 40)


BODIES: dict[str, dict[str, str]] = {
    "claim": {},
    "release": {},
    "handover": {"to": "Ben"},
    "dial": {},
    "outcome": {"outcome": "reached"},
    "undo": {},
    "comment": {"text": "Ruft an"},
    "number": {"phone": "07930 2001"},
}


@pytest.mark.parametrize("action", BODIES)
def test_what_does_not_exist_and_what_is_malformed(line: Backend, anna: Agent, action: str) -> None:
    body = BODIES[action]
    assert anna.do("R-NONE", action, **body).status == 404
    if body:
        assert anna.do("R-NONE", action).status in (400, 422)
    assert line.call("POST", f"{STAFF}/R-NONE/{action}", body).status == 401
