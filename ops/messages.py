"""`python -m ops outbox`: the messages that wait or were given up, and sending them again."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import click
from tqdm import tqdm

from chalicelib import aws, instants
from chalicelib.newsletter.words import MAILS
from chalicelib.outbox import lanes, model, store
from chalicelib.outbox.model import Message, State
from chalicelib.settings import current
from ops.stage import OnStage
from ops.words import _, ngettext

_STATES: tuple[State, ...] = ("due", "sending", "unclear", "failed")
_FAR = timedelta(days=3650)


class _Instant(click.ParamType[datetime]):
    """An RFC 3339 instant with its offset."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> datetime:
        """Read an instant; fail with a usage error."""
        try:
            return instants.parse(value)
        except ValueError:
            self.fail(_("%(value)s is no instant such as 2026-11-26T09:00:00+01:00", value=value))


@click.command(cls=OnStage, short_help="List or send again what waits or was given up.")
@click.option(
    "--state", type=click.Choice(_STATES), help="Only these; `failed` reads the whole table."
)
@click.option("--kind", help="Only messages of this kind, such as `newsletter-confirmation`.")
@click.option("--since", type=_Instant(), help="Only those owed at this instant or later.")
@click.option("--until", type=_Instant(), help="Only those owed before this instant.")
@click.option("--retry", is_flag=True, help="Make them due now; by default those that failed.")
@click.option("--dry-run", is_flag=True, help="With --retry: only list them.")
def outbox(
    state: State | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
    retry: bool,
    dry_run: bool,
) -> None:
    """List messages that are due, being sent, unclear or failed; with --retry, send them again.

    A line says since when the message is due, how often it was tried, and why it was not sent.
    Without --state the messages that wait are listed. A message is named by what it is about, never
    by an address.

    --retry takes messages that failed, or with `--state due` those that wait for their next
    attempt. The clock sends them within a minute or two, as fast as SES takes them; one that is no
    longer owed is dropped. Stopped by Ctrl-C, it has done what it has counted; run it again for the
    rest.
    """
    if retry and state not in (None, "due", "failed"):
        raise click.UsageError(_("--retry takes messages that are due or failed"))
    if retry:
        state = state or "failed"

    def wanted(message: Message) -> bool:
        return (
            state in (None, message.state)
            and kind in (None, message.kind)
            and (since is None or message.created_at >= since)
            and (until is None or message.created_at < until)
        )

    found = _failed(wanted) if state == "failed" else filter(wanted, waiting())
    if retry and not dry_run:
        _retry(found)
    else:
        _list(sorted(found, key=lambda message: message.due_at))


def waiting() -> Iterator[Message]:
    """Yield every message that has not reached an end, whenever it falls due."""
    for lane in lanes.EVERY:
        for each in store.due(lane, instants.now() + _FAR):
            message = store.load(each.id)
            if message and message.state in _STATES:
                yield message


def _failed(wanted: Callable[[Message], bool]) -> Iterator[Message]:
    pages = (
        aws.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=current().contacts_table,
            FilterExpression="begins_with(pk, :message) AND #state = :failed",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":message": aws.pack("MSG#"), ":failed": aws.pack("failed")},
        )
    )
    for page in tqdm(pages, unit=" " + _("pages"), disable=None, leave=False):
        found = (store.from_item(aws.unpack_item(item)) for item in page["Items"])
        yield from filter(wanted, found)


def _retry(found: Iterator[Message]) -> None:
    done = left = 0
    for message in found:
        try:
            store.replace(message, model.retried(message, instants.now()))
            done += 1
        except aws.Cancelled:
            left += 1  # somebody else, such as the clock, has changed it meanwhile
    click.echo(
        _("%(done)s due now, %(left)s left as they were: changed meanwhile", done=done, left=left)
    )


def _list(found: list[Message]) -> None:
    lines = [
        (
            instants.text(each.due_at),
            _(MAILS[each.state]),
            ngettext("%(num)s attempt", "%(num)s attempts", each.attempts),
            each.id,
            each.error,
        )
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
    click.echo(ngettext("%(num)s message", "%(num)s messages", len(lines)))
