"""The embedded cloud: an emulator, the application's functions and the pages around them, on this machine.

    browser ─→ site          demo pages, on another origin than the API
            ─→ front ─→ emulator (API Gateway, Lambda, DynamoDB, SES, SNS …) ─→ functions (our code, live)
            ─→ mailbox       what SES was given to send and SNS to publish

`python -m local` runs it for a person, `local.cloud.Cloud` for the tests.
"""
