"""What can be done with subscriptions: load, decide, save, and again after a conflict.

No HTTP. Routes, staff pages, reactions and operators' commands call it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chalicelib import challenges, company, intake, limits, log, mailings, texts
from chalicelib.aws import retried
from chalicelib.consent import Wording, Wordings
from chalicelib.errors import BadToken, Conflict, FieldError, Invalid, NotFound, Unavailable
from chalicelib.guards import NONE, Guards
from chalicelib.limits import Limit
from chalicelib.newsletter import intakes, links, model, proof
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.links import CONFIRM, DATA, PREFERENCES, UNSUBSCRIBE
from chalicelib.newsletter.model import Change, Signup, Subscriber
from chalicelib.newsletter.stores import growth as growth_store
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores import wordings as kept_wordings
from chalicelib.newsletter.stores.subscribers import Known
from chalicelib.outbox import suppression
from chalicelib.sender import Sender
from chalicelib.settings import current

wordings = Wordings("newsletter")


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
    """Confirm the subscription that a mailed link stands for. Raises BadToken."""
    key, letter = links.read(CONFIRM, token, now)
    how = How({"letter": str(letter)}, sender.personal())
    if change(key, lambda known: model.confirm(known.subscriber, letter, now), how, now):
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


def refuse(token: str, now: datetime) -> None:
    """Take note that the owner of the address did not sign up. Raises BadToken."""
    key, letter = links.read(CONFIRM, token, now)
    change(key, lambda known: model.refuse(known.subscriber, letter, now), How(), now)


def unsubscribe(token: str, sender: Sender, now: datetime) -> None:
    """End the subscription. The link never expires. Raises BadToken."""
    key, _ = links.read(UNSUBSCRIBE, token, now)
    how = How({}, sender.personal())
    change(key, lambda known: model.unsubscribe(known.subscriber, now), how, now)


def withdraw(key: str, how: How, now: datetime, dry: bool = False) -> str:
    """Record a withdrawal that came by another way than our links.

    Returns what it did: `unsubscribed` where it ended a subscription, `withdrawn` where it is kept
    as an end, empty where nothing changed. `dry` writes nothing. Raises Unavailable.
    """
    done = ""

    def decide(known: Known) -> Change:
        nonlocal done
        left = known.suppressed or known.withdrawn
        change = model.withdraw(known.subscriber, key, now, known.version, left)
        # Where there is no change, it may be our own write, whose answer was lost, that did it.
        done = change.event or done
        return Change(known.subscriber, known.subscriber) if dry else change

    change(key, decide, how, now)
    return done


def by_preferences_link(token: str, now: datetime) -> Subscriber:
    """Return the subscriber whose preferences a link opens. Raises BadToken."""
    key, _ = links.read(PREFERENCES, token, now)
    subscriber = subscribers.load(key).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        raise BadToken
    return subscriber


def prefer(
    token: str, chosen: tuple[str, ...], language: str, sender: Sender, now: datetime
) -> None:
    """Save topics and language; the same ones again change nothing and count nothing.

    Raises BadToken, LimitReached.
    """
    key, _ = links.read(PREFERENCES, token, now)
    topics = tuple(topic for topic in company.current().newsletter_topics if topic in chosen)
    how = How({"topics": ",".join(topics), "language": language}, sender.personal())
    limit = Limit("preferences", key, model.PREFERENCES_A_DAY, "day", "preferences_limit")

    def attempt(_: int) -> None:
        known = subscribers.load(key)
        change = model.prefer(known.subscriber, topics, language)
        if change.changes:
            subscribers.save(known, change, now, how, Guards((limit,)))

    retried(attempt, "newsletter")


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


def data_by_link(token: str, now: datetime) -> dict[str, Any]:
    """Return everything stored on the person (GDPR Art. 15 and 20). Raises BadToken."""
    key, _ = links.read(DATA, token, now)
    document = proof.document(key, wordings, now, company.current().language)
    if document is None:
        raise BadToken
    return document


def erase_by_link(token: str, now: datetime) -> None:
    """Erase the person's data on their own word. Raises BadToken."""
    key, _ = links.read(DATA, token, now)
    erase(key, "person", now)


def erase(key: str, by: str, now: datetime) -> None:
    """Erase a person's data (GDPR Art. 17), completely when this returns. Idempotent.

    `by` says on whose word. An HMAC of the address stays, which keeps it from being imported.
    Raises Unavailable, where SES does not delete the address from its suppression list, too.
    """
    intake.erase(key)
    known = subscribers.load(key).subscriber
    if known and known.email:
        # First, as the record is the last place that tells which address it is.
        suppression.lift(key, known.email)
    change(key, lambda known: model.erase(known.subscriber), How({"by": by}), now)
    if known and known.email:
        mailings.erase(known.email)
    # At once, so that "erased" is true when the person reads it; the stream comes later.
    subscribers.tidy(key)


def erase_for(key: str, by: str, who: str, now: datetime) -> None:
    """Erase a person's data on their behalf, on record; `who` is the id of whoever does it."""
    erase(key, by, now)
    log.info("newsletter.person_erased", subscriber=key, by=who)


def release(key: str, who: str, now: datetime) -> Subscriber:
    """Let an address that bounced, refused or complained sign up again; SES forgets it, too.

    `who` is the id of whoever does it. Any other address stays as it is. Raises NotFound,
    Unavailable.
    """
    subscriber = get(key)
    if model.release(subscriber, now).changes:
        suppression.lift(key, subscriber.email)
        how = How({"by": "staff"})
        if change(key, lambda known: model.release(known.subscriber, now), how, now):
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


def get(key: str) -> Subscriber:
    """Return the subscriber of a key. Raises NotFound."""
    subscriber = subscribers.load(key).subscriber
    if subscriber is None:
        raise NotFound("no_subscriber")
    return subscriber


def prove(key: str, now: datetime, language: str = texts.SOURCE) -> dict[str, Any]:
    """Return the proof of consent as JSON values, verified. Raises NotFound.

    `language` is that of the sentences on what is wrong with it.
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
