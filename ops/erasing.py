"""`python -m ops erase`: the erasure of a person, as their own button or the staff's page does."""

import getpass
from collections.abc import Iterator

import click
from tqdm import tqdm

from chalicelib import aws, instants, log
from chalicelib.aws import Cancelled
from chalicelib.callbacks import clock, desk
from chalicelib.callbacks import store as callbacks
from chalicelib.callbacks.model import Who
from chalicelib.errors import Invalid
from chalicelib.newsletter import model, proof, store
from chalicelib.newsletter.store import How, Known
from chalicelib.settings import current
from ops.proving import UNKNOWN, address
from ops.stage import OnStage

_OPERATOR = Who("operator", "operator")


@click.command(cls=OnStage, short_help="Erase a person's data (GDPR Art. 17).")
@click.argument("email", required=False)
@click.option("--phone", metavar="NUMBER", help="Erase the callbacks of this number (too).")
@click.option("--dry-run", is_flag=True, help="Only say what there is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def erase(
    context: click.Context, email: str | None, phone: str | None, dry_run: bool, yes: bool
) -> None:
    """Erase the newsletter's data of EMAIL and the callbacks that name it, and those of a number.

    What stays is an HMAC that keeps the address from being imported and, of callbacks, figures and
    consent without the person. A live callback ends. With EMAIL the whole table is read, to find
    callbacks. Exit code 2: nothing is known of the person.
    """
    if not (email or phone):
        raise click.UsageError("say who: EMAIL, --phone NUMBER, or both")
    known = store.load(proof.key_of(address(email))) if email else None
    references = sorted(
        {*(_of_number(phone) if phone else ()), *(_of_address(known.key) if known else ())}
    )
    if not references and (known is None or known.subscriber is None):
        before = known is not None and known.suppressed
        click.echo("erased before" if before else "nothing is known of this person", err=True)
        context.exit(0 if before else UNKNOWN)
    if known and known.subscriber:
        click.echo(f"newsletter: {known.subscriber.state}, {known.version} events, key {known.key}")
    for each in callbacks.load_many(references):
        click.echo(
            f"callback {each.reference}: {each.state}, asked for {instants.text(each.created_at)}"
        )
    if dry_run:
        return
    if not yes:
        click.confirm("This cannot be undone. Erase?", abort=True)
    try:
        _erase(known, references)
    except Cancelled:
        raise click.ClickException(
            "somebody else changed it just now: run the same command again"
        ) from None
    click.echo("erased")


def _erase(known: Known | None, references: list[str]) -> None:
    now, by = instants.now(), getpass.getuser()
    if known and known.subscriber:
        store.save(known, model.erase(known.subscriber), now, How({"by": "operator"}))
        store.tidy(store.load(known.key), now)
        log.info("newsletter.person_erased", subscriber=known.key, by=by)
    if references:
        clock.erase_wholly(references, _OPERATOR, now)
        log.info("callback.person_erased", requests=len(references), by=by)


def _of_number(phone: str) -> list[str]:
    """Return the references of a number's callbacks. Raises BadParameter."""
    try:
        return callbacks.requests(desk.key_of(phone))
    except Invalid as error:
        raise click.BadParameter(
            f"we call no such number ({error.fields[0].code})", param_hint="--phone"
        ) from None


def _of_address(key: str) -> Iterator[str]:
    """Yield the references of the callbacks that name the address of a key.

    This scans the table: no index has addresses, as only an erasure looks for them.
    """
    pages = (
        aws.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=current().contacts_table,
            ProjectionExpression="pk, asked.email",
            FilterExpression="sk = :callback AND asked.email <> :none",
            ExpressionAttributeValues={":callback": aws.pack("CALLBACK"), ":none": aws.pack("")},
        )
    )
    for page in tqdm(pages, desc="looking for callbacks", unit=" pages", disable=None, leave=False):
        for item in map(aws.unpack_item, page["Items"]):
            if proof.key_of(item["asked"]["email"]) == key:
                yield item["pk"].removeprefix("CALLBACK#")
