"""A backlog of the outbox is drained on the real code, in a time of the simulation's own.

`python -m tests.outbox.simulation [MESSAGES]` prints a line for each of SES's rates, with and
without slow answers and crashes.
"""
