"""What can be done with subscriptions: load, decide, save, and again after a conflict.

No HTTP. Routes, staff pages, reactions and operators' commands call it.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from chalicelib import challenges, company, instants, intake, limits, log, mailings
from chalicelib.aws import Item, retried
from chalicelib.consent import Wording, Wordings
from chalicelib.errors import (
    BadToken,
    Conflict,
    FieldError,
    Invalid,
    LimitReached,
    NotAllowed,
    NotFound,
    Unavailable,
)
from chalicelib.guards import NONE, Guards
from chalicelib.limits import Limit
from chalicelib.newsletter import intakes, links, model, proof
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.links import CONFIRM, PREFERENCES, UNSUBSCRIBE
from chalicelib.newsletter.model import Change, Signup, Subscriber
from chalicelib.newsletter.stores import growth as growth_store
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores import wordings as kept_wordings
from chalicelib.newsletter.stores.subscribers import Known
from chalicelib.outbox import suppression
from chalicelib.sender import Sender
from chalicelib.settings import current

wordings = Wordings("newsletter")
# Undone unsubscriptions of one address. Leaving itself has no limit.
UNDONE_A_DAY = 5
MOVES_A_DAY = 5  # wishes for another address


@dataclass(frozen=True)
class Refused:
    """What "that was not me" has done: whether it can be undone, and whether it ended something."""

    may_undo: bool
    ended: bool


@dataclass(frozen=True)
class Preferred:
    """What chosen topics have done: whether none was left, and whether that can be undone."""

    left: bool = False
    may_undo: bool = False


@dataclass(frozen=True)
class Wanted:
    """What a visitor asks for in the form."""

    email: str
    consent: str  # the version of the declaration the form showed
    topics: tuple[str, ...]  # none: those the declaration covers
    language: str
    page: str = ""
    proof_of_work: str | None = None


def sign_up(wanted: Wanted, sender: Sender, now: datetime) -> None:
    """Take in a signup; the address gets a mail with a link to confirm, within the mails' limits.

    Raises Invalid (`consent`, `topics`, `altcha`), LimitReached, Unavailable.
    """
    wording = wordings.seen(wanted.consent)
    topics = _covered(wording, wanted.topics)
    key = key_of(wanted.email)
    facts = {
        "consent": wording.version,
        "wording": wording.sha256,
        "topics": ",".join(topics),
        "language": wanted.language,
    }
    asked = {
        "email": wanted.email,
        "language": wanted.language,
        "topics": list(topics),
        "consent": wanted.consent,
        "facts": facts,
        "personal": {**sender.personal(), "email": wanted.email, "page": wanted.page},
    }
    guards = Guards(
        (limits.per_caller("signups", sender.client_ip, current().limit_signups_per_caller),),
        challenges.spend("newsletter", wanted.proof_of_work, now),
    )
    intakes.keep(intakes.SIGNUP, key, asked, guards, now)


def _covered(wording: Wording, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the topics of a signup: the wanted ones, or all that the declaration covers.

    Raises Invalid (`topics`) for one that it does not cover.
    """
    offered = company.current().newsletter_topics
    covered = [topic for topic in wording.topics if topic in offered]
    if not set(wanted) <= set(covered):
        raise Invalid(FieldError("topics", "not_covered"))
    return tuple(dict.fromkeys(wanted or covered))


def check_link(purpose: links.Purpose, token: str, now: datetime) -> None:
    """Raise BadToken unless the token is one of ours for this purpose. Changes nothing."""
    links.read(purpose, token, now)


def confirm(token: str, sender: Sender, now: datetime) -> None:
    """Confirm the subscription that a mailed link stands for. Raises BadToken.

    Where the address replaces another one, that one's subscription ends in the same transaction.
    """
    key, letter = links.read(CONFIRM, token, now)
    how = How({"letter": str(letter)}, sender.personal())

    def attempt(_: int) -> bool:
        known = subscribers.load(key)
        change = model.confirm(known.subscriber, letter, now)
        also: list[Item] = []
        if change.event == "moved here" and known.subscriber:
            old = subscribers.load(known.subscriber.moved_from)
            away = model.move_away(old.subscriber, key, now)
            also = subscribers.members(old, away, now, How({"moved_to": key}, sender.personal()))
        facts = {**how.facts, **({"moved_from": known.subscriber.moved_from} if also else {})}  # type: ignore[union-attr]  # there is one
        subscribers.save(known, change, now, How(facts, how.personal), also=also)
        return change.changes

    if retried(attempt, "newsletter"):
        _keep_events(key)


def _keep_events(key: str) -> None:
    """Take the expiry off the events by which a subscription came about, as far as is possible now.

    The subscription is stored, so it is answered as such. Where the table does not answer, the
    stream's reaction does the same later, days before the table would drop them.
    """
    try:
        subscribers.tidy(key)
    except Unavailable:
        log.info("ledger.left_to_stream", subscriber=key)


def refuse(token: str, now: datetime) -> Refused:
    """Take note that the owner of the address did not sign up. Raises BadToken."""
    key, letter = links.read(CONFIRM, token, now)
    change(key, lambda known: model.refuse(known.subscriber, letter, now), How(), now)
    refused = get(key)
    return Refused(model.may_undo_refusal(refused, now), refused.refused_from == "confirmed")


def undo_refusal(token: str, now: datetime) -> Subscriber:
    """Take a refusal back within ten minutes; return what is there again.

    Raises BadToken, Conflict (`refused`) later.
    """
    key, letter = links.read(CONFIRM, token, now)
    change(key, lambda known: model.undo_refusal(known.subscriber, letter, now), How(), now)
    return get(key)


def unsubscribe(token: str, sender: Sender, now: datetime, visit: str = "") -> bool:
    """End the subscription by a mail's link, which never expires; tell whether it can be undone.

    `visit` names the visit to our own page, empty for one click. Where another address has
    replaced this one since, its subscription ends. Raises BadToken.
    """
    key, _ = links.read(UNSUBSCRIBE, token, now)
    how = How({"by": "person", "how": "page" if visit else "one click"}, sender.personal())
    return leave(key, how, now, visit)


def leave(key: str, how: How, now: datetime, visit: str = "") -> bool:
    """End the subscription of an address, or of the one that replaced it.

    Tell whether this visit may undo it. Raises Unavailable.
    """
    for each in _successors(key):
        change(each, lambda known: model.unsubscribe(known.subscriber, now, visit), how, now)
    if not visit:
        return False
    return model.may_undo_unsubscription(subscribers.load(each).subscriber, visit, now)


def _successors(key: str) -> list[str]:
    """Return the keys of an address and of those that replaced it, one after the other."""
    keys: list[str] = []
    while key and key not in keys:
        keys.append(key)
        subscriber = subscribers.load(key).subscriber
        key = subscriber.moved_to if subscriber else ""
    return keys


def new_visit() -> str:
    """Return the name of a new visit to a page of ours, which may undo what it does."""
    return secrets.token_urlsafe(12)


def undo_unsubscription(
    purpose: links.Purpose, token: str, visit: str, sender: Sender, now: datetime
) -> None:
    """Go on with a subscription that the same visit to our page ended less than ten minutes ago.

    Raises BadToken, Conflict where that is not so, LimitReached.
    """
    key, _ = links.read(purpose, token, now)
    take_back(key, visit, sender, now)


def take_back(key: str, visit: str, sender: Sender, now: datetime) -> None:
    """Do as `undo_unsubscription` does, for the address of a key. Raises Conflict, LimitReached."""
    key = _successors(key)[-1]
    how = How({}, sender.personal())
    limit = Limit("undone", key, UNDONE_A_DAY, "day", "undo_limit")

    def attempt(_: int) -> None:
        known = subscribers.load(key)
        change = model.undo_unsubscription(known.subscriber, visit, now)
        if change.changes:
            subscribers.save(known, change, now, how, Guards((limit,)))

    retried(attempt, "newsletter")


def withdraw(key: str, how: How, now: datetime, dry: bool = False) -> str:
    """Record a withdrawal that came by another way than our links.

    Where another address has replaced this one, its subscription ends, too.
    Returns what it did: `unsubscribed` where it ended a subscription, `withdrawn` where it is kept
    as an end, empty where nothing changed. `dry` writes nothing. Raises Unavailable.
    """
    done = ""

    def decide(known: Known) -> Change:
        nonlocal done
        left = known.suppressed or known.withdrawn
        change = model.withdraw(known.subscriber, known.key, now, known.version, left)
        # Where there is no change, it may be our own write, whose answer was lost, that did it.
        done = change.event or done
        return Change(known.subscriber, known.subscriber) if dry else change

    for each in _successors(key):
        change(each, decide, how, now)
    return done


def withdraw_for(key: str, way: str, note: str, who: str, now: datetime) -> Subscriber:
    """Record that somebody unsubscribed by another way than our links; repeated, changes nothing.

    `way` says how it reached us: `mail`, `telephone`, `letter`, `shop`; `who` is the id of whoever
    of the staff records it. Raises NotFound, Unavailable.
    """
    get(key)
    facts = {"by": "staff", "how": way, "staff": who}
    leave(key, How(facts, {"note": note} if note else {}), now)
    log.info("newsletter.withdrawn", subscriber=key, how=way, by=who)
    return get(key)


def resend(key: str, who: str, now: datetime) -> Subscriber:
    """Send the confirmation mail again; it counts for the limits of its mailbox.

    Raises NotFound, Conflict where no confirmation is waited for, LimitReached, Unavailable.
    """

    def attempt(_: int) -> None:
        known = subscribers.load(key)
        if known.subscriber is None:
            raise NotFound("no_subscriber")
        again = model.resend(known.subscriber, now)
        mailing = mailings.load("confirmation", known.subscriber.email)
        message = subscribers.owed(again, now)
        if not mailing.allows(now) or message is None:
            raise LimitReached(mailing.pause(now), "mailbox_limit")
        counted = mailing.counted(message.id, now)
        subscribers.save(known, again, now, How({"staff": who}), also=[counted])

    retried(attempt, "newsletter")
    log.info("newsletter.resent", subscriber=key, by=who)
    return get(key)


def by_preferences_link(token: str, now: datetime) -> Subscriber | None:
    """Return the subscriber whose preferences a link opens; None where none is subscribed.

    Raises BadToken.
    """
    key, _ = links.read(PREFERENCES, token, now)
    subscriber = subscribers.load(key).subscriber
    return subscriber if subscriber and subscriber.state == "confirmed" else None


def prefer(
    token: str,
    chosen: tuple[str, ...],
    language: str,
    sender: Sender,
    now: datetime,
    visit: str = "",
) -> Preferred:
    """Save topics and language; no topic left ends the subscription, which `visit` may undo.

    Raises BadToken, LimitReached.
    """
    key, _ = links.read(PREFERENCES, token, now)
    return choose(key, chosen, language, sender, now, visit)


def choose(
    key: str,
    chosen: tuple[str, ...],
    language: str,
    sender: Sender,
    now: datetime,
    visit: str = "",
) -> Preferred:
    """Do as `prefer` does, for the subscriber of a key. Raises BadToken, LimitReached.

    The same topics and language again change nothing and count nothing.
    """
    if not chosen:
        how = How({"by": "person", "how": "page"}, sender.personal())
        return Preferred(True, leave(key, how, now, visit))
    topics = tuple(topic for topic in company.current().newsletter_topics if topic in chosen)
    how = How({"topics": ",".join(topics), "language": language}, sender.personal())
    limit = Limit("preferences", key, model.PREFERENCES_A_DAY, "day", "preferences_limit")

    def attempt(_: int) -> None:
        known = subscribers.load(key)
        change = model.prefer(known.subscriber, topics, language)
        if change.changes:
            subscribers.save(known, change, now, how, Guards((limit,)))

    retried(attempt, "newsletter")
    return Preferred()


def ask_access(token: str, email: str | None, sender: Sender, now: datetime) -> None:
    """Owe the address a mail with a fresh link to its data, by an old link or the address itself.

    Raises BadToken, LimitReached.
    """
    if token:
        (key, _), email = links.read(PREFERENCES, token, now), None
    elif email:
        key = key_of(email)
    else:
        raise BadToken
    guards = Guards(
        (limits.per_caller("access", sender.client_ip, current().limit_access_per_caller),)
    )
    asked = {"email": email or "", "personal": sender.personal()}
    intakes.keep(intakes.ACCESS, key, asked, guards, now)


def ask_move(key: str, email: str, sender: Sender, now: datetime) -> None:
    """Keep the wish to get the newsletter at another address, whose owner has to confirm it.

    What follows is the same for every address, known or not. Raises BadToken where there is no
    subscription, LimitReached, Unavailable.
    """
    subscriber = subscribers.load(key).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        raise BadToken
    guards = Guards(
        (
            limits.per_caller("access", sender.client_ip, current().limit_access_per_caller),
            Limit("moves", key, MOVES_A_DAY, "day", "moves_limit"),
        )
    )
    asked = {"email": email, "from": key, "personal": {**sender.personal(), "email": email}}
    intakes.keep(intakes.MOVE, key_of(email), asked, guards, now)


def data(key: str, now: datetime, language: str) -> dict[str, Any] | None:
    """Return everything stored on a person as JSON values (GDPR Art. 15 and 20); None for nothing.

    It is the proof of consent with the whole record beside it.
    """
    document = proof.document(key, wordings, now, language)
    subscriber = subscribers.load(key).subscriber
    if document and subscriber:
        document["record"] = _plain(asdict(subscriber))
    return document


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instants.text(value)
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    return value


def erase(key: str, by: str, now: datetime, who: str = "") -> None:
    """Erase a person's data (GDPR Art. 17), completely when this returns. Idempotent.

    `by` says on whose word, `who` is the id of whoever of the staff does it. An HMAC of the address
    stays, which keeps it from being imported. The addresses that it replaced are erased with it.
    Raises Unavailable, where SES does not delete the address from its suppression list, too.
    """
    how = How({"by": by, **({"staff": who} if who else {})})
    for each in _predecessors(key):
        _erase(each, how, now)


def _predecessors(key: str) -> list[str]:
    """Return the keys of the addresses that an address replaced, first to last, and its own."""
    keys = [key]
    while subscriber := subscribers.load(keys[-1]).subscriber:
        old = subscribers.load(subscriber.moved_from) if subscriber.moved_from else None
        # One that was only asked to be replaced, perhaps by a stranger, is somebody else's.
        if old is None or old.key in keys or not old.subscriber:
            break
        if old.subscriber.moved_to != subscriber.key:
            break
        keys.append(old.key)
    return keys[::-1]


def _erase(key: str, how: How, now: datetime) -> None:
    intake.erase(key)
    known = subscribers.load(key).subscriber
    if known and known.email:
        # First, as the record is the last place that tells which address it is.
        suppression.lift(key, known.email)
    change(key, lambda known: model.erase(known.subscriber), how, now)
    if known and known.email:
        mailings.erase(known.email)
    # At once, so that "erased" is true when the person reads it; the stream comes later.
    subscribers.tidy(key)


def erase_for(key: str, by: str, who: str, now: datetime) -> None:
    """Erase a person's data on their behalf, on record; `who` is the id of whoever does it."""
    erase(key, by, now, who)
    log.info("newsletter.person_erased", subscriber=key, by=who)


def release(key: str, who: str, now: datetime, complaints: bool = True) -> Subscriber:
    """Let an address that bounced, refused or complained sign up again; SES forgets it, too.

    `who` is the id of whoever does it, who may release after a complaint only where `complaints`
    is true. Any other address stays as it is. Raises NotFound, NotAllowed (`role`), Unavailable.
    """

    def decide(subscriber: Subscriber | None) -> Change:
        if subscriber and subscriber.state == "complained" and not complaints:
            raise NotAllowed("role")
        return model.release(subscriber, now)

    subscriber = get(key)
    if decide(subscriber).changes:
        if subscriber.email:
            suppression.lift(key, subscriber.email)
        how = How({"by": "staff", "staff": who})
        if change(key, lambda known: decide(known.subscriber), how, now):
            log.info("newsletter.released", subscriber=key, by=who)
    return get(key)


def take_over(
    agreed: Signup,
    confirmed_at: datetime,
    how: How,
    source: Mapping[str, str],
    now: datetime,
    dry: bool = False,
) -> bool:
    """Import another system's subscriber, who confirmed there at `confirmed_at`.

    `source` says which file and line; it is recorded beside the facts of `how`. Returns False
    where the subscription is here already, or an import from any source brought the same facts
    before. `dry` writes nothing. Raises Conflict, naming the state, where this system knows better;
    Unavailable.
    """
    recorded = How({**how.facts, **source}, how.personal)
    had_events = False

    def attempt(number: int) -> bool:
        nonlocal had_events
        known = subscribers.load(agreed.key)
        before, suppressed = known.subscriber, known.suppressed
        had_events = had_events or known.version > 0
        try:
            change = model.import_(
                before, suppressed, agreed, confirmed_at, now, known.version, known.withdrawn
            )
        except Conflict as conflict:
            if conflict.state != "erased" and subscribers.is_imported(agreed.key, how.facts):
                return number > 0  # our own write, whose answer was lost, in an attempt before
            raise
        if not change.changes:
            return number > 0  # likewise
        if not dry:
            subscribers.save(known, change, now, recorded)
        return True

    imported = retried(attempt, "newsletter")
    if imported and had_events and not dry:
        _keep_events(agreed.key)
    return imported


def here_already(agreed: Mapping[str, tuple[Signup, datetime]], left: Sequence[str]) -> set[str]:
    """Return the keys of which nothing is to be imported or withdrawn, by few reads for many.

    Those of `agreed` are subscribed, the same in every detail; the owners of `left` have left.
    """
    found = subscribers.load_many(list(agreed))
    same = {each.key for each in found if model.is_same(each, *agreed[each.key])}
    return same | subscribers.withdrawn_of(left)


def keep_wording(sha256: str, text: str) -> None:
    """Keep the declaration of another system, for the proofs that rest on it."""
    kept_wordings.keep(sha256, text)


def knows_wording(sha256: str) -> bool:
    """Tell whether the text of another system's declaration is kept."""
    return kept_wordings.text(sha256) is not None


def find(email: str) -> Known:
    """Return what is known of an address."""
    return subscribers.load(key_of(email))


def known(key: str) -> Subscriber | None:
    """Return the subscriber of a key, or None."""
    return subscribers.load(key).subscriber


def get(key: str) -> Subscriber:
    """Return the subscriber of a key. Raises NotFound."""
    subscriber = subscribers.load(key).subscriber
    if subscriber is None:
        raise NotFound("no_subscriber")
    return subscriber


def prove(key: str, now: datetime, language: str = "") -> dict[str, Any]:
    """Return the proof of consent as JSON values, verified. Raises NotFound.

    `language` is that of the sentences on what is wrong with it, by default the subscriber's.
    """
    document = proof.document(key, wordings, now, language)
    if document is None:
        raise NotFound("no_subscriber")
    return document


def growth(first: date, last: date) -> Mapping[str, Mapping[str, int]]:
    """Return what happened on each day of a span, by event; quiet days are left out."""
    return growth_store.by_day(first, last)


def change(
    key: str,
    decide: Callable[[Known], Change],
    how: How,
    now: datetime,
    guards: Guards = NONE,
) -> bool:
    """Decide on what is known of an address and write the change; tell whether there was one.

    Raises Unavailable, and what `decide` and the guards raise.
    """

    def attempt(_: int) -> bool:
        known = subscribers.load(key)
        change = decide(known)
        subscribers.save(known, change, now, how, guards)
        return change.changes

    return retried(attempt, "newsletter")
