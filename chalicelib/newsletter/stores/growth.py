"""What happened to the newsletter on each day: counters written with what they count."""

import random
from datetime import date, datetime

from chalicelib import aws, instants
from chalicelib.aws import Item
from chalicelib.settings import current

EVENTS = ("signup", "confirmed", "unsubscribed", "bounced", "complained", "erased")
V = 1  # the version of the items' format
LANES = 16  # so that signups at the same time need not wait for one another's counter


def counted(event: str, now: datetime) -> Item:
    """Return the Update that counts one event, as a member of a transaction."""
    day = instants.day(now, current().time_zone).isoformat()
    key = {"pk": "GROWTH", "sk": f"{day}#{random.randrange(LANES):02}"}
    names = {"#event": event}
    adds = "ADD #event :one SET v = :v"
    return aws.update(current().contacts_table, key, adds, names=names, one=1, v=V)


def by_day(first: date, last: date) -> dict[str, dict[str, int]]:
    """Return what happened on each day of a span, by event, in one query.

    Days are `YYYY-MM-DD`; those on which nothing happened are left out.
    """
    days: dict[str, dict[str, int]] = {}
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    ends = {"first": first.isoformat(), "last": f"{last.isoformat()}#~"}
    for item in aws.query(current().contacts_table, span, pk="GROWTH", **ends):
        day = days.setdefault(item["sk"].partition("#")[0], {})
        for event in EVENTS:
            if event in item:
                day[event] = day.get(event, 0) + item[event]
    return days
