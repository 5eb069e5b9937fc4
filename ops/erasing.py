"""`python -m ops erase`: the erasure of a person, as their own button or the staff's page does."""

import getpass

import click

from chalicelib import instants, log
from chalicelib.callbacks import service as callbacks
from chalicelib.callbacks import wishes
from chalicelib.callbacks.model import Who
from chalicelib.callbacks.words import STATES as CALLBACK_STATES
from chalicelib.errors import Invalid, Unavailable
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.words import STATES
from chalicelib.newsletter.words import UNKNOWN as UNKNOWN_STATE
from ops.proving import UNKNOWN, address
from ops.stage import OnStage
from ops.words import _, ngettext, refusal

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
    consent without the person. A live callback ends. Exit code 2: nothing is known of the person.
    """
    if not (email or phone):
        raise click.UsageError(_("say who: EMAIL, --phone NUMBER, or both"))
    known = newsletter.find(address(email)) if email else None
    by_number = set(_of_number(phone)) if phone else set[str]()
    by_address = set(wishes.references(known.key)) - by_number if known else set[str]()
    references = sorted(by_number | by_address)
    if not references and (known is None or known.subscriber is None):
        before = known is not None and known.suppressed
        click.echo(_("erased before") if before else _("nothing is known of this person"), err=True)
        context.exit(0 if before else UNKNOWN)
    if known and known.subscriber:
        told = ngettext(
            "newsletter: %(state)s, %(num)s event, identifier %(key)s",
            "newsletter: %(state)s, %(num)s events, identifier %(key)s",
            known.version,
            state=_(STATES.get(known.subscriber.state, UNKNOWN_STATE)),
            key=known.key,
        )
        click.echo(told)
    for each in callbacks.load_many(references):
        told = _(
            "callback %(reference)s: %(state)s, received %(at)s",
            reference=each.reference,
            state=_(CALLBACK_STATES.get(each.state, UNKNOWN_STATE)),
            at=instants.text(each.created_at),
        )
        click.echo(told)
    if dry_run:
        return
    if not yes:
        click.confirm(_("This cannot be undone. Erase?"), abort=True)
    try:
        _erase(known.key if known else "", bool(known and known.subscriber), by_number)
    except Unavailable as error:
        # Somebody else changed it just now, or SES did not delete its entry.
        raise click.ClickException(
            _("not done (%(reason)s): run the same command again", reason=error)
        ) from None
    click.echo(_("erased"))


def _erase(key: str, subscribed: bool, by_number: set[str]) -> None:
    """Erase a person's subscription, the requests of their number, and their wishes in others'."""
    now, by = instants.now(), getpass.getuser()
    if subscribed:
        newsletter.erase_for(key, "operator", by, now)
    callbacks.erase_requests(sorted(by_number), _OPERATOR, now)
    erased = len(by_number) + (wishes.erase(key, _OPERATOR, now) if key else 0)
    if erased:
        log.info("callback.person_erased", requests=erased, by=by)


def _of_number(phone: str) -> list[str]:
    """Return the references of a number's callbacks. Raises BadParameter."""
    try:
        return callbacks.references_of_number(phone)
    except Invalid as error:
        raise click.BadParameter(refusal(error.fields[0].code), param_hint="--phone") from None
