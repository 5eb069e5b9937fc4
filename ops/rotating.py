"""`python -m ops rotate-keys`: a new key signs the links in mails; the old ones still verify."""

import json
import secrets
import time

import boto3
import click
from tqdm import tqdm

from chalicelib.settings import current
from ops.stage import OnStage
from ops.words import _, ngettext

# Functions read the keys anew after five minutes. Until all of them know a key, none may sign with
# it, or the others would refuse its links.
KNOWN_AFTER = 360  # seconds
PENDING = "0"  # the number of a new key until it signs: the highest number signs, all verify


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
    """Make a key, wait until every function knows it, and have it sign from then on.

    Links that were signed before still work, as the old keys still verify: it must be possible to
    unsubscribe by an old mail. Retire a key only if somebody else got to know it. If the wait is
    interrupted, run the command again: it goes on with the key it made.
    """
    client, secret = boto3.client("secretsmanager"), current().token_secret_arn
    keys: dict[str, str] = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    signing = max(keys, key=int)
    told = ngettext(
        "key %(keys)s; %(signing)s signs",
        "keys %(keys)s; %(signing)s signs",
        len(keys),
        keys=", ".join(sorted(keys, key=int)),
        signing=signing,
    )
    click.echo(told)
    if retire is not None:
        if retire not in keys or retire == signing:
            told = _("%(key)s is not there, or signs: rotate first", key=retire)
            raise click.BadParameter(told, param_hint="--retire")
        if not dry_run:
            question = _(
                "Every link signed with %(key)s stops working, unsubscribing too. Retire it?",
                key=retire,
            )
            click.confirm(question, abort=True)
            _write(
                client, secret, {number: key for number, key in keys.items() if number != retire}
            )
            click.echo(_("%(key)s is gone, within five minutes everywhere", key=retire))
        return
    following = str(int(signing) + 1)
    if dry_run:
        click.echo(_("%(key)s would sign", key=following))
        return
    if PENDING not in keys:
        keys[PENDING] = secrets.token_urlsafe(48)
        _write(client, secret, keys)
    waiting = _("until every function knows it")
    for _second in tqdm(range(wait), desc=waiting, unit=" s", disable=None, leave=False):
        time.sleep(1)
    keys[following] = keys.pop(PENDING)
    _write(client, secret, keys)
    done = ngettext(
        "%(key)s signs, within five minutes everywhere; %(num)s key verifies",
        "%(key)s signs, within five minutes everywhere; %(num)s keys verify",
        len(keys),
        key=following,
    )
    click.echo(done)


def _write(client: object, secret: str, keys: dict[str, str]) -> None:
    client.put_secret_value(SecretId=secret, SecretString=json.dumps(keys))  # type: ignore[attr-defined]  # boto3's
