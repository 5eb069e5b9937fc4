"""Submitting: what is promised, and when the staff are alerted."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.callbacks import alerts, model
from chalicelib.callbacks.model import Asked
from chalicelib.errors import Invalid
from chalicelib.settings import Settings
from tests.callbacks.test_hotline import berlin, make

HOURS = make()
ASKED = Asked("Eva Muster", "+4979302000", "key", "buying", "callback-de-1", "de")
# The basic character set of GSM 03.38: what an SMS of 160 characters is made of.
GSM_7 = re.compile(r"[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*")


def submit(at: str, window: tuple[str, str] | None = None) -> model.Callback:
    asked = replace(ASKED, window=(berlin(window[0]), berlin(window[1]))) if window else ASKED
    return model.submit(asked, "R-7F3K", HOURS, 30, berlin(at))


@pytest.mark.parametrize(
    ("at", "expected", "alert_at"),
    [
        ("2026-11-23 10:00", ("2026-11-23 10:00", "2026-11-23 10:30"), "2026-11-23 10:00"),
        ("2026-11-21 10:00", ("2026-11-23 09:00", "2026-11-23 09:30"), "2026-11-23 09:00"),  # no alert on a Saturday
        ("2026-11-23 16:50", ("2026-11-23 16:50", "2026-11-24 09:20"), "2026-11-23 16:50"),
    ],
)
def test_as_soon_as_possible(at: str, expected: tuple[str, str], alert_at: str) -> None:
    callback = submit(at)
    assert callback.state == "open"
    assert callback.expected == tuple(map(berlin, expected))
    assert callback.alert_at == berlin(alert_at)


def test_a_wished_window_is_promised_and_alerted_when_it_begins() -> None:
    callback = submit("2026-11-23 10:00", ("2026-11-24 13:00", "2026-11-24 15:00"))
    assert callback.state == "scheduled"
    assert callback.expected == (berlin("2026-11-24 13:00"), berlin("2026-11-24 15:00"))
    assert callback.alert_at == berlin("2026-11-24 13:00")


@pytest.mark.parametrize(
    "window",
    [
        ("2026-11-23 16:00", "2026-11-23 18:00"),  # beyond the end of the day
        ("2026-11-22 10:00", "2026-11-22 12:00"),  # Sunday
        ("2026-11-23 09:00", "2026-11-23 11:00"),  # began already
        ("2026-11-24 11:00", "2026-11-24 10:00"),  # ends before it begins
        ("2026-11-24 10:00", "2026-11-25 10:00"),  # over night
    ],
)
def test_a_window_outside_opening_hours_is_refused(window: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        submit("2026-11-23 10:00", window)


def test_a_line_that_never_opens_takes_no_request() -> None:
    with pytest.raises(Invalid):
        model.submit(ASKED, "R-7F3K", make(week=""), 30, berlin("2026-11-23 10:00"))


def test_references_can_be_read_out() -> None:
    assert re.fullmatch(r"R-[2-9A-HJKMNP-TV-Z]{4}", model.make_reference(bytes([0, 99, 180, 255])))


@pytest.mark.parametrize("topic", alerts.TOPICS)
def test_an_alert_fits_one_sms_and_tells_nobodys_name_or_number(topic: str) -> None:
    settings = Settings(base_url="https://contact.a-rather-long-company-name.example", staff_mail=("a@example.org",))
    callback = model.submit(
        replace(ASKED, topic=topic), "R-7F3K", HOURS, 30, datetime.now(berlin("2026-01-01 00:00").tzinfo)
    )
    said, mail = alerts.alert(callback, settings), alerts.mail(callback, settings)
    assert mail is not None
    assert len(said.text) <= 160
    assert GSM_7.fullmatch(said.text)
    assert said.subject
    for text in (said.text, said.subject, mail.subject, mail.text, *said.attributes.values()):
        assert "Muster" not in text
        assert "2000" not in text.replace(str(callback.expected[1].year), "")
    assert alerts.mail(callback, replace(settings, staff_mail=())) is None


def test_the_due_time_of_an_alert_is_local() -> None:
    callback = replace(submit("2026-11-23 10:00"), expected=(berlin("2026-11-23 10:00"), berlin("2026-11-23 10:30")))
    assert "bis 23.11. 10:30" in alerts.alert(callback, Settings()).text
    summer = replace(callback, expected=(callback.expected[0], callback.expected[1] + timedelta(days=200)))
    assert "bis 11.06. 11:30" in alerts.alert(summer, Settings()).text
