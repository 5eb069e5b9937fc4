"""The proof of a consent: what was agreed to, when and how, and that nobody changed the record.

GDPR Art. 7(1).
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib import company, instants, templates, texts
from chalicelib.consent import Wordings
from chalicelib.newsletter import ledger, words
from chalicelib.newsletter.ledger import Event, Fault, Head
from chalicelib.newsletter.stores import heads, subscribers
from chalicelib.newsletter.stores import wordings as kept_wordings
from chalicelib.outbox import store as messages
from chalicelib.settings import current
from chalicelib.texts import N_


def document(
    key: str, wordings: Wordings, now: datetime, language: str = ""
) -> dict[str, Any] | None:
    """Return the proof as JSON values, verified; None where nothing is known of the address.

    `language` is that of the sentences on what is wrong with it, by default the subscriber's.
    """
    kept = subscribers.kept(key, now)
    events, subscriber = kept.events, kept.subscriber
    if not events and subscriber is None:
        return None
    faults = ledger.faults(subscribers.keyed(key), events, kept.head)
    consents = [event.facts for event in events if "consent" in event.facts]
    shown = sorted({(facts["consent"], facts.get("wording", "")) for facts in consents})
    declarations = []
    for version, sha256 in shown:
        text = _text(version, sha256, wordings)
        if text is None:
            said = N_("The declaration %(version)s is not the one that was shown.")
            faults.append(Fault(said, {"version": version}))
        else:
            declarations.append({"version": version, "text": text, "sha256": sha256})
    made: dict[str, Any] = {
        "company": company.current().legal_name,
        "made_at": instants.text(now),
        "subscriber": {
            "id": key,
            "email": None,
            **(
                {
                    "email": subscriber.email,
                    "state": subscriber.state,
                    "language": subscriber.language,
                    "topics": list(subscriber.topics),
                }
                if subscriber
                else {"state": "none"}
            ),
        },
        "intact": not faults,
        "faults": [],
        "begins_with": events[0].version if events else None,
        "events": [
            {
                "version": event.version,
                "event": event.event,
                "at": event.at,
                "facts": dict(event.facts),
                "personal": {
                    name: value for name, value in (event.personal or {}).items() if name != "salt"
                }
                if event.personal is not None
                else None,
                "previous": event.previous,
                "hash": event.hash,
                "algorithm": event.algorithm,
            }
            for event in events
        ],
        "declarations": declarations,
        "mails": _mails(events),
    }
    spoken = language or language_of(made)
    return {**made, "faults": [tell(fault, spoken) for fault in faults]}


class Compared(NamedTuple):
    """One ledger compared with its heads that were kept outside the table."""

    key: str
    heads: int
    faults: list[Fault]


def compare(now: datetime, key: str = "") -> Iterator[Compared]:
    """Verify each ledger that has a head outside the table, or the one of a key, by its heads."""
    found: dict[str, list[Head]] = {}
    for head in heads.read(key):
        found.setdefault(head.subscriber, []).append(head)
    for each, own in found.items():
        kept = subscribers.kept(each, now)
        hashes = {event.version: event.hash for event in kept.events}
        oldest_first = sorted(own, key=lambda head: head.logged_at)
        faults = ledger.faults(subscribers.keyed(each), kept.events, kept.head)
        faults += ledger.faults_by_heads(oldest_first, hashes, now)
        yield Compared(each, len(own), faults)


def _mails(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the mails that the events owe, oldest first.

    What the ledger itself has on record stays when the outbox has dropped the message.
    """
    owed = [each.facts["message"] for each in events if "message" in each.facts]
    sent = {each.id: each for each in messages.load_many(list(dict.fromkeys(owed)))}
    recorded = {each.facts["message"]: each for each in events if each.event == "mailed"}
    mails: list[dict[str, Any]] = []
    for id in dict.fromkeys(owed):
        if event := recorded.get(id):
            mail: dict[str, Any] = {
                "state": sent[id].state if id in sent else "sent",
                "at": event.at,
                "service_id": event.facts.get("service_id", ""),
                "sha256": event.facts.get("digest", ""),
                "wording": event.facts.get("mail_wording", ""),
            }
        elif message := sent.get(id):
            mail = {
                "state": message.state,
                "at": instants.text(message.ended_at) if message.ended_at else None,
                "service_id": message.service_id,
                "sha256": message.digest,
                "wording": message.wording,
            }
        else:
            continue
        mails.append({"id": id, **mail, "text": _kept_text(mail["wording"])})
    return mails


def tell(fault: Fault, language: str) -> str:
    """Say what is wrong in a sentence, in a language."""
    word, values = texts.of(language).gettext, dict(fault.values)
    if event := values.get("event"):
        values["event"] = word(words.EVENTS.get(event, event))  # type: ignore[call-overload]
    return word(fault.sentence) % values


def _text(version: str, sha256: str, wordings: Wordings) -> str | None:
    """Return the text of a version that has this hash: ours, or kept by an import; else None."""
    if version in wordings.all:
        ours = wordings.all[version]
        return ours.text if ours.sha256 == sha256 else None
    return _kept_text(sha256)


def _kept_text(sha256: str) -> str | None:
    """Return the text that is kept under a hash and has it, or None."""
    kept = kept_wordings.text(sha256) if sha256 else None
    if kept is None or hashlib.sha256(kept.encode()).hexdigest() != sha256:
        return None
    return kept


def language_of(proof: dict[str, Any]) -> str:
    """Return the subscriber's language, by the last event that names one where they are gone."""
    named = [each["facts"]["language"] for each in proof["events"] if "language" in each["facts"]]
    own = proof["subscriber"].get("language") or next(reversed(named), "")
    return company.current().spoken(own)


def page(proof: dict[str, Any], language: str) -> tuple[str, str]:
    """Return the proof as a page to print, and its content security policy."""
    return templates.page(
        "proof",
        current(),
        company.current().spoken(language),
        css="proof",
        proof=proof,
        words=words,
        instant=instants.parse,
    )
