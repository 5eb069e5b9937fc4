"""The state of a subscriber and its transitions. Pure: a subscriber goes in, a change comes out.

An event that comes twice changes nothing the second time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from chalicelib.errors import BadToken, Conflict, Newer

State = Literal["pending", "confirmed", "unsubscribed", "refused", "bounced", "complained"]
STATES: tuple[State, ...] = get_args(State)
ENDS: tuple[State, ...] = ("unsubscribed", "refused", "bounced", "complained")
Event = Literal[
    "signup",
    "signup again",
    "resent",
    "mailed",
    "confirmed",
    "refused",
    "refusal undone",
    "unsubscribed",
    "unsubscription undone",
    "withdrawn",
    "preferences",
    "access",
    "move asked",
    "moved here",
    "moved away",
    "bounced",
    "soft bounce",
    "complained",
    "released",
    "erased",
    "imported",
]
Letter = Literal["confirmation", "move", "welcome", "settings", "access"]

CONFIRM_WITHIN = timedelta(days=7)
REFUSED_FOR = timedelta(days=365)
UNDO_WITHIN = timedelta(minutes=10)
SETTINGS_EVERY = timedelta(days=7)  # the mail to somebody confirmed who signs up again
PREFERENCES_A_DAY = 20  # changes of topics and language by one subscriber
SOFT_BOUNCES, SOFT_WITHIN = 3, timedelta(days=30)
ACCESS_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Subscriber:
    """One address. `key` stands for it where the address itself is not needed."""

    key: str
    email: str
    state: State
    language: str
    topics: tuple[str, ...]
    consent: str  # the version of the declaration the person saw
    asked_at: datetime  # the last signup of this opt-in; the week to confirm begins then
    since: datetime  # when this opt-in began
    first_letter: int = 1  # the confirmation mails of this opt-in are numbered from here
    version: int = 1
    letters: int = 0  # mails asked for by form so far: confirmations and links to one's data
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None  # when the subscription ended: its proof is kept from then on
    refused_at: datetime | None = None
    refused_from: State | Literal[""] = ""  # the state before "not me", for its undo
    visit: str = ""  # the visit to our page that ended the subscription, and may undo that
    settings_at: datetime | None = None  # when the last mail for a repeated signup was owed
    wished: tuple[str, ...] = ()  # the topics of the last signup since the confirmation
    moved_from: str = ""  # the key of the address that this one replaces, or asks to replace
    moved_to: str = ""  # the key of the address that replaced this one
    soft_bounces: tuple[tuple[str, datetime], ...] = ()  # SES's id and time of each

    def is_expired(self, now: datetime) -> bool:
        """Tell whether nobody confirmed in time, even if the table has not deleted it yet."""
        return self.state == "pending" and now >= self.asked_at + CONFIRM_WITHIN


@dataclass(frozen=True)
class Signup:
    """What somebody asks for."""

    key: str
    email: str
    language: str
    topics: tuple[str, ...]
    consent: str


@dataclass(frozen=True)
class Change:
    """What an event makes of a subscriber.

    There is nothing to write where `before is after`; the subscriber is gone where `after` is None.
    """

    before: Subscriber | None
    after: Subscriber | None
    event: Event | Literal[""] = ""
    owes: Letter | None = None

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.after is not self.before


def sign_up(
    before: Subscriber | None,
    signup: Signup,
    now: datetime,
    version: int = 0,
    may_mail: bool = True,
) -> Change:
    """Take in a signup, by the owner of the address or by a stranger.

    It changes nothing unless the mailbox's limits allow a mail (`may_mail`): nobody could confirm.
    `version` is that of the address's last event, where the subscriber itself is gone. Letters are
    then numbered from the present millisecond on, so that no number of the former subscriber comes
    again.
    """
    _understand(before)
    if not may_mail:
        return Change(before, before)
    if before and before.state == "confirmed":
        return _sign_up_again(before, signup, now)
    asked = _ask(before, signup, now, version)
    return Change(before, asked, "signup", "confirmation") if asked else Change(before, before)


def _sign_up_again(before: Subscriber, signup: Signup, now: datetime) -> Change:
    """Owe somebody confirmed the link to their settings, at most once in SETTINGS_EVERY.

    It may be a stranger who signs up, so nothing else changes; the topics are kept as a wish.
    """
    if before.settings_at is not None and now < before.settings_at + SETTINGS_EVERY:
        return Change(before, before)
    after = _next(before, letters=before.letters + 1, settings_at=now, wished=signup.topics)
    return Change(before, after, "signup again", "settings")


def _ask(
    before: Subscriber | None, signup: Signup, now: datetime, version: int, moved_from: str = ""
) -> Subscriber | None:
    """Return the subscriber who waits for a confirmation; None where the address gets no mail."""
    if before is None:
        first = int(now.timestamp() * 1000)
        return Subscriber(
            signup.key,
            signup.email,
            "pending",
            signup.language,
            signup.topics,
            signup.consent,
            now,
            now,
            first,
            version + 1,
            first,
            moved_from=moved_from,
        )
    if before.state in ("confirmed", "complained") or _is_refused(before, now):
        return None
    asked = _next(
        before,
        letters=before.letters + 1,
        email=signup.email,
        language=signup.language,
        topics=signup.topics,
        consent=signup.consent,
        asked_at=now,
        state="pending",
        moved_from=moved_from,
    )
    if before.state == "pending" and not before.is_expired(now):
        return asked
    return replace(
        asked,
        since=now,
        first_letter=asked.letters,
        confirmed_at=None,
        ended_at=None,
        settings_at=None,
        wished=(),
        moved_to="",
        visit="",
        soft_bounces=(),
    )


def ask_move(
    before: Subscriber | None,
    old: Subscriber | None,
    asked: Signup,
    now: datetime,
    version: int = 0,
    may_mail: bool = True,
) -> Change:
    """Ask for the confirmation of the address that shall replace `old`'s.

    `asked` has the new address, with the topics, language and declaration of the old one.
    Otherwise it is taken like a signup.
    """
    _understand(before)
    _understand(old)
    if old is None or old.state != "confirmed" or asked.key == old.key or not may_mail:
        return Change(before, before)
    if before and before.state == "confirmed":
        return _sign_up_again(before, asked, now)
    waiting = _ask(before, asked, now, version, old.key)
    return Change(before, waiting, "move asked", "move") if waiting else Change(before, before)


def move_away(before: Subscriber | None, new: str, now: datetime) -> Change:
    """End the subscription of an address that another one, of the key `new`, replaces.

    Raises BadToken where there is none to be replaced any more.
    """
    _understand(before)
    if before is None or before.state != "confirmed":
        raise BadToken
    after = _next(before, state="unsubscribed", ended_at=now, moved_to=new)
    return Change(before, after, "moved away")


def resend(before: Subscriber | None, now: datetime) -> Change:
    """Owe another confirmation mail; the week to confirm stays. Raises Conflict in other states."""
    _understand(before)
    if before is None or not awaits_confirmation(before, now):
        raise Conflict(state_of(before, now), "not_waiting")
    after = _next(before, letters=before.letters + 1)
    return Change(before, after, "resent", "move" if before.moved_from else "confirmation")


def mailed(before: Subscriber | None) -> Change:
    """Take note that the mail service took a confirmation mail; without a subscriber, of nothing.

    Nothing but the ledger changes: the person may have confirmed or refused meanwhile.
    """
    return Change(before, _next(before), "mailed") if before else Change(None, None)


def confirm(before: Subscriber | None, letter: int, now: datetime) -> Change:
    """Confirm the subscription by mail number `letter`. Raises BadToken for an outdated mail."""
    _understand(before)
    if before is None or not _is_current(before, letter, now):
        raise BadToken
    if before.state == "confirmed":
        return Change(before, before)
    if before.state != "pending":
        raise BadToken
    after = _next(before, state="confirmed", confirmed_at=now, refused_at=None)
    return Change(before, after, "moved here" if before.moved_from else "confirmed", "welcome")


def refuse(before: Subscriber | None, letter: int, now: datetime) -> Change:
    """Take "that was not me" from the owner of the address.

    It ends a subscription that somebody else had confirmed, too. Raises BadToken for an outdated
    mail, and where the subscription has ended.
    """
    _understand(before)
    if before is None or not _is_current(before, letter, now):
        raise BadToken
    if before.state == "refused":
        return Change(before, before)
    if before.state not in ("pending", "confirmed"):
        raise BadToken
    after = _next(before, state="refused", refused_at=now, ended_at=now, refused_from=before.state)
    return Change(before, after, "refused")


def undo_refusal(before: Subscriber | None, letter: int, now: datetime) -> Change:
    """Take "that was not me" back within UNDO_WITHIN.

    Raises BadToken for an outdated mail, Conflict later.
    """
    _understand(before)
    if before is None or not _is_current(before, letter, now):
        raise BadToken
    if before.state in ("pending", "confirmed"):
        return Change(before, before)
    if not may_undo_refusal(before, now):
        raise Conflict(before.state, "too_late" if before.refused_at else "nothing_to_undo")
    after = _next(
        before, state=before.refused_from, refused_at=None, ended_at=None, refused_from=""
    )
    return Change(before, after, "refusal undone")


def may_undo_refusal(subscriber: Subscriber, now: datetime) -> bool:
    """Tell whether "that was not me" can be taken back; then its address is still needed."""
    if subscriber.state != "refused" or not (subscriber.refused_at and subscriber.refused_from):
        return False
    return bool(subscriber.email) and now < subscriber.refused_at + UNDO_WITHIN


def unsubscribe(before: Subscriber | None, now: datetime, visit: str = "") -> Change:
    """End the subscription, or an opt-in that waits; without one, change nothing.

    `visit` names the visit to our own page by which it was ended, which may undo it; empty for
    every other way.
    """
    if before is None or before.state in ENDS or before.is_expired(now):
        return Change(before, before)
    visit = visit if before.state == "confirmed" else ""
    after = _next(before, state="unsubscribed", ended_at=now, visit=visit)
    return Change(before, after, "unsubscribed")


def undo_unsubscription(before: Subscriber | None, visit: str, now: datetime) -> Change:
    """Go on with a subscription that the same visit to our page ended, within UNDO_WITHIN.

    Raises Conflict later, for another visit, and where it ended in another way.
    """
    _understand(before)
    if before is None or not visit or before.visit != visit:
        raise Conflict(state_of(before, now), "nothing_to_undo")
    if before.state == "confirmed":
        return Change(before, before)
    if not may_undo_unsubscription(before, visit, now):
        raise Conflict(before.state, "too_late")
    return Change(before, _next(before, state="confirmed", ended_at=None), "unsubscription undone")


def may_undo_unsubscription(subscriber: Subscriber | None, visit: str, now: datetime) -> bool:
    """Tell whether this visit to our page may undo the unsubscription it made."""
    if subscriber is None or subscriber.state != "unsubscribed" or not subscriber.ended_at:
        return False
    return bool(visit) and subscriber.visit == visit and now < subscriber.ended_at + UNDO_WITHIN


def withdraw(
    before: Subscriber | None, key: str, now: datetime, version: int = 0, left: bool = False
) -> Change:
    """Record a withdrawal that came by another way than our links: a mail, or another mailer.

    A subscription ends as by `unsubscribe`. An address that is not known here, or waits for its
    confirmation, is kept as an end, by its key alone: nothing is sent to it. Whatever else its
    state is remains, and the withdrawal is on record. `left` says that it is already; `version` is
    that of the address's last event, where the subscriber itself is gone.
    """
    if before is None:
        if left:
            return Change(None, None)
        # Letters are numbered from here on, as in `sign_up`. None was sent yet.
        none = int(now.timestamp() * 1000)
        after = Subscriber(
            key,
            "",
            "unsubscribed",
            "",
            (),
            "",
            now,
            now,
            none + 1,
            version + 1,
            none,
            ended_at=now,
        )
        return Change(None, after, "withdrawn")
    if before.state == "pending":
        after = _next(before, state="unsubscribed", email="", ended_at=now)
        return Change(before, after, "withdrawn")
    if before.state not in ENDS:
        return unsubscribe(before, now)
    return Change(before, before if left else _next(before), "" if left else "withdrawn")


def prefer(before: Subscriber | None, topics: tuple[str, ...], language: str) -> Change:
    """Change topics and language. Raises BadToken where there is no subscription."""
    _understand(before)
    if before is None or before.state != "confirmed":
        raise BadToken
    if (topics, language) == (before.topics, before.language):
        return Change(before, before)
    return Change(before, _next(before, topics=topics, language=language), "preferences")


def ask_access(before: Subscriber | None, now: datetime, may_mail: bool = True) -> Change:
    """Owe the address a mail with a fresh link to its data, if the mailbox's limits allow one."""
    if before is None or not may_have_access(before, now) or not may_mail:
        return Change(before, before)
    return Change(before, _next(before, letters=before.letters + 1), "access", owes="access")


def may_have_access(subscriber: Subscriber | None, now: datetime) -> bool:
    """Tell whether a subscriber can be mailed a link to their data."""
    if subscriber is None or subscriber.state == "refused" or takes_no_mail(subscriber):
        return False
    return bool(subscriber.email) and not subscriber.is_expired(now)


def takes_no_mail(subscriber: Subscriber | None) -> bool:
    """Tell whether mails to the address come back, or its reader complained about them."""
    return subscriber is not None and subscriber.state in ("bounced", "complained")


def bounce(
    before: Subscriber | None, hard: bool, id: str, mailed_at: datetime, at: datetime
) -> Change:
    """Take note that a mail came back.

    A bounce of a mail from before the present opt-in changes nothing.
    """
    if before is None or before.state in ("bounced", "complained") or mailed_at < before.since:
        return Change(before, before)
    if hard:
        return Change(before, _next(before, state="bounced", ended_at=at), "bounced")
    if id in {seen for seen, _ in before.soft_bounces}:
        return Change(before, before)
    # Sorted, so that the order in which bounces arrive makes no difference. The last ten span more
    # than SOFT_WITHIN, because SOFT_BOUNCES within that time end the subscription.
    soft = tuple(sorted((*before.soft_bounces, (id, at)), key=lambda each: (each[1], each[0])))
    if _is_crowded(soft):
        after = _next(before, state="bounced", soft_bounces=soft, ended_at=soft[-1][1])
        return Change(before, after, "bounced")
    return Change(before, _next(before, soft_bounces=soft[-10:]), "soft bounce")


def complain(before: Subscriber | None, mailed_at: datetime, at: datetime) -> Change:
    """Take note that the reader called a mail spam: the address gets no more mail.

    A complaint about a mail from before the present opt-in changes nothing.
    """
    if before is None or before.state == "complained" or mailed_at < before.since:
        return Change(before, before)
    return Change(before, _next(before, state="complained", ended_at=at), "complained")


def release(before: Subscriber | None, now: datetime) -> Change:
    """Release an address that bounced, refused or complained: it may sign up again.

    What is told later of mails from before the release changes nothing.
    """
    _understand(before)
    if before is None or before.state not in ("bounced", "refused", "complained"):
        return Change(before, before)
    after = _next(
        before,
        state="unsubscribed",
        since=now,
        ended_at=now,
        refused_at=None,
        refused_from="",
        visit="",
    )
    return Change(before, after, "released")


def erase(before: Subscriber | None) -> Change:
    """Erase the subscriber."""
    return Change(before, None, "erased")


def awaits_confirmation(subscriber: Subscriber | None, now: datetime) -> bool:
    """Tell whether a confirmation mail can still be answered."""
    if subscriber is None or subscriber.state != "pending":
        return False
    return not subscriber.is_expired(now)


def state_of(subscriber: Subscriber | None, now: datetime) -> str:
    """Return the state of an address in one word: `none` and `expired` are no subscriber's."""
    if subscriber is None:
        return "none"
    return "expired" if subscriber.is_expired(now) else subscriber.state


def _is_current(subscriber: Subscriber, letter: int, now: datetime) -> bool:
    """Tell whether mail number `letter` belongs to the present opt-in, and that has not expired."""
    belongs = subscriber.first_letter <= letter <= subscriber.letters
    return belongs and not subscriber.is_expired(now)


def _is_crowded(soft: tuple[tuple[str, datetime], ...]) -> bool:
    """Tell whether SOFT_BOUNCES of them lie within SOFT_WITHIN."""
    times = [at for _, at in soft]
    return any(
        late - early <= SOFT_WITHIN
        for early, late in zip(times, times[SOFT_BOUNCES - 1 :], strict=False)
    )


def _is_refused(subscriber: Subscriber, now: datetime) -> bool:
    """Tell whether the owner of the address refused it within REFUSED_FOR."""
    return subscriber.refused_at is not None and now < subscriber.refused_at + REFUSED_FOR


def is_understood(state: str) -> bool:
    """Tell whether this version of the code knows a state; a newer one may have stored another."""
    return state in STATES


def _understand(subscriber: Subscriber | None) -> None:
    """Raise Newer where a newer version of the code has left a subscriber in a state of its own.

    Whatever depends on the state waits for that version. An end does not: whoever leaves, leaves.
    """
    if subscriber is not None and not is_understood(subscriber.state):
        raise Newer("subscriber", subscriber.state)


def is_same(subscriber: Subscriber, agreed: Signup, confirmed_at: datetime) -> bool:
    """Tell whether a subscription is the one to be imported, times to the millisecond."""
    if subscriber.state != "confirmed" or subscriber.confirmed_at is None:
        return False
    apart = abs(subscriber.confirmed_at - confirmed_at)
    here = (subscriber.email, subscriber.language, subscriber.topics, subscriber.consent)
    there = (agreed.email, agreed.language, agreed.topics, agreed.consent)
    return here == there and apart < timedelta(milliseconds=1)


def _next(subscriber: Subscriber, **changes: object) -> Subscriber:
    version = subscriber.version + 1
    return replace(subscriber, version=version, **changes)  # type: ignore[arg-type]  # named fields


def import_(
    before: Subscriber | None,
    suppressed: bool,
    agreed: Signup,
    confirmed_at: datetime,
    now: datetime,
    version: int = 0,
    withdrawn: bool = False,
) -> Change:
    """Take over another system's subscriber, who confirmed there at `confirmed_at`.

    `suppressed` says that the address was erased here, `withdrawn` that its owner left and has not
    confirmed anew, even if somebody has signed it up since. Raises Conflict, with the state
    (`erased` for a suppressed address), where somebody has decided about the address in this
    system. There is no change where the subscription is here already, the same in every detail.
    """
    _understand(before)
    if before is not None and not suppressed and is_same(before, agreed, confirmed_at):
        return Change(before, before)
    decided = None
    if before is not None and before.state not in ("pending", "refused"):
        decided = before.state
    if before is not None and _is_refused(before, now):
        decided = "refused"
    if withdrawn and not decided:
        decided = "unsubscribed"
    if suppressed or decided:
        raise Conflict("erased" if suppressed else str(decided))
    if before is None:
        # Letters are numbered from here on, as in `sign_up`. None was sent yet.
        none = int(now.timestamp() * 1000)
        after = Subscriber(
            agreed.key,
            agreed.email,
            "confirmed",
            agreed.language,
            agreed.topics,
            agreed.consent,
            confirmed_at,
            now,
            none + 1,
            version + 1,
            none,
            confirmed_at=confirmed_at,
        )
    else:
        after = _next(
            before,
            email=agreed.email,
            state="confirmed",
            language=agreed.language,
            topics=agreed.topics,
            consent=agreed.consent,
            asked_at=confirmed_at,
            since=now,
            confirmed_at=confirmed_at,
            ended_at=None,
            refused_at=None,
            refused_from="",
            moved_from="",
            soft_bounces=(),
        )
    return Change(before, after, "imported")
