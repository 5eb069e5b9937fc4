"""Article views: one per visitor, article and day, counted exactly and cheaply.

    beacon ── PutItem if absent ──→ marker ── stream ──→ one transaction: flag the markers,
                                                         add to the total and the day
                                                         every minute: the most-read lists

The marker is the token: total(article) = number of its markers with the flag `c`. The condition on
the flag is part of the transaction that adds to the sums, so redelivery, reordering, parallel
batches and crashes cannot change that.
Read on: `model`, `stores`, `counting` (of what the stream brings), `ranking`, `service`, `routes`.
"""
