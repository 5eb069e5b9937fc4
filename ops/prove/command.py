"""`python -m ops prove`: try what a deployed stage promises, and write down what was seen."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from http.client import HTTPException
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import instants
from chalicelib.errors import Unavailable
from chalicelib.settings import current
from infra.target import Target
from ops.failures import Failed
from ops.files import whole
from ops.prove import outcomes, report, tidying
from ops.prove.journal import Journal
from ops.prove.lines import LINES, Line
from ops.prove.outcomes import Fails, NotDone
from ops.prove.report import Report, Result, Status
from ops.prove.run import Run
from ops.stage import ROOT, OnStage
from ops.words import _, formats

FOLDER = ROOT / ".local" / "proofs"
_GUARDED = "prod"  # the stage that is proven on purpose only
_WORD = "CONFIRM"
_LAST = LINES[-1].id  # it looks at what the others left
_STOPPING = {"schedule", "clock-silent"}  # what stops the clock meanwhile
# What a line meets when the stage, or the way to it, is not as it should be.
_FORESEEN = (ClientError, BotoCoreError, Unavailable, OSError, HTTPException, ValueError, KeyError)


@click.command("prove", cls=OnStage, short_help="Try what a deployed stage promises; report it.")
@click.option("--url", metavar="URL", help="Ask this address instead of BASE_URL.")
@click.option("--only", metavar="LINES", help="Only these lines, by their ids with commas.")
@click.option("--again", is_flag=True, help="Do what passed today once more, too.")
@click.option("--people", is_flag=True, help="Alert the company's own people, too, who know of it.")
@click.option("--yes", is_flag=True, help="Do not ask, on prod either.")
@click.option("--list", "listed", is_flag=True, help="Show the lines and do nothing.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    metavar="FOLDER",
    help="Where the reports are kept.",
)
@click.option("--minute", type=float, default=60.0, hidden=True)
@click.pass_context
def prove(
    context: click.Context,
    url: str | None,
    only: str | None,
    again: bool,
    people: bool,
    yes: bool,
    listed: bool,
    folder: Path,
    minute: float,
) -> None:
    """Try on the stage what docs/operations.md promises, and write a report of the day.

    PASS, FAIL, ONLY AWS (an emulator cannot answer) or NOT DONE, each with the figure that was
    measured or the reason. Mails go to SES's mailbox simulator and calls to nobody. What it makes
    it removes again; after Ctrl-C or a crash the next run does, and goes on where it stopped: it
    keeps what passed today. It takes about an hour and a half on AWS, longer with a large table.
    Exit code 1: a line failed.
    """
    wanted = _wanted(only)
    if listed:
        for each in wanted:
            click.echo(f"{each.id:<14} {_(each.sentence)}")
        return
    if current().stage == _GUARDED and not yes:
        lines = [each.id for each in wanted]
        click.echo(
            _("This tries on %(stage)s: %(lines)s.", stage=current().stage, lines=", ".join(lines))
        )
        if _STOPPING & {*lines}:
            click.echo(_("The lines “schedule” and “clock-silent” stop the clock meanwhile."))
        asked = _("Type %(typed)s to go on", typed=_WORD)
        typed = click.prompt(asked, default="", show_default=False)
        if typed != _WORD:
            raise click.ClickException(_("nothing was done"))
    target = Target(ROOT, current().stage)
    journal = Journal(folder / f"{current().stage}.made.json", tidying.ends(target))
    at = (url or current().base_url).rstrip("/")
    run = Run(at, target, journal, click.echo, people, minute)
    with alone(folder, run.stage), signed_in():
        if count := journal.end_all():
            click.echo(_("ended what a run before has left: %(count)s", count=count))
        done = _play(run, wanted, _begun(run, folder), folder, again)
    page, _json = report.paths(folder, done.stage, date.fromisoformat(done.day))
    click.echo(f"\n{done.summary}\n{page}")
    if done.count("FAIL"):
        context.exit(1)


def _wanted(only: str | None) -> list[Line]:
    """Return the lines that are asked for, in the order of the table. Raises BadParameter."""
    if not only:
        return list(LINES)
    ids = {each.strip() for each in only.split(",")}
    if unknown := sorted(ids - {each.id for each in LINES}):
        raise click.BadParameter(
            _("there is no line %(line)s; --list shows them", line=unknown[0]), param_hint="--only"
        )
    return [each for each in LINES if each.id in ids]


@contextmanager
def alone(folder: Path, stage: str) -> Iterator[None]:
    """Refuse a second run on a stage: each would end what the other has made. Raises Failed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{stage}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(_("another run on %(stage)s is under way", stage=stage)) from None
        yield


@contextmanager
def signed_in() -> Iterator[None]:
    """Turn credentials that are over into one sentence: nothing can be done with them."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if not outcomes.is_over(error):
            raise
        raise Failed(
            _("your credentials are over: sign in and run the same command, which goes on")
        ) from error


def _begun(run: Run, folder: Path) -> Report:
    """Return the report of the day as far as it is, or a new one."""
    identity = run.target.client("sts").get_caller_identity()
    day = instants.now().astimezone(ZoneInfo(current().time_zone)).date()
    new = Report(
        run.stage,
        day.isoformat(),
        run.url,
        identity["Account"],
        run.target.client("sts").meta.region_name,
    )
    _page, kept = report.paths(folder, run.stage, day)
    before = report.read(kept.read_text()) if kept.exists() else None
    # What was seen at another address, or in another account, says nothing about this one.
    same = before and (before.url, before.account) == (new.url, new.account)
    return replace(new, results=before.results) if before and same else new


def _play(run: Run, wanted: list[Line], done: Report, folder: Path, again: bool) -> Report:
    """Try the lines that have not passed, or all `again`; keep the report after each of them."""
    for number, line in enumerate(wanted, 1):
        run.say(f"{number}/{len(wanted)} {_(line.sentence)}")
        if done.has(line.id) and not again and line.id != _LAST:
            run.say(f"    PASS  {done.results[line.id].told}")
            continue
        result = _tried(run, line)
        run.say(f"    {result.status}  {result.told}")
        done = done.with_(result).in_order([each.id for each in LINES])
        _keep(done, folder)
    return done


def _tried(run: Run, line: Line) -> Result:
    """Try one line. Raises what ends the whole run: Ctrl-C, and credentials that are over."""
    began = time.monotonic()
    status, told = outcome(run, line)
    clock = instants.now().astimezone(ZoneInfo(current().time_zone))
    return Result(
        line.id,
        _(line.sentence),
        status,
        told,
        f"{clock:%H:%M:%S}",
        round(time.monotonic() - began, 1),
    )


def outcome(run: Run, line: Line) -> tuple[Status, str]:
    """Return how a line ends, and what is told of it. Raises what ends the whole run."""
    if line.only_aws and not run.on_aws:
        return "ONLY AWS", _(line.only_aws)
    try:
        return "PASS", line.prove(run)
    except Fails as error:
        return "FAIL", str(error)
    except NotDone as error:
        return "NOT DONE", str(error)
    except _FORESEEN as error:
        if outcomes.is_over(error):
            raise
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"
        if outcomes.is_forbidden(error):
            return "NOT DONE", _("your rights are not enough: %(error)s", error=told)
        return "FAIL", told


def _keep(done: Report, folder: Path) -> None:
    """Write the report, the page and the JSON, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    day = date.fromisoformat(done.day)  # a run may pass midnight
    title = _("Proof of %(stage)s, %(day)s", stage=done.stage, day=formats().full(day))
    head = (_("Result"), _("What"), _("Measured, or why not"), _("When"))
    page, kept = report.paths(folder, done.stage, day)
    texts: tuple[tuple[Path, Callable[[], str]], ...] = (
        (page, lambda: report.as_page(done, title, head)),
        (kept, lambda: report.as_json(done)),
    )
    for path, text in texts:
        with whole(path) as file:
            file.write(text())
