"""Newsletter: double opt-in. A signup asks, the owner of the address answers, and the proof of it is kept.

    none | expired ── signup ──→ pending      (7 days; the code checks, the table's TTL tidies up)
    pending ── signup ──→ pending             (another confirmation mail, at most 1 in 10 minutes and 3 a day)
    pending ── confirm ──→ confirmed
    confirmed ── signup, confirm ──→ confirmed   (no change, same answer)

A signup writes the subscriber, what happened, and the confirmation mail it owes, in one transaction; the mail
leaves from the outbox. Read on: `model` (the states), `store`, `letters`, `reactions`, `routes`.
"""
