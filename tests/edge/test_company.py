"""Another company is another folder of files: names, colours, topics, texts, templates."""

import math
import re
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from bench.cost import size
from chalicelib import aws, company
from chalicelib.consent import Wordings
from chalicelib.newsletter.stores import growth
from chalicelib.settings import BadSetting, parse
from infra import company as check
from infra import declaration
from tests.backend import Backend


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """Return the files of another company, with a topic, a name, colours and a template."""
    folder = tmp_path / "company"
    shutil.copytree(company.FOLDER, folder)
    entries = (folder / "company.toml").read_text()
    for before, after in (
        ('name = "Tauberwerk"', 'name = "Firma Ältest"'),
        ('legal_name = "Tauberwerk GmbH"', 'legal_name = "Ältest & Söhne KG"'),
        ('"Ihr Tauberwerk"', '"Ihre Firma Ältest"'),
        ('"Your Tauberwerk team"', '"Your Firma Ältest team"'),
        ('"#0b5c4d"', '"#123456"'),
        ('"#5fd0b5"', '"#fedcba"'),
        ('"Bitte bestätigen Sie Ihre Anmeldung"', '"Bitte klicken"'),
        ('"Please confirm your subscription"', '"Please click"'),
        ("[newsletter_topics]", '[newsletter_topics]\nwine = { de = "Wein", en = "Wine" }'),
        ("[callback_topics]", '[callback_topics]\ntasting = { de = "Probe", en = "Tasting" }'),
        ('imprint = { de = "/impressum"', 'imprint = { de = "https://aeltest.example/i"'),
        ("slot_minutes = 120", "slot_minutes = 60"),
    ):
        assert before in entries
        entries = entries.replace(before, after, 1)
    (folder / "company.toml").write_text(entries)
    own = company.Company(company.read(folder))
    list(declaration.freeze(own, folder / "consent"))
    check.check(folder)
    return folder


@pytest.mark.parametrize(("language", "subject"), [("de", "Bitte klicken"), ("en", "Please click")])
def test_another_company_is_its_files_alone(
    backend: Backend, another: Path, language: str, subject: str
) -> None:
    backend.configure(COMPANY_FOLDER=str(another), STAGE="local", STAFF_TEST_KEY="key")
    address = f"company-{language}@example.org"
    wording = backend.call("GET", f"/newsletter/consent?language={language}").json
    latest = declaration.frozen("newsletter", language, another / "consent")[-1].stem
    assert (wording["version"], wording["topics"][0]) == (latest, "wine")
    signup = {"email": address, "consent": wording["version"], "language": language}
    assert backend.call("POST", "/newsletter/signups", signup).status == 202
    backend.deliver()
    (mail,) = backend.mails(address)
    assert mail["subject"] == subject
    assert {"de": "Wein", "en": "Wine"}[language] in mail["text"]
    page = backend.call("GET", "/newsletter/access", None, {"accept": "text/html"})
    staff = backend.call(
        "GET", "/staff", None, {"accept": "text/html", "authorization": "Bearer key"}
    )
    assert (page.status, staff.status) == (200, 200)
    for text in (mail["html"], page.text, staff.text):
        assert "Firma Ältest" in text
        assert "#123456" in text
        assert "#fedcba" in text
        assert company.Company(company.read(company.FOLDER)).accent not in text
        assert "Tauberwerk" not in text
    assert "https://aeltest.example/i" in page.text
    slots = backend.call("GET", "/callbacks/slots?days=7").json["slots"]
    first = slots[0]
    assert datetime.fromisoformat(first["to"]) - datetime.fromisoformat(first["from"]) in (
        timedelta(hours=1),
        timedelta(minutes=90),
    )


def test_an_older_declaration_covers_what_it_names(backend: Backend, another: Path) -> None:
    backend.configure(COMPANY_FOLDER=str(another), STAGE="local")
    asked = {"email": "old@example.org", "consent": "newsletter-de-1", "topics": ["wine", "news"]}
    refused = backend.call("POST", "/newsletter/signups", asked)
    assert refused.status == 422
    assert refused.json["errors"][0]["field"] == "topics"
    assert refused.json["errors"][0]["code"] == "not_covered"
    del asked["topics"]
    assert backend.call("POST", "/newsletter/signups", asked).status == 202
    (subscriber,) = [
        each
        for each in backend.items()
        if each.get("email") == "old@example.org" and "state" in each
    ]
    assert set(subscriber["topics"]) == set(Wordings("newsletter").all["newsletter-de-1"].topics)


def test_a_template_of_the_companys_own_comes_first(backend: Backend, another: Path) -> None:
    (another / "templates" / "page").mkdir(parents=True)
    (another / "templates" / "page" / "access.html").write_text("<p>{{ company.name }}: ours</p>")
    backend.configure(COMPANY_FOLDER=str(another), STAGE="local")
    page = backend.call("GET", "/newsletter/access", None, {"accept": "text/html"})
    assert page.text == "<p>Firma Ältest: ours</p>"


def test_the_badge_has_the_companys_colour(backend: Backend, another: Path) -> None:
    for folder, accent in (("", company.current().accent), (str(another), "#123456")):
        backend.configure(COMPANY_FOLDER=folder, STAGE="local")
        badge = backend.call("GET", "/articles/gold/badge.svg").text
        assert re.findall(r"#[0-9a-f]{6}\b", badge) == [accent]


def test_another_company_is_for_the_local_stage_alone() -> None:
    with pytest.raises(BadSetting, match="COMPANY_FOLDER"):
        parse({"STAGE": "dev", "COMPANY_FOLDER": "company"})


@pytest.mark.soak
def test_a_year_of_growth_costs_less_than_a_read_a_day(backend: Backend) -> None:
    """Measure the read units for a year of a million signups, with every counter of every lane.

    The reads are eventually consistent ones.
    """
    # 2,740 signups a day make a million in a year.
    table, day = backend.env["CONTACTS_TABLE"], 2740
    items = [
        {
            "pk": "GROWTH",
            "sk": f"2027-{month:02}-{date:02}#{lane:02}",
            **dict.fromkeys(growth.EVENTS, day),
        }
        for month in range(1, 13)
        for date in range(1, 32)
        for lane in range(growth.LANES)
    ]
    client = aws.client("dynamodb")
    for at in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": aws.pack_item(item)}} for item in items[at : at + 25]]
        client.batch_write_item(RequestItems={table: puts})
    units, calls = 0.0, 0

    def note(parsed: dict[str, list[dict[str, object]]], **_: object) -> None:
        nonlocal units, calls
        calls += 1
        units += math.ceil(sum(map(size, parsed["Items"])) / 4096) / 2

    with backend.hooked("dynamodb", "after-call.dynamodb.Query", note):
        told = growth.by_day(date(2027, 1, 1), date(2027, 12, 31))
    assert len(told) == 12 * 31
    assert {name: told["2027-01-01"][name] for name in growth.EVENTS} == dict.fromkeys(
        growth.EVENTS, day * growth.LANES
    )
    print(f"growth of a year: {calls} calls, {units:.0f} read units (goal: at most 366)")
    assert units <= 366
