"""Alerts and letters: their recipients, their words, and that they hold no personal data."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from chalicelib import company
from chalicelib.callbacks import alerts, letters
from chalicelib.callbacks.model import Attempt, Callback, Letter
from chalicelib.formats import Formats
from chalicelib.settings import Settings
from tests.callbacks.cases import ASKED, RULES, STATES, asap, at
from tests.callbacks.test_opening_hours import make

# The basic character set of GSM 03.38. An SMS of these may have 160 characters.
GSM_7 = re.compile(
    r"[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*"
)
PERSONAL = ("Muster", "Eva", "4979302000", "eva@example.org", "Gold")
SETTINGS = Settings(staff_mail=("staff@example.org",), supervisor_mail=("lead@example.org",))
SHIFT = replace(RULES, shifts={"anna@example.org": make("Mon 09:00-12:00")})


@pytest.mark.parametrize(
    "host", ["a.example", "contact.a-rather-long-company-name.example", "x" * 63 + ".example"]
)
@pytest.mark.parametrize("event", ["callback", "expired"])
@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("topic", company.current().callback_topics)
def test_an_alert_is_one_sms_and_tells_nobodys_name_or_number(
    topic: str, level: int, event: str, host: str
) -> None:
    settings = replace(SETTINGS, base_url=f"https://{host}")
    callback = replace(
        asap(), asked=replace(ASKED, topic=topic), level=level, reference="R-7F3KABCD"
    )
    said = alerts.alert(callback, event, settings)
    mail = alerts.mail(callback, event, ("a@example.org",), settings, at("Mon 10:00"))
    assert len(said.text) <= 160
    assert GSM_7.fullmatch(said.text)
    assert said.attributes == {
        "event": event,
        "level": str(level),
        "topic": topic,
        "reference": "R-7F3KABCD",
    }
    assert said.subject.isascii()  # as SNS demands
    assert f"https://{host}/staff/callbacks/R-7F3KABCD" in mail.text
    for text in (said.text, said.subject, mail.subject, mail.text, *said.attributes.values()):
        assert not [secret for secret in PERSONAL if secret in text]


def test_an_alerts_mail_says_by_when_and_leads_there() -> None:
    settings = replace(SETTINGS, base_url="https://x.example")
    buying = replace(asap(), asked=replace(ASKED, topic="buying"), reference="R-7F3K")
    to, link = ("a@example.org",), "https://x.example/staff/callbacks/R-7F3K"
    today, before = at("Mon 10:00"), at("Mon 10:00") - timedelta(days=1)
    first = alerts.mail(buying, "callback", to, settings, today)
    early = alerts.mail(buying, "callback", to, settings, before)
    again = alerts.mail(replace(buying, level=2), "callback", to, settings, today)
    expired = alerts.mail(buying, "expired", to, settings, today)
    assert first.subject == early.subject == again.subject == "Rückruf R-7F3K: Kauf"
    late, later = at("Mon 10:40"), at("Mon 10:40") + timedelta(days=1)
    overdue = alerts.mail(replace(buying, level=1), "callback", to, settings, late)
    old = alerts.mail(replace(buying, level=3), "callback", to, settings, later)
    said = {name: mail.text.splitlines() for name, mail in (("first", first), ("early", early))}
    assert said["first"][:2] == ["Bis heute, 10:30 Uhr", link]
    assert said["early"][:2] == ["Bis Mo 23.11., 10:30 Uhr", link]
    assert again.text.splitlines()[1] == "Wartet noch auf einen Anruf: Stufe 2."
    assert overdue.text.splitlines()[0] == "Überfällig seit heute, 10:30 Uhr"
    assert old.text.splitlines()[0] == "Überfällig seit Mo 23.11., 10:30 Uhr"
    assert expired.subject == "Verfallen: Rückruf R-7F3K: Kauf"
    assert expired.text.splitlines()[:2] == [
        "Verfallen. Zugesagt war der Anruf bis Mo 23.11., 10:30 Uhr.",
        link,
    ]


def test_the_due_time_of_an_alert_is_local() -> None:
    assert "bis Mo 23.11., 10:30 Uhr" in alerts.alert(asap(), "callback", Settings()).text
    summer = replace(
        asap(), expected=(asap().expected[0], asap().expected[1] + timedelta(days=200))
    )
    assert "bis Fr 11.06., 11:30 Uhr" in alerts.alert(summer, "callback", Settings()).text


@pytest.mark.parametrize(
    ("event", "level", "now", "to"),
    [
        ("callback", 0, "Mon 10:00", "staff@example.org"),
        ("callback", 1, "Mon 10:00", "anna@example.org"),
        ("callback", 1, "Mon 14:00", "staff@example.org"),  # nobody is on shift
        ("callback", 2, "Mon 10:00", "lead@example.org"),
        ("callback", 5, "Mon 10:00", "lead@example.org"),
        ("expired", 0, "Mon 10:00", "lead@example.org"),
    ],
)
def test_who_is_told(event: str, level: int, now: str, to: str) -> None:
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
    mail = letters.letter("missed", expired, "https://x.example", Settings(), RULES.hours)
    assert mail.subject == subject
    assert ("leider nicht erreicht" in mail.text) == subject.startswith("Wir")


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", get_args(Letter))
def test_a_letter_says_nothing_that_somebody_typed(kind: Letter, language: str) -> None:
    callback: Callback = replace(STATES["open"], asked=replace(ASKED, language=language))
    link = "https://x.example/callbacks/change?token=t"
    mail = letters.letter(kind, callback, link, Settings(), RULES.hours)
    assert mail.to == ("eva@example.org",)
    assert "R-7F3K" in mail.subject
    for text in (mail.subject, mail.text, mail.html):
        assert not [secret for secret in PERSONAL if secret in text]
    for text in (mail.text, mail.html):
        assert "+49 7930 2699" in text
        assert ("https://x.example/callbacks/change?token=t" in text) == (kind != "missed")
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
