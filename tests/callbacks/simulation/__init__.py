"""A year at the hotline: seeded requests, agents who forget, lines that are busy, outages, a clock that is late.

The code is the real one, down to the client; `services` stands for DynamoDB, SES and SNS, `world` is what happens and
what is held against it. `python -m tests.callbacks.simulation 5000` plays a longer year.
"""
