"""Newsletter: double opt-in. A signup asks, the owner of the address answers, and the proof of it is kept.

    none | expired | unsubscribed | bounced ── signup ──→ pending    (7 days; the code checks, the table tidies up)
    pending ── signup ──→ pending             (another mail: at most 1 in 10 minutes and 3 a day)
    pending ── confirm ──→ confirmed          pending ── 7 days ──→ expired (gone)
    pending ── refuse ──→ refused             ("not me": no confirmation mail for 12 months)
    confirmed ── signup ──→ confirmed         (no change, same answer)
    confirmed ── unsubscribe ──→ unsubscribed
    any ── hard bounce, 3 soft ones in 30 days ──→ bounced
    any ── complaint ──→ complained           (only the staff release it: then it is unsubscribed)
    none | pending | refused ── import ──→ confirmed  (with the other system's proof)
    any ── erase ──→ none                     (an HMAC of the address stays suppressed until a confirmation lifts it)

A signup writes the subscriber, what happened, and the mail it owes, in one transaction; mails leave from the outbox.
What happened is a ledger: each event has the hash of the one before, so that tampering shows. Personal data stands
beside the event and enters its hash as a digest, so that it can be erased and the chain still be verified.
Read on: `model` (the states), `ledger`, `store`, `letters`, `reactions` (bounces and complaints among them), `proof`,
`exports`, `routes` (the public), `desk` (the staff).
"""
