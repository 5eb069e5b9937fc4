"""`python -m ops export`: subscribers as a CSV file, or as JSON lines."""

import getpass
from datetime import datetime
from pathlib import Path

import click
from tqdm import tqdm

from chalicelib import addresses, company, instants, log
from chalicelib.newsletter import export as exports
from chalicelib.newsletter.export import Format
from chalicelib.newsletter.filters import ALL, Filter
from chalicelib.newsletter.words import STATES
from chalicelib.settings import current
from ops.files import whole
from ops.stage import OnStage
from ops.words import _, ngettext

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(cls=OnStage, short_help="Write the confirmed subscribers to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--topic", metavar="ID", help="Only those who want this topic of the company's.")
@click.option("--language", metavar="CODE", help="Only those who read this language.")
@click.option("--domain", metavar="NAME", help="Only addresses of this domain.")
@click.option(
    "--state",
    type=click.Choice([*STATES, ALL]),
    default="confirmed",
    show_default=True,
    help="Those in this state; who is not confirmed must get no newsletter.",
)
@click.option("--from", "first", type=_DAY, help="Only those in this state since this day.")
@click.option("--to", "last", type=_DAY, help="Only those in this state by this day.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="CSV, or JSON lines.",
)
def export(
    file: Path,
    topic: str | None,
    language: str | None,
    domain: str | None,
    state: str,
    first: datetime | None,
    last: datetime | None,
    format_: Format,
) -> None:
    """Write the confirmed subscribers, and nobody else unless asked, to FILE.

    Subscribers are read page by page, whatever their number. FILE appears when it is complete,
    readable by you alone; an existing FILE is replaced. Each has the links to unsubscribe and to
    the preferences, for whoever sends by another tool. No cell of CSV can be taken for a formula.
    Whose address is not kept is left out. The log gets a line with the count and who did it.
    """
    _check("--topic", topic, list(company.current().newsletter_topics))
    _check("--language", language, list(company.current().languages))
    wanted = Filter(
        current().time_zone,
        state,  # type: ignore[arg-type]  # click has checked it
        topic,
        language,
        addresses.ascii_domain(domain) if domain else None,
        first.date() if first else None,
        last.date() if last else None,
    )
    written = 0
    with whole(file) as draft:
        table = exports.writer(format_, draft)
        found = exports.every(wanted, instants.now())
        for each in tqdm(found, unit=" " + _("subscribers"), disable=None, leave=False):
            table.add(each)
            written += 1
    log.info(
        "newsletter.exported", subscribers=written, state=state, topic=topic, by=getpass.getuser()
    )
    told = ngettext(
        "%(num)s subscriber written to %(file)s",
        "%(num)s subscribers written to %(file)s",
        written,
        file=file,
    )
    click.echo(told)


def _check(option: str, given: str | None, known: list[str]) -> None:
    """Raise BadParameter for a value that the company does not have."""
    if given is not None and given not in known:
        told = _("%(value)s is none of %(values)s", value=given, values=", ".join(known))
        raise click.BadParameter(told, param_hint=option)
