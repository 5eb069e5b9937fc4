"""Alerts and letters: their recipients, their words, and that they hold no personal data."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from chalicelib.callbacks import alerts, letters, words
from chalicelib.callbacks.model import Callback, Letter, Topic
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
@pytest.mark.parametrize("topic", words.TOPICS)
def test_an_alert_is_one_sms_and_tells_nobodys_name_or_number(
    topic: Topic, level: int, event: str, host: str
) -> None:
    settings = replace(SETTINGS, base_url=f"https://{host}")
    callback = replace(
        asap(), asked=replace(ASKED, topic=topic), level=level, reference="R-7F3KABCD"
    )
    said = alerts.alert(callback, event, settings)
    mail = alerts.mail(callback, event, ("a@example.org",), settings)
    assert len(said.text) <= 160
    assert GSM_7.fullmatch(said.text)
    assert said.attributes == {
        "event": event,
        "level": str(level),
        "topic": topic,
        "reference": "R-7F3KABCD",
    }
    assert said.subject
    assert f"https://{host}/staff/callbacks/R-7F3KABCD" in mail.text
    for text in (said.text, said.subject, mail.subject, mail.text, *said.attributes.values()):
        assert not [secret for secret in PERSONAL if secret in text]


def test_an_alerts_mail_is_whole_sentences() -> None:
    settings = replace(SETTINGS, base_url="https://x.example")
    buying = replace(asap(), asked=replace(ASKED, topic="buying"), reference="R-7F3K")
    to, link = ("a@example.org",), "https://x.example/staff/callbacks/R-7F3K"
    first = alerts.mail(buying, "callback", to, settings)
    again = alerts.mail(replace(buying, level=2), "callback", to, settings)
    expired = alerts.mail(buying, "expired", to, settings)
    assert first.subject == again.subject == "Rückruf R-7F3K: Kauf"
    assert first.text == f"Rückruf R-7F3K bis 23.11. 10:30: Kauf.\n{link}"
    assert again.text == f"Rückruf R-7F3K (Stufe 2) bis 23.11. 10:30: Kauf.\n{link}"
    assert expired.subject == "Verfallen: Rückruf R-7F3K: Kauf"
    assert expired.text == f"Verfallen: Rückruf R-7F3K (Kauf), zugesagt bis 23.11. 10:30.\n{link}"


def test_the_due_time_of_an_alert_is_local() -> None:
    assert "bis 23.11. 10:30" in alerts.alert(asap(), "callback", Settings()).text
    summer = replace(
        asap(), expected=(asap().expected[0], asap().expected[1] + timedelta(days=200))
    )
    assert "bis 11.06. 11:30" in alerts.alert(summer, "callback", Settings()).text


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


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", get_args(Letter))
def test_a_letter_says_nothing_that_somebody_typed(kind: Letter, language: str) -> None:
    callback: Callback = replace(STATES["open"], asked=replace(ASKED, language=language))
    mail = letters.letter(kind, callback, "https://x.example/callbacks/change?token=t", Settings())
    assert mail.to == ("eva@example.org",)
    assert "R-7F3K" in mail.subject
    for text in (mail.subject, mail.text, mail.html):
        assert not [secret for secret in PERSONAL if secret in text]
    for text in (mail.text, mail.html):
        assert "+49 7930 2699" in text
        assert ("https://x.example/callbacks/change?token=t" in text) == (kind != "missed")
        assert {"de": "Rückruf", "en": "callback"}[language] in text or kind == "missed"


def test_a_window_in_words() -> None:
    day, night = (at("Tue 13:00"), at("Tue 15:00")), (at("Mon 16:50"), at("Tue 09:20"))
    assert (
        Formats("de", "Europe/Berlin").window(*day) == "am 24.11.2026 zwischen 13:00 und 15:00 Uhr"
    )
    assert (
        Formats("en", "Europe/Berlin").window(*day) == "on 24 November 2026 between 13:00 and 15:00"
    )
    assert Formats("de", "Europe/Berlin").slot(*day) == "Di 24.11. 13:00–15:00"
    assert Formats("en", "Europe/Berlin").slot(*day) == "Tue 24.11. 13:00–15:00"
    assert (
        Formats("de", "Europe/Berlin").window(*night)
        == "zwischen 23.11.2026, 16:50 Uhr und 24.11.2026, 09:20 Uhr"
    )
    late = (at("Tue 22:00"), at("Tue 22:00") + timedelta(hours=2))
    assert (
        Formats("de", "Europe/Berlin").window(*late) == "am 24.11.2026 zwischen 22:00 und 24:00 Uhr"
    )
    assert (
        Formats("en", "Europe/Berlin").window(*late)
        == "on 24 November 2026 between 22:00 and 24:00"
    )
    assert Formats("de", "Europe/Berlin").slot(*late) == "Di 24.11. 22:00–24:00"
    later = (late[0], late[1] + timedelta(minutes=1))
    assert (
        Formats("de", "Europe/Berlin").window(*later)
        == "zwischen 24.11.2026, 22:00 Uhr und 25.11.2026, 00:01 Uhr"
    )
    assert Formats("de", "Europe/Berlin").slot(*later) == "Di 24.11. 22:00–25.11. 00:01"
