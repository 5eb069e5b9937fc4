"""The simulation of a hotline's year.

Customers ask early and late, twice, with other extensions, by form and by telephone, and use their
links. Strangers ask with somebody else's number. Agents forget requests, press the wrong button and
take it back. Services fail and the clock is late. The code is the real one, the boto3 clients
included. `services` plays DynamoDB, SES and SNS, `world` plays the people, and `checks` compares
what was told with what is stored, and with what then happens.

`python -m tests.callbacks.simulation 5000` plays a longer year.
"""
