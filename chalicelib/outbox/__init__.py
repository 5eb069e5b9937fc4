"""The outbox: a message due is written with the fact that owes it, and leaves from here.

    due ── claim ──→ sending ── answered ──→ sent
     ↑                  │
     ├── error answer ──┤        (not sent: again with growing pauses, `failed` after three days)
     │                  ├── no answer, or the lease lapsed ──→ unclear
     └──── 15 minutes ──┼────────────────────────────────────────┘
                        ├── no longer owed ──→ void
                        └── cannot be composed ──→ failed
    sent ── SES rejects it after all, or cannot render it ──→ failed

The table's stream delivers a message at once; the clock delivers what was left behind or falls due
later, and all events for other systems. Both call `delivery.deliver`, which claims the message
under a lease, composes it, of an event from its own content and of any other from what is true now,
and makes one attempt. SES and SNS take no idempotency token, so the send itself cannot be
exactly-once: a message is never lost, never sent twice where the service answered, and otherwise
at most once more.

`feedback` takes SES's events about mails (`notices` reads them), `suppression` SES's list of
addresses that get none.
"""
