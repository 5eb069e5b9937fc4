"""The simulation that shows that views are counted exactly.

It runs the real handlers over tables that fail, and decides the order of everything.
    expressions ─→ double ─→ wire ─→ boto3's client ─→ the product, unchanged
    hub: one task runs at a time; at every call the seed decides which task goes on
    world: visitors, shards and pollers, the sweeper, the ranker, TTL
    oracle: sets, compared with the sums after every commit

Every fault of a run follows from its seed: `python -m tests.articles.simulation 17` plays run 17
again.
"""
