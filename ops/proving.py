"""`python -m ops proof` and `verify-heads`: that consents are on record, and nobody changed that.

The proof of one consent is text, JSON or a page to print in the subscriber's language.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError
from tqdm import tqdm

from chalicelib import company, instants, templates
from chalicelib.cells import plain
from chalicelib.errors import NotFound
from chalicelib.http import fields as of
from chalicelib.newsletter import proof as proofs
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.words import EVENTS, FACTS, MAILS, NONE, SAID, STATES
from chalicelib.settings import current
from ops.files import whole
from ops.stage import OnStage
from ops.words import _, formats, language, ngettext, refusal

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
    key, now = key_of(address(email)), instants.now()
    try:
        document = service.prove(key, now, language())
    except NotFound:
        click.echo(_("nothing is known of this address"), err=True)
        context.exit(UNKNOWN)
    if html:
        own = proofs.language_of(document)
        page, _policy = proofs.page(service.prove(key, now, own), own)
        with whole(html) as draft:
            draft.write(page)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _show(document, html)
    if not document["intact"]:
        context.exit(BROKEN)


@click.command("verify-heads", cls=OnStage, short_help="Compare the ledgers with their heads.")
@click.argument("email", required=False)
@click.pass_context
def verify_heads(context: click.Context, email: str | None) -> None:
    """Compare the ledgers with the heads that the clock kept outside the table; or that of EMAIL.

    It finds what a ledger itself cannot show: that it was rewritten whole by somebody who has the
    stage's secret, was cut, or is gone before its term. Exit code 1: it found something.
    """
    key = key_of(address(email)) if email else ""
    ledgers = values = broken = 0
    found = proofs.compare(instants.now(), key)
    for each in tqdm(found, unit=" " + _("ledgers"), disable=None, leave=False):
        ledgers, values, broken = ledgers + 1, values + each.heads, broken + bool(each.faults)
        for fault in each.faults:
            click.echo(f"{each.key}  {plain(proofs.tell(fault, language()))}")
    told = ngettext(
        "%(num)s ledger compared with %(heads)s check values, %(broken)s broken",
        "%(num)s ledgers compared with %(heads)s check values, %(broken)s broken",
        ledgers,
        heads=values,
        broken=broken,
    )
    click.echo(told)
    if broken:
        context.exit(BROKEN)


def address(written: str) -> str:
    """Normalise an e-mail address. Raises BadParameter."""
    try:
        return TypeAdapter[str](of.Email).validate_python(written)
    except ValidationError as error:
        raise click.BadParameter(refusal(error.errors()[0]["type"]), param_hint="EMAIL") from None


def _show(document: Mapping[str, Any], page: Path | None) -> None:
    """Print the proof with the words of the page. Check values are whole."""
    subscriber = document["subscriber"]
    title = _(
        "%(company)s: proof of consent, created %(when)s",
        company=document["company"],
        when=_moment(document["made_at"]),
    )
    click.echo(title)
    _line(_("E-mail address"), subscriber["email"] or _("deleted"))
    _line(_("Status"), _(STATES.get(subscriber["state"], NONE)))
    _line(_("Identifier"), subscriber["id"])
    click.echo("\n" + _("What happened (local time, %(zone)s)", zone=current().time_zone))
    for event in document["events"]:
        _event(event)
    for declaration in document["declarations"]:
        click.echo("\n" + _("Declaration %(version)s", version=declaration["version"]))
        click.echo(f"      {plain(declaration['text'])}")
        _line("SHA-256", declaration["sha256"])
    for mail in document["mails"]:
        click.echo("\n" + _("E-mail %(id)s", id=mail["id"]))
        _line(_("Status"), _(MAILS.get(mail["state"], mail["state"])))
        _line(_("Time"), _moment(mail["at"]) if mail["at"] else "")
        _line(_("Number at the mail service"), mail["service_id"])
        _line(_("Check value of the text"), mail["sha256"])
        if mail["text"]:
            _line(_("Wording"), mail["text"])
    intact = _("INTACT: every event is as it was recorded.")
    click.echo("\n" + (intact if document["intact"] else _("BROKEN:")))
    for fault in document["faults"]:
        click.echo(f"  {plain(fault)}")
    if page:
        click.echo(_("page written to %(file)s", file=page))


def _event(event: Mapping[str, Any]) -> None:
    name = event["event"]
    click.echo(f"\n{event['version']:>4}  {_moment(event['at'])}  {_(EVENTS.get(name, name))}")
    for fact, value in {**event["facts"], **(event["personal"] or {})}.items():
        _line(_(FACTS.get(fact, fact)), _said(fact, value) if value else "")
    if event["personal"] is None:
        click.echo("      " + _("personal details deleted"))
    _line(_("Check value"), event["hash"])


def _said(fact: str, value: str) -> str:
    """Return what a fact says to people; what has no words of ours is as it was recorded."""
    own = company.current()
    if fact == "topics":
        return ", ".join(own.newsletter_topic(each, language()) for each in value.split(","))
    if fact == "language" and value in own.languages:
        return templates.language_name(value)
    if fact == "confirmed_at":
        return _moment(value)
    said = SAID.get(fact, {})
    return _(said[value]) if value in said else value


def _moment(written: str) -> str:
    return formats().instant(instants.parse(written))


def _line(name: str, value: str | None) -> None:
    """Print a value with its name, if there is one.

    Values such as a User-Agent must not send control sequences to the terminal.
    """
    if value:
        click.echo(f"      {name}: {plain(value)}")
