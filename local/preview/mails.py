"""Every mail, composed from the message that is owed."""

from chalicelib import company
from chalicelib.outbox.model import Mail
from local.preview.scene import EMAIL, SAM, Scene
from local.preview.specimens import Shelf

SHELF = Shelf("mail")


@SHELF.named("confirmation")
def _confirmation(at: Scene) -> Mail:
    at.sign_up()
    return at.mail("newsletter-confirmation")


@SHELF.named("welcome")
def _welcome(at: Scene) -> Mail:
    at.press(at.confirmation()["confirm"])
    return at.mail("newsletter-welcome")


@SHELF.named("access")
def _access(at: Scene) -> Mail:
    at.access()
    return at.mail("newsletter-access")


@SHELF.named("access-unconfirmed")
def _access_unconfirmed(at: Scene) -> Mail:
    at.sign_up()
    at.later(hours=1)
    at.post("/newsletter/access", email=EMAIL)
    return at.mail("newsletter-access")


@SHELF.named("access-callbacks-alone")
def _access_callbacks_alone(at: Scene) -> Mail:
    at.ask()
    at.post("/newsletter/access", email=EMAIL)
    return at.mail("me-access")


@SHELF.named("move")
def _move(at: Scene) -> Mail:
    at.me("change_email", email="new@example.org")
    return at.mail("newsletter-move")


@SHELF.named("settings")
def _settings(at: Scene) -> Mail:
    at.subscribed()
    at.sign_up()
    return at.mail("newsletter-settings")


@SHELF.named("settings-with-wishes")
def _settings_with_wishes(at: Scene) -> Mail:
    link = at.subscribed()["preferences"]
    at.press(link, topics=at.subscriber().topics[:1])
    at.sign_up()
    return at.mail("newsletter-settings")


@SHELF.named("callback-received")
def _received(at: Scene) -> Mail:
    at.ask()
    return at.mail("callback-received")


@SHELF.named("callback-received-for-a-time")
def _received_for_a_time(at: Scene) -> Mail:
    at.ask(window=at.tomorrow())
    return at.mail("callback-received")


@SHELF.named("callback-received-without-hours")
def _received_without_hours(at: Scene) -> Mail:
    at.ask()
    at.configure(HOTLINE_HOURS="Mon-Sun closed")
    return at.mail("callback-received")


@SHELF.named("callback-cancelled")
def _cancelled(at: Scene) -> Mail:
    at.press(at.link(at.ask()), action="cancel")
    return at.mail("callback-cancelled")


@SHELF.named("callback-missed")
def _missed(at: Scene) -> Mail:
    at.miss(at.ask(), 3)
    return at.mail("callback-missed")


@SHELF.named("callback-missed-untried")
def _missed_untried(at: Scene) -> Mail:
    at.expire(at.ask())
    return at.mail("callback-missed")


@SHELF.named("callback-declined")
def _declined(at: Scene) -> Mail:
    at.act(at.held(), "decline", by=SAM)
    return at.mail("callback-declined")


def _alert(at: Scene) -> Mail:
    at.ask()
    return at.mail("callback-alert-mail")


def _alert_at_night(at: Scene) -> Mail:
    at.later(hours=10)
    at.ask()
    at.later(hours=14)
    return at.mail("callback-alert-mail")


def _digest(at: Scene) -> Mail:
    at.later(hours=10)
    for topic in (*company.current().callback_topics,) * 2:
        at.ask(topic=topic)
    at.later(hours=14)
    return at.mail("callback-alert-mail")


def _escalated(at: Scene) -> Mail:
    at.ask()
    at.later(minutes=70)
    at.tick()
    return at.mail("callback-alert-mail")


def _expired(at: Scene) -> Mail:
    at.expire(at.ask())
    return at.mail("callback-expired-mail")


for _name, _make in {
    "alert": _alert,
    "alert-of-the-night": _alert_at_night,
    "alert-digest": _digest,
    "alert-escalated": _escalated,
    "alert-expired": _expired,
}.items():
    SHELF.put(_name, _make, to_staff=True)
