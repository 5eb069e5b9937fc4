"""Limits on how often something may happen: counters that are written with what they count.

A counter is a member of the intake's own transaction, so that it costs no further call and counts
only what is stored. Windows are fixed: an hour starts on the hour, a day at the stage's midnight
(`TIME_ZONE`), because "five times a day" means the calendar's day to whoever reads it.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib import aws, instants, keys
from chalicelib.errors import LimitReached
from chalicelib.settings import current

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
            "ADD used :one SET expires = if_not_exists(expires, :expires)",
            "attribute_not_exists(used) OR used < :most",
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
    return Limit(what, caller(address), most * current().limit_per_caller_factor)


def caller(address: str) -> str:
    """Return who counts as one caller: an IPv4 address, or the /64 network of an IPv6 address.

    A household or a rented server has a whole /64, and may send from any of its addresses. An
    IPv4-mapped address, and one of 6to4, whose owner has 65,536 such networks, is the IPv4 address
    in it. What is no address is itself.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if embedded := ip.ipv4_mapped or ip.sixtofour:
        return str(embedded)
    return f"{ipaddress.IPv6Address(int(ip) >> 64 << 64)}/64"  # without a zone such as %eth0
