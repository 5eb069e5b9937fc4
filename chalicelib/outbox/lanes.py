"""The lanes in which messages leave, and how they share what SES takes. Pure.

A lane has a share of the day's mails for itself, so that no kind of mail can use up another's. Of
a minute's mails a lane has its share first; what a lane leaves is the others', in their order.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

Lane = Literal["alerts", "transactional"]
Thing = TypeVar("Thing")

# Shares in percent, the most urgent lane first.
SHARES: Mapping[Lane, int] = {"alerts": 20, "transactional": 80}
ORDER: tuple[Lane, ...] = tuple(SHARES)


def cap(lane: Lane, a_day: int) -> int:
    """Return how many of the day's mails are the lane's: its share, rounded up."""
    return -(-a_day * SHARES[lane] // 100)


def share_out(due: Mapping[Lane, int], room: int) -> dict[Lane, int]:
    """Return how many messages of each lane leave now, of those that are due."""
    given = {lane: min(due.get(lane, 0), room * SHARES[lane] // 100) for lane in ORDER}
    for lane in ORDER:
        more = min(due.get(lane, 0) - given[lane], room - sum(given.values()))
        given[lane] += max(more, 0)
    return given


def deal(things: Sequence[Thing], hands: int) -> list[list[Thing]]:
    """Deal things round, so that hands that are played at one pace keep the things' order."""
    return [list(things[hand::hands]) for hand in range(hands)]
