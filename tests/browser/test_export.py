"""The supervisor's download in a real Chromium: one file of many parts.

The connection is lost, the download is stopped, or there is no script at all.
"""

import csv
import io
import json
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, Route, expect

from local.cloud import Cloud
from tests.browser import pictures
from tests.browser.conftest import Staff, Visitor
from tests.browser.test_sign_in import sign_in
from tests.browser.test_supervisor_pages import clean

pytestmark = pytest.mark.usefixtures("scale")

COLUMNS = "email,language,topics,consent_version,confirmed_at\r\n"
PARTS = 5


def served(page: Page, cloud: Cloud, lose: int = -1) -> list[int]:
    """Serve the list in parts, and return a list of those asked for. Part `lose` is lost once."""
    asked: list[int] = []

    def fulfil(route: Route) -> None:
        number = int((route.request.url.partition("cursor=")[2] or "0").partition("&")[0])
        asked.append(number)
        if asked.count(number) == 1 and number == lose:
            return route.abort()
        link = f'<{cloud.api}/staff/subscribers.csv?topic=news&cursor={number + 1}>; rel="next"'
        rows = "".join(
            f"leser-{number}-{row}@example.org,de,news,newsletter-de-1,\r\n"
            for row in range(2 * (number != 3))
        )
        return route.fulfill(
            headers={"content-type": "text/csv", **({"link": link} if number + 1 < PARTS else {})},
            body=COLUMNS + rows,
        )

    page.route("**/staff/subscribers.csv*", fulfil)
    return asked


def emails(download: Download) -> list[str]:
    text = Path(download.path()).read_bytes().decode()
    assert text.startswith(COLUMNS)
    return [each["email"] for each in csv.DictReader(io.StringIO(text, newline=""))]


@pytest.fixture
def office(staff: Staff, cloud: Cloud) -> Visitor:
    """Return a supervisor at the newsletter's page."""
    made = staff(360)
    made.refusals_expected = True
    sign_in(made.page, cloud, "supervisor", "/staff/subscribers")
    return made


def test_many_parts_become_one_file_though_the_line_drops(office: Visitor, cloud: Cloud) -> None:
    page = office.page
    asked = served(page, cloud, lose=2)
    page.get_by_role("link", name="CSV-Datei").click()
    expect(page.get_by_role("status")).to_contain_text(
        "Die Verbindung ist abgerissen. Bisherige Adressen: 4"
    )
    clean(page, "export_lost", 360)
    with page.expect_download() as download:
        page.get_by_role("button", name="Fortsetzen").click()
    assert emails(download.value) == [
        f"leser-{part}-{row}@example.org" for part in (0, 1, 2, 4) for row in range(2)
    ]
    assert download.value.suggested_filename == "subscribers.csv"
    expect(page.get_by_role("status")).to_contain_text(
        "Fertig. Adressen in der Datei subscribers.csv: 8"
    )
    assert asked == [0, 1, 2, 2, 3, 4]
    clean(page, "export_saved", 360)


def test_json_lines_of_many_parts_become_one_file(office: Visitor) -> None:
    page = office.page
    asked: list[str] = []

    def fulfil(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        assert route.request.headers["accept"] == "application/jsonl"
        more = {"link": f'<{route.request.url}&cursor=2>; rel="next"'} if len(asked) < 2 else {}
        line = f'{{"email": "leser-{len(asked)}@example.org"}}\n'
        route.fulfill(headers={"content-type": "application/jsonl", **more}, body=line * 2)

    page.route("**/staff/subscribers.csv*", fulfil)
    page.goto(f"{page.url}?state=unsubscribed&domain=example.org")
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON-Lines-Datei").click()
    assert download.value.suggested_filename == "subscribers.jsonl"
    lines = Path(download.value.path()).read_text().splitlines()
    assert [json.loads(each)["email"] for each in lines] == [
        f"leser-{part}@example.org" for part in (1, 1, 2, 2)
    ]
    expect(page.get_by_role("status")).to_contain_text("subscribers.jsonl: 4")
    assert asked[0] == "state=unsubscribed&domain=example.org&format=jsonl"


def test_it_can_be_stopped_and_begun_anew(office: Visitor, cloud: Cloud) -> None:
    page = office.page
    held: list[Route] = []
    page.route("**/staff/subscribers.csv*", lambda route: held.append(route))
    page.get_by_role("link", name="CSV-Datei").dblclick()
    expect(page.get_by_role("status")).to_contain_text("Bisherige Adressen: 0")
    clean(page, "export_running", 360)
    page.get_by_role("button", name="Abbrechen").click()
    expect(page.get_by_role("status")).to_have_text("Abgebrochen. Es wurde nichts gespeichert.")
    expect(page.get_by_role("button", name="Abbrechen")).to_be_hidden()
    assert len(held) == 1  # the second press of the double click starts nothing
    page.unroute_all()
    served(page, cloud, lose=0)
    page.get_by_role("link", name="CSV-Datei").click()
    page.get_by_role("button", name="Abbrechen").click()  # after a lost connection
    expect(page.get_by_role("status")).to_have_text("Abgebrochen. Es wurde nichts gespeichert.")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV-Datei").click()
    assert len(emails(download.value)) == 8


def test_without_a_script_the_parts_are_fetched_by_hand(staff: Staff, cloud: Cloud) -> None:
    page = staff(360, java_script_enabled=False).page
    sign_in(page, cloud, "supervisor", "/staff/subscribers?topic=news")
    expect(page.locator("[data-export]").first).to_be_hidden()
    page.get_by_label("Teil").fill("2")
    page.get_by_label("von").fill("3")
    form = page.locator("noscript form, form:has([name=parts])")
    expect(form.locator("[name=topic]")).to_have_value("news")
    pictures.keep(page, pictures.ARTEFACTS / "lead_export_by_hand_360px.png")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV-Datei").click()
    assert download.value.url == f"{cloud.api}/staff/subscribers.csv?topic=news&part=2&parts=3"
    assert Path(download.value.path()).read_text().startswith("email,language")
