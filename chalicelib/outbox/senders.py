"""How due messages get to `delivery`: from the stream at once, from the clock what waits.

    intake, message ── stream ──→ react ──→ take in, deliver     (for ten seconds a batch)
           └── due index ──→ clock ── queue ──→ senders ──→ take in, deliver   (what is left)
                                                         (and all events for other systems)

Each minute the clock reads what is due, the urgent lane first and the oldest first in each lane, as
much as SES takes in a minute. It deals that round to as many senders as the rate needs; they play
their hands at one pace, so that the messages' order is kept and SES's rate is not exceeded. Events
for other systems all wait for the clock, so that a slow topic keeps no mail waiting, and go beside
SES's rate. Nobody begins an attempt that could outlast the function: what is left stays due.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from chalicelib import aws, errors, instants, intake, log
from chalicelib.aws import Item
from chalicelib.intake import Taker
from chalicelib.outbox import account, counters, delivery, lanes, store
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.lanes import Lane
from chalicelib.outbox.store import Due
from chalicelib.settings import current

# Seconds that one attempt may take: SES's 11, and the writes around it with their repetitions.
ATTEMPT = 20.0
# Seconds for which the reaction sends from one batch. A longer one would keep the stream's next
# records waiting, alerts among them; the clock sends the rest with many hands.
REACTION = 10.0
# The reaction leaves a record of this age (seconds) to the clock, which has it in its list.
FRESH = 60.0
SPAN = 55.0  # seconds of a minute in which senders send
PART = 0.9  # of SES's rate that the clock plans with; the rest is the reaction's
# Messages a second that one sender is given, while there are enough senders: it keeps that pace
# even where SES takes half a second to answer.
PACE = 2.0
SENDERS = 100  # at most; `send_messages` may run as often at once
ALONE = 20  # messages or intakes that the clock sees to itself: too few to wake a sender for
HAND = 250  # intakes or events that one sender is given
EVENTS = 2500  # of a minute, at most
EVENT_PACE = 10.0  # a second, by one sender
PATIENCE = 3  # how often a sender tries a message that SES slows down, before it leaves the rest

Clock = Callable[[], datetime]
TimeLeft = Callable[[], float]  # seconds until Lambda would end the function
# Returns what takes intakes in, by their kind; called only where there is an intake, as its imports
# are a large part of a start.
Takers = Callable[[], Mapping[str, Taker]]


def react(
    records: Iterable[Mapping[str, Any]],
    composers: Mapping[str, Composer],
    takers: Takers,
    settle: Callable[[Mapping[str, Any]], None],
    time_left: TimeLeft,
) -> None:
    """Take in the intakes in a batch of the stream and deliver the new messages.

    `settle` is called for every other record, and for those of messages that changed. Alerts go
    first. What does not leave within REACTION seconds, or once SES takes no more, stays due. A
    record that can never succeed goes to the dead-letter queue, and its neighbours are handled.
    Raises Unavailable, so that the batch comes again.
    """
    owed: list[tuple[int, str, Mapping[str, Any]]] = []
    for record in records:
        try:
            kind = str(record["dynamodb"]["Keys"]["pk"]["S"]).partition("#")[0]
            if kind not in ("INTAKE", "MSG") or record["eventName"] == "MODIFY":
                settle(record)
            elif _is_new(record):
                owed += ((_rank(lane), each, record) for lane, each in _owed(kind, record, takers))
        except errors.Unavailable:
            raise
        except Exception:
            _set_aside(record)
    _send_new(sorted(owed, key=lambda each: each[0]), composers, time_left)


def _owed(kind: str, record: Mapping[str, Any], takers: Takers) -> list[tuple[Lane, str]]:
    """Return lane and id of the messages that a record is about or that its intake owes."""
    image = record["dynamodb"]["NewImage"]
    if kind == "MSG":
        lane: Lane = image["lane"]["S"]
        # Of a lane that only a newer version knows it is that version's to send.
        is_owed = image["state"]["S"] == "due" and lane in lanes.ORDER
        return [(lane, image["id"]["S"])] if is_owed else []
    return [(each.lane, each.id) for each in intake.take(intake.of_image(image), takers())]


def _rank(lane: Lane) -> int:
    return lanes.ORDER.index(lane)


def _send_new(
    owed: list[tuple[int, str, Mapping[str, Any]]],
    composers: Mapping[str, Composer],
    time_left: TimeLeft,
) -> None:
    enough = max(time_left() - REACTION, ATTEMPT)
    outcomes: Counter[str] = Counter()
    for number, (_, message_id, record) in enumerate(owed):
        if time_left() < enough or "slowed" in outcomes:
            log.info("messages.left", left=len(owed) - number)
            return
        try:
            outcomes[delivery.deliver(message_id, composers)] += 1
        except errors.Unavailable:
            raise
        except Exception:
            _set_aside(record)


def _is_new(record: Mapping[str, Any]) -> bool:
    """Tell whether a record is of an item that was just written."""
    now = instants.now().timestamp()
    written = float(record["dynamodb"].get("ApproximateCreationDateTime", now))
    return record["eventName"] == "INSERT" and now - written < FRESH


def _set_aside(record: Mapping[str, Any]) -> None:
    log.exception("record.quarantined")
    delivery.quarantine(record)


def sweep(
    composers: Mapping[str, Composer],
    takers: Takers,
    time_left: TimeLeft,
    clock: Clock = instants.now,
) -> dict[str, int]:
    """Have what is due taken in and delivered; return how many messages were left in which state.

    `handed` are those given to the senders. The line it logs is the clock's heartbeat: how many
    messages were due, and for how long (seconds) the oldest had been.
    """
    at, rate = clock(), account.rate()
    room = max(int(rate * PART * SPAN), 1)
    _take_left_behind(takers, time_left, at, room)
    due, waiting, oldest = _look(at, room)
    events = list(islice(store.due("events", at), EVENTS))
    oldest = min([oldest, *(each.since for each in events)])
    age = int((at - oldest).total_seconds())
    log.info("clock.ticked", due=waiting + len(events), oldest=age, rate=rate)
    ids = [each.id for each in events]
    if len(due) + len(ids) <= ALONE:
        return send([*due, *ids], rate, composers, time_left, clock)
    hands = min(SENDERS, math.ceil(rate / PACE), math.ceil(len(due) / ALONE))
    until = instants.text(at + timedelta(seconds=SPAN))
    for hand in lanes.deal(due, hands):
        _give(ids=hand, pace=rate * PART / hands, until=until)
    for hand in lanes.deal(ids, math.ceil(len(ids) / HAND)):
        _give(ids=hand, pace=EVENT_PACE, until=until)
    return {"handed": len(due) + len(ids)}


def _take_left_behind(takers: Takers, time_left: TimeLeft, now: datetime, room: int) -> None:
    """Have the intakes taken in that the stream has not; many are dealt to the senders."""
    places = list(islice(intake.left_behind(now), room))
    if not places:
        return
    log.warning("intake.left_behind", waiting=len(places))
    if len(places) <= ALONE:
        take_in(places, takers, time_left)
        return
    until = instants.text(now + timedelta(seconds=SPAN))
    for hand in lanes.deal(places, min(SENDERS, math.ceil(len(places) / HAND))):
        _give(intakes=hand, until=until)


def take_in(places: list[Item], takers: Takers, time_left: TimeLeft) -> int:
    """Take in the intakes of these keys; return how many were left.

    One that fails is logged, and its neighbours go on. What they owe is due at once.
    """
    for number, place in enumerate(places):
        if time_left() < ATTEMPT:
            return len(places) - number
        try:
            if found := intake.load(place):
                intake.take(found, takers())
        except errors.Unavailable as error:
            log.warning("senders.stopped", left=len(places) - number, error=str(error))
            return len(places) - number
        except Exception:
            log.exception("intake.failed")
    return 0


def _look(now: datetime, room: int) -> tuple[list[str], int, datetime]:
    """Return the ids of mails and alerts that leave now, how many are due, and since when."""
    found: dict[Lane, list[Due]] = {
        lane: list(islice(store.due(lane, now), room)) for lane in lanes.ORDER
    }
    counts = {
        lane: store.count_due(lane, now) if len(due) == room else len(due)
        for lane, due in found.items()
    }
    oldest = min((each.since for due in found.values() for each in due), default=now)
    shares = lanes.share_out(_within_caps(counts, now), room)
    ids = [each.id for lane in lanes.ORDER for each in found[lane][: shares[lane]]]
    return ids, sum(counts.values()), oldest


def _within_caps(due: Mapping[Lane, int], now: datetime) -> dict[Lane, int]:
    """Return how many of the due messages of each lane the day's mails still allow.

    Alerts are all tried, as those to the topic are no mails.
    """
    allowed = dict(due)
    if waiting := due["transactional"]:
        left = counters.left("transactional", now)
        allowed["transactional"] = min(waiting, left)
        if left < waiting:
            log.warning("mail.cap", lane="transactional", waiting=waiting - left)
    return allowed


def _give(**hand: Any) -> None:
    aws.client("sqs").send_message(
        QueueUrl=current().outbox_queue_url, MessageBody=json.dumps(hand)
    )


def play(
    event: Mapping[str, Any],
    composers: Mapping[str, Composer],
    takers: Takers,
    time_left: TimeLeft,
    clock: Clock = instants.now,
) -> dict[str, int]:
    """Play the hands of an event of the queue; return how many messages were left in which state.

    It raises nothing: what is not done is still due, and the clock deals it again.
    """
    outcomes: Counter[str] = Counter()
    for record in event["Records"]:
        hand = json.loads(record["body"])
        until = instants.parse(hand["until"])

        def left(until: datetime = until) -> float:
            return min(time_left(), (until - clock()).total_seconds() + ATTEMPT)

        if places := hand.get("intakes"):
            outcomes["left"] += take_in(places, takers, left)
        else:
            outcomes.update(send(hand["ids"], hand["pace"], composers, left, clock))
    return dict(outcomes)


def send(
    ids: list[str],
    pace: float,
    composers: Mapping[str, Composer],
    time_left: TimeLeft,
    clock: Clock,
) -> dict[str, int]:
    """Deliver messages in order, `pace` a second; return how many were left in which state.

    It stops while an attempt still fits into `time_left()`, once SES has slowed down one message
    PATIENCE times, and where the table does not answer. The rest stays due.
    """
    outcomes: Counter[str] = Counter()
    began = clock()
    try:
        for number, message_id in enumerate(ids):
            _wait(began + timedelta(seconds=number / pace), clock)
            outcome = "" if time_left() < ATTEMPT else _deliver(message_id, composers, clock)
            if not outcome or outcome == "slowed":
                outcomes[outcome or "left"] += len(ids) - number
                break
            outcomes[outcome] += 1
    except errors.Unavailable as error:
        log.warning("senders.stopped", left=len(ids) - number, error=str(error))
        outcomes["left"] += len(ids) - number
    return dict(outcomes)


def _deliver(message_id: str, composers: Mapping[str, Composer], clock: Clock) -> str:
    """Deliver a message; where SES slows it down, try again after a second, then two."""
    for tried in range(1, PATIENCE + 1):
        outcome = delivery.deliver(message_id, composers, clock())
        if outcome != "slowed" or tried == PATIENCE:
            return outcome
        aws.sleep(tried)
    return outcome


def _wait(until: datetime, clock: Clock) -> None:
    seconds = (until - clock()).total_seconds()
    if seconds > 0:
        aws.sleep(seconds)
