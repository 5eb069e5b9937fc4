"""The guards of an intake, written with it: counted limits and a spent proof of work."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import challenges
from chalicelib.aws import Cancelled, Item
from chalicelib.errors import BadProof
from chalicelib.limits import Limit


@dataclass(frozen=True)
class Guards:
    """The guards of one intake. They come first among the members of its transaction."""

    limits: tuple[Limit, ...] = ()
    spent: Item | None = None  # the member that uses up the form's proof of work

    def members(self, now: datetime) -> list[Item]:
        """Return the members to write before those of the intake itself."""
        counted = [limit.counted(now) for limit in self.limits]
        return [*counted, self.spent] if self.spent else counted

    def refuse(self, cancelled: Cancelled, now: datetime) -> None:
        """Raise the error of the first guard that cancelled a transaction, if one did.

        Raises LimitReached at a limit, BadProof where the proof was used before.
        """
        own = len(self.limits) + bool(self.spent)
        if any(position >= own for position in cancelled.failed):
            # What the intake was decided on has changed, too. Decided anew it may be a repeat,
            # which changes nothing and so reaches no limit.
            return
        for position, limit in enumerate(self.limits):
            if position in cancelled.failed:
                raise limit.reached(now) from None
        if cancelled.failed and self.spent:
            raise BadProof(challenges.REFUSED) from None


NONE = Guards()
