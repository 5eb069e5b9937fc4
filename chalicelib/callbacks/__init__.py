"""Callbacks: a visitor leaves a number and is called back within the hotline's opening hours.

    – ── submitted ──→ open | scheduled       (as soon as possible, or for a window)
    scheduled | retry ── opened ──→ open      (the clock, when it is due: the staff are alerted)
    open ── escalated ──→ open                (after 30, 60, 120, 180 and 240 open minutes)
    open ── claimed ──→ claimed               (one winner; leased for 15 open minutes, or 60)
    claimed ── offered | handed over | dialled ──→ claimed
    claimed ── released | lapsed ──→ open     (alerted again; the customer's waiting time runs on)
    claimed ── missed ──→ retry               (in 20 open minutes, then 2 open hours)
    claimed ── agreed ──→ scheduled           ("later": the window agreed on)
    claimed ── done ──→ done
    claimed ── unreached ──→ unreached        (the third miss)
    claimed ── refused ──→ refused            (wrong number or no call wanted: blocked for 90 days)
    scheduled | open | claimed | retry ── rescheduled ──→ scheduled    (the customer's link)
    scheduled | open | claimed | retry ── cancelled | withdrawn ──→ cancelled
    scheduled | open | claimed | retry ── called in ──→ done
    scheduled | open | retry ── expired ──→ expired      (5 open days after the promised time)

The first escalation alerts everybody on shift, each later one the supervisors. A claim lasts for 60
open minutes from dialling. The second retry is in another half of a day than the attempt before.

A request from the website is kept as it came, without a look at what is known of the number, and
taken in by the contacts stream's function. A number has at most one live request: a second one
merges into it, and its reference leads there. An ended request never reopens; one that follows
names it, and the undo of a cancellation is one of these. In one transaction, each change writes the
request on the condition of the version it read, what happened, the alerts and letters it owes, and
with an end the release of the number's lock. A name and a number are shown only to whoever has
signed in and claimed the request.
Read on: `opening_hours`, `model`, `workflow` (the transitions), `phone_numbers`, `stores`,
`changes`, `service` (what can be done), `intakes` (what a form's request becomes), `clock` (every
minute), `alerts`, `letters`, `calendar`, `reactions` (what a message says when it is due),
`erasure`, `routes` (the public), `staff`.
"""
