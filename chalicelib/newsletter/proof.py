"""The proof of a consent: what was agreed to, when and how, and that nobody changed the record.

GDPR Art. 7(1).
"""

import hashlib
from datetime import datetime
from typing import Any

from chalicelib import company, instants, templates, texts
from chalicelib.consent import Wordings
from chalicelib.newsletter import ledger, words
from chalicelib.newsletter.ledger import Fault
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores import wordings as kept_wordings
from chalicelib.outbox import store as messages
from chalicelib.settings import current
from chalicelib.texts import N_


def document(
    key: str, wordings: Wordings, now: datetime, language: str = texts.SOURCE
) -> dict[str, Any] | None:
    """Return the proof as JSON values, verified; None where nothing is known of the address.

    `language` is that of the sentences on what is wrong with it.
    """
    events, known = subscribers.events(key), subscribers.load(key)
    subscriber = known.subscriber
    if not events and subscriber is None:
        return None
    faults = ledger.faults(events, subscribers.head(key))
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
    sent = messages.load_many(
        [event.facts["message"] for event in events if "message" in event.facts]
    )
    return {
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
        "faults": [_said(fault, language) for fault in faults],
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
            }
            for event in events
        ],
        "declarations": declarations,
        "mails": [
            {
                "id": each.id,
                "state": each.state,
                "at": instants.text(each.ended_at) if each.ended_at else None,
                "service_id": each.service_id,
                "sha256": each.digest,
            }
            for each in sent
        ],
    }


def _said(fault: Fault, language: str) -> str:
    word, values = texts.of(language).gettext, dict(fault.values)
    if event := values.get("event"):
        values["event"] = word(words.EVENTS.get(event, event))  # type: ignore[call-overload]
    return word(fault.sentence) % values


def _text(version: str, sha256: str, wordings: Wordings) -> str | None:
    """Return the text of a version that has this hash: ours, or kept by an import; else None."""
    if version in wordings.all:
        ours = wordings.all[version]
        return ours.text if ours.sha256 == sha256 else None
    kept = kept_wordings.text(sha256)
    if kept is None or hashlib.sha256(kept.encode()).hexdigest() != sha256:
        return None
    return kept


def page(proof: dict[str, Any], language: str) -> tuple[str, str]:
    """Return the proof as a page that prints on one sheet, and its content security policy."""
    return templates.page(
        "proof",
        current(),
        company.current().spoken(language),
        css="proof",
        proof=proof,
        words=words,
        instant=instants.parse,
    )
