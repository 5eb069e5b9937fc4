"""The storage of subscribers in the `contacts` table.

`subscribers` has the subscribers with their ledgers and what keeps whoever was erased or left from
coming back, `growth` counters by day, `exports` the reads of the whole table, `wordings` the
declarations of imports.
"""
