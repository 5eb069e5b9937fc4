"""Callbacks: a visitor leaves a number and is called back within the hotline's opening hours.

    – ── submitted ──→ open | scheduled       (as soon as possible, or for a window the visitor wished)
    scheduled | retry ── opened ──→ open      (the clock, when it is due: the staff are alerted)
    open ── escalated ──→ open       (after 30 open minutes everybody on shift, 60 the supervisor, then hourly, 3 times)
    open ── claimed ──→ claimed               (one winner; a lease of 15 open minutes, 60 once the number is dialled)
    claimed ── offered | handed over | dialled ──→ claimed
    claimed ── released | lapsed ──→ open     (alerted again; the customer's waiting time runs on)
    claimed ── missed ──→ retry               (after 20 open minutes, then 2 open hours and another half of a day)
    claimed ── agreed ──→ scheduled           ("later": the window agreed on)
    claimed ── done ──→ done
    claimed ── unreached ──→ unreached        (the third miss)
    claimed ── refused ──→ refused            (wrong number, or "not requested": not called again for 90 days)
    scheduled | open | claimed | retry ── rescheduled ──→ scheduled    (the customer's link)
    scheduled | open | claimed | retry ── cancelled | withdrawn ──→ cancelled
    scheduled | open | claimed | retry ── called in ──→ done
    scheduled | open | retry ── expired ──→ expired                    (5 open days after what was promised)

A number has at most one live request: a second one merges into it, and is answered alike. An ended request never
reopens; one that follows names it, and the undo of a cancellation is one of these. Each change writes the request on
the condition of the version it read, what happened, the alerts and letters it owes, and with an end the number's lock,
in one transaction. No name or number leaves the table but to whoever has signed in and claimed.
Read on: `hotline` (opening hours), `model`, `workflow` (the transitions), `numbers`, `store`, `clock` (every minute),
`alerts`, `letters`, `reactions` (what a message says when it is due), `routes` (the public), `desk` (the staff).
"""
