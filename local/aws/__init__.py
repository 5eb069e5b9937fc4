"""AWS's documented rules, which the emulator does not all know, in one place.

    refusal     an error that AWS answers with
    ses, sns, dynamodb, payloads    what each service refuses: pure functions
    expressions what an expression of DynamoDB's names
    account     the SES account: sending rate, day's quota, pause, suppression list
    undelivered the last sends that were refused or swallowed, for the mailbox
    gate        the middleware in front of the emulator that applies all of this to every client
    ministack   the few things of MiniStack's own that the gate reads or changes

The gate serves live functions, the package, operators' commands and tests alike. The simulations'
doubles, which no request leaves, call the same functions.
"""
