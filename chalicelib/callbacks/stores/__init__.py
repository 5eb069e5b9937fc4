"""The storage of callbacks in the `contacts` table.

`requests` has the requests with their events, locks and proofs of consent, `board` the requests as
the staff look at them, `blocks` the numbers that are not called.
"""
