"""What SES takes of this account: its sending rate, asked for once in ten minutes."""

import time

from chalicelib import aws, log

SLOWEST = 1.0  # mails a second: what SES's sandbox takes, and where SES does not answer
_REFRESH_AFTER = 600.0  # seconds
_known: tuple[float, float] | None = None  # when it was read (monotonic), the rate


def rate() -> float:
    """Return how many mails SES takes of this account a second.

    It is `MaxSendRate` of SES's GetAccount. Where SES does not answer, the rate read last holds.
    """
    global _known
    if _known and time.monotonic() - _known[0] < _REFRESH_AFTER:
        return _known[1]
    try:
        quota = aws.client("sesv2").get_account().get("SendQuota", {})
    except aws.FAILURES as error:
        log.warning("mail.rate_unknown", error=type(error).__name__)
        return _known[1] if _known else SLOWEST
    _known = (time.monotonic(), float(quota.get("MaxSendRate") or SLOWEST))
    return _known[1]


def forget() -> None:
    """Clear what this process knows."""
    global _known
    _known = None
