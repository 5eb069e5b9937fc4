"""The day's mails of each lane, counted in several counters so that none becomes hot.

A partition key takes 1,000 writes a second. 16 counters take 1,000 mails a second at 63 each.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import aws, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.outbox import lanes
from chalicelib.outbox.lanes import Lane
from chalicelib.settings import current

V = 1  # the version of the items' format
COUNTERS = 16


@dataclass(frozen=True)
class Counted:
    """A mail that was counted: in which counter, so that the count can be taken back."""

    key: Item


def count(lane: Lane, now: datetime) -> Counted | None:
    """Count one more mail of a lane on this day (UTC); return None where the day's are used up.

    It is one write while mails are left, and COUNTERS where none are.
    """
    first = random.randrange(COUNTERS)
    for number in (*range(first, COUNTERS), *range(first)):
        if most := _most(lane, number):
            key = _key(lane, now, number)
            if _add(key, most, now):
                return Counted(key)
    return None


def take_back(counted: Counted) -> None:
    """Take back the count of a mail that was not sent."""
    aws.write(aws.update(current().contacts_table, counted.key, "ADD used :less", less=-1))


def left(lane: Lane, now: datetime) -> int:
    """Return how many mails of a lane are left on this day, eventually consistent."""
    keys = [_key(lane, now, number) for number in range(COUNTERS)]
    used = sum(item["used"] for item in aws.batch_get(current().contacts_table, keys))
    return max(lanes.cap(lane, current().mails_a_day) - int(used), 0)


def _most(lane: Lane, number: int) -> int:
    """Return a counter's part of the lane's cap; the parts sum to it."""
    whole, rest = divmod(lanes.cap(lane, current().mails_a_day), COUNTERS)
    return whole + (number < rest)


def _key(lane: Lane, now: datetime, number: int) -> Item:
    return {"pk": f"LIMIT#mails#{lane}#{number}", "sk": now.date().isoformat()}


def _add(key: Item, most: int, now: datetime) -> bool:
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    counted = "ADD used :one SET v = :v, expires = :expires"
    below = "attribute_not_exists(used) OR used < :most"
    expires = instants.epoch(tomorrow + timedelta(days=1))
    table = current().contacts_table
    try:
        aws.write(aws.update(table, key, counted, below, one=1, most=most, expires=expires, v=V))
    except Cancelled:
        return False
    return True
