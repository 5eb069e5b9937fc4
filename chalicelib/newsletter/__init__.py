"""Newsletter: double opt-in. The owner of an address confirms a signup, and the proof is kept.

    none | expired | unsubscribed | bounced ── signup ──→ pending      (for 7 days)
    pending ── signup ──→ pending             (another mail, within the limits of the mailbox)
    pending ── confirm ──→ confirmed          pending ── 7 days ──→ expired (gone)
    pending ── refuse ──→ refused             ("not me": no confirmation mail for 12 months)
    confirmed ── signup ──→ confirmed         (no change, same answer)
    confirmed ── unsubscribe ──→ unsubscribed
    any ── hard bounce, 3 soft ones in 30 days ──→ bounced
    any ── complaint ──→ complained           (bounces, too: about a mail since this opt-in began)
    bounced | refused | complained ── release ──→ unsubscribed  (by the staff)
    none | pending | refused ── import ──→ confirmed  (with the other system's proof)
    none | pending ── withdraw ──→ unsubscribed  (by a file or the staff: a key without the address)
    any ── erase ──→ none                     (the address stays suppressed, as an HMAC)

The code decides what has expired; the table deletes it later. Whoever was erased or has left cannot
be imported, even after a stranger's signup; a confirmation lifts that.

A signup is kept as it came, without a look at what is known of the address, and taken in by the
contacts stream's function: that writes the subscriber, the event, and the mail it owes, in one
transaction. Mails leave from the outbox. The events are a ledger: each has a keyed hash over itself
and the one before, so that tampering shows; the newest is kept outside the table, too. Personal
data enters an event's hash as a digest, so that it can be erased and the chain still be verified.
That the mail service took a confirmation mail is an event.
Read on: `model` (the states), `ledger`, `stores`, `service` (what can be done), `intakes` (what a
form's signup becomes), `links`, `letters`, `reactions` (what a message says when it is due, and
what follows from an event), `clock` (what ledgers have due), `domain_events` (what other systems
are told), `feedback` (bounces, complaints), `proof`, `export`, `routes` (the public), `staff`.
"""
