"""Limits on how often something may happen: counters that are written with what they count.

A counter is a member of the intake's own transaction, so that it costs no further call and counts
only what is stored. Windows are fixed: an hour starts on the hour.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import aws, instants, keys
from chalicelib.errors import LimitReached
from chalicelib.settings import current


@dataclass(frozen=True)
class Limit:
    """At most `most` of `what` an hour from one `who`."""

    what: str
    who: str
    most: int

    def counted(self, now: datetime) -> aws.Item:
        """Return the Update that counts one more, and fails at the limit."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        key = {
            "pk": f"LIMIT#{self.what}#{keys.identity('caller', self.who)}",
            "sk": instants.text(hour),
        }
        return aws.update(
            current().contacts_table,
            key,
            "ADD used :one SET expires = if_not_exists(expires, :expires)",
            "attribute_not_exists(used) OR used < :most",
            one=1,
            most=self.most,
            expires=instants.epoch(hour + timedelta(hours=2)),
        )

    def reached(self, now: datetime) -> LimitReached:
        """Return the error of a reached limit, which asks to retry when the next hour starts."""
        return LimitReached(3600 - (now.minute * 60 + now.second))


def per_caller(what: str, caller: str, most: int) -> Limit:
    """Return the limit of one caller's IP address, times the stage's LIMIT_PER_CALLER_FACTOR."""
    return Limit(what, caller, most * current().limit_per_caller_factor)
