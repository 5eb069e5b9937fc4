"""Long lives of one address, compared with an oracle that knows only what happened."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import instants
from chalicelib.errors import BadToken, Conflict
from chalicelib.newsletter import ledger, model
from chalicelib.newsletter.model import Change, Signup, Subscriber
from tests.scale import Scale

START = datetime(2026, 1, 1, tzinfo=UTC)
SIGNUP = Signup("key", "eva@example.org", "de", ("news",), "newsletter-de-1")
DAY, WEEK, MONTH, YEAR = (timedelta(days=days) for days in (1, 7, 30, 365))
RUNS, STEPS = 2000, 50
figures: Counter[str] = Counter()


EVA = ledger.Keyed("eva", b"secret of the stage")


@dataclass
class Oracle:
    """What must be true by what happened: who agreed, what was mailed and what came back."""

    agreed: bool = False  # the owner confirmed and has not left since
    asked: datetime | None = None  # since when an opt-in waits
    mailed: dict[str, list[datetime]] = field(
        default_factory=lambda: {"confirmation": [], "access": []}
    )
    refused: datetime | None = None
    # What "that was not me" ended within the last ten minutes: since when an opt-in waited, or
    # None for a subscription.
    takes_back: tuple[datetime, datetime | None] | None = None
    left_by: tuple[str, datetime] | None = None  # the visit that unsubscribed, and when
    settings: datetime | None = None  # the last mail for a signup of somebody confirmed
    complained: bool = False
    alive: bool = False  # something is stored
    # The letters whose links belong to the opt-in that waits or was confirmed.
    letters: list[int] = field(default_factory=list)

    def waits(self, now: datetime) -> bool:
        return self.asked is not None and now < self.asked + WEEK

    def may_mail(self, purpose: str, now: datetime) -> bool:
        recent = [at for at in self.mailed[purpose] if now - at < DAY]
        return len(recent) < 3 and all(now - at >= timedelta(minutes=10) for at in recent)


class Life:
    """One address, its ledger and its oracle."""

    def __init__(self) -> None:
        self.subscriber: Subscriber | None = None
        self.oracle, self.now = Oracle(), START
        self.ledger: list[ledger.Event] = []

    def step(self, event: str, wait: timedelta, choice: int) -> None:
        """Play one event after some time, and check everything that must hold then."""
        self.now += wait
        before = self.subscriber
        try:
            change = self._change(event, choice)
        except (BadToken, Conflict):
            self._expect(event, choice, None)
            assert self.subscriber is before
            return
        self._expect(event, choice, change)
        self.subscriber = change.after
        if change.changes:
            facts, personal = {"step": str(choice)}, {"caller": "192.0.2.1"}
            head = self.ledger[-1].hash if self.ledger else ledger.FIRST
            version = len(self.ledger) + 1
            assert change.after is None or change.after.version == version
            at = instants.text(self.now)
            self.ledger.append(
                ledger.append(EVA, head, version, change.event, at, facts, personal, str(choice))
            )
        self._hold()

    def _letter(self, choice: int) -> int:
        return (self.subscriber.letters if self.subscriber else 0) - choice % 3

    def _change(self, event: str, choice: int) -> Change:
        subscriber, now = self.subscriber, self.now
        match event:
            case "signup":
                may_mail = self.oracle.may_mail("confirmation", now)
                return model.sign_up(subscriber, SIGNUP, now, len(self.ledger), may_mail)
            case "confirm":
                return model.confirm(subscriber, self._letter(choice), now)
            case "refuse":
                return model.refuse(subscriber, self._letter(choice), now)
            case "not me undone":
                return model.undo_refusal(subscriber, self._letter(choice), now)
            case "unsubscribe":
                return model.unsubscribe(subscriber, now, f"v{choice % 2}")
            case "unsubscribe undone":
                return model.undo_unsubscription(subscriber, f"v{choice % 2}", now)
            case "access":
                return model.ask_access(subscriber, now, self.oracle.may_mail("access", now))
            case "complaint":
                return model.complain(subscriber, now, now)
            case "old complaint":
                mailed_at = subscriber.since - timedelta(seconds=1) if subscriber else now
                return model.complain(subscriber, mailed_at, now)
            case "release":
                return model.release(subscriber, now)
            case "hard":
                return model.bounce(subscriber, True, f"h{choice}", now, now)
            case "erase":
                return model.erase(subscriber)
        raise AssertionError(event)

    def _expect(self, event: str, choice: int, change: Change | None) -> None:
        oracle, now = self.oracle, self.now
        unwanted = oracle.refused is not None and now < oracle.refused + YEAR
        match event:
            case "signup":
                closed = oracle.agreed or oracle.complained or unwanted
                wanted = not closed and oracle.may_mail("confirmation", now)
                weekly = oracle.settings is None or now >= oracle.settings + WEEK
                assert change is not None
                assert (change.owes == "confirmation") == wanted
                again = oracle.agreed and weekly and oracle.may_mail("confirmation", now)
                assert (change.owes == "settings") == again
                if again:
                    oracle.settings = now
                    oracle.mailed["confirmation"].append(now)
                if change.owes:
                    assert change.after
                    if not (oracle.agreed or oracle.waits(now)):
                        oracle.letters, oracle.settings, oracle.left_by = [], None, None
                    oracle.letters.append(change.after.letters)
                if wanted:
                    oracle.asked, oracle.alive = now, True
                    oracle.mailed["confirmation"].append(now)
            case "confirm":
                good = self._letter(choice) in oracle.letters and (
                    oracle.waits(now) or oracle.agreed
                )
                assert (change is not None) == good
                if good and not oracle.agreed:
                    oracle.agreed, oracle.asked, oracle.refused = True, None, None
            case "refuse":
                known = self._letter(choice) in oracle.letters
                live = (oracle.waits(now) or oracle.agreed) and known
                if change is not None and change.changes:
                    assert live
                    oracle.takes_back = now, None if oracle.agreed else oracle.asked
                    oracle.refused, oracle.asked, oracle.agreed = now, None, False
                elif change is None:
                    assert not live
            case "not me undone":
                known, back = self._letter(choice) in oracle.letters, oracle.takes_back
                if change is not None and change.changes:
                    assert known
                    assert back
                    assert now < back[0] + timedelta(minutes=10)
                    oracle.asked, oracle.agreed = back[1], back[1] is None
                    oracle.refused = oracle.takes_back = None
            case "unsubscribe undone":
                if change is not None and change.changes:
                    assert oracle.left_by
                    visit, at = oracle.left_by
                    assert visit == f"v{choice % 2}"
                    assert now < at + timedelta(minutes=10)
                    oracle.agreed = True
            case "unsubscribe":
                if oracle.agreed:
                    oracle.left_by = f"v{choice % 2}", now
                oracle.agreed = False
                if oracle.waits(now):
                    oracle.asked = None
            case "access":
                assert change is not None
                if change.owes:
                    assert oracle.alive
                    assert oracle.may_mail("access", now)
                    oracle.mailed["access"].append(now)
                    # The letter takes a number of the opt-in, and no link is signed for it.
                    if oracle.letters and change.after:
                        oracle.letters.append(change.after.letters)
            case "complaint":
                if oracle.alive:
                    oracle.complained, oracle.agreed, oracle.asked, oracle.letters = (
                        True,
                        False,
                        None,
                        [],
                    )
            case "hard":
                if oracle.alive and not oracle.complained:
                    oracle.agreed, oracle.asked, oracle.letters = False, None, []
            case "release":
                # In every other state an earlier refusal has lapsed or was lifted.
                oracle.complained, oracle.refused = False, None
            case "old complaint":
                assert change is not None
                assert not change.changes
            case "erase":
                self.oracle = Oracle()

    def _hold(self) -> None:
        oracle, subscriber = self.oracle, self.subscriber
        assert (subscriber is not None) == oracle.alive
        state = subscriber.state if subscriber else "none"
        assert (state == "confirmed") == oracle.agreed
        assert (state == "complained") == oracle.complained
        assert model.awaits_confirmation(subscriber, self.now) == oracle.waits(self.now)
        figures["invariants"] += 4


# Signing up and confirming are twice as likely as the others, so that lives go on.
EVENTS = [
    *("signup", "signup", "confirm", "confirm", "refuse", "not me undone"),
    *("unsubscribe", "unsubscribe undone"),
    *("access", "complaint", "old complaint", "release", "hard", "erase"),
]
WAITS = [
    *(timedelta(minutes=minutes) for minutes in (0, 9, 11)),
    *(DAY / 2, DAY * 2, DAY * 6, DAY * 8, MONTH, YEAR),
]
lives: Any = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(WAITS), st.integers(0, 5)),
    min_size=STEPS,
    max_size=STEPS,
)


@given(lives)
def _live(steps: list[tuple[str, timedelta, int]]) -> None:
    life = Life()
    for event, wait, choice in steps:
        life.step(event, wait, choice)
    assert ledger.faults(EVA, life.ledger, life.ledger[-1].hash if life.ledger else None) == []
    figures["runs"] += 1
    figures["steps"] += len(steps)


def test_two_thousand_lives(scale: Scale, slow: None) -> None:
    figures.clear()
    settings(max_examples=scale(RUNS))(_live)()
    runs, held = figures["runs"], figures["invariants"]
    print(f"\nstate machine: {runs} runs × {STEPS} steps · invariants held {held} · broken 0")
    assert figures["runs"] >= scale(RUNS)
