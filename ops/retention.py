"""`python -m ops retention`: the erasure of contact data of callbacks whose term is over."""

import click
from tqdm import tqdm

from chalicelib import instants
from chalicelib.callbacks import erasure
from ops.stage import OnStage
from ops.words import _, ngettext


@click.command(cls=OnStage, short_help="Erase the contact data of callbacks whose term is over.")
@click.option("--dry-run", is_flag=True, help="Only name the callbacks; nothing is erased.")
def retention(dry_run: bool) -> None:
    """Erase the contact data of callbacks that ended more than CALLBACK_DAYS ago.

    Figures and proof stay. The clock does this by itself every minute; the command shows what is
    due, or makes up for a clock that stood still. It may be stopped at any time, and the next run
    goes on.
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


def _unhurried() -> float:
    return 60.0
