"""What the clock does for ledgers: it makes good what the stream lost, and ends what is over.

A ledger is looked at once in the hour after it changed, when the time to undo a refusal is over,
when it has to go, and once a year. Its head is then kept in the log group of the heads.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice

from chalicelib import instants, log
from chalicelib.aws import Cancelled
from chalicelib.errors import Unavailable
from chalicelib.newsletter import reactions
from chalicelib.newsletter.ledger import Head
from chalicelib.newsletter.stores import heads, subscribers
from chalicelib.newsletter.stores.subscribers import Known
from chalicelib.outbox import store as messages

MOST = 3000  # that one tick looks at
BATCH = 200  # whose heads are kept by one call
_RESERVE = 8.0  # seconds that keeping the heads of a batch and what follows may take
_LATE = timedelta(days=1)


def tick(time_left: Callable[[], float], now: datetime | None = None) -> int:
    """Record mails and look after ledgers that are due; return how many ledgers.

    `time_left()` is in seconds; the rest comes with the next call.
    """
    now = now or instants.now()
    try:
        _record_mails(time_left, now)
        return _look_after(time_left, now)
    except Unavailable as error:
        log.warning("ledgers.stopped", error=str(error))
        return 0


def waiting(now: datetime) -> int:
    """Return how many ledgers are due to be looked after."""
    return len({each.key for each in subscribers.due(now)})


def _record_mails(time_left: Callable[[], float], now: datetime) -> None:
    for message_id in list(islice(messages.unrecorded(now), MOST)):
        if time_left() < _RESERVE:
            return
        try:
            reactions.record_mail(message_id)
        except Unavailable:
            raise
        except Exception:
            log.exception("mail.unrecorded", message=message_id)


def _look_after(time_left: Callable[[], float], now: datetime) -> int:
    found = list(islice(subscribers.due(now), MOST))
    if found and now - found[0].due_at > _LATE:
        log.warning("heads.late", hours=int((now - found[0].due_at).total_seconds() / 3600))
    keys, done = list(dict.fromkeys(each.key for each in found)), 0
    while keys and time_left() >= _RESERVE:
        batch, keys = keys[:BATCH], keys[BATCH:]
        seen: list[Known] = []
        kept: list[Head] = []
        for key in batch:
            if time_left() < _RESERVE:
                break
            try:
                known, head = subscribers.look_after(key, now)
            except Unavailable:
                raise
            except Cancelled:
                continue  # changed meanwhile; the next call takes it up again
            except Exception:
                log.exception("ledger.failed", subscriber=key)
                continue
            seen.append(known)
            kept += [head] if head else []
        # First, so that no ledger is taken for looked after whose head is not kept.
        heads.keep(kept, now)
        for each in seen:
            subscribers.looked_after(each, now)
        done += len(seen)
    return done
