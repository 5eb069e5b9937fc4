"""The proof that views are counted exactly: the real handlers over a table that fails, in an order of our making.

    expressions ─→ double ─→ wire ─→ boto3's client ─→ the product, unchanged
    hub: one task runs at a time, and a seed decides which goes on at every call
    world: visitors, shards and pollers, the sweeper, the ranker, TTL · oracle: sets, compared after every commit

Every fault of a run follows from its seed: `python -m tests.articles.simulation 17` plays run 17 again.
"""
