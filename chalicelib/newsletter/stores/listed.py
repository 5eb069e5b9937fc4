"""The subscribers as the staff list them, by the sparse index `listed`: the latest first.

The index has an entry for each subscriber, by state and the time of coming into it. Filters are
applied while it is read, so a page of matches may take many reads: they end when the time is over.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from chalicelib import addresses, aws, instants
from chalicelib.aws import Item
from chalicelib.newsletter.filters import ALL, Filter
from chalicelib.newsletter.model import CONFIRM_WITHIN, State, Subscriber
from chalicelib.newsletter.stores import items
from chalicelib.settings import current

# The largest last, so that a count that runs out of time lacks nothing but some of that.
STATES: tuple[State, ...] = tuple(sorted(get_args(State), key=lambda each: each == "confirmed"))
Place = tuple[str, str]  # where an entry is: its time and its subscriber's key
Places = Mapping[str, Place | None]  # by state; None stands before the first entry
_LARGEST = 5000  # entries of one read, which is what DynamoDB's megabyte has room for


@dataclass(frozen=True)
class Page:
    """A page of the list, and after which entries the next one begins; `after` is None at the end.

    A page may have fewer subscribers than asked for, or none: the time was over, or somebody
    changed meanwhile.
    """

    subscribers: tuple[Subscriber, ...]
    after: Places | None


@dataclass(frozen=True)
class Counts:
    """How many subscribers each state has, at least; `complete` says that there are no more."""

    by_state: Mapping[State, int]
    complete: bool


@dataclass
class _Lane:
    """The entries of one state, the latest first, read as far as they are needed."""

    query: Item
    domain: str | None
    room: int  # for the entries of the next read
    taken: Place | None  # the last entry that was taken
    start: Item | None  # where the next read begins
    ahead: list[Place] = field(default_factory=list)
    ended: bool = False  # whether everything has been read

    def read(self) -> None:
        """Read on. Raises Unavailable."""
        start = {"ExclusiveStartKey": self.start} if self.start else {}
        found = aws.call("query", **self.query, Limit=self.room, **start)
        self.ahead += [_place(item) for item in found["Items"] if _is_of(self.domain, item)]
        self.start = found.get("LastEvaluatedKey")
        self.ended = self.start is None
        self.room = min(self.room * 8, _LARGEST)  # more, as it seems to have few matches

    def take(self) -> Place:
        """Take the entry ahead."""
        self.taken = self.ahead.pop(0)
        return self.taken

    @property
    def waits(self) -> bool:
        """Whether nobody knows which entry is ahead, or whether there is one."""
        return not (self.ahead or self.ended)

    @property
    def after(self) -> Place | None:
        """The entry after which to go on: the last one that was taken, or skipped by the filter."""
        return self.taken if self.ahead or self.start is None else _place(self.start)


def page(
    wanted: Filter, at: datetime, after: Places | None, most: int, in_time: Callable[[], bool]
) -> Page:
    """Return a page of those who are meant, as of `at`, the latest first. Raises Unavailable.

    `after` is that of the page before, of the same filter and time; None for the first page. It
    reads once at least, and on while `in_time()`.
    """
    states = [each for each in STATES if wanted.state in (ALL, each)]
    lanes = {
        each: _lane(query, wanted.domain, each, after[each] if after else None, most + 1)
        for each in states
        if (after is None or each in after) and (query := _query(wanted, each, at))
    }
    taken: list[Place] = []
    reads = True
    while True:
        waiting = [each for each in lanes.values() if each.waits]
        if waiting and reads:
            for lane in waiting:
                lane.read()
            reads = in_time()
            continue
        lanes = {state: lane for state, lane in lanes.items() if lane.ahead or not lane.ended}
        if waiting or not lanes or len(taken) == most:
            break
        taken.append(max(lanes.values(), key=lambda each: each.ahead[0]).take())
    found = _load([key for _, key in taken], wanted, at)
    return Page(found, {state: lane.after for state, lane in lanes.items()} if lanes else None)


def count(wanted: Filter, at: datetime, in_time: Callable[[], bool]) -> Counts:
    """Return how many of each state there are of whom all else is true that is asked for.

    It reads while `in_time()`, and each state once at least. Raises Unavailable.
    """
    by_state, complete = dict.fromkeys(STATES, 0), True
    for state in STATES:
        if query := _query(wanted, state, at):
            found, ended = _counted(query, wanted.domain, in_time)
            by_state[state], complete = found, complete and ended
    return Counts(by_state, complete)


def _counted(query: Item, domain: str | None, in_time: Callable[[], bool]) -> tuple[int, bool]:
    """Return how many entries a query finds, and whether these are all."""
    found = 0
    start: Item = {}
    counting = {"Select": "COUNT"} if domain is None else {}
    while True:
        read = aws.call("query", **query, **counting, **start)
        if domain is None:
            found += read["Count"]
        else:
            found += sum(_is_of(domain, item) for item in read["Items"])
        if "LastEvaluatedKey" not in read:
            return found, True
        start = {"ExclusiveStartKey": read["LastEvaluatedKey"]}
        if not in_time():
            return found, False


def _query(wanted: Filter, state: State, at: datetime) -> Item | None:
    """Return the query for the entries of a state, None where it can have no match."""
    first = instants.text(_begins(wanted.first, wanted.zone)) if wanted.first else ""
    last = "~"
    if wanted.last:
        over = _begins(wanted.last + timedelta(days=1), wanted.zone)
        last = instants.text(over - timedelta(milliseconds=1))
    if state == "pending":
        first = max(first, instants.text(at - CONFIRM_WITHIN))  # those before have expired
    if first > last:
        return None
    values: Item = {"state": state, "first": first or "0", "last": last}
    names, filters = {}, []
    if wanted.topic:
        filters.append("contains(topics, :topic)")
        values["topic"] = wanted.topic
    if wanted.language:
        filters.append("#language = :language")
        names["#language"], values["language"] = "language", wanted.language
    if wanted.domain is not None:
        # No expression says how a text ends: the domain's longer namesakes are sorted out later.
        ascii_form = f"@{addresses.ascii_domain(wanted.domain)}"
        values |= {"domain": addresses.to_unicode(ascii_form), "ascii": ascii_form}
        filters.append("(contains(email, :domain) OR contains(email, :ascii))")
    query: Item = {
        "TableName": current().contacts_table,
        "IndexName": "listed",
        "KeyConditionExpression": "listed_key = :state AND listed_at BETWEEN :first AND :last",
        "ExpressionAttributeValues": {f":{name}": aws.pack(each) for name, each in values.items()},
        "ScanIndexForward": False,
    }
    if filters:
        query["FilterExpression"] = " AND ".join(filters)
    if names:
        query["ExpressionAttributeNames"] = names
    return query


def _begins(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _lane(query: Item, domain: str | None, state: State, after: Place | None, room: int) -> _Lane:
    start = None
    if after:
        at, key = after
        place = {"pk": items.pk(key), "sk": "SUB", "listed_key": state, "listed_at": at}
        start = aws.pack_item(place)
    return _Lane(query, domain, room, after, start)


def _place(item: Item) -> Place:
    return item["listed_at"]["S"], items.key_of(item["pk"]["S"])


def _is_of(domain: str | None, item: Item) -> bool:
    """Tell whether an entry's address is of this domain; None is any."""
    if domain is None:
        return True
    own = addresses.ascii_domain(item["email"]["S"].rpartition("@")[2])
    return own == addresses.ascii_domain(domain)


def _load(keys: list[str], wanted: Filter, at: datetime) -> tuple[Subscriber, ...]:
    """Return the subscribers of these keys, in this order, as the table has them now.

    Those of whom something else is true by now are left out.
    """
    places = [{"pk": items.pk(key), "sk": "SUB"} for key in keys]
    stored = aws.batch_get(current().contacts_table, places, consistent=True)
    found = {each.key: each for each in map(items.unpack, stored)}
    there: Iterator[Subscriber] = (found[key] for key in keys if key in found)
    return tuple(each for each in there if wanted.describes(each) and not each.is_expired(at))
