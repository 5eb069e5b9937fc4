"""`python -m ops export`: the confirmed subscribers as a CSV file."""

import getpass
from pathlib import Path

import click
from tqdm import tqdm

from chalicelib import company, log
from chalicelib.cells import Table
from chalicelib.newsletter.export import COLUMNS, cells, confirmed
from ops.files import whole
from ops.stage import OnStage
from ops.words import _, ngettext


@click.command(cls=OnStage, short_help="Write the confirmed subscribers to a CSV file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--topic", metavar="ID", help="Only those who want this topic of the company's.")
def export(file: Path, topic: str | None) -> None:
    """Write the confirmed subscribers, and nobody else, to FILE as CSV.

    Subscribers are read page by page, whatever their number. FILE appears when it is complete,
    readable by you alone; an existing FILE is replaced. No cell can be taken for a formula. The log
    gets a line with the count and who did it.
    """
    offered = company.current().newsletter_topics
    if topic is not None and topic not in offered:
        told = _("there is no such topic, only %(topics)s", topics=", ".join(offered))
        raise click.BadParameter(told, param_hint="--topic")
    written = 0
    with whole(file) as draft:
        table = Table(draft, COLUMNS)
        for each in tqdm(confirmed(), unit=" " + _("subscribers"), disable=None, leave=False):
            if topic is None or topic in each.topics:
                table.add(cells(each))
                written += 1
    log.info("newsletter.exported", subscribers=written, topic=topic, by=getpass.getuser())
    told = ngettext(
        "%(num)s confirmed subscriber written to %(file)s",
        "%(num)s confirmed subscribers written to %(file)s",
        written,
        file=file,
    )
    click.echo(told)
