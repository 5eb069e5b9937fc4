"""The embedded cloud: an emulator, the application and the pages around it, on this machine.

    browser ─→ site       demo pages, on another origin than the API
            ─→ front ─→ emulator (API Gateway, Lambda, DynamoDB, SES, SNS …) ─→ functions
            ─→ mailbox    the mails given to SES and the alerts that SNS published

The functions run our code live. `python -m local` starts the cloud for a person,
`local.cloud.Cloud` for the tests.
"""
