"""Where callbacks are kept, in the `contacts` table: `requests` (with their events, locks and proofs of
consent), `board` (the requests as the staff look at them), `blocks` (numbers that are not called)."""
