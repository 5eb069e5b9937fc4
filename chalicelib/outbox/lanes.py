"""The lanes in which messages leave, and how they share what SES takes. Pure.

A lane of mails has a share of the day's mails for itself, so that no kind of mail can use up
another's. Of what SES takes in a minute the urgent lane has what it needs, and leaves the others
their least. Events for other systems are no mails: their lane is outside of all shares.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

Lane = Literal["alerts", "transactional", "events"]
Thing = TypeVar("Thing")

# Shares of the day's mails in percent, the most urgent lane first.
SHARES: Mapping[Lane, int] = {"alerts": 20, "transactional": 80}
ORDER: tuple[Lane, ...] = tuple(SHARES)
EVERY: tuple[Lane, ...] = (*ORDER, "events")
# What lanes before it leave a lane of each minute's messages, in percent.
LEAST: Mapping[Lane, int] = {"alerts": 0, "transactional": 20}


def cap(lane: Lane, a_day: int) -> int:
    """Return how many of the day's mails are the lane's: its share, rounded up."""
    return -(-a_day * SHARES[lane] // 100)


def share_out(due: Mapping[Lane, int], room: int) -> dict[Lane, int]:
    """Return how many messages of each lane leave now, of those that are due."""
    least = {lane: min(due[lane], room * LEAST[lane] // 100) for lane in ORDER}
    given: dict[Lane, int] = {}
    for number, lane in enumerate(ORDER):
        left = room - sum(given.values()) - sum(least[each] for each in ORDER[number + 1 :])
        given[lane] = min(due[lane], left)
    return given


def deal(things: Sequence[Thing], hands: int) -> list[list[Thing]]:
    """Deal things round, so that hands that are played at one pace keep the things' order."""
    return [list(things[hand::hands]) for hand in range(hands)]
