"""`python -m ops retention`: the erasure of what is over, of callbacks and of the newsletter."""

import click
from tqdm import tqdm

from chalicelib import instants
from chalicelib.callbacks import erasure
from chalicelib.newsletter import clock
from ops.stage import OnStage
from ops.words import _, ngettext


@click.command(cls=OnStage, short_help="Erase what is over, of callbacks and the newsletter.")
@click.option("--dry-run", is_flag=True, help="Only name the callbacks; nothing is erased.")
def retention(dry_run: bool) -> None:
    """Erase the contact data of callbacks that ended more than CALLBACK_DAYS ago.

    Figures and proof stay. Of the newsletter it deletes what nobody confirmed in time, refused
    addresses, and proofs whose term is over, and keeps the heads of changed ledgers. The clock does
    this by itself every minute; the command shows what is due, or makes up for a clock that stood
    still. It may be stopped at any time, and the next run goes on.
    """
    now, erased = instants.now(), list[str]()
    with tqdm(unit=" " + _("callbacks"), disable=None, leave=False) as bar:
        while page := erasure.erase_ended(_unhurried, now, dry_run):
            erased += page
            bar.update(len(page))
            if dry_run:
                break
    for reference in erased:
        click.echo(reference)
    if dry_run:
        told = ngettext(
            "contact data of %(num)s callback would be erased",
            "contact data of %(num)s callbacks would be erased",
            len(erased),
        )
    else:
        told = ngettext(
            "contact data of %(num)s callback erased",
            "contact data of %(num)s callbacks erased",
            len(erased),
        )
    click.echo(told)
    ledgers = clock.waiting(now) if dry_run else _look_after()
    if dry_run:
        told = ngettext(
            "%(num)s ledger would be looked after",
            "%(num)s ledgers would be looked after",
            ledgers,
        )
    else:
        told = ngettext("%(num)s ledger looked after", "%(num)s ledgers looked after", ledgers)
    click.echo(told)


def _look_after() -> int:
    done = 0
    with tqdm(unit=" " + _("ledgers"), disable=None, leave=False) as bar:
        while looked := clock.tick(_unhurried):
            done += looked
            bar.update(looked)
    return done


def _unhurried() -> float:
    return 60.0
