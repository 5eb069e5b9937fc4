"""The simulation of a hotline's year.

Seeded requests arrive. Agents forget them, lines are busy, services fail and the clock is late. The
code is the real one, the boto3 clients included. `services` plays DynamoDB, SES and SNS, `world`
plays the people and checks every step.

`python -m tests.callbacks.simulation 5000` plays a longer year.
"""
