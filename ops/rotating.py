"""`python -m ops rotate-keys`: a new key signs the links in mails; the old ones go on verifying."""

import json
import secrets
import time

import boto3
import click
from tqdm import tqdm

from chalicelib.settings import current
from ops.stage import OnStage

# Functions read the keys anew after five minutes: until all of them know a key, none may sign with it.
KNOWN_AFTER = 360
PENDING = "0"  # the lowest number verifies, and does not sign


@click.command(cls=OnStage, short_help="Have a new key sign the links; or retire an old one.")
@click.option(
    "--dry-run", is_flag=True, help="Only say which keys there are and what would be done."
)
@click.option(
    "--retire",
    metavar="NUMBER",
    help="Take this key out: every link signed with it stops working at once.",
)
@click.option(
    "--wait",
    type=click.IntRange(0),
    default=KNOWN_AFTER,
    metavar="SECONDS",
    show_default=True,
    help="How long until every function knows the new key.",
)
def rotate_keys(dry_run: bool, retire: str | None, wait: int) -> None:
    """Makes a key, waits until every function knows it, and has it sign from then on.

    Links signed before go on working, since the old keys go on verifying: unsubscribing by an old mail must. Retire a
    key only if it became known to somebody. Interrupted while it waits, run it again: it goes on with the key it made.
    """
    client, secret = boto3.client("secretsmanager"), current().token_secret_arn
    keys: dict[str, str] = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    signing = max(keys, key=int)
    click.echo(f"keys {', '.join(sorted(keys, key=int))}; {signing} signs")
    if retire is not None:
        if retire not in keys or retire == signing:
            raise click.BadParameter(
                f"{retire} is not there, or signs: rotate first", param_hint="--retire"
            )
        if not dry_run:
            click.confirm(
                f"Every link signed with {retire} stops working, unsubscribing too. Retire it?",
                abort=True,
            )
            _write(
                client, secret, {number: key for number, key in keys.items() if number != retire}
            )
            click.echo(f"{retire} is gone, within five minutes everywhere")
        return
    following = str(int(signing) + 1)
    if dry_run:
        click.echo(f"{following} would sign")
        return
    if PENDING not in keys:
        keys[PENDING] = secrets.token_urlsafe(48)
        _write(client, secret, keys)
    for _ in tqdm(
        range(wait), desc="until every function knows it", unit=" s", disable=None, leave=False
    ):
        time.sleep(1)
    keys[following] = keys.pop(PENDING)
    _write(client, secret, keys)
    click.echo(f"{following} signs, within five minutes everywhere; {len(keys)} keys verify")


def _write(client: object, secret: str, keys: dict[str, str]) -> None:
    client.put_secret_value(SecretId=secret, SecretString=json.dumps(keys))  # type: ignore[attr-defined]  # boto3's
