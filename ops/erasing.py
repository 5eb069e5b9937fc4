"""`python -m ops erase`: everything the newsletter has of a person goes, as the person's own button does it."""

import getpass

import click

from chalicelib import instants, log
from chalicelib.aws import Cancelled
from chalicelib.newsletter import model, proof, store
from chalicelib.newsletter.store import How
from ops.proving import UNKNOWN, address
from ops.stage import OnStage


@click.command(cls=OnStage, short_help="Erase a person's data (GDPR Art. 17).")
@click.argument("email")
@click.option("--dry-run", is_flag=True, help="Only say what there is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def erase(context: click.Context, email: str, dry_run: bool, yes: bool) -> None:
    """Erases what the newsletter has of EMAIL; what stays is an HMAC that keeps the address from being imported.

    The events lose what was personal in them within minutes, by the table's stream. Exit code 2: nothing is known.
    """
    key = proof.key_of(address(email))
    known = store.load(key)
    if known.subscriber is None:
        click.echo("erased before" if known.suppressed else "nothing is known of this address", err=True)
        context.exit(0 if known.suppressed else UNKNOWN)
    click.echo(f"{known.subscriber.state}, {known.version} events, key {key}")
    if dry_run:
        return
    if not yes:
        click.confirm("This cannot be undone. Erase?", abort=True)
    now = instants.now()
    try:
        store.save(known, model.erase(known.subscriber), now, How({"by": "operator"}))
    except Cancelled:
        raise click.ClickException("the subscriber changed just now: run the same command again") from None
    log.info("newsletter.erased_by_hand", subscriber=key, by=getpass.getuser())
    click.echo("erased")
