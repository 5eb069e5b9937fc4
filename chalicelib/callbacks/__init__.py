"""Callbacks: a visitor leaves a number and is called back within the hotline's opening hours.

    – ── submitted ──→ open | scheduled | held
                                    (at once; for a window; the number is blocked, or too often)
    scheduled | retry | held ── opened ──→ open       (the clock, when due: the staff are alerted)
    open ── escalated ──→ open                        (half of the promised time is gone; it broke)
    open | scheduled | retry ── claimed | assigned ──→ claimed    (leased for 15 open minutes)
    claimed ── assigned | taken over | offered | handed over | dialled ──→ claimed
    claimed ── released | lapsed ──→ open | scheduled | retry    (alerted again where it is due)
    claimed ── missed ──→ retry                       (in 20 open minutes, then 2 open hours)
    claimed ── agreed ──→ scheduled                   ("later": the time agreed on)
    claimed ── done ──→ done
    claimed ── unreached ──→ unreached                (the third miss of the last wish)
    claimed ── refused ──→ refused                    (no call wanted: blocked for 90 days)
    claimed ── wrong number ──→ wrong_number          (blocked as long)
    open | scheduled | claimed | retry | held ── held ──→ held    (a supervisor blocks the number)
    held ── admitted ──→ open                         (a supervisor decides, either way)
    held ── declined ──→ refused

The customer, and whoever takes the call:

    open ── wished ──→ open                           (asked again: a further wish)
    scheduled ── wished ──→ scheduled
    retry ── wished ──→ retry
    claimed ── wished ──→ claimed
    held ── wished ──→ held
    open | scheduled | claimed | retry ── rescheduled ──→ scheduled    (by the link of a wish)
    held ── rescheduled ──→ held
    open | scheduled | claimed | retry | held ── cancelled ──→ cancelled    (the last wish)
    open | scheduled | claimed | retry ── cancelled ──→ scheduled     (another wish is to come)
    held ── cancelled ──→ held
    open | scheduled | claimed | retry | held ── called in ──→ done
    open ── corrected ──→ open                        (a mistyped number)
    scheduled ── corrected ──→ scheduled
    claimed ── corrected ──→ claimed
    retry ── corrected ──→ retry
    open | scheduled | claimed | retry | held ── corrected ──→ held    (the right number is blocked)
    open | scheduled | claimed | retry | held ── corrected ──→ wrong_number    (… has a request)
    open | scheduled | claimed | retry | held ── withdrawn ──→ withdrawn     (erased on demand)
    open ── withdrawn ──→ open                        (the wish of one person among several)
    scheduled ── withdrawn ──→ scheduled
    claimed ── withdrawn ──→ claimed
    retry ── withdrawn ──→ retry
    held ── withdrawn ──→ held
    open | scheduled | retry | held ── expired ──→ expired      (5 open days after the last promise)

What an end or an outcome was before, by whoever pressed, within ten minutes:

    done | unreached | refused | wrong_number | retry | scheduled ── undone ──→ claimed
    done | cancelled | scheduled ── undone ──→ open
    done | cancelled ── undone ──→ scheduled
    cancelled ── undone ──→ held                      (blocked meanwhile, or held before)
    done ── undone ──→ retry
    done | unreached | refused | wrong_number | open ── undone ──→ held    (or blocked meanwhile)

    done ── merged ──→ done                           (a new request has the number meanwhile)
    unreached ── merged ──→ unreached
    refused ── merged ──→ refused
    wrong_number ── merged ──→ wrong_number
    done ── followed ──→ done                         (a supervisor makes a request that follows)
    unreached ── followed ──→ unreached
    cancelled ── followed ──→ cancelled
    refused ── followed ──→ refused
    wrong_number ── followed ──→ wrong_number
    expired ── followed ──→ expired

A request has a wish for each time that somebody asked for its number, and every wish its own
window, note, address, reference and link. A wish is met by a call that reaches the customer, or
somebody decides about it. A number with its extension has at most one live request; a block, too,
is by both. The day's limit is by the number alone.

A request from the website is kept as it came, without a look at what is known of the number, and
taken in by the contacts stream's function. In one transaction, each change writes the request on
the condition of the version it read, what happened, the alerts and letters it owes, and with an end
the release of the number's lock. Letters about an end leave after ten minutes, as long as it can be
undone. A name, a number and notes are shown only to whoever has signed in and claimed the request.

Read on: `opening_hours`, `model`, `calls` (when a customer may be called), `workflow` (the
transitions), `phone_numbers`, `stores`, `changes`, `service` (what can be done), `intakes` (what a
form's request becomes), `clock` (every minute), `alerts`, `letters`, `calendar`, `reactions` (what
a message says when it is due), `domain_events` (what other systems are told), `erasure`, `routes`
(the public), `staff`.
"""
