"""Every page of the public's, in each of its states, and the proof of consent."""

from collections.abc import Callable
from datetime import timedelta

from chalicelib.callbacks import changes, workflow
from chalicelib.callbacks.model import MOVES_A_DAY, Who
from chalicelib.me.service import LOOKS_AN_HOUR
from chalicelib.newsletter import links, reactions
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.model import PREFERENCES_A_DAY
from local.preview.scene import EMAIL, SAM, Scene
from local.preview.specimens import Shelf

VISIT = "a visit"
SHELF = Shelf("page")
put = SHELF.put

put("pending", lambda at: at.sign_up())
put("pending-mistyped", lambda at: at.sign_up("eva@gmial.com"))
put("confirm", lambda at: at.get(at.confirmation()["confirm"]))
put("confirmed", lambda at: at.press(at.confirmation()["confirm"]))
put("refuse", lambda at: at.get(at.confirmation()["refuse"]))
put("refused", lambda at: at.press(at.confirmation()["refuse"]))
put("unsubscribe", lambda at: at.get(at.subscribed()["unsubscribe"]))
put("preferences", lambda at: at.get(at.subscribed()["preferences"]))
put("form-newsletter", lambda at: at.get("/forms/newsletter"))
put("form-callback", lambda at: at.get("/forms/callback"))
put("access", lambda at: at.get("/newsletter/access"))
put("sent", lambda at: at.post("/newsletter/access", email=EMAIL))
put("refused-too-late", lambda at: _refused(at, later=11))
put("refused-confirmed", lambda at: _refused(at, confirmed=True))
put("refused-undone", lambda at: _refused(at, action="undo"))
put("refused-undone-confirmed", lambda at: _refused(at, confirmed=True, action="undo"))
put("unsubscribed", lambda at: at.press(at.subscribed()["unsubscribe"], visit=VISIT))
put("unsubscribed-by-one-click", lambda at: at.post(at.subscribed()["unsubscribe"]))


def _refused(at: Scene, later: int = 0, confirmed: bool = False, action: str = "refuse") -> str:
    """Press "that was not me", perhaps after a confirmation, and once more."""
    own = at.confirmation()
    if confirmed:
        at.press(own["confirm"])
    at.press(own["refuse"])
    at.later(minutes=later)
    return at.press(own["refuse"], action=action)


@SHELF.named("resumed")
def _resumed(at: Scene) -> str:
    link = at.subscribed()["unsubscribe"]
    at.press(link, visit=VISIT)
    return at.press(link, visit=VISIT, action="undo")


@SHELF.named("preferences-wished")
def _wished(at: Scene) -> str:
    link = at.subscribed()["preferences"]
    at.press(link, topics=at.subscriber().topics[:1], language=at.language)
    at.later(days=8)
    at.sign_up()
    return at.get(link)


put("preferences-no-topic", lambda at: at.press(at.subscribed()["preferences"], visit=VISIT))


@SHELF.named("ended")
def _ended_subscription(at: Scene) -> str:
    own = at.subscribed()
    at.post(own["unsubscribe"])
    return at.get(own["preferences"])


# The page of an address's owner

put("me_open", lambda at: at.get(at.access()["me"]))
put("me", lambda at: at.me())
put("me-saved", lambda at: at.me("preferences", topics=at.topics()[:1]))
put("me-sent", lambda at: at.me("change_email", email="new@example.org"))
put("me-unsubscribed", lambda at: at.me("unsubscribe"))
put("me_erase", lambda at: at.me("review_erasure"))
put("erased", lambda at: at.me("erase"))


@SHELF.named("me-resumed")
def _me_resumed(at: Scene) -> str:
    link = at.access()["me"]
    at.press(link, action="unsubscribe")
    return at.press(link, action="undo")


@SHELF.named("me-of-one-who-left")
def _me_left(at: Scene) -> str:
    link = at.access()["me"]
    at.press(link, action="unsubscribe")
    at.later(minutes=11)
    return at.press(link, action="show")


def _with_callbacks(at: Scene, action: str, **form: str) -> str:
    """Press a button where callbacks were asked for: one waits, one is called, one is cancelled."""
    at.act(at.ask(), "claim", "dial")
    at.press(at.link(at.ask()), action="cancel")
    return at.me(action, reference=at.ask(), **form)


put("me-with-callbacks", lambda at: _with_callbacks(at, "show"))
put("me-cancelled", lambda at: _with_callbacks(at, "cancel"))
put("me_erase-with-callbacks", lambda at: _with_callbacks(at, "review_erasure"))


def _known_by_callback(at: Scene, action: str) -> str:
    """Press a button as somebody who asked for a callback and never for the newsletter."""
    at.ask()
    return at.press(links.me(key_of(EMAIL), at.language, 1, at.now), action=action)


put("me-callbacks-alone", lambda at: _known_by_callback(at, "show"))
put("me_erase-callbacks-alone", lambda at: _known_by_callback(at, "review_erasure"))


@SHELF.named("me-erased")
def _me_erased(at: Scene) -> str:
    link = at.access()["me"]
    at.press(link, action="erase")
    return at.press(link, action="show")


@SHELF.named("me-refused")
def _me_refused(at: Scene) -> str:
    own = at.confirmation()
    at.press(own["refuse"])
    return at.press(links.me(key_of(EMAIL), at.language, 1, at.now), action="show")


put("me-pending", lambda at: at.press(at.unconfirmed()["me"], action="show"))


@SHELF.named("saved")
def _saved(at: Scene) -> str:
    link = at.subscribed()["preferences"]
    return at.press(link, topics=at.subscriber().topics[:1], language=at.language)


# Problems

put("problem-link", lambda at: at.get("/newsletter/unsubscribe?token=wrong"))
put("problem-link-me", lambda at: at.get("/me?token=wrong"))
put("problem-link-confirm", lambda at: at.get("/newsletter/confirm?token=wrong"))
put("problem-link-callback", lambda at: at.get("/callbacks/change?token=wrong"))
put("problem-not-found", lambda at: at.get("/callbacks/consent/callback-none-1"))


@SHELF.named("problem-fields")
def _fields(at: Scene) -> str:
    return at.post("/callbacks", name="", phone="12", topic="general", consent="none", email="a")


@SHELF.named("problem-window")
def _window(at: Scene) -> str:
    link = at.link(at.ask())
    return at.press(link, action="reschedule", window="2026-11-29T03:00Z/2026-11-29T04:00Z")


@SHELF.named("problem-limit")
def _limit(at: Scene) -> str:
    at.configure(LIMIT_PER_CALLER_FACTOR="1", LIMIT_ACCESS_PER_CALLER="1")
    return [at.post("/newsletter/access", email=EMAIL) for _ in range(2)][-1]


@SHELF.named("problem-limit-moves")
def _limit_of_moves(at: Scene) -> str:
    link = at.link(at.ask())
    begins, ends = at.tomorrow()
    shown = ""
    for number in range(MOVES_A_DAY + 1):
        later = timedelta(minutes=15 * number)
        window = "/".join(each.isoformat() for each in (begins + later, ends + later))
        shown = at.press(link, action="reschedule", window=window)
    return shown


@SHELF.named("problem-limit-preferences")
def _limit_of_preferences(at: Scene) -> str:
    link, topics = at.subscribed()["preferences"], at.subscriber().topics
    shown = ""
    for number in range(PREFERENCES_A_DAY + 1):
        shown = at.press(link, topics=topics[: 1 + number % 2], language=at.language)
    return shown


@SHELF.named("problem-limit-me")
def _limit_of_me(at: Scene) -> str:
    link = at.access()["me"]
    return [at.press(link, action="show") for _ in range(LOOKS_AN_HOUR + 1)][-1]


@SHELF.named("problem-undo-too-late")
def _undo_too_late(at: Scene) -> str:
    link = at.subscribed()["unsubscribe"]
    at.press(link, visit=VISIT)
    at.later(minutes=11)
    return at.press(link, visit=VISIT, action="undo")


@SHELF.named("problem-not-subscribed")
def _not_subscribed(at: Scene) -> str:
    link = at.access()["me"]
    at.press(link, action="unsubscribe")
    return at.press(link, action="change_email", email="new@example.org")


@SHELF.named("problem-honeypot")
def _honeypot(at: Scene) -> str:
    consent = at.consent("newsletter")
    return at.post("/newsletter/signups", email=EMAIL, consent=consent, website="x")


@SHELF.named("problem-too-late")
def _too_late(at: Scene) -> str:
    link = at.link(at.ask())
    at.press(link, action="cancel")
    at.later(minutes=11)
    return at.press(link, action="undo")


@SHELF.named("problem-calling")
def _calling_already(at: Scene) -> str:
    return at.press(at.link(at.act(at.ask(), "claim", "dial")), action="cancel")


# Callbacks


@SHELF.named("received")
def _received(at: Scene) -> str:
    consent = at.consent("callback")
    number = "0711 2345678"
    return at.post("/callbacks", name="Erika Beispiel", phone=number, consent=consent, note="")


def _cancelled(at: Scene, minutes: int) -> str:
    reference = at.ask()
    at.press(at.link(reference), action="cancel")
    at.later(minutes=minutes)
    return reference


def _without_slots(at: Scene) -> str:
    reference = at.ask(window=at.tomorrow())
    at.configure(HOTLINE_HOURS="Mon-Sun closed")
    return reference


def _without_hours(at: Scene) -> str:
    reference = at.ask()
    at.configure(HOTLINE_HOURS="Mon-Sun closed")
    return reference


def _moved(at: Scene) -> str:
    reference = at.ask()
    window = "/".join(each.isoformat() for each in at.tomorrow())
    at.press(at.link(reference), action="reschedule", window=window)
    return reference


def _withdrawn(at: Scene) -> str:
    """Make a request that is to be erased, but is not yet."""
    reference = at.ask()
    changes.change(
        reference, lambda before: workflow.withdraw(before, Who(SAM.id, SAM.name), at.now), at.now
    )
    return reference


def _late(at: Scene) -> str:
    reference = at.ask()
    at.later(minutes=95)
    at.tick()
    return reference


def _followed(at: Scene) -> str:
    """Make a request that another follows: its customer knows the first reference."""
    reference = at.act(at.ask(), "claim", "dial", "reached")
    at.later(minutes=12)
    return at.act(reference, "follow", by=SAM)


CALLBACKS: dict[str, Callable[[Scene], str]] = {
    "live": lambda at: at.ask(),
    "live-for-a-time": lambda at: at.ask(window=at.tomorrow()),
    "live-calling": lambda at: at.act(at.ask(), "claim", "dial"),
    "live-without-slots": _without_slots,
    "live-without-hours": _without_hours,
    "cancelled-within-undo": lambda at: _cancelled(at, 5),
    "cancelled-after-undo": lambda at: _cancelled(at, 11),
    "done": lambda at: at.act(at.ask(), "claim", "dial", "reached"),
    "unreached": lambda at: at.miss(at.ask(), 3),
    "refused": lambda at: at.act(at.ask(), "claim", "dial", "refused"),
    "declined": lambda at: at.act(at.held(), "decline", by=SAM),
    "wrong-number": lambda at: at.act(at.ask(), "claim", "dial", "wrong_number"),
    "expired": lambda at: at.expire(at.ask()),
    "expired-tried": lambda at: at.expire(at.miss(at.ask())),
    "withdrawn": _withdrawn,
    "moved-within-undo": lambda at: _moved(at),
    "held": lambda at: at.held(),
    "late": _late,
    "followed": _followed,
    "one-of-several": lambda at: at.wishes(),
}
for _name, _make in CALLBACKS.items():
    put(f"callback-{_name}", lambda at, make=_make: at.get(at.link(make(at))))  # type: ignore[misc]  # bound now


@SHELF.named("callback-changed-cancelled")
def _changed_cancelled(at: Scene) -> str:
    return at.press(at.link(at.ask()), action="cancel")


@SHELF.named("callback-changed-cancelled-again")
def _changed_cancelled_again(at: Scene) -> str:
    return at.press(at.link(_cancelled(at, 11)), action="cancel")


@SHELF.named("callback-changed-rescheduled")
def _changed_rescheduled(at: Scene) -> str:
    window = "/".join(each.isoformat() for each in at.tomorrow())
    return at.press(at.link(at.ask()), action="reschedule", window=window)


@SHELF.named("callback-changed-restored")
def _changed_restored(at: Scene) -> str:
    return at.press(at.link(_cancelled(at, 5)), action="undo")


@SHELF.named("callback-changed-moved-back")
def _changed_moved_back(at: Scene) -> str:
    return at.press(at.link(_moved(at)), action="undo")


# The proof of consent


def _proof(at: Scene) -> str:
    return at.get(f"/staff/subscribers/{key_of(EMAIL)}/proof", SAM)


@SHELF.named("proof")
def _intact(at: Scene) -> str:
    at.access()
    for kind in ("confirmation", "welcome", "access"):
        at.deliver(f"newsletter-{kind}")
    return _proof(at)


@SHELF.named("proof-broken")
def _broken(at: Scene) -> str:
    at.subscribed()
    partition = at.memory.table[f"SUB#{key_of(EMAIL)}"]
    partition["EVENT#00000001"]["at"] = {"S": "2026-11-20T08:00:00.000Z"}
    return _proof(at)


@SHELF.named("proof-erased")
def _erased(at: Scene) -> str:
    at.me("erase")
    keys = {"pk": {"S": f"SUB#{key_of(EMAIL)}"}, "sk": {"S": "SUPPRESSED"}}
    reactions.settle({"dynamodb": {"Keys": keys}})
    return _proof(at)


@SHELF.named("proof-ended")
def _ended(at: Scene) -> str:
    link = at.subscribed()["preferences"]
    at.press(link, topics=at.subscriber().topics[:1], language=at.language)
    at.later(days=30)
    at.post(at.standing()["unsubscribe"])
    return _proof(at)
