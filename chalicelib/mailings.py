"""How many mails a mailbox gets of each purpose, whoever asks for them.

A stranger can ask for mails to somebody else's address: by the newsletter's form, by asking for
one's data, and by requests for callbacks with invented numbers. All spellings of one mailbox count
together.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from chalicelib import addresses, aws, instants, keys
from chalicelib.aws import Item
from chalicelib.settings import current

# What a link asks for that was sent to the mailbox is a purpose of its own: strangers cannot use it
# up, and a repeated press brings no second mail.
Purpose = Literal["confirmation", "access", "access by link", "callback"]

V = 1  # the version of the items' format
A_DAY = 3
DAY = timedelta(days=1)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
PAUSE = timedelta(minutes=10)
AT_ONCE: tuple[Purpose, ...] = ("callback",)  # two calls may be asked for in one minute


@dataclass(frozen=True)
class Mailing:
    """The mails of one purpose that a mailbox got within the last day."""

    purpose: Purpose
    mailbox: str  # its key
    sent: tuple[tuple[datetime, str], ...] = ()  # when, and the message's id
    version: int = 0

    def allows(self, now: datetime) -> bool:
        """Tell whether one more may be sent."""
        recent = [at for at, _ in self._recent(now)]
        pause = timedelta(0) if self.purpose in AT_ONCE else PAUSE
        return len(recent) < A_DAY and all(abs(now - at) >= pause for at in recent)

    def pause(self, now: datetime) -> int:
        """Return in how many seconds one more may be sent; 0 where it may be now."""
        recent = self._recent(now)
        frees = [at + PAUSE for at, _ in recent[-1:] if self.purpose not in AT_ONCE]
        frees += [at + DAY for at, _ in recent[: len(recent) - A_DAY + 1]]
        return max((math.ceil((free - now).total_seconds()) for free in frees), default=0)

    def counted(self, message_id: str, now: datetime) -> Item:
        """Return the Update that counts a message; it fails where another was counted meanwhile."""
        sent = [*self._recent(now), (now, message_id)]
        counted = {
            "v": V,
            "sent": [[instants.text(at), each] for at, each in sent],
            "version": self.version + 1,
            "expires": instants.epoch(now + DAY + timedelta(hours=1)),
        }
        seen = {"seen": self.version} if self.version else {}
        condition = "version = :seen" if seen else "attribute_not_exists(pk)"
        place = _place(self.purpose, self.mailbox)
        return aws.assign(current().contacts_table, place, counted, condition, **seen)

    def _recent(self, now: datetime) -> list[tuple[datetime, str]]:
        return [each for each in self.sent if abs(now - each[0]) < DAY]


def load(purpose: Purpose, email: str) -> Mailing:
    """Return the mails of a purpose that the mailbox of an address got."""
    return of_mailbox(purpose, keys.identity("mailbox", addresses.mailbox(email)))


def of_mailbox(purpose: Purpose, mailbox: str) -> Mailing:
    """Return the mails of a purpose that the mailbox of a key got."""
    item = aws.get(current().contacts_table, _place(purpose, mailbox))
    if item is None:
        return Mailing(purpose, mailbox)
    sent = tuple((instants.parse(at), id) for at, id in item["sent"])
    return Mailing(purpose, mailbox, sent, item["version"])


def count(purpose: Purpose, email: str, message_id: str, now: datetime) -> bool:
    """Count a mail that is about to be sent; return whether it may be. Raises Unavailable.

    The same message is counted once, however often it is tried.
    """

    def attempt(_: int) -> bool:
        mailing = load(purpose, email)
        if message_id in {each for _, each in mailing.sent}:
            return True
        if not mailing.allows(now):
            return False
        aws.write(mailing.counted(message_id, now))
        return True

    return aws.retried(attempt, "mailings")


def erase(email: str) -> None:
    """Delete what is counted for the mailbox of an address."""
    mailbox = keys.identity("mailbox", addresses.mailbox(email))
    places = [_place(purpose, mailbox) for purpose in PURPOSES]
    aws.write(*(aws.delete(current().contacts_table, each) for each in places))


def _place(purpose: Purpose, mailbox: str) -> Item:
    return {"pk": f"MAILBOX#{mailbox}", "sk": purpose}
