"""The guards of an intake, written with it: a counted limit and a spent proof of work."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import challenges
from chalicelib.aws import Cancelled, Item
from chalicelib.errors import Invalid
from chalicelib.limits import Limit


@dataclass(frozen=True)
class Guards:
    """The guards of one intake. They come first among the members of its transaction."""

    limit: Limit | None = None
    spent: Item | None = None  # the member that uses up the form's proof of work

    def members(self, now: datetime) -> list[Item]:
        """Return the members to write before those of the intake itself."""
        counted = self.limit and self.limit.counted(now)
        return [member for member in (counted, self.spent) if member]

    def refuse(self, cancelled: Cancelled, now: datetime) -> None:
        """Raise the error of the guard that cancelled a transaction, if one did.

        Raises LimitReached at the limit, Invalid (`altcha`) where the proof was used before.
        """
        if self.limit and 0 in cancelled.failed:
            raise self.limit.reached(now) from None
        if self.spent and len(self.members(now)) - 1 in cancelled.failed:
            raise Invalid(challenges.REFUSED) from None


NONE = Guards()
