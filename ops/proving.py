"""`python -m ops proof`: the verified proof of one consent, as text, JSON or a page to print."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from chalicelib import instants
from chalicelib.cells import plain
from chalicelib.errors import NotFound
from chalicelib.http import fields as of
from chalicelib.newsletter import proof as proofs
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from ops.files import whole
from ops.stage import OnStage

BROKEN, UNKNOWN = 1, 2  # exit codes


@click.command(cls=OnStage, short_help="Show and verify the proof of one consent.")
@click.argument("email")
@click.option(
    "--json", "as_json", is_flag=True, help="The whole proof as JSON, to standard output."
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A page to print.",
)
@click.pass_context
def proof(context: click.Context, email: str, as_json: bool, html: Path | None) -> None:
    """Show the proof of consent of EMAIL, and verify it.

    It shows what was agreed to, when, from where, the mails, and whether every event is as it was
    recorded: INTACT, or BROKEN and where (exit code 1). Exit code 2: nothing is known of the
    address.
    """
    try:
        document = service.prove(key_of(address(email)), instants.now())
    except NotFound:
        click.echo("nothing is known of this address", err=True)
        context.exit(UNKNOWN)
    if html:
        page, _ = proofs.page(document, document["subscriber"].get("language", "de"))
        with whole(html) as draft:
            draft.write(page)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _show(document, html)
    if not document["intact"]:
        context.exit(BROKEN)


def address(written: str) -> str:
    """Normalise an e-mail address. Raises BadParameter."""
    try:
        return TypeAdapter[str](of.Email).validate_python(written)
    except ValidationError:
        raise click.BadParameter("this is no e-mail address", param_hint="EMAIL") from None


def _show(document: Mapping[str, Any], page: Path | None) -> None:
    subscriber = document["subscriber"]
    click.echo(f"{document['company']}: proof of consent, made {document['made_at']}")
    _line("address", subscriber["email"] or "(not kept)")
    _line("state", subscriber["state"])
    _line("key", subscriber["id"])
    for event in document["events"]:
        click.echo(f"\n{event['version']:>4}  {event['at']}  {event['event']}")
        for name, value in {
            **event["facts"],
            **(event["personal"] or {"personal data": "(erased)"}),
        }.items():
            if value:
                _line(name, value)
        _line("hash", event["hash"])
    for declaration in document["declarations"]:
        click.echo(f"\ndeclaration {declaration['version']}, SHA-256 {declaration['sha256']}")
        click.echo(f"      {plain(declaration['text'])}")
    for mail in document["mails"]:
        click.echo(f"\nmail {mail['id']}: {mail['state']} {mail['at'] or ''}")
        _line("SES id", mail["service_id"] or "(none)")
        _line("SHA-256", mail["sha256"] or "(none)")
    click.echo(
        "\nINTACT: every event is as it was recorded." if document["intact"] else "\nBROKEN:"
    )
    for fault in document["faults"]:
        click.echo(f"  {plain(fault)}")
    if page:
        click.echo(f"page written to {page}")


def _line(name: str, value: str) -> None:
    click.echo(
        f"      {name}: {plain(str(value))}"
    )  # values such as a User-Agent must not send control sequences to the terminal
