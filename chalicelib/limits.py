"""Limits on how often something may happen: counters that are written with what they count.

A counter is a member of the intake's own transaction, so that it costs no further call and counts
only what is stored. Windows are fixed: an hour starts on the hour, a day at the stage's midnight
(`TIME_ZONE`), because "five times a day" means the calendar's day to whoever reads it.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib import aws, instants, keys
from chalicelib.errors import LimitReached
from chalicelib.sender import network
from chalicelib.settings import current

V = 1  # the version of the items' format
_KEPT = timedelta(hours=1)  # beyond the window, because the table's clock may differ from ours


@dataclass(frozen=True)
class Limit:
    """At most `most` of `what` in each window from one `who`.

    A refusal has the code `code` of `messages`; `named` fills its sentence.
    """

    what: str
    who: str
    most: int
    window: Literal["hour", "day"] = "hour"
    code: str = "rate_limited"
    named: str = ""

    def counted(self, now: datetime) -> aws.Item:
        """Return the Update that counts one more, and fails at the limit."""
        starts, ends = self._span(now)
        key = {
            "pk": f"LIMIT#{self.what}#{keys.identity('caller', self.who)}",
            "sk": instants.text(starts),
        }
        return aws.update(
            current().contacts_table,
            key,
            "ADD used :one SET v = :v, expires = if_not_exists(expires, :expires)",
            "attribute_not_exists(used) OR used < :most",
            v=V,
            one=1,
            most=self.most,
            expires=instants.epoch(ends + _KEPT),
        )

    def reached(self, now: datetime) -> LimitReached:
        """Return the error of a reached limit, which asks to retry when the next window starts."""
        _, ends = self._span(now)
        return LimitReached(math.ceil((ends - now).total_seconds()), self.code, self.named)

    def _span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return when the window of an instant starts and ends; a day may have 23 or 25 hours."""
        if self.window == "hour":
            starts = now.replace(minute=0, second=0, microsecond=0)
            return starts, starts + timedelta(hours=1)
        today, zone = instants.day(now, current().time_zone), ZoneInfo(current().time_zone)
        starts, ends = (
            datetime.combine(day, time(), zone).astimezone(UTC)
            for day in (today, today + timedelta(days=1))
        )
        return starts, ends


def per_caller(what: str, address: str, most: int) -> Limit:
    """Return the limit of one caller, times the stage's LIMIT_PER_CALLER_FACTOR."""
    return Limit(what, network(address), most * current().limit_per_caller_factor)
