"""Article views: one per visitor, article and day, counted exactly and cheaply.

    beacon ── PutItem if absent ──→ marker ── stream ──→ one transaction: flag the markers, add to total and day
                                                         every minute: the most-read lists

The marker is the token: total(article) = number of its markers with the flag `c`. The condition on the flag
stands in the same transaction as the sums, so redelivery, reordering, parallel batches and crashes cannot change it.
Read on: `model`, `store`, `counting` (the stream's reaction), `ranking`, `routes`.
"""
