"""The board and a request's page in a real Chromium.

Two people work at once, with every outcome, by keyboard, over lost connections, checked by axe.
"""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chalicelib.callbacks.stores import requests
from tests.auth.hosted import login
from tests.backend import Backend
from tests.browser.conftest import eventually
from tests.browser.staff.people import colleague, inspect, press, press_surely
from tests.browser.staff.scene import late_by_an_hour
from tests.edge.staff import STAFF, ask, backdate, rewrite
from tests.scale import some

ENDS = {
    "Erreicht": "done",
    "Nimmt nicht ab": "retry",
    "Besetzt": "retry",
    "Mailbox": "retry",
    "Möchte keinen Anruf": "refused",
    "Falsche Nummer": "wrong_number",
    "Später anrufen": "scheduled",
}
SURE = {"Möchte keinen Anruf": "Ja, kein Anruf erwünscht", "Falsche Nummer": "Ja, falsche Nummer"}


def test_from_the_alert_to_the_outcome(line: Backend, staff: Any) -> None:
    """Go from the alert's link over claim and call to the end, with axe on each page."""
    reference = ask(line, note="Krügerrand", email="eva@example.org", topic="selling")
    page = staff(path=f"{STAFF}/{reference}").page
    expect(page.get_by_role("button", name="Übernehmen")).to_be_visible()
    assert "07930" not in page.content()
    assert "Eva Muster" not in page.content()
    inspect(page, "open")
    press(page, "Übernehmen")
    expect(page.get_by_role("button", name="Jetzt anrufen")).to_be_visible()
    assert "tel:" not in page.locator("#live").inner_html()
    # The number is to be read, for a desk telephone.
    expect(page.get_by_text("+49 7930 2000", exact=True)).to_be_visible()
    inspect(page, "claimed")
    page.get_by_label("Notiz").fill("Ruft nach Feierabend")
    press(page, "Jetzt anrufen")
    expect(page.get_by_text("im Gespräch").first).to_be_visible()
    assert page.evaluate("dialled") == ["tel:+4979302000"]
    expect(page.locator("section.contact li")).to_contain_text("Ruft nach Feierabend")
    expect(page.get_by_label("Notiz")).to_have_value("")
    inspect(page, "calling")
    page.get_by_label("Notiz").fill("Kommt am Freitag")
    press(page, "Erreicht")
    expect(page.get_by_text("Hier ist nichts mehr zu tun.")).to_be_visible()
    expect(page.get_by_text("Ruft nach Feierabend")).to_be_visible()
    expect(page.get_by_text("Kommt am Freitag")).to_be_visible()
    expect(page.get_by_text("Erreicht und erledigt")).to_be_visible()
    inspect(page, "done")
    shown = colleague(line).get(f"{STAFF}/{reference}").json
    assert (shown["state"], [each["outcome"] for each in shown["calls"]]) == ("done", ["reached"])


def state(line: Backend, reference: str) -> str:
    callback = requests.load(reference)
    assert callback
    return callback.state


def taken(line: Backend, staff: Any, phone: str, **options: Any) -> tuple[Any, str]:
    """Return somebody at the page of a request that they took."""
    reference = ask(line, phone=phone)
    agent = staff(path=f"{STAFF}/{reference}", **options)
    agent.refusals_expected = True
    press(agent.page, "Übernehmen")
    expect(agent.page.get_by_role("heading", name="Wie ging es aus?")).to_be_visible()
    return agent, reference


def test_the_dialler_opens_only_after_the_server_agreed(
    line: Backend, staff: Any, phone: str
) -> None:
    """Check that a refused call opens no dialler and says why; nor does going back to the page."""
    agent, reference = taken(line, staff, phone)
    page = agent.page
    for action in ("dial", "release", "claim"):  # in another window
        page.request.post(
            f"{line.cloud.api}{STAFF}/{reference}",
            form={"action": action},
            headers={"origin": line.cloud.api, "accept": "text/html"},
        )
    press(page, "Jetzt anrufen")
    expect(page.get_by_text("noch keine 20 Minuten").first).to_be_visible()
    assert page.evaluate("dialled") == []
    assert "tel:" not in page.locator("#live").inner_html()
    rewrite(line, reference, lambda it: replace(it, attempts=()))
    page.reload()
    page.get_by_role("button", name="Jetzt anrufen").dblclick()
    expect(page.get_by_text("Der Anruf ist vermerkt.")).to_be_visible()
    assert set(page.evaluate("dialled")) == {"tel:+49" + phone.replace(" ", "")[1:]}
    dialled = page.evaluate("dialled.length")
    page.get_by_label("Notiz").fill("Sagt Ja")
    press(page, "Nur die Notiz speichern")
    expect(page.locator("section.contact li")).to_contain_text("Sagt Ja")
    assert page.evaluate("dialled.length") == dialled  # only that press dials
    page.goto(f"{line.cloud.api}/staff")
    page.go_back()
    expect(page.get_by_text("Der Anruf ist vermerkt.")).to_be_visible()
    expect(page.get_by_role("link", name="Nummer wählen")).to_be_visible()
    assert page.evaluate("dialled") == []
    callback = requests.load(reference)
    assert callback
    assert len(callback.attempts) == 1


@pytest.mark.soak
def test_a_call_that_was_agreed_late_opens_no_dialler(
    line: Backend, staff: Any, phone: str
) -> None:
    """Check that the press is sent again after a lost connection, and the agent dials then."""
    agent, reference = taken(line, staff, phone)
    page = agent.page
    lost: list[Route] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route)
            return route.abort()
        return route.continue_()

    page.route(f"**{STAFF}/**", lose)
    press(page, "Jetzt anrufen")
    expect(page.get_by_text("Keine Verbindung.")).to_be_visible()
    assert state(line, reference) == "claimed"
    expect(page.get_by_role("link", name="Nummer wählen")).to_be_visible(timeout=30_000)
    assert page.evaluate("dialled") == []


def test_an_end_is_undone(line: Backend, staff: Any, phone: str) -> None:
    agent, reference = taken(line, staff, phone, width=360)
    page = agent.page
    page.get_by_label("Notiz").fill("Vertippt")
    press_surely(page, "Falsche Nummer", "Ja, falsche Nummer")
    expect(page.get_by_text("noch bis")).to_be_visible()
    assert state(line, reference) == "wrong_number"
    inspect(page, "undo")
    press(page, "Rückgängig machen")
    expect(page.get_by_text("Der letzte Schritt ist rückgängig gemacht.")).to_be_visible()
    expect(page.get_by_text("Vertippt")).to_be_visible()  # the outcome's note is a comment now
    assert state(line, reference) == "claimed"
    page.clock.install()
    press(page, "Erreicht")
    expect(page.get_by_text("noch bis")).to_be_visible()
    page.clock.run_for(601_000)
    expect(page.get_by_role("button", name="Rückgängig machen")).to_be_hidden()


def test_a_wrong_number_is_corrected(line: Backend, staff: Any, phone: str) -> None:
    agent, _ = taken(line, staff, phone, width=360)
    page = agent.page
    page.locator("summary").filter(has_text="Nummer berichtigen").click()
    field = page.get_by_label("Richtige Telefonnummer")
    field.fill("12")
    field.press("Enter")  # presses nothing
    press(page, "Nummer berichtigen")
    expect(page.locator("#wrong-phone")).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("12")
    inspect(page, "number_wrong")
    field.fill("07931 4000")
    press(page, "Nummer berichtigen")
    expect(page.locator(".number")).to_have_text("+49 7931 4000")


def test_a_held_request_is_decided(line: Backend, staff: Any, phone: str) -> None:
    first = ask(line, phone=phone)
    colleague(line).do(first, "claim")
    colleague(line).do(first, "outcome", outcome="wrong_number")
    reference = ask(line, phone=phone, note="Krügerrand", email="eva@example.org")
    page = staff("supervisor", width=360).page
    page.get_by_role("link", name="Zu entscheiden 1").click()
    page.get_by_role("link", name=f"Über {reference} entscheiden").click()
    expect(page.get_by_text("Krügerrand")).to_be_visible()
    inspect(page, "held_supervisor")
    press_surely(page, "Ablehnen", "Rückruf ablehnen")
    expect(page.get_by_text("Beendet: abgelehnt")).to_be_visible()
    press(page, "Rückgängig machen")
    press(page, "Anrufen lassen")
    expect(page.get_by_role("button", name="Übernehmen")).to_be_visible()
    assert state(line, reference) == "open"


def test_a_request_is_taken_down_while_the_customer_is_on_the_line(
    line: Backend, staff: Any, phone: str
) -> None:
    agent = staff(width=360)
    agent.refusals_expected = True
    page = agent.page
    page.get_by_role("link", name="Rückruf aufnehmen").click()
    inspect(page, "new")
    press(page, "Rückruf speichern")
    expect(page.get_by_label("Name")).to_be_focused()  # the browser asks for it
    page.get_by_label("Name").fill("Otto Muster")
    page.get_by_label("Telefonnummer").fill("12")
    page.get_by_label("Wunschzeit").select_option(index=2)
    page.get_by_label("Vorgelesen").check()
    press(page, "Rückruf speichern")
    expect(page.get_by_label("Telefonnummer")).to_be_focused()
    expect(page.get_by_label("Vorgelesen")).to_be_checked()
    inspect(page, "new_wrong")
    page.get_by_label("Telefonnummer").fill(phone)
    press(page, "Rückruf speichern")
    expect(page.get_by_role("button", name="Jetzt schon übernehmen")).to_be_visible()


@pytest.mark.parametrize("outcome", some(ENDS, [*ENDS][::3]))
def test_every_outcome(line: Backend, staff: Any, outcome: str, phone: str) -> None:
    reference = ask(line, phone=phone)
    agent = staff(width=360)
    agent.refusals_expected = outcome == "Später anrufen"
    page = agent.page
    page.get_by_role("button", name=f"Übernehmen {reference}").click()
    expect(page).to_have_url(f"{line.cloud.api}{STAFF}/{reference}")
    if outcome == "Später anrufen":
        press(page, outcome)
        expect(page.get_by_text("Bitte ausfüllen.")).to_be_visible()  # no time was chosen
        expect(page.get_by_label("Andere Zeit vereinbart")).to_be_focused()
        page.get_by_label("Andere Zeit vereinbart").select_option(index=3)
    if outcome in SURE:
        press_surely(page, outcome, SURE[outcome])
    else:
        press(page, outcome)
    expect(page.get_by_role("heading", name="Wie ging es aus?")).to_be_hidden()
    assert state(line, reference) == ENDS[outcome]


def test_two_claim_at_once_and_the_slower_is_told_who_was_faster(
    line: Backend, staff: Any, phone: str
) -> None:
    reference = ask(line, phone=phone)
    people = [staff("agent"), staff("supervisor")]
    for each in people:
        each.refusals_expected = True
        each.page.get_by_role("button", name=f"Übernehmen {reference}").wait_for()
    # Both presses are on their way before either is answered.
    for each in people:
        each.page.evaluate("setTimeout(() => document.querySelector('.card button').click(), 300)")
    for each in people:
        expect(each.page).to_have_url(f"{line.cloud.api}{STAFF}/{reference}")
    told = [
        each for each in people if each.page.get_by_text("hat den Rückruf schon übernommen").count()
    ]
    assert len(told) == 1
    holder = next(
        login(line.cloud, role).name
        for role, each in zip(("agent", "supervisor"), people, strict=True)
        if each is not told[0]
    )
    expect(told[0].page.get_by_role("alert").filter(has_text=holder)).to_be_visible()
    assert "tel:" not in told[0].page.content()
    inspect(told[0].page, "held")


def test_a_new_request_appears_by_itself_and_is_announced(
    line: Backend, staff: Any, phone: str
) -> None:
    page = staff().page
    expect(page.get_by_text("Gerade wartet niemand auf einen Rückruf")).to_be_visible()
    inspect(page, "board_empty")
    page.clock.install()
    page.reload()
    page.locator("#tab-due").focus()
    reference = ask(line, phone=phone)
    in_time(page, page.get_by_role("link", name=reference))
    expect(page.get_by_role("status").filter(has_text="1 neuer Rückruf")).to_be_visible()
    expect(page.locator("#tab-due")).to_be_focused()
    others = [ask(line, phone=f"07931 41{number:02}") for number in range(2)]
    in_time(page, page.get_by_text("2 neue Rückrufe"))
    inspect(page, "board_due")
    colleague(line).do(others[0], "claim")
    in_time(page, page.locator(".cards:not(:has(li:nth-child(3)))"))
    expect(page.get_by_role("link", name=others[0])).to_be_hidden()
    # It is not announced that one is gone.
    expect(page.locator("#said")).to_have_text("2 neue Rückrufe")


def in_time(page: Page, locator: Locator) -> None:
    """Let seconds pass on the page until the locator finds something.

    Requests of the page take their own time meanwhile.
    """

    def look() -> int:
        page.clock.run_for(1000)
        return locator.count()

    eventually(look)


# fmt: off
CLOCKS = (
    # Whether the line is open, the seconds until that changes (-1: never), the seconds that pass,
    # and then the card's waiting time and the time left.
    (1, 7200,   59, "0 min",      "29 min"),
    (1, 7200,   61, "1 min",      "28 min"),
    (1, 7200, 3660, "1 h 01 min", "0 min"),
    (1,  120, 3600, "2 min",      "27 min"),
    (0,  120,   60, "0 min",      "29 min"),
    (0,  120,  300, "3 min",      "26 min"),
    (1,   -1,  300, "5 min",      "24 min"),
    (0,   -1,  300, "0 min",      "29 min"),
)
# fmt: on


@pytest.mark.soak
def test_the_clocks_run_while_the_line_is_open(line: Backend, staff: Any, phone: str) -> None:
    ask(line, phone=phone)
    page = staff().page
    page.clock.install()
    asked: list[str | None] = []

    def news(route: Route) -> None:
        if route.request.resource_type == "fetch":
            asked.append(route.request.headers.get("x-poll"))
            return route.fulfill(status=304)
        return route.continue_()

    page.route("**/staff", news)
    page.reload()
    page.clock.run_for(5000)
    eventually(lambda: page.evaluate("1") and asked)  # every 5 seconds
    for opened, change, seconds, waits, left in CLOCKS:
        page.reload()
        page.evaluate(
            "line => Object.assign(document.getElementById('live').dataset, line)",
            {"open": opened, "change": change},
        )
        page.clock.run_for(seconds * 1000)
        expect(page.locator(".card b")).to_have_text([waits, left])
    # The page marks its own requests, since they are no use of the session.
    assert set(asked) == {"1"}


def test_overdue_is_said_in_words_on_every_tab(line: Backend, staff: Any) -> None:
    late, taken, planned = (ask(line, phone=f"07931 30{number:02}") for number in range(3))
    late_by_an_hour(line, late)
    page = staff().page
    page.get_by_role("button", name=f"Übernehmen {taken}").click()
    expect(page.get_by_role("heading", name="Wie ging es aus?")).to_be_visible()
    backdate(line, planned, state="scheduled", board_key="WAITING")
    for tab in ("due", "mine", "waiting", "overdue", "closed"):
        page.goto(f"{line.cloud.api}/staff?state={tab}")
        expect(page.locator(".card, .empty").first).to_be_visible()
    page.goto(f"{line.cloud.api}/staff?state=overdue")
    expect(page.locator(".card").filter(has_text=late)).to_contain_text(
        "überfällig seit 1 h 05 min"
    )


def test_by_keyboard_alone(line: Backend, staff: Any, phone: str) -> None:
    reference = ask(line, phone=phone)
    page = staff(locale="en-GB", color_scheme="dark").page

    def reach(text: str) -> None:
        for _ in range(60):
            if text == page.evaluate("document.activeElement.innerText || ''").split("\n")[0]:
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")

    reach("Take")
    expect(page.get_by_role("heading", name="How did it end?")).to_be_visible()
    inspect(page, "claimed_english_dark")
    reach("Call now")
    expect(page.get_by_text("on the phone").first).to_be_visible()
    reach("Reached")
    expect(page.get_by_text("There is nothing left to do here.")).to_be_visible()
    assert state(line, reference) == "done"


def test_what_was_pressed_without_a_connection_is_sent_when_it_is_back(
    line: Backend, staff: Any, phone: str
) -> None:
    reference = ask(line, phone=phone)
    agent = staff(width=360)
    agent.refusals_expected = True
    page = agent.page
    page.get_by_role("button", name=f"Übernehmen {reference}").click()
    page.get_by_label("Notiz").fill("Ruft zurück")
    agent.context.set_offline(True)
    press(page, "Erreicht")
    expect(page.get_by_text("Keine Verbindung.")).to_be_visible()
    expect(page.get_by_label("Notiz")).to_have_value("Ruft zurück")
    inspect(page, "offline")
    assert state(line, reference) == "claimed"
    agent.context.set_offline(False)
    expect(page.get_by_text("Hier ist nichts mehr zu tun.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Ruft zurück")).to_be_visible()
    assert state(line, reference) == "done"


@pytest.mark.soak
def test_a_lost_answer_changes_nothing(line: Backend, staff: Any, phone: str) -> None:
    """Check that there is one call where the press arrives and its answer is lost.

    The page sends the press again.
    """
    reference = ask(line, phone=phone)
    agent = staff()
    agent.refusals_expected = True
    page = agent.page
    lost: list[int] = []
    page.get_by_role("button", name=f"Übernehmen {reference}").click()
    expect(page.get_by_role("heading", name="Wie ging es aus?")).to_be_visible()

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch(max_redirects=0).status)
            route.abort()
        else:
            route.continue_()

    page.route(f"**{STAFF}/**", lose)
    press(page, "Besetzt")
    expect(page.get_by_text("Der nächste Versuch")).to_be_visible(timeout=30_000)
    callback = requests.load(reference)
    assert callback
    assert (lost, [each.outcome for each in callback.attempts]) == ([303], ["busy"])


def test_while_a_press_waits_for_the_line_the_page_asks_for_nothing_else(
    line: Backend, staff: Any, phone: str
) -> None:
    reference = ask(line, phone=phone)
    agent = staff(path=f"{STAFF}/{reference}")
    agent.refusals_expected = True
    page = agent.page
    page.clock.install()
    page.reload()
    asked: list[str] = []

    def throttled(route: Route) -> None:
        asked.append(route.request.method)
        if route.request.method == "POST" and asked.count("POST") < 3:
            return route.fulfill(status=503)
        return route.continue_()

    page.route(f"**{STAFF}/**", throttled)
    press(page, "Übernehmen")
    expect(page.get_by_text("Keine Verbindung.")).to_be_visible()
    in_time(page, page.get_by_role("heading", name="Wie ging es aus?"))
    expect(page.get_by_text("Keine Verbindung.")).to_be_hidden()
    assert asked[:3] == ["POST"] * 3


def test_what_is_pressed_while_another_press_is_on_its_way_is_sent_after_it(
    line: Backend, staff: Any, phone: str
) -> None:
    reference = ask(line, phone=phone)
    page = staff().page
    page.get_by_role("button", name=f"Übernehmen {reference}").click()
    sent: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        sent.append(route)
        return route.continue_() if len(sent) > 2 else None

    page.route(f"**{STAFF}/**", hold)
    with page.expect_request(lambda request: request.method == "POST"):
        press(page, "Jetzt anrufen")
    press(page, "Jetzt anrufen")  # the second half of a double click
    sent[0].continue_()
    expect(page.get_by_text("Der Anruf ist vermerkt.")).to_be_visible()
    assert page.evaluate("dialled.length") == 1
    page.get_by_label("Notiz").fill("Mittags")
    with page.expect_request(lambda request: request.method == "POST"):
        press(page, "Nur die Notiz speichern")
    page.get_by_label("Notiz").fill("Abends")
    page.get_by_role("button", name="Besetzt").dblclick()
    sent[1].continue_()
    expect(page.get_by_text("Der nächste Versuch")).to_be_visible()
    assert len(sent) == 3
    told = colleague(line).get(f"{STAFF}/{reference}").json
    assert [each["event"] for each in told["history"]] == [
        "submitted",
        "claimed",
        "dialled",
        "missed",
    ]
    assert [each["outcome"] for each in told["calls"]] == ["busy"]
    assert [each["personal"]["text"] for each in requests.comments(reference)] == ["Mittags"]
    callback = requests.load(reference)
    assert callback
    assert callback.attempts[-1].note == "Abends"


def test_a_second_request_taken_while_the_first_press_is_on_its_way_is_taken_too(
    line: Backend, staff: Any, phone: str
) -> None:
    first, second = ask(line, phone=phone), ask(line, phone=f"{phone}9")
    page = staff().page
    page.route(f"**{STAFF}/{first}", lambda route: (page.wait_for_timeout(500), route.continue_()))
    for reference in (first, second):
        page.get_by_role("button", name=f"Übernehmen {reference}").click(no_wait_after=True)
    page.wait_for_url(f"**{STAFF}/{second}")
    expect(page.get_by_role("heading", name="Wie ging es aus?")).to_be_visible()
    assert (state(line, first), state(line, second)) == ("claimed", "claimed")


def test_an_ended_session_says_so_and_keeps_what_was_typed(
    line: Backend, staff: Any, phone: str
) -> None:
    reference = ask(line, phone=phone)
    agent = staff()
    agent.refusals_expected = True
    page = agent.page
    page.get_by_role("button", name=f"Übernehmen {reference}").click()
    page.get_by_label("Notiz").fill("Noch da")
    cookies = agent.context.cookies()
    agent.context.clear_cookies()
    expect(page.get_by_text("Ihre Sitzung ist beendet.")).to_be_visible(timeout=30_000)
    inspect(page, "session_ended")
    with page.expect_response(lambda answer: answer.status == 401):
        press(page, "Erreicht")
    expect(page.get_by_label("Notiz")).to_have_value("Noch da")
    assert state(line, reference) == "claimed"
    # The agent has signed in again in another window, and comes back to this one.
    agent.context.add_cookies(cookies)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_text("Hier ist nichts mehr zu tun.")).to_be_visible(timeout=30_000)
    expect(page.locator("li", has_text="Noch da")).to_be_visible()


def test_hand_over_and_give_back(line: Backend, staff: Any, phone: str) -> None:
    reference = ask(line, phone=phone)
    anna, sam = staff("agent").page, staff("supervisor").page
    anna.get_by_role("button", name=f"Übernehmen {reference}").click()
    anna.get_by_label("Übergeben an").select_option(label=login(line.cloud, "supervisor").name)
    press(anna, "Übergeben")
    expect(anna.get_by_text("Er bleibt bei Ihnen, bis er angenommen wird.")).to_be_visible()
    inspect(anna, "offered")
    sam.goto(f"{line.cloud.api}/staff?state=mine")
    sam.get_by_role("button", name=f"Annehmen {reference}").click()
    expect(sam.get_by_role("heading", name="Wie ging es aus?")).to_be_visible()
    expect(anna.get_by_text("Hier hat sich etwas geändert.")).to_be_visible(timeout=30_000)
    press(sam, "Zurückgeben")
    expect(sam.get_by_role("button", name="Übernehmen")).to_be_visible()
    press(sam, "Hat uns angerufen – abschließen")
    expect(sam.get_by_text("Hier ist nichts mehr zu tun.")).to_be_visible()
