"""`python -m ops growth`: the newsletter's growth, day by day."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import click

from chalicelib import instants
from chalicelib.newsletter import service
from chalicelib.newsletter.words import GROWTH
from chalicelib.settings import current
from ops.stage import OnStage
from ops.words import _, ngettext

_EVENTS = {
    "signups": "signup",
    "confirmations": "confirmed",
    "unsubscribes": "unsubscribed",
    "bounces": "bounced",
}


@click.command(cls=OnStage, short_help="Show signups, confirmations, unsubscribes, bounces by day.")
@click.option(
    "--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="How far back."
)
def growth(days: int) -> None:
    """Show signups, confirmations, unsubscribes and bounces of each day, and in all.

    Days are in the company's time zone, today included; days on which nothing happened are left
    out. Imports are not counted.
    """
    last = instants.day(instants.now(), current().time_zone)
    first = last - timedelta(days=days - 1)
    told = service.growth(first, last)
    total: Counter[str] = Counter()
    _row(_("Day"), [_(GROWTH[column]) for column in _EVENTS])
    for day, happened in sorted(told.items()):
        total.update(happened)
        _row(day, [happened.get(event, 0) for event in _EVENTS.values()])
    _row(_("In all"), [total[event] for event in _EVENTS.values()])
    span = ngettext(
        "%(first)s to %(last)s: %(num)s day, on %(quiet)s of them nothing happened",
        "%(first)s to %(last)s: %(num)s days, on %(quiet)s of them nothing happened",
        days,
        first=first,
        last=last,
        quiet=days - len(told),
    )
    click.echo(span)


def _row(name: str, cells: Iterable[object]) -> None:
    click.echo(f"{name:<10}" + "".join(f"{cell:>15}" for cell in cells))
