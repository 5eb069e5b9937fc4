"""Alerts and letters: their recipients, their words, and that they hold no personal data."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from chalicelib import company
from chalicelib.callbacks import alerts, letters, workflow
from chalicelib.callbacks.alerts import Event
from chalicelib.callbacks.model import Attempt, Callback, Letter
from chalicelib.callbacks.opening_hours import Span
from chalicelib.formats import Formats
from chalicelib.outbox import sms
from chalicelib.outbox.model import Alert
from chalicelib.settings import Settings
from tests.callbacks.cases import ASKED, MONDAY, OWN, RULES, STATES, asap, at
from tests.callbacks.test_opening_hours import make

PERSONAL = ("Muster", "Eva", "4979302000", "eva@example.org", "Gold")
SETTINGS = Settings(staff_mail=("staff@example.org",), supervisor_mail=("lead@example.org",))
SHIFT = replace(RULES, shifts={"anna@example.org": make("Mon 09:00-12:00")})


def custom(said: Alert) -> dict[str, Any]:
    """Return the body for webhooks, checked against what Amazon Q Developer documents of it."""
    read: dict[str, Any] = json.loads(said.bodies["https"])
    assert said.bodies["http"] == said.bodies["https"]
    assert (read["version"], read["source"], set(read)) == (
        "1.0",
        "custom",
        {"version", "source", "id", "content", "metadata"},
    )
    content, metadata = read["content"], read["metadata"]
    assert set(content) == {"textType", "title", "description", "nextSteps", "keywords"}
    assert content["textType"] == "client-markdown"
    assert set(metadata) == {
        *("threadId", "summary", "eventType", "relatedResources", "additionalContext"),
    }
    lists = [content["nextSteps"], content["keywords"], metadata["relatedResources"]]
    texts = [read["id"], content["title"], content["description"]]
    texts += [metadata["threadId"], metadata["summary"], metadata["eventType"]]
    texts += [each for found in lists for each in found]
    texts += metadata["additionalContext"].values()
    assert all(isinstance(each, str) and each for each in texts)
    return read


def of(now: datetime = MONDAY, **asked: str) -> Callback:
    """Return a request for as soon as possible that asks for something of its own."""
    return workflow.submit(replace(ASKED, **asked), OWN, RULES, now).after  # type: ignore[arg-type]


def promised(callback: Callback, expected: Span) -> Callback:
    """Return the request with another time promised."""
    return replace(callback, wishes=(replace(callback.lead, expected=expected),))


def words(said: Alert) -> list[str]:
    """Return every text of an alert."""
    return [said.subject, said.text, *said.bodies.values(), *map(str, said.attributes.values())]


@pytest.mark.parametrize(
    "host", ["a.example", "contact.a-rather-long-company-name.example", "x" * 63 + ".example"]
)
@pytest.mark.parametrize("event", get_args(Event))
@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("topic", company.current().callback_topics)
def test_an_alert_is_one_sms_and_tells_nobodys_name_or_number(
    topic: str, level: int, event: Event, host: str
) -> None:
    settings = replace(SETTINGS, base_url=f"https://{host}")
    callback = replace(of(topic=topic), level=level, reference="R-7F3KABCD")
    link = f"https://{host}/staff/callbacks/R-7F3KABCD"
    said = alerts.alert(callback, event, settings, at("Mon 10:00"))
    mail = alerts.mail(callback, event, ("a@example.org",), settings, at("Mon 10:00"))
    assert set(said.bodies) == {"sms", "email", "http", "https"}
    assert sms.length(said.bodies["sms"]) <= 160
    assert said.attributes == {
        "event": event,
        "level": str(level),
        "topic": topic,
        "reference": "R-7F3KABCD",
    }
    fields = custom(said)["metadata"]["additionalContext"]
    assert fields == {**said.attributes, "due": "2026-11-23T09:30:00.000Z", "link": link}
    assert said.subject.isascii()  # as SNS demands
    assert said.text.endswith(link)
    for text in (mail.text, said.bodies["email"]):
        assert text.splitlines()[1] == link
    for text in (*words(said), mail.subject, mail.text, str(mail.headers)):
        assert not [secret for secret in PERSONAL if secret in text]


def test_each_protocol_has_words_of_its_own() -> None:
    settings = replace(SETTINGS, base_url="https://x.example")
    buying = of(topic="buying")
    link = "https://x.example/staff/callbacks/R-7F3K"
    said = alerts.alert(buying, "callback", settings, at("Mon 10:00"))
    sentence = "Rückruf R-7F3K bis Mo 23.11., 10:30 Uhr: Kauf."
    assert said.subject == "Rueckruf R-7F3K"
    assert said.text == said.bodies["sms"] == f"{sentence} {link}"
    assert said.bodies["email"] == f"Bis heute, 10:30 Uhr\n{link}"
    assert custom(said) == {
        "version": "1.0",
        "source": "custom",
        "id": "callback_R-7F3K_10",
        "content": {
            "textType": "client-markdown",
            "title": "Rückruf R-7F3K: Kauf",
            "description": f"Bis heute, 10:30 Uhr\n{link}",
            "nextSteps": [f"Anmelden und übernehmen: {link}"],
            "keywords": ["R-7F3K", "Kauf"],
        },
        "metadata": {
            "threadId": "R-7F3K",
            "summary": sentence,
            "eventType": "callback",
            "relatedResources": [link],
            "additionalContext": {
                "event": "callback",
                "level": "0",
                "topic": "buying",
                "reference": "R-7F3K",
                "due": "2026-11-23T09:30:00.000Z",
                "link": link,
            },
        },
    }
    again = alerts.alert(replace(buying, level=2), "callback", settings, at("Mon 10:00"))
    held = alerts.alert(buying, "held", settings, at("Mon 10:00"))
    assert custom(again)["metadata"]["threadId"] == "R-7F3K"
    assert custom(again)["id"] != custom(said)["id"] != custom(held)["id"]
    assert held.text.startswith("Entscheidung nötig: Rückruf R-7F3K (Kauf), zugesagt bis Mo 23.11.")


def test_an_alerts_mail_says_by_when_and_leads_there() -> None:
    settings = replace(
        SETTINGS, base_url="https://x.example", mail_from="Müller & Söhne <post@müller.example>"
    )
    buying = of(topic="buying")
    to, link = ("a@example.org",), "https://x.example/staff/callbacks/R-7F3K"
    today, before = at("Mon 10:00"), at("Mon 10:00") - timedelta(days=1)
    first = alerts.mail(buying, "callback", to, settings, today)
    early = alerts.mail(buying, "callback", to, settings, before)
    again = alerts.mail(replace(buying, level=2), "callback", to, settings, today)
    held = alerts.mail(buying, "held", to, settings, today)
    expired = alerts.mail(buying, "expired", to, settings, today)
    late, later = at("Mon 10:40"), at("Mon 10:40") + timedelta(days=1)
    overdue = alerts.mail(replace(buying, level=1), "callback", to, settings, late)
    old = alerts.mail(replace(buying, level=3), "callback", to, settings, later)
    found = (first, early, again, held, expired, overdue, old)
    thread = "<callback.R-7F3K@xn--mller-kva.example>"
    assert {mail.subject for mail in found} == {"Rückruf R-7F3K: Kauf"}
    assert {mail.headers for mail in found} == {(("In-Reply-To", thread), ("References", thread))}
    assert [mail.text.splitlines()[:2] for mail in found] == [
        ["Bis heute, 10:30 Uhr", link],
        ["Bis Mo 23.11., 10:30 Uhr", link],
        ["Bis heute, 10:30 Uhr", link],
        ["Bis heute, 10:30 Uhr", link],
        ["Verfallen. Zugesagt war der Anruf bis Mo 23.11., 10:30 Uhr.", link],
        ["Überfällig seit heute, 10:30 Uhr", link],
        ["Überfällig seit Mo 23.11., 10:30 Uhr", link],
    ]
    assert again.text.splitlines()[2] == "Wartet noch auf einen Anruf: Stufe 2."
    assert held.text.splitlines()[2].startswith("Bitte lassen Sie den Rückruf zu oder lehnen Sie")


def test_the_due_time_of_an_alert_is_local() -> None:
    now = at("Mon 10:00")
    assert "bis Mo 23.11., 10:30 Uhr" in alerts.alert(asap(), "callback", Settings(), now).text
    expected = asap().expected
    summer = promised(asap(), (expected[0], expected[1] + timedelta(days=200)))
    assert "bis Fr 11.06., 11:30 Uhr" in alerts.alert(summer, "callback", Settings(), now).text


def many(number: int) -> list[Callback]:
    """Return requests that came at night, the last one due first."""
    opening, topics = at("Mon 09:00"), list(company.current().callback_topics)
    return [
        replace(
            promised(
                of(opening - timedelta(minutes=1), topic=topics[each % len(topics)]),
                (opening, opening + timedelta(minutes=30 + number - each)),
            ),
            reference=f"R-{each:04}",
        )
        for each in range(number)
    ]


@pytest.mark.parametrize("number", [6, 50, 51, pytest.param(5000, marks=pytest.mark.soak)])
def test_a_digest_lists_requests_by_time(number: int) -> None:
    settings, now = replace(SETTINGS, base_url="https://x.example"), at("Mon 09:00")
    found = many(number)
    said = alerts.digest(found, settings, now)
    mail = alerts.digest_mail(found, ("a@example.org",), settings, now)
    assert said.subject == f"{number} Rueckrufe warten"
    assert mail.subject == f"{number} Rückrufe warten"
    lines = said.bodies["email"].splitlines()
    assert lines[0] == f"{number} Rückrufe warten, der erste bis heute, 09:31 Uhr."
    assert lines[1] == "https://x.example/staff/callbacks"
    listed = lines[3 : 3 + min(number, 50)]
    topics = company.current().callback_topics
    last = topics[found[-1].asked.topic]["de"]
    assert listed[0] == f"R-{number - 1:04} bis heute, 09:31 Uhr: {last}"
    assert [line[:6] for line in listed] == [
        each.reference for each in sorted(found, key=lambda each: each.expected[1])[:50]
    ]
    assert lines[53:] == ([f"und {number - 50} weitere"] if number > 50 else [])
    assert mail.text.splitlines()[: len(lines)] == lines == said.text.splitlines()
    assert sms.length(said.bodies["sms"]) <= 160
    fields = custom(said)["metadata"]["additionalContext"]
    assert fields["number"] == str(number)
    assert fields["due"] == "2026-11-23T08:31:00.000Z"
    assert fields["link"] == "https://x.example/staff/callbacks"
    assert fields["reference"].split(",") == [line[:6] for line in listed]
    assert said.attributes == {
        "event": "callback",
        "level": "0",
        "topic": tuple(sorted({each.asked.topic for each in found})),
        "reference": tuple(line[:6] for line in listed),
    }
    whole = json.dumps({"default": said.text, **said.bodies}, ensure_ascii=False)
    assert len(whole.encode()) < 40_000  # far below SNS's 256 KB
    for text in (*words(said), mail.subject, mail.text):
        assert not [secret for secret in PERSONAL if secret in text]


def test_a_digest_says_the_same_of_the_same_requests() -> None:
    found, now = many(8), at("Mon 09:00")
    assert alerts.digest(found, SETTINGS, now) == alerts.digest(found[::-1], SETTINGS, now)
    later = alerts.digest(found, SETTINGS, now + timedelta(minutes=15))
    assert custom(later)["id"] == custom(alerts.digest(found, SETTINGS, now))["id"]


@pytest.mark.parametrize(
    ("event", "level", "now", "to"),
    [
        ("callback", 0, "Mon 10:00", "staff@example.org"),
        ("callback", 1, "Mon 10:00", "anna@example.org"),
        ("callback", 1, "Mon 14:00", "staff@example.org"),  # nobody is on shift
        ("callback", 2, "Mon 10:00", "lead@example.org"),
        ("callback", 5, "Mon 10:00", "lead@example.org"),
        ("held", 0, "Mon 10:00", "lead@example.org"),
        ("expired", 0, "Mon 10:00", "lead@example.org"),
    ],
)
def test_who_is_told(event: Event, level: int, now: str, to: str) -> None:
    callback = replace(asap(), level=level)
    assert alerts.recipients(callback, event, SETTINGS, SHIFT, at(now)) == (to,)
    nobody = replace(SETTINGS, supervisor_mail=())
    assert alerts.recipients(callback, event, nobody, RULES, at(now)) == ("staff@example.org",)


def test_without_shifts_the_second_alert_goes_to_the_whole_staff() -> None:
    second = replace(asap(), level=1)
    to = alerts.recipients(second, "callback", SETTINGS, RULES, at("Mon 10:00"))
    assert to == SETTINGS.staff_mail


@pytest.mark.parametrize(
    ("outcomes", "subject"),
    [
        ((), "Bitte entschuldigen Sie: Ihr Rückruf (R-7F3K)"),
        (("no_answer",), "Wir haben Sie nicht erreicht (R-7F3K)"),
        (("no_answer", "later"), "Bitte entschuldigen Sie: Ihr Rückruf (R-7F3K)"),
        (("later", "busy"), "Wir haben Sie nicht erreicht (R-7F3K)"),
    ],
)
def test_who_was_not_called_is_not_told_that_we_tried(
    outcomes: tuple[str, ...], subject: str
) -> None:
    attempts = tuple(Attempt(at("Mon 10:00"), "anna", outcome) for outcome in outcomes)
    expired = replace(STATES["open"], state="expired", attempts=attempts)
    link = "https://x.example"
    mail = letters.letter("missed", expired, expired.lead, link, link, Settings(), RULES.hours)
    assert mail.subject == subject
    assert ("leider nicht erreicht" in mail.text) == subject.startswith("Wir")


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", get_args(Letter))
def test_a_letter_says_nothing_that_somebody_typed(kind: Letter, language: str) -> None:
    callback = of(language=language)
    link = "https://x.example/callbacks/change?token=t"
    calendar = "https://x.example/callbacks/calendar.ics?token=t"
    mail = letters.letter(kind, callback, callback.lead, link, calendar, Settings(), RULES.hours)
    assert mail.to == ("eva@example.org",)
    assert "R-7F3K" in mail.subject
    for text in (mail.subject, mail.text, mail.html):
        assert not [secret for secret in PERSONAL if secret in text]
    for text in (mail.text, mail.html):
        assert "+49 7930 2699" in text
        assert (link in text) == (kind == "received")
        assert (calendar in text) == (kind == "received")
        assert {"de": "Rückruf", "en": "callback"}[language] in text or kind == "missed"


WINDOWS = [
    (
        ("Tue 13:00", 120),
        "am Dienstag, 24. November, zwischen 13 und 15 Uhr",
        "on Tuesday, 24 November, between 13:00 and 15:00",
        "Di 24.11., 13:00–15:00 Uhr",
    ),
    (
        ("Tue 09:30", 45),
        "am Dienstag, 24. November, zwischen 9:30 und 10:15 Uhr",
        "on Tuesday, 24 November, between 9:30 and 10:15",
        "Di 24.11., 09:30–10:15 Uhr",
    ),
    (
        ("Mon 16:50", 990),
        "zwischen Montag, 23. November, 16:50 Uhr und Dienstag, 24. November, 9:20 Uhr",
        "between Monday, 23 November, 16:50 and Tuesday, 24 November, 9:20",
        "Mo 23.11., 16:50 Uhr – Di 24.11., 09:20 Uhr",
    ),
    (
        ("Tue 22:00", 120),
        "am Dienstag, 24. November, zwischen 22 und 24 Uhr",
        "on Tuesday, 24 November, between 22:00 and 24:00",
        "Di 24.11., 22:00–24:00 Uhr",
    ),
    (
        ("Tue 22:00", 121),
        "zwischen Dienstag, 24. November, 22 Uhr und Mittwoch, 25. November, 0:01 Uhr",
        "between Tuesday, 24 November, 22:00 and Wednesday, 25 November, 0:01",
        "Di 24.11., 22:00 Uhr – Mi 25.11., 00:01 Uhr",
    ),
]


@pytest.mark.parametrize(("span", "german", "english", "slot"), WINDOWS)
def test_a_window_in_words(span: tuple[str, int], german: str, english: str, slot: str) -> None:
    window = (at(span[0]), at(span[0]) + timedelta(minutes=span[1]))
    assert Formats("de", "Europe/Berlin").window(*window) == german
    assert Formats("en", "Europe/Berlin").window(*window) == english
    assert Formats("de", "Europe/Berlin").slot(*window) == slot


@pytest.mark.parametrize(
    ("week", "german", "english"),
    [
        ("Mon-Fri 09:00-17:00", "Mo–Fr 9–17 Uhr", "Mon–Fri 9:00–17:00"),
        (
            "Mon-Thu 09:00-12:30 13:30-17:00; Sat 10:00-12:00",
            "Mo–Do 9–12:30, 13:30–17 Uhr, Sa 10–12 Uhr",
            "Mon–Thu 9:00–12:30, 13:30–17:00, Sat 10:00–12:00",
        ),
        ("Mon-Sun 00:00-24:00", "rund um die Uhr", "around the clock"),
        ("Mon-Fri 22:00-06:00", "Mo–Fr 22–6 Uhr", "Mon–Fri 22:00–6:00"),
        ("", "", ""),
    ],
)
def test_opening_hours_in_words(week: str, german: str, english: str) -> None:
    hours = make(week, exceptions="").week
    assert Formats("de", "Europe/Berlin").week(hours) == german
    assert Formats("en", "Europe/Berlin").week(hours) == english
