"""The snippet in somebody else's page: it is small, needs nothing and leaves nothing behind.

It says everything in the page's language, where the company speaks it.
"""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from chalicelib import company
from chalicelib.formats import Formats
from local.cloud import Cloud
from tests.browser.conftest import Visit, Visitor

GLOBALS = "() => Object.getOwnPropertyNames(window).filter((name) => !/^\\d+$/.test(name)).sort()"
# Puts another page in the place of one that is served, before the snippet sees it.
INSTEAD = """document.addEventListener('readystatechange', () => {
  if (document.readyState !== 'interactive') return;
  document.documentElement.lang = %s;
  document.body.innerHTML = %s;
  Object.assign(document.querySelector('script[src$="/embed.js"]').dataset, %s);
});"""
LINE = '<p data-contact="hotline"><a href="tel:+49">+49</a> <span></span></p>'
SLOTS = '<form><select data-contact="slots" name="window"></select></form>'
NEWSLETTER = """<form data-contact="newsletter" action="{api}/newsletter/signups"{more}>
<label>E-Mail <input name="email"></label><input type="hidden" name="consent">
<p data-contact="consent" data-for="newsletter"></p><button>OK</button></form>"""
CALLBACK = """<form data-contact="callback" action="{api}/callbacks?form={number}"{more}>
<label>Name <input name="name"></label><button>OK</button></form>"""
ZONE = "Europe/Berlin"
ELSEWHERE = "America/New_York"  # the browser's clock, by which nothing must be written
THURSDAY = "2026-11-26T20:00:00+01:00"


def show(reader: Visitor, lang: str, body: str, **data: str) -> Page:
    """Open a page with this body; `data` are attributes of its script."""
    reader.page.add_init_script(INSTEAD % tuple(map(json.dumps, (lang, body, data))))
    return reader.go("/danke")


def answer(reader: Visitor, path: str, **values: Any) -> None:
    """Have the API answer a path with these values."""
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
    reader.context.route(
        re.compile(re.escape(reader.cloud.api + path)),
        lambda route: route.fulfill(json=values, headers=headers),
    )


def shows(reader: Visitor, **parts: Any) -> None:
    """Have the API answer with these parts of a page."""
    answer(reader, "/page?", **parts)


def test_it_adds_one_global_and_stores_nothing(visit: Visit) -> None:
    without = visit()
    without.refusals_expected = True
    without.context.route("**/embed.js", lambda route: route.abort())
    bare = without.go("/artikel/gold-aufbewahren").evaluate(GLOBALS)
    reader = visit()
    page = reader.go("/artikel/gold-aufbewahren")
    page.locator("[name=email]").first.focus()
    assert page.evaluate(GLOBALS) == sorted([*bare, "contact"])
    assert page.evaluate("Object.keys(contact)") == ["scan"]
    assert page.evaluate("Object.getOwnPropertyNames(history)") == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]
    assert reader.context.cookies() == []


def test_what_others_write_is_text(visit: Visit) -> None:
    reader = visit()
    title = "<img src=x onerror=document.body.remove()>"
    article = {"slug": "a", "title": title, "views": 1, "page": ""}
    shows(reader, popular={"window": "7d", "as_of": "", "articles": [article]})
    page = reader.go("/")
    assert page.locator("[data-contact=popular]").inner_text().strip() == title


@pytest.mark.parametrize(
    ("lang", "spoken", "open_now"),
    [
        ("de", "de", "jetzt erreichbar"),
        ("de-AT", "de", "jetzt erreichbar"),
        ("EN_us", "en", "open now"),
        ("en", "en", "open now"),
        ("EN-gb", "en", "open now"),
        ("fr", "de", "jetzt erreichbar"),  # the company's first language
        ("eng", "de", "jetzt erreichbar"),
        ("", "de", "jetzt erreichbar"),
    ],
)
def test_a_page_is_spoken_to_in_its_language(
    visit: Visit, cloud: Cloud, lang: str, spoken: str, open_now: str
) -> None:
    reader = visit()
    line = {"number": "+49", "display": "49", "timezone": ZONE, "open": True, "closes_at": None}
    declaration = reader.context.request.get(f"{cloud.api}/newsletter/consent?language={spoken}")
    shows(reader, hotline=line, consent={"newsletter": declaration.json()})
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    page = show(reader, lang, LINE + NEWSLETTER.format(api=cloud.api, more=""))
    expect(page.locator("[data-contact=hotline] span")).to_have_text(open_now)
    (read,) = [each for each in asked if "/page?" in each]
    assert f"language={spoken}" in read
    wanted = declaration.json()
    assert page.locator("[data-contact=consent]").inner_text() == wanted["text"]
    assert page.locator("[name=consent]").input_value() == wanted["version"]


def test_the_script_may_name_another_language(visit: Visit, cloud: Cloud) -> None:
    page = show(visit(), "de", NEWSLETTER.format(api=cloud.api, more=""), language="en")
    expect(page.locator("[data-contact=consent]")).to_contain_text("Yes, ")


@pytest.mark.parametrize(("lang", "sending"), [("de", "Wird gesendet …"), ("en", "Sending …")])
def test_a_newsletter_s_thanks_are_the_company_s(
    visit: Visit, cloud: Cloud, lang: str, sending: str, address: str
) -> None:
    page = show(visit(), lang, NEWSLETTER.format(api=cloud.api, more=""))
    held: list[Route] = []
    page.route("**/newsletter/signups", lambda route: held.append(route))
    page.locator("[name=email]").fill(address)
    with page.expect_request("**/newsletter/signups"):
        page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text(sending)
    held[0].continue_()
    thanks = company.current().texts[lang]["newsletter_success"]
    expect(page.get_by_role("status")).to_have_text(thanks)


@pytest.mark.parametrize(
    ("lang", "asked"),
    [
        (
            "de",
            "Meinten Sie eva@gmail.com? Dann melden Sie sich bitte mit dieser Adresse noch einmal "
            "an.",
        ),
        ("en", "Did you mean eva@gmail.com? Then please sign up again with that address."),
    ],
)
def test_a_mistyped_domain_is_asked_back_about(
    visit: Visit, cloud: Cloud, lang: str, asked: str
) -> None:
    reader = visit()
    answer(reader, "/newsletter/signups", status="pending", suggestion="eva@gmail.com")
    page = show(reader, lang, NEWSLETTER.format(api=cloud.api, more=""))
    page.locator("[name=email]").fill("eva@gmial.com")
    page.get_by_role("button").click()
    thanks = company.current().texts[lang]["newsletter_success"]
    expect(page.get_by_role("status")).to_have_text(f"{thanks} {asked}")


def call_back(reader: Visitor, lang: str, *windows: tuple[str, str], more: str = "") -> list[str]:
    """Send a callback's form for each of these promised windows; return what each says then."""
    forms = ""
    for number, (begins, ends) in enumerate(windows):
        expected = {"from": begins, "to": ends}
        phone = {"e164": "+496641234567", "extension": "", "display": "+49 6641 234567"}
        told = {"reference": "R-2M24", "expected": expected, "phone": phone}
        answer(reader, f"/callbacks?form={number};", **told)
        forms += CALLBACK.format(api=reader.cloud.api, number=f"{number};", more=more)
    page = show(reader, lang, forms)
    for form in page.locator("form").all():
        form.get_by_role("button").click()
        expect(form).to_have_attribute("data-state", "success")
    return page.get_by_role("status").all_inner_texts()


NIGHT = "2026-11-26T04:00:00+01:00", "2026-11-26T06:00:00+01:00"


@pytest.mark.parametrize(
    ("lang", "thanks"),
    [
        (
            "de",
            "Vielen Dank! Wir rufen Sie am Donnerstag, 26. November, zwischen 4 und 6 Uhr an. "
            "Ihre Telefonnummer: +49\u00a06641\u00a0234567. Ihre Vorgangsnummer: R-2M24",
        ),
        (
            "en",
            "Thank you! We will call you on Thursday, 26 November, between 4:00 and 6:00. "
            "Your telephone number: +49\u00a06641\u00a0234567. Your reference: R-2M24",
        ),
    ],
)
def test_a_callback_s_thanks_are_the_company_s(visit: Visit, lang: str, thanks: str) -> None:
    assert call_back(visit(timezone_id=ELSEWHERE), lang, NIGHT) == [thanks]


def test_the_page_s_own_thanks_come_first(visit: Visit) -> None:
    more = ' data-success="Bis {expected}: {reference}, {reference}. {other}"'
    assert call_back(visit(), "de", NIGHT, more=more) == [
        "Bis am Donnerstag, 26. November, zwischen 4 und 6 Uhr: R-2M24, R-2M24. {other}"
    ]


WINDOWS = [
    NIGHT,
    ("2026-11-25T09:00:00+01:00", "2026-11-25T11:30:00+01:00"),
    ("2026-11-25T22:00:00+01:00", "2026-11-26T00:00:00+01:00"),
    ("2026-12-31T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
    ("2026-11-25T23:00:00+01:00", "2026-11-26T01:00:00+01:00"),
    ("2026-11-25T23:00:00+01:00", "2026-11-27T00:00:00+01:00"),
    ("2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"),  # the hour that is left out
    ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),  # the hour that comes twice
    ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),  # a day of 25 hours
    ("2026-05-01T22:05:00Z", "2026-05-02T10:00:00Z"),
    ("2026-09-06T12:00:00+02:00", "2026-09-06T13:00:00+02:00"),
]


@pytest.mark.parametrize("lang", company.current().languages)
def test_a_window_is_said_as_in_our_mails_and_pages(visit: Visit, lang: str) -> None:
    """Compare with `Formats`, in a browser whose clock is another one."""
    formats = Formats(lang, ZONE)
    wanted = [formats.window(*map(datetime.fromisoformat, each)) for each in WINDOWS]
    reader = visit(timezone_id=ELSEWHERE)
    assert call_back(reader, lang, *WINDOWS, more=' data-success="{expected}"') == wanted
    assert len(set(wanted)) == len(WINDOWS)


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [
        (
            "de",
            [
                "Mi., 25. Nov., 09:00–11:00 Uhr",
                "Mi., 25. Nov., 22:00–24:00 Uhr",
                "Mi., 25. Nov., 23:00 Uhr – Do., 26. Nov., 01:00 Uhr",
            ],
        ),
        (
            "en",
            [
                "Wed, 25 Nov, 09:00–11:00",
                "Wed, 25 Nov, 22:00–24:00",
                "Wed, 25 Nov, 23:00 – Thu, 26 Nov, 01:00",
            ],
        ),
    ],
)
def test_the_times_to_choose_from(visit: Visit, lang: str, wanted: list[str]) -> None:
    reader = visit(timezone_id=ELSEWHERE)
    slots = [
        {"from": f"2026-11-{begins}:00:00+01:00", "to": f"2026-11-{ends}:00:00+01:00"}
        for begins, ends in (("25T09", "25T11"), ("25T22", "26T00"), ("25T23", "26T01"))
    ]
    shows(reader, slots={"timezone": ZONE, "slots": slots})
    options = show(reader, lang, SLOTS).locator("option")
    assert options.all_inner_texts() == wanted
    assert options.last.get_attribute("value") == f"{slots[-1]['from']}/{slots[-1]['to']}"


def line_at(reader: Visitor, lang: str, is_open: bool, at: str | None) -> str:
    """Return what the page says of the line that opens or closes then."""
    times = {"opens_at": None if is_open else at, "closes_at": at if is_open else None}
    line = {"number": "+4979302699", "display": "+49 7930 2699", "timezone": ZONE}
    shows(reader, hotline={**line, "open": is_open, **times})
    shown = show(reader, lang, LINE).locator("[data-contact=hotline]")
    expect(shown.get_by_role("link")).to_have_attribute("href", "tel:+4979302699")
    return shown.locator("span").inner_text()


@pytest.mark.parametrize(
    ("now", "at", "german", "english"),
    [
        (THURSDAY, "2026-11-26T21:30:00+01:00", "heute ab 21:30 Uhr", "from 21:30 today"),
        (THURSDAY, "2026-11-27T09:00:00+01:00", "morgen ab 9 Uhr", "from 9:00 tomorrow"),
        (THURSDAY, "2026-11-30T09:00:00+01:00", "am Montag ab 9 Uhr", "from 9:00 on Monday"),
        (
            THURSDAY,
            "2026-12-03T09:00:00+01:00",
            "am Donnerstag, 3. Dezember, ab 9 Uhr",
            "from 9:00 on Thursday, 3 December",
        ),
        # It is Friday here already, elsewhere it is not.
        ("2026-11-26T23:30:00Z", "2026-11-27T09:00:00+01:00", "heute ab 9 Uhr", "from 9:00 today"),
        # Tomorrow begins less than 24 hours from now, and the day after as well.
        (
            "2026-03-28T23:30:00+01:00",
            "2026-03-30T00:00:00+02:00",
            "am Montag ab 0 Uhr",
            "from 0:00 on Monday",
        ),
    ],
    ids=["today", "tomorrow", "on Monday", "next week", "today there", "shorter day"],
)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_when_the_line_opens(
    visit: Visit, lang: str, now: str, at: str, german: str, english: str
) -> None:
    reader = visit(timezone_id=ELSEWHERE)
    reader.page.clock.set_fixed_time(now)
    wanted = {"de": f"wieder erreichbar: {german}", "en": f"open again {english}"}
    assert line_at(reader, lang, False, at) == wanted[lang]


@pytest.mark.parametrize(
    ("is_open", "at", "german", "english"),
    [
        (True, "2026-11-26T21:00:00+01:00", "jetzt erreichbar bis 21 Uhr", "open now until 21:00"),
        (True, "2026-11-27T00:00:00+01:00", "jetzt erreichbar bis 24 Uhr", "open now until 24:00"),
        (
            True,
            "2026-11-27T02:00:00+01:00",
            "jetzt erreichbar bis Freitag, 27. November, 2 Uhr",
            "open now until Friday, 27 November, 2:00",
        ),
        (True, None, "jetzt erreichbar", "open now"),
        (False, None, "derzeit nicht erreichbar", "closed at the moment"),
    ],
    ids=["today", "midnight", "tomorrow", "never closes", "never opens"],
)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_until_when_the_line_is_open(
    visit: Visit, lang: str, is_open: bool, at: str | None, german: str, english: str
) -> None:
    reader = visit(timezone_id=ELSEWHERE)
    reader.page.clock.set_fixed_time(THURSDAY)
    assert line_at(reader, lang, is_open, at) == {"de": german, "en": english}[lang]


def test_what_was_tomorrow_becomes_today_and_then_is_asked_for_anew(visit: Visit) -> None:
    reader = visit()
    reader.page.clock.install(time="2026-11-26T23:58:00+01:00")
    at = "2026-11-27T00:30:00+01:00"
    assert line_at(reader, "de", False, at) == "wieder erreichbar: morgen ab 0:30 Uhr"
    page = reader.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(3 * 60_000)
    expect(page.locator("span")).to_have_text("wieder erreichbar: heute ab 0:30 Uhr")
    assert asked == []
    line = {"number": "+49", "display": "49", "timezone": ZONE, "opens_at": None}
    answer(reader, "/hotline", **line, open=True, closes_at="2026-11-27T04:00:00+01:00")
    page.clock.run_for(30 * 60_000)
    expect(page.locator("span")).to_have_text("jetzt erreichbar bis 4 Uhr")


@pytest.mark.parametrize(
    ("lang", "why", "unreached", "then"),
    [
        (
            "de",
            "Das Formular konnte nicht gesendet werden.",
            "Es kam keine Verbindung zustande. Ihre Eingaben sind noch da.",
            "Bitte versuchen Sie es noch einmal oder rufen Sie uns an:",
        ),
        (
            "en",
            "The form could not be sent.",
            "No connection could be made. What you have entered is still here.",
            "Please try again or call us:",
        ),
    ],
    ids=["de", "en"],
)
@pytest.mark.parametrize("failure", ["no network", "server error", "no answer of ours"])
def test_a_form_that_could_not_be_sent_names_the_number(
    visit: Visit,
    cloud: Cloud,
    lang: str,
    why: str,
    unreached: str,
    then: str,
    failure: str,
    address: str,
) -> None:
    said = unreached if failure == "no network" else why
    reader = visit()
    reader.refusals_expected = True
    page = show(reader, lang, LINE + NEWSLETTER.format(api=cloud.api, more=""))
    headers = {"Access-Control-Allow-Origin": "*"}
    answers = {
        "no network": lambda route: route.abort(),
        "server error": lambda route: route.fulfill(
            status=503, json={"detail": "x"}, headers=headers
        ),
        "no answer of ours": lambda route: route.fulfill(
            status=429, json={"message": "Limit Exceeded"}, headers=headers
        ),
    }
    page.route("**/newsletter/signups", answers[failure])
    page.locator("[name=email]").fill(address)
    for _again in range(2):
        page.get_by_role("button").click()
        told = page.get_by_role("status")
        expect(told).to_have_text(f"{said} {then} +49 7930 2699.")
        expect(told.get_by_role("link", name="+49 7930 2699")).to_have_attribute(
            "href", "tel:+4979302699"
        )
        expect(told).to_be_focused()
    expect(page.locator("[name=email]")).to_have_value(address)


def test_where_the_page_has_no_number(visit: Visit, cloud: Cloud, address: str) -> None:
    reader = visit()
    reader.refusals_expected = True
    page = show(reader, "de", NEWSLETTER.format(api=cloud.api, more=""))
    page.route("**/newsletter/signups", lambda route: route.abort())
    page.locator("[name=email]").fill(address)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text(
        "Es kam keine Verbindung zustande. Ihre Eingaben sind noch da."
        " Bitte versuchen Sie es noch einmal."
    )


@pytest.mark.parametrize(
    ("lang", "wait", "wanted"),
    [
        ("de", 3599, "Zu viele Anfragen. Bitte versuchen Sie es heute ab 21 Uhr noch einmal."),
        ("en", 3599, "Too many requests. Please try again from 21:00 today."),
        ("de", 50399, "Zu viele Anfragen. Bitte versuchen Sie es morgen ab 10 Uhr noch einmal."),
    ],
)
def test_too_many_requests(
    visit: Visit, cloud: Cloud, lang: str, wait: int, wanted: str, address: str
) -> None:
    reader = visit(timezone_id=ZONE)
    reader.refusals_expected = True
    reader.page.clock.set_fixed_time(THURSDAY)
    page = show(reader, lang, NEWSLETTER.format(api=cloud.api, more=""))
    headers = {
        "Retry-After": str(wait),
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
    }
    page.route(
        "**/newsletter/signups",
        lambda route: route.fulfill(status=429, json={"detail": "x"}, headers=headers),
    )
    page.locator("[name=email]").fill(address)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text(wanted)


def test_a_window_that_is_refused_loads_the_times_anew(visit: Visit) -> None:
    reader = visit(timezone_id=ELSEWHERE)
    reader.refusals_expected = True
    days = [
        {"from": f"2026-11-{day}T09:00:00+01:00", "to": f"2026-11-{day}T11:00:00+01:00"}
        for day in (25, 26)
    ]
    error = {"field": "window", "code": "window_over", "message": "Vorbei."}
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
    reader.context.route(
        re.compile(re.escape(f"{reader.cloud.api}/callbacks?form=1")),
        lambda route: route.fulfill(
            status=422, json={"detail": "Vorbei.", "errors": [error]}, headers=headers
        ),
    )
    shows(reader, slots={"timezone": ZONE, "slots": days})
    form = CALLBACK.format(api=reader.cloud.api, number="1", more="")
    select = """<label>Zeit <select name="window" data-contact="slots">
        <option value="">bald</option></select></label>"""
    page = show(reader, "de", form.replace("<button>", f"{select}<button>"))
    options = page.locator("option")
    expect(options).to_have_count(3)
    options.last.evaluate("option => option.parentNode.value = option.value")
    answer(reader, "/callbacks/slots?", timezone=ZONE, slots=days[1:])
    page.get_by_role("button").click()
    expect(page.locator(".contact-error")).to_have_text("Vorbei.")
    expect(options).to_have_count(2)
    assert options.first.inner_text() == "bald"
    assert options.last.get_attribute("value") == f"{days[1]['from']}/{days[1]['to']}"
