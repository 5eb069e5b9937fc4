"""What was told is compared with what is stored, and with what then happens, at every step.

The rules that are checked are written down here a second time.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from chalicelib import aws, instants
from chalicelib.callbacks.model import LIVE, MISSES, Callback, State, Wish
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.stores import items, requests
from chalicelib.formats import Formats
from tests.callbacks.simulation.services import Sent, Services

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
WRONGS = (
    "wishes neither met nor decided about",
    "wishes that staff were not told of in time",
    "ends without a reason",
    "ends that the customer was not told of",
    "promises that nothing stored backs",
    "mails that say something untrue",
    "alerts outside hours",
    "alerts of a request that does not wait",
    "requests without an end",
    "double claims",
    "two live requests of a number",
    "wishes of two numbers in a request",
    "live requests without the lock",
    "calls against the rules",
    "calls to a blocked number",
    "undo: not as before",
    "blocks: not as pressed",
    "personal data left",
    "messages left",
)
_FEASTS = holidays.country_holidays("DE", subdiv="BW", years=[2027, 2028])
# The events that explain the end of a wish.
_REASONS: dict[State, set[str]] = {
    "done": {"done", "agreed", "called in"},
    "unreached": {"unreached", "missed"},
    "cancelled": {"cancelled"},
    "refused": {"refused", "declined"},
    "wrong_number": {"wrong number", "corrected"},
    "expired": {"expired"},
    "withdrawn": {"withdrawn"},
}
# What each mail says of its wish: it has one of these ends.
_SAID: dict[str, set[str]] = {
    "callback-received": {""},
    "callback-cancelled": {"cancelled"},
    "callback-missed": {"unreached", "expired"},
    "callback-declined": {"refused"},
}
_LATE = 30 * MINUTE  # a mail that leaves so long after it was owed waited for the mail service


@dataclass(frozen=True)
class Told:
    """What a customer was told last for a reference, and when."""

    span: Span
    at: datetime
    name: str
    email: str = ""


class Checks:
    """The checks of a run; `wrong` counts what failed, `faults` describes the first of each."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.wrong: Counter[str] = Counter()
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.told: dict[str, Told] = {}
        self.in_history = 0
        self.sure = False  # whether the customer agreed to a call outside the window
        self.alerted: defaultdict[str, list[datetime]] = defaultdict(list)
        self.mails: list[tuple[datetime, str, str, str]] = []  # when, to whom, kind, reference
        self.decided: set[str] = set()  # the requests a supervisor decided to have called
        self.followed: set[str] = set()  # references whose ended request a supervisor followed
        self.blocked: dict[str, datetime] = {}  # until when, by the number's key
        self._set_at: dict[str, datetime] = {}  # when a supervisor blocked the number
        self._before_block: dict[str, datetime | None] = {}
        self._seen: dict[str, Callback] = {}
        self._touched: dict[str, None] = {}
        self._missed: dict[str, datetime] = {}  # when a call for the wish was missed last
        self._live: defaultdict[str, set[str]] = defaultdict(set)

    def fault(self, what: str, of: str, said: object = "") -> None:
        """Count a fault of a request or a wish."""
        self.wrong[what] += 1
        if len(self.faults[what]) < 5:
            self.faults[what].append(f"{of}: {said}")

    # What was told

    def tell(self, reference: str, span: Span, now: datetime, name: str, email: str = "") -> None:
        """Note what a customer is told for a reference: when they will be called."""
        self.told[reference] = Told(span, now, name, email)

    def tell_again(self, wish: Wish, now: datetime) -> None:
        """Note that the customer of a wish, and whoever sent the same, knows its present time."""
        for reference in (wish.reference, *wish.also):
            known = self.told.get(reference)
            name = known.name if known else wish.asked.name
            self.tell(reference, wish.expected, now, name, wish.asked.email)

    # What is written

    def written(self, members: list[dict[str, Any]], now: datetime) -> None:
        """Look at the items of a transaction."""
        for item in members:
            if item["sk"]["S"].startswith("EVENT#") and "expires" not in item:
                self._event(aws.unpack_item(item), now)
        for item in members:
            if item["sk"] == {"S": "CALLBACK"}:
                self._changed(items.unpack(aws.unpack_item(item)), now)

    def _event(self, event: dict[str, Any], now: datetime) -> None:
        reference = event["pk"].removeprefix("CALLBACK#")
        before = self._seen.get(reference)
        match event["event"]:
            case "refused" | "wrong number" if before:
                key = before.asked.number_key
                self._before_block[reference] = self.blocked.get(key)
                self.blocked[key] = now + timedelta(days=90)
            case "undone" | "merged" if before and reference in self._before_block:
                earlier = self._before_block.pop(reference)
                self.blocked.pop(before.asked.number_key, None)
                if earlier:
                    self.blocked[before.asked.number_key] = earlier
            case "admitted" | "assigned" | "taken over":
                self.decided.add(reference)
        if event["state"] == "held":
            self.decided.discard(reference)

    def set_block(self, key: str, until: datetime | None) -> None:
        """Note that a supervisor blocked a number or lifted its block; no undo changes that."""
        for reference in list(self._before_block):
            if self._seen[reference].asked.number_key == key:
                del self._before_block[reference]
        self.blocked.pop(key, None)
        self._set_at.pop(key, None)
        if until:
            self.blocked[key], self._set_at[key] = until, until - timedelta(days=90)
            self.decided -= self._live[key]  # that request waits for a decision now

    def _changed(self, after: Callback, now: datetime) -> None:
        before = self._seen.get(after.reference)
        self._seen[after.reference] = after
        self._touched[after.reference] = None
        if after.erased:
            return
        if before:
            self._live[before.asked.number_key].discard(after.reference)
            lost = _references(before) - _references(after)
            for reference in lost:
                what = "promises that nothing stored backs"
                self.fault(what, after.reference, f"lost {reference}")
        if after.is_live:
            self._live[after.asked.number_key].add(after.reference)
        if len(self._live[after.asked.number_key]) > 1:
            self.fault("two live requests of a number", after.reference)
        known = before.attempts if before else ()
        if len({(each.asked.phone, each.asked.extension) for each in after.open_wishes}) > 1:
            self.fault("wishes of two numbers in a request", after.reference)
        for attempt in after.attempts:
            if attempt.outcome in MISSES and attempt not in known:
                self._missed |= dict.fromkeys(attempt.wishes, now)
        if before and len(after.attempts) > len(before.attempts) and after.is_calling:
            self._call(before, after, now)

    def _call(self, before: Callback, after: Callback, now: datetime) -> None:
        """Check a call by the limits: by wish, by day, apart, in hours, within its window."""
        key, made = after.asked.number_key, after.attempts[-1]
        if now < self.blocked.get(key, now) and after.reference not in self.decided:
            self.fault("calls to a blocked number", after.reference)
        windows = [each.asked.window for each in before.open_wishes]
        agreed = [each.asked.window for each in before.open_wishes if each.agreed]
        breaches = []
        if not open_in_berlin(now):
            breaches.append("closed")
        if not self.sure and not any(w is None or w[0] <= now < w[1] for w in windows):
            breaches.append("outside the window")
        if made.agreed != any(w is not None and w[0] <= now < w[1] for w in agreed):
            breaches.append("agreed")
        earlier = [e for e in after.attempts[:-1] if not e.agreed and e.outcome != "later"]
        if not made.agreed:
            if earlier and now - earlier[-1].at < 20 * MINUTE:
                breaches.append("too soon")
            for wish in made.wishes:
                own = [each for each in earlier if wish in each.wishes]
                today = [each for each in own if _day(each.at) == _day(now)]
                if len(own) >= 3 or len(today) >= 2:
                    breaches.append(f"{len(own)} calls, {len(today)} today")
        for breach in breaches:
            self.fault("calls against the rules", after.reference, breach)

    def settle(self, now: datetime) -> None:
        """Compare each wish of the requests that were changed with what its customer was told."""
        for reference in self._touched:
            callback = self._seen[reference]
            if not callback.is_live:
                continue
            for wish in callback.open_wishes:
                self._backed(callback, wish)
            lock = self.services.table.get(f"NUMBER#{callback.asked.number_key}", {}).get("LOCK")
            if not lock or lock["live"] != {"S": reference}:
                self.fault("live requests without the lock", reference)
        self._touched.clear()

    def _backed(self, callback: Callback, wish: Wish) -> None:
        for reference in (wish.reference, *wish.also):
            told = self.told.get(reference)
            exact = not wish.also  # whoever sent the same form twice is called by the earlier time
            if told and (
                (wish.expected == told.span if exact else wish.expected[1] <= told.span[1])
                or self._missed.get(wish.reference, told.at - MINUTE) >= told.at
            ):
                continue
            said = f"{reference} told {told}, is {wish.expected}"
            self.fault("promises that nothing stored backs", callback.reference, said)

    def in_time(self, reference: str, since: datetime, was_due: bool) -> None:
        """Check that the staff were told of a wish, which was promised until about now."""
        callback = requests.load_last(reference)
        wish = callback.wish(reference) if callback else None
        if callback is None or wish is None or not wish.is_open:
            return
        told = self.told[reference]
        if told.at > since or self._missed.get(wish.reference, since) > since:
            return  # it was moved, or tried, meanwhile
        heard = any(was_due or at >= since for at in self.alerted[callback.reference])
        if not heard and callback.state != "claimed":
            self.fault("wishes that staff were not told of in time", reference, callback.state)

    # What leaves

    def left(self, sent: Sent, now: datetime) -> None:
        """Look at a mail or an alert that leaves."""
        kind, subject = sent.message.split("_")[0], sent.message.split("_")[1]
        if kind in _SAID:
            self._mail(kind, subject, sent, now)
            return
        if not open_in_berlin(now):
            self.fault("alerts outside hours", subject, sent.message)
        for reference in sent.references:
            self.alerted[reference].append(now)
            wanted = {"callback-alert": "open", "callback-held": "held"}.get(
                kind.removesuffix("-mail")
            )
            state = self._seen[reference].state
            if wanted and state != wanted:
                self.fault("alerts of a request that does not wait", reference, state)

    def _mail(self, kind: str, reference: str, sent: Sent, now: datetime) -> None:
        self.mails.append((now, sent.to, kind, reference))
        callback = requests.load_last(reference)
        wish = callback.wish(reference) if callback else None
        if wish is None or wish.end not in _SAID[kind] or wish.asked.email != sent.to:
            self.fault("mails that say something untrue", reference, (sent.message, wish))
            return
        if kind == "callback-received":
            message = aws.unpack_item(self.services.table[f"MSG#{sent.message}"]["MSG"])
            late = now - instants.parse(message["created_at"]) >= _LATE
            window = Formats("de", "Europe/Berlin").window(*wish.expected)
            if window not in " ".join(sent.text.split()) or (wish.expected[1] <= now and not late):
                self.fault("mails that say something untrue", reference, (now, wish.expected))
            self.tell_again(wish, now)

    # Undo

    def undone(self, before: Callback, now: datetime) -> None:
        """Check that a press was taken back: `before` is the request that it had made."""
        earlier, stored = before.earlier, requests.load(before.reference)
        assert earlier is not None
        assert stored is not None
        what = "undo: not as before"
        if stored.followed_by and not before.followed_by:
            for each in earlier.open_wishes:
                taken = requests.load_last(each.reference)
                wish = taken.wish(each.reference) if taken else None
                if wish is None or not wish.is_open:
                    self.fault(what, before.reference, f"merged without {each.reference}")
            return
        set_at = self._set_at.get(before.asked.number_key)
        if not before.is_live and set_at and before.pressed_at and set_at > before.pressed_at:
            if stored.state != "held":
                self.fault(what, before.reference, "blocked meanwhile, and not held")
            return
        opened = earlier.state in ("scheduled", "retry") and stored.begins_at <= now
        if stored.state != ("open" if opened else earlier.state):
            self.fault(what, before.reference, (earlier.state, stored.state))
        if (earlier.holder, earlier.held_for) != (stored.holder, stored.held_for):
            self.fault(what, before.reference, "holder")
        if earlier.attempts != stored.attempts:
            self.fault(what, before.reference, "attempts")
        for each in earlier.wishes:
            wish = stored.wish(each.reference)
            if wish is None or replace(wish, also=(), letters=0) != replace(
                each, also=(), letters=0
            ):
                self.fault(what, before.reference, (each, wish))
        for each in stored.open_wishes:
            self.tell_again(each, now)  # they are on the telephone, or nobody told them otherwise

    def undone_by_link(self, before: Callback, reference: str) -> None:
        """Check that a customer took back what they did: `before` is the request by then."""
        stored = requests.load_last(reference)
        was, wish = before.wish(reference), stored.wish(reference) if stored else None
        if not was or not was.moved or wish is None or not wish.is_open:
            self.fault("undo: not as before", reference, wish)
        elif wish.expected != was.moved.expected and was.moved.expected[1] > was.moved.at + 5 * (
            24 * 60 * MINUTE
        ):
            self.fault("undo: not as before", reference, (was.moved, wish.expected))

    # At the end

    def judge(self, now: datetime) -> None:
        """Look at what became of every request and every wish."""
        for key, partition in list(self.services.table.items()):
            if key.startswith("NUMBER#"):
                self._block(key.removeprefix("NUMBER#"), partition.get("BLOCK"), now)
        for callback in self._seen.values():
            if callback.is_live:
                self.fault("requests without an end", callback.reference, callback.state)
            for number in range(claimed_twice(requests.events(callback.reference))):
                self.fault("double claims", callback.reference, number)
        for reference, told in self.told.items():
            self._wish(reference, told)
        for at, _, kind, reference in self.mails:
            last = requests.load_last(reference)
            wish = last.wish(reference) if last else None
            true = kind == "callback-received" or reference in self.followed
            if wish and not true and wish.end not in _SAID[kind]:
                self.fault("mails that say something untrue", reference, (at, kind, wish.end))
        left = Counter(item["state"] for item in self.services.items("MSG#"))
        for state in ("due", "sending", "unclear", "failed"):
            for _ in range(left[state]):
                self.fault("messages left", state)
        for item in self.services.items("MSG#"):
            if item["state"] != "sent" and item["state"] != "void":
                self.faults["messages left"].append(str((item["id"], item["state"], item["error"])))

    def _block(self, key: str, item: dict[str, Any] | None, now: datetime) -> None:
        stored = item and "lifted" not in item and instants.parse(item["until"]["S"])
        own = self.blocked.get(key)
        if (stored if stored and stored > now else None) != (own if own and own > now else None):
            self.fault("blocks: not as pressed", key, (stored, own))

    def _wish(self, reference: str, told: Told) -> None:
        callback = requests.load_last(reference)
        wish = callback.wish(reference) if callback else None
        if callback is None:
            self.fault("promises that nothing stored backs", reference, told)
            return
        history = _history(callback, self._seen)
        if wish is None and any(each["facts"].get("wish") == reference for each in history):
            self.in_history += 1  # a request keeps only so many wishes
            return
        if wish is None:
            self.fault("promises that nothing stored backs", reference, told)
        elif callback.erased:
            return
        elif not wish.end:
            self.fault("wishes neither met nor decided about", reference, callback.state)
        else:
            self._end(callback, wish, history)

    def _end(self, callback: Callback, wish: Wish, history: list[dict[str, Any]]) -> None:
        assert wish.end
        events = [each["event"] for each in history]
        cancelled = [each["facts"]["wish"] for each in history if each["event"] == "cancelled"]
        if wish.end == "cancelled" and wish.reference not in cancelled:
            self.fault("ends without a reason", wish.reference, "cancelled by another's link")
        if not _REASONS[wish.end] & {*events}:
            self.fault("ends without a reason", wish.reference, (wish.end, events))
        ended = callback.ended_at
        if wish.end == "expired" and ended and ended < wish.expected[1]:
            self.fault("ends without a reason", wish.reference, "expired before its time")
        made = [e for e in callback.attempts if wish.reference in e.wishes and not e.agreed]
        if wish.end == "unreached" and len([e for e in made if e.outcome != "later"]) < 3:
            self.fault("ends without a reason", wish.reference, "unreached without three calls")
        by_mail = wish.end in ("unreached", "expired") or events[-1] == "declined"
        if not by_mail or not wish.asked.email or callback.followed_by:
            return
        sent = [each for each in self.mails if each[1] == wish.asked.email]
        told = [at for at, _, kind, _ in sent if kind in ("callback-missed", "callback-declined")]
        day = timedelta(days=1)
        full = any(sum(at <= each[0] < at + day for each in sent) >= 3 for at, *_ in sent)
        if not full and not any(at >= wish.at for at in told):
            self.fault("ends that the customer was not told of", wish.reference, wish.end)

    def personal(self, words: Iterable[str], of: str = "the year") -> None:
        """Look for words that an erasure removes, wherever but in the proofs of consent."""
        kept = [
            item
            for partition in self.services.table.values()
            for sk, item in partition.items()
            if not sk.startswith("PROOF")
        ]
        text = str(kept)
        for word in words:
            if word in text:
                places = [each["pk"]["S"] + each["sk"]["S"] for each in kept if word in str(each)]
                self.fault("personal data left", of, (word, places[:3]))


def _references(callback: Callback) -> set[str]:
    return {told for each in callback.wishes for told in (each.reference, *each.also)}


def _history(callback: Callback, known: dict[str, Callback]) -> list[dict[str, Any]]:
    """Return the events of those requests whose wishes a request took over, and its own."""
    earlier = [each.reference for each in known.values() if each.followed_by == callback.reference]
    return [event for each in (*earlier, callback.reference) for event in requests.events(each)]


def _day(at: datetime) -> object:
    return at.astimezone(BERLIN).date()


def open_in_berlin(at: datetime) -> bool:
    """Tell whether the line is open, by rules written down a second time."""
    local = at.astimezone(BERLIN)
    closed = local.date() in _FEASTS or (local.month, local.day) in ((12, 24), (12, 31))
    return local.weekday() < 5 and 9 <= local.hour < 17 and not closed


def claimed_twice(events: list[dict[str, Any]]) -> int:
    """Count how often a request was claimed while somebody held it."""
    held, twice = False, 0
    for each in events:
        if each["event"] == "claimed":
            twice += held
        held = each["state"] == "claimed"
    return twice


assert set(_REASONS) | set(LIVE) == set(LIVE) | {
    "done",
    "unreached",
    "cancelled",
    "refused",
    "wrong_number",
    "expired",
    "withdrawn",
}
