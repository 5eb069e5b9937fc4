"""The supervisor's pages in a real Chromium, for a supervisor and for an agent.

Their content and their keyboard use are checked, and they are checked by axe.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

from chalicelib import aws, instants
from chalicelib.callbacks import rules, workflow
from chalicelib.callbacks.model import Asked, Callback, Who
from chalicelib.callbacks.stores import items
from local.cloud import Cloud
from tests.backend import Backend
from tests.browser import pictures
from tests.browser.conftest import NARROW, Staff
from tests.browser.test_sign_in import sign_in
from tests.edge.staff import Agent
from tests.edge.test_gateway import SCHEDULED
from tests.edge.test_staff_figures import look
from tests.scale import SOAK

pytestmark = pytest.mark.usefixtures("scale")
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
_turns = itertools.cycle(SCHEMES)

ANNA = Who("anna", "Anna")
REFUSED, ERASABLE = "0711 7000001", "0711 7000002"
READER = "lotte.leserin@example.org"


@dataclass(frozen=True)
class Past:
    """The references of two requests of the stage's past."""

    refused: str
    erasable: str


@pytest.fixture(scope="module")
def past(cloud: Cloud) -> Iterator[Past]:
    """Store a year of requests, growth and views, and delete it afterwards."""
    chance, now = random.Random(7), instants.now()
    with Backend(cloud, cloud.env) as backend:
        contacts, counts = backend.env["CONTACTS_TABLE"], backend.env["VIEW_COUNTS_TABLE"]
        stored = [(contacts, items.pack(each)) for each in _requests(chance, now)]
        for ago in range(365):
            day = instants.day(now - timedelta(days=ago), "Europe/Berlin").isoformat()
            grown = {
                "signup": chance.randrange(12),
                "confirmed": chance.randrange(9),
                "unsubscribed": chance.randrange(3),
            }
            bounced = int(chance.random() < 0.1)
            growth = {"pk": "GROWTH", "sk": f"{day}#77", **grown, "bounced": bounced}
            stored.append((contacts, growth))
            views = {"pk": "VIEWS", "sk": day, "views": chance.randrange(200, 4000)}
            stored.append((counts, views))
        # Where the clocks change, two of these days may be the same.
        once = {(table, item["pk"], item["sk"]): item for table, item in stored}
        _write([(at[0], {"PutRequest": {"Item": aws.pack_item(once[at])}}) for at in once])
        yield Past(_ask(backend, REFUSED, "refused"), _ask(backend, ERASABLE))
        keys = [(table, aws.pack_item({"pk": pk, "sk": sk})) for table, pk, sk in once]
        _write([(table, {"DeleteRequest": {"Key": key}}) for table, key in keys])


def _write(requests: list[tuple[str, dict[str, Any]]]) -> None:
    """Put or delete items, as many at once as a call takes."""
    for at in range(0, len(requests), 25):
        lot: dict[str, list[Any]] = {}
        for table, request in requests[at : at + 25]:
            lot.setdefault(table, []).append(request)
        assert not aws.client("dynamodb").batch_write_item(RequestItems=lot)["UnprocessedItems"]


def _requests(chance: random.Random, now: datetime) -> Iterator[Callback]:
    line_rules = rules.current()
    for number in range(400):
        made = now - timedelta(minutes=chance.randrange(60, 365 * 24 * 60))
        asked = Asked(
            "Eva Muster",
            "+497117000000",
            f"past-{number}",
            f"past-{number}",
            "buying",
            "callback-de-1",
            "de",
        )
        request = workflow.submit(asked, f"R-PAST{number:03}", line_rules, made).after
        for _ in range(chance.randrange(1, 4)):
            made = max(made + timedelta(minutes=chance.randrange(1, 45)), request.due_at or made)
            request = replace(request, state="open")
            request = workflow.dial(
                workflow.claim(request, ANNA, line_rules, made).after, ANNA, line_rules, made, True
            ).after
            outcome: Any = chance.choice(("reached", "reached", "no_answer", "busy", "refused"))
            made += timedelta(minutes=3)
            request = workflow.record_outcome(request, ANNA, outcome, line_rules, made).after
            if not request.is_live:
                break
        yield request if not request.is_live else workflow.withdraw(request, ANNA, made).after


def _ask(backend: Backend, phone: str, outcome: str = "") -> str:
    asked = {"name": "Eva Muster", "phone": phone, "consent": "callback-de-1", "topic": "buying"}
    reference = str(backend.call("POST", "/callbacks", asked).json["reference"])
    if outcome:
        anna = Agent(backend)
        anna.headers = {"authorization": f"Bearer {backend.env['STAFF_TEST_KEY']}:agent:Anna"}
        assert anna.do(reference, "claim").status == 200
        assert anna.do(reference, "outcome", outcome=outcome).status == 200
    return reference


def clean(page: Page, name: str, width: int) -> None:
    """Check a page for overflow and by axe's rules, in light and dark, and keep a picture.

    In `make soak` axe looks at each page in light and dark, else in turn.
    """
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{name} runs over the edge"
    )
    assert width > 360 or page.evaluate(NARROW) == [], name
    for scheme in SCHEMES if SOAK else (next(_turns),):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response
        wrong = [
            (each["id"], [node["html"][:150] for node in each["nodes"]])
            for each in found["violations"]
        ]
        assert wrong == [], name
        print(
            f"\naxe {name} {scheme} {width}px: {len(found['passes'])} rules passed, 0 violations",
            end="",
        )
    pictures.keep(page, pictures.ARTEFACTS / f"lead_{name}_{width}px.png")


@pytest.mark.soak
def test_figures(staff: Staff, cloud: Cloud, past: Past, width: int) -> None:
    page = staff(width).page
    sign_in(page, cloud, "supervisor", "/staff/figures")
    expect(page.get_by_role("heading", level=1)).to_have_text("Auswertung")
    expect(page.locator(".plot canvas")).to_have_count(7)
    for days in (7, 30, 90, 365):
        page.get_by_role("link", name=f"{days} Tage").click()
        expect(page.get_by_role("link", name=f"{days} Tage")).to_have_attribute(
            "aria-current", "true"
        )
        clean(page, f"figures_{days}", width)
    for summary in page.locator("summary").all():
        summary.press("Enter")
    expect(page.locator("table.sums:visible")).to_have_count(4)
    expect(page.locator("#requests-table th", has_text="rechtzeitig")).to_be_visible()
    clean(page, "figures_tables", width)


def heights(plot: Locator, color: str) -> list[float]:
    """Measure by the pixels how high each bar of a colour is, as a share of the chart's height."""
    found: list[float] = plot.evaluate(
        """(plot, color) => {
            const canvas = plot.querySelector("canvas"), over = plot.querySelector(".u-over")
            const rows = document.getElementById(plot.dataset.table).tBodies[0].rows.length
            const at = canvas.getBoundingClientRect(), room = over.getBoundingClientRect()
            const ratio = canvas.width / at.width
            const copy = new OffscreenCanvas(canvas.width, canvas.height)
            const context = copy.getContext("2d", { willReadFrequently: true })
            context.drawImage(canvas, 0, 0)
            context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(color)
            const wanted = context.fillStyle.match(/[0-9a-f]{2}/gi).map(each => parseInt(each, 16))
            const distance = (data, i) =>
                wanted.reduce((sum, each, at) => sum + Math.abs(data[i + at] - each), 0)
            return Array.from({ length: rows }, (_, bar) => {
                const x = (room.left - at.left + (bar + 0.5) * room.width / rows) * ratio
                const top = (room.top - at.top) * ratio, tall = room.height * ratio
                const strip = [Math.round(x), Math.round(top), 1, Math.round(tall)]
                const { data } = context.getImageData(...strip)
                let lit = 0
                for (let i = 0; i < data.length; i += 4) lit += distance(data, i) < 6
                return lit / tall
            })
        }""",
        color,
    )
    return found


def column(page: Page, table: str, at: int) -> list[float]:
    """Return the values of a table's column, 0 for an empty cell."""
    cells = page.locator(f"#{table} tbody tr td:nth-child({at + 1})")
    read = "cells => cells.map(cell => Number(cell.querySelector('data')?.value ?? 0))"
    found: list[float] = cells.evaluate_all(read)
    return found


def test_charts_are_their_tables(staff: Staff, cloud: Cloud, past: Past, width: int) -> None:
    """Check that every bar is as high as its cell says, in light and dark.

    Mouse and keyboard show each bar's cells.
    """
    page = staff(width).page
    sign_in(page, cloud, "supervisor", "/staff/figures?days=90")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for table, at, scale in (
            ("requests-table", 3, (1, 3)),
            ("waits-table", 2, (2, 3)),
            ("views-table", 1, (1,)),
        ):
            plot = page.locator(f".plot[data-table={table}]")
            plot.scroll_into_view_if_needed()
            top, told = (
                max(max(column(page, table, each)) for each in scale),
                column(page, table, at),
            )
            drawn = heights(plot, "--accent")
            assert drawn == pytest.approx([value / top for value in told], abs=0.015), (
                scheme,
                table,
            )
            assert max(drawn) > 0.1
    plots = page.locator(".plot[data-table=growth-table]").all()
    top = max(max(column(page, "growth-table", each)) for each in (1, 2, 3, 4))
    # All four have one scale.
    for at, plot in enumerate(plots, 1):
        told = column(page, "growth-table", at)
        assert heights(plot, "--accent") == pytest.approx(
            [value / top for value in told], abs=0.015
        )

    plot, rows = (
        page.locator(".plot[data-table=requests-table]"),
        page.locator("#requests-table tbody tr"),
    )
    legend = plot.locator(".u-value")
    plot.focus()
    for press, row in (
        ("ArrowRight", 0),
        ("ArrowRight", 1),
        ("End", rows.count() - 1),
        ("ArrowLeft", rows.count() - 2),
    ):
        page.keyboard.press(press)
        cells = rows.nth(row).locator("th, td").all_text_contents()
        expect(legend).to_have_text([cells[0], cells[1], cells[3]])
    room = plot.locator(".u-over").bounding_box()
    assert room
    page.mouse.move(room["x"] + room["width"] * 2.5 / rows.count(), room["y"] + 20)
    expect(legend.first).to_have_text(rows.nth(2).locator("th").text_content() or "")
    clean(page, "figures_read", width)
    page.mouse.move(0, 0)
    page.locator("h1").click()
    expect(legend.first).to_have_text("")


def test_figures_without_a_script(browser: Browser, staff: Staff, cloud: Cloud, past: Past) -> None:
    """Check that without a script the tables are open, and that there is no room for charts."""
    page = staff(360).page
    sign_in(page, cloud, "supervisor", "/staff/figures")
    plain = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    ).new_page()
    plain.set_viewport_size({"width": 360, "height": 740})
    plain.goto(f"{cloud.api}/staff/figures")
    expect(plain.get_by_role("table")).to_have_count(4)
    expect(plain.locator(".plot").first).to_be_hidden()
    plain.context.close()


def test_figures_of_nothing(staff: Staff, cloud: Cloud, backend: Backend, width: int) -> None:
    """Check an empty stage's figures and an office's hours.

    Another stage answers at this one's address.
    """
    backend.configure(
        STAGE="local",
        STAFF_TEST_KEY="key",
        BASE_URL=cloud.api,
        HOTLINE_HOURS="Mon-Thu 09:00-12:30 13:30-17:00; Fri 09:00-15:00",
        HOTLINE_HOLIDAYS="BW",
        HOTLINE_EXCEPTIONS="12-24 closed; 12-31 10:00-12:00",
        STAFF_SHIFTS="anna@shop.example Mon-Fri 09:00-13:00"
        " | ben.mit.langem.namen@shop.example Mon-Sun 12:00-24:00",
    )
    sam = Agent(backend, "Sam", "supervisor")
    page = staff(width).page
    sign_in(page, cloud, "supervisor", "/staff/hours")
    clean(page, "hours_around_the_clock", width)
    answers = {f"{cloud.api}{path}": look(sam, path) for path in ("/staff/figures", "/staff/hours")}

    def fulfil(route: Route) -> None:
        answer = answers[route.request.url]
        route.fulfill(status=answer.status, headers=answer.headers, body=answer.text)

    for url, name in zip(answers, ("figures_empty", "hours_office"), strict=True):
        page.route(url, fulfil)
        page.goto(url)
        clean(page, name, width)
    expect(page.get_by_text("ben.mit.langem.namen@shop.example")).to_be_visible()


def test_search_block_lift_and_erase(staff: Staff, cloud: Cloud, past: Past, width: int) -> None:
    visitor = staff(width)
    # The page itself answers 404 or 422 to a search in vain.
    visitor.refusals_expected = True
    page = visitor.page
    sign_in(page, cloud, "supervisor", "/staff/search")
    expect(page.get_by_role("link", name=past.refused, exact=True)).to_be_visible()
    clean(page, "search", width)
    page.get_by_label("Telefonnummer, Vorgangsnummer").fill("0900 1234567")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Sonder-, Service- und Notrufnummern")
    expect(page.get_by_label("Telefonnummer, Vorgangsnummer")).to_be_focused()
    clean(page, "search_wrong", width)
    page.get_by_label("Telefonnummer, Vorgangsnummer").fill(REFUSED)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=past.refused)).to_be_visible()
    expect(page.get_by_text("gesperrt", exact=True)).to_be_visible()
    clean(page, "number_blocked", width)
    page.get_by_role("link", name="Sperre aufheben").click()
    clean(page, "number_lift", width)
    page.get_by_role("button", name="Aufheben").click()
    expect(page.get_by_role("status")).to_contain_text("aufgehoben")
    clean(page, "number_lifted", width)
    page.get_by_role("button", name="Rückgängig").click()
    expect(page.get_by_role("status")).to_contain_text("gilt wieder, so lange wie zuvor")
    expect(page.get_by_text("gesperrt", exact=True)).to_be_visible()
    clean(page, "number_restored", width)
    page.get_by_role("link", name="Neue Suche").click()
    page.get_by_label("Telefonnummer, Vorgangsnummer").fill(f"0711 70{width:05}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("kein Rückruf bekannt")).to_be_visible()
    clean(page, "number_unknown", width)


def test_erasing_a_person(staff: Staff, cloud: Cloud, past: Past) -> None:
    page = staff(360).page
    sign_in(page, cloud, "supervisor", "/staff/search")
    page.get_by_label("Telefonnummer, Vorgangsnummer").fill(ERASABLE)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Daten löschen").click()
    expect(page.get_by_text(f"läuft noch ein Rückruf: {past.erasable}")).to_be_visible()
    clean(page, "number_erase", 360)
    page.get_by_role("button", name="Endgültig löschen").dblclick()
    expect(page.get_by_role("status")).to_contain_text("gelöscht")
    expect(page.get_by_text("kein Rückruf bekannt")).to_be_visible()


def test_subscribers(staff: Staff, cloud: Cloud, width: int) -> None:
    reader = f"{width}.{READER}"
    with Backend(cloud, cloud.env) as backend:
        signup = {"email": reader, "consent": "newsletter-de-1"}
        assert backend.call("POST", "/newsletter/signups", signup).status == 202
    visitor = staff(width)
    # The page itself answers 404 or 422 to a search in vain.
    visitor.refusals_expected = True
    page = visitor.page
    sign_in(page, cloud, "supervisor", "/staff/subscribers")
    clean(page, "subscribers", width)
    page.get_by_label("E-Mail-Adresse").fill("nobody@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Zu dieser Adresse ist nichts gespeichert.")
    page.get_by_label("E-Mail-Adresse").fill(f"Lotte <{reader.upper()}>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(reader)
    assert reader not in page.url
    clean(page, "subscriber", width)
    shown = page.url
    page.get_by_role("link", name="Nachweis").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nachweis der Einwilligung")
    page.goto(shown)
    page.get_by_role("link", name="Daten löschen").click()
    clean(page, "subscriber_erase", width)
    page.get_by_role("button", name="Endgültig löschen").click()
    expect(page.get_by_role("status")).to_contain_text("gelöscht")
    page.go_back()  # the page that asked whether erasing is meant was left; no press comes twice
    expect(page.get_by_text("wurden gelöscht")).to_be_visible()
    page.get_by_role("link", name="Newsletter").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV-Datei").click()
    assert download.value.suggested_filename == "subscribers.csv"
    assert download.value.path().read_text().startswith("email,language")


def test_the_list_of_subscribers_is_filtered_and_leads_to_each(
    staff: Staff, cloud: Cloud, width: int
) -> None:
    domain = f"liste-{width}.example"
    with Backend(cloud, cloud.env) as backend:
        for name in ("anna", "berta", "carla"):
            signup = {"email": f"{name}@{domain}", "consent": "newsletter-de-1", "topics": ["news"]}
            assert backend.call("POST", "/newsletter/signups", signup).status == 202
    page = staff(width).page
    sign_in(page, cloud, "supervisor", "/staff/subscribers")
    page.locator("summary").filter(has_text="Filtern").click()
    page.get_by_label("Domain der Adresse").fill(domain)
    page.get_by_label("Thema").select_option("news")
    page.get_by_role("button", name="Filtern").click()
    expect(page.get_by_role("row")).to_have_count(4)
    expect(page.get_by_role("link", name="wartet 3")).to_be_visible()
    clean(page, "subscribers_listed", width)
    page.get_by_role("link", name="bestätigt 0").click()
    expect(page.get_by_text("Dazu wurde niemand gefunden.")).to_be_visible()
    clean(page, "subscribers_none", width)
    page.get_by_role("link", name="wartet 3").click()
    page.get_by_role("link", name=f"berta@{domain}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"berta@{domain}")
    page.get_by_role("link", name="Abmelden …").click()
    clean(page, "subscriber_unsubscribe", width)
    page.get_by_role("button", name="Adresse abmelden").click()
    assert page.evaluate("document.activeElement.name") == "how"  # the browser asks for it
    page.get_by_label("per Brief").check()
    page.get_by_label("Notiz").fill("Brief vom 3. Mai")
    page.get_by_role("button", name="Adresse abmelden").click()
    expect(page.get_by_role("status")).to_contain_text("Die Abmeldung ist erfasst")
    expect(page.get_by_text("per Brief")).to_be_visible()
    clean(page, "subscriber_unsubscribed", width)
    page.go_back()  # to the form, which leads on: there is nothing to unsubscribe any more
    expect(page.locator(".tag").first).to_have_text("abgemeldet")
    page.goto(f"{cloud.api}/staff/subscribers?domain={domain}&state=unsubscribed")
    expect(page.get_by_role("link", name=f"berta@{domain}")).to_be_visible()
    page.get_by_role("link", name="Filter zurücksetzen").click()
    assert page.url == f"{cloud.api}/staff/subscribers"


def test_an_agent_unsubscribes_somebody_on_the_telephone_without_a_script(
    staff: Staff, cloud: Cloud
) -> None:
    reader = f"telefon.{READER}"
    with Backend(cloud, cloud.env) as backend:
        signup = {"email": reader, "consent": "newsletter-de-1"}
        assert backend.call("POST", "/newsletter/signups", signup).status == 202
    visitor = staff(360, java_script_enabled=False)
    visitor.refusals_expected = True
    page = visitor.page
    sign_in(page, cloud, "agent", "/staff/search")
    page.get_by_label("E-Mail-Adresse").fill(reader)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(reader)
    page.get_by_role("button", name="Bestätigungsmail erneut senden").click()
    expect(page.get_by_role("alert")).to_contain_text("Wieder möglich in")
    page.get_by_role("link", name="Abmelden …").click()
    page.get_by_label("am Telefon").check()
    page.get_by_role("button", name="Adresse abmelden").click()
    expect(page.get_by_role("status")).to_contain_text("Die Abmeldung ist erfasst")
    expect(page.get_by_role("link", name="Nachweis")).to_have_count(0)
    page.get_by_role("link", name="Neue Suche").click()
    assert page.url == f"{cloud.api}/staff/search"


def test_an_agent_sees_hours_and_search_and_is_refused_the_rest(
    staff: Staff, cloud: Cloud, past: Past
) -> None:
    visitor = staff(360, locale="en-GB")
    visitor.refusals_expected = True
    page = visitor.page
    sign_in(page, cloud, "agent", "/staff/search")
    names = page.get_by_role("navigation", name="Sections").get_by_role("link").all_text_contents()
    assert names == ["Callbacks", "Find", "Opening hours"]
    expect(page.get_by_text("Blocked numbers")).to_have_count(0)
    clean(page, "search_agent", 360)
    page.get_by_label("Telephone number, reference").fill(REFUSED)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=past.refused)).to_be_visible()
    expect(page.get_by_role("link", name="Lift the block")).to_have_count(0)
    for path in ("/staff/figures", "/staff/subscribers"):
        page.goto(cloud.api + path)
        expect(page.get_by_text("Only supervisors may do this.")).to_be_visible()


def test_by_keyboard_alone(staff: Staff, cloud: Cloud, past: Past) -> None:
    page = staff(1400).page
    sign_in(page, cloud, "supervisor", "/staff/figures")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # follows the link to the content
    expect(page.locator("main")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    expect(page.locator("table.sums:visible")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_role("region", name="Rückrufe als Tabelle")).to_be_focused()


@pytest.mark.soak
def test_articles_are_renamed_hidden_and_asked_about(
    staff: Staff, cloud: Cloud, width: int
) -> None:
    assert cloud.invoke("read_feed", SCHEDULED) is True
    visitor = staff(width)
    visitor.refusals_expected = True  # the page answers 422 to an article that does not exist
    page = visitor.page
    sign_in(page, cloud, "supervisor", "/staff/articles")
    expect(page.get_by_role("heading", level=1)).to_have_text("Artikel")
    expect(page.get_by_text("Zuletzt gelesen:")).to_contain_text("3 Artikel")
    clean(page, "articles", width)
    page.goto(f"{cloud.api}/staff/articles/gold-aufbewahren")
    clean(page, "article", width)
    page.get_by_label("Titel auf den Listen").fill("Wohin mit dem Gold?")
    page.get_by_role("button", name="Titel speichern").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Wohin mit dem Gold?")
    expect(page.get_by_role("status")).to_contain_text("Gespeichert.")
    page.get_by_role("button", name="Auf den Listen ausblenden").click()
    expect(page.get_by_text("ausgeblendet", exact=True)).to_be_visible()
    page.get_by_role("button", name="Wieder auf den Listen zeigen").click()
    page.get_by_label("Aufrufe für einen anderen Artikel zählen").fill("gibt-es-nicht")
    page.get_by_role("button", name="Zusammenlegen").click()
    expect(page.get_by_role("alert")).to_contain_text("Diesen Artikel gibt es nicht")
    clean(page, "article_refused", width)
    page.get_by_role("link", name="Aufrufe löschen …").click()
    expect(page.get_by_role("button", name="Endgültig löschen")).to_be_visible()
    clean(page, "article_sure", width)
    page.get_by_role("link", name="Abbrechen").click()
    page.get_by_label("Titel auf den Listen").fill("")
    page.get_by_role("button", name="Titel speichern").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Zu Hause, im Schließfach oder im Lager"
    )


def test_articles_without_a_script_in_english(browser: Browser, staff: Staff, cloud: Cloud) -> None:
    assert cloud.invoke("read_feed", SCHEDULED) is True
    page = staff(360).page
    sign_in(page, cloud, "supervisor", "/staff/articles")
    plain = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state(), locale="en"
    ).new_page()
    plain.goto(f"{cloud.api}/staff/articles/feingehalt-verstehen")
    plain.get_by_role("button", name="Hide on the lists").click()
    expect(plain.get_by_text("Saved.")).to_be_visible()
    plain.get_by_role("button", name="Show on the lists again").click()
    expect(plain.get_by_text("yes, from the website’s feed")).to_be_visible()
    plain.context.close()
