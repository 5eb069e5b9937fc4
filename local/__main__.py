"""`python -m local [--port BASE] [--origins A,B]`: the cloud for a person, until Ctrl-C."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from chalicelib.callbacks import rules
from chalicelib.settings import BadSetting, parse
from infra import company
from infra.stack import StackFailed
from local import deploy, origins, ports
from local.cloud import ROOT, Cloud, FolderTaken
from local.deploy import PackagingFailed
from local.emulator import EmulatorFailed
from local.handlers import HandlersFailed

FOLDER = ROOT / ".local"

# What a schedule invokes a function with.
TICK = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {},
}


def main() -> int:
    """Run until a signal comes (exit code 0), a part fails (1) or an argument is wrong (2)."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", default="8300", metavar="BASE", help="first of five ports (8300)")
    parser.add_argument(
        "--origins", default="", metavar="A,B", help="websites of yours that may call the API"
    )
    given = parser.parse_args()
    try:
        wanted, allowed = ports.following(given.port), origins.read(given.origins)
    except (ports.BadPort, origins.BadOrigin) as error:
        print(error, file=sys.stderr)
        return 2
    over = threading.Event()
    failures: list[str] = []

    def died(what: str) -> None:
        failures.append(what)
        over.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _end)
    cloud = Cloud(
        FOLDER, ports=wanted, persist=True, watch=True, origins=allowed, say=_say, died=died
    )
    run = FOLDER / "run.json"
    try:
        company.check()
        rules.check(parse(deploy.environment(ROOT)))
        cloud.claim()
        run.unlink(missing_ok=True)  # a run that was killed has left it
        cloud.start()
        publish(run, cloud)
        # The schedule reads the feed in ten minutes; until then no article would be known.
        cloud.invoke("read_feed", TICK)
        print(_summary(cloud), flush=True)
        over.wait()
    except KeyboardInterrupt:
        pass
    except (
        ports.PortTaken,
        FolderTaken,
        company.BadCompany,
        BadSetting,
        EmulatorFailed,
        HandlersFailed,
        StackFailed,
        PackagingFailed,
    ) as error:
        failures.append(str(error))
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(
                each, signal.SIG_IGN
            )  # a second Ctrl-C must not keep the emulator from saving
        if cloud.claimed:
            run.unlink(missing_ok=True)
            _say("saving and ending …")
        cloud.stop()
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if failures else 0


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, flush=True)


def publish(path: Path, cloud: Cloud) -> None:
    """Write where everything is, and the functions' environment, into a file."""
    told = {
        "site": cloud.site,
        "mailbox": cloud.mailbox,
        "api": cloud.api,
        "contract": cloud.contract,
        "staff": cloud.staff,
        "aws": cloud.aws,
        "environment": cloud.env,  # for Chalice's own server and test client
    }
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(told, indent=2) + "\n")
    os.replace(draft, path)  # a reader finds the whole file or none


def _summary(cloud: Cloud) -> str:
    logs = os.path.relpath(cloud.folder)
    people = "\n".join(
        f"           {each.email:<30} {each.password}    {each.name}" for each in cloud.people
    )
    return f"""
  site     {cloud.site}    the demo website: sign up, ask for a callback, read an article
  mailbox  {cloud.mailbox}    the mails and alerts that follow
  API      {cloud.api}    on another origin than the site
  contract {cloud.contract}    every call of the API; try out the public ones
  AWS      {cloud.aws}    the emulator's endpoint
  staff    {cloud.staff}    the staff's page; sign in as
{people}

  logs in {logs}/: handlers.log, emulator.log.
  Edits in app.py and chalicelib/ are served at once. Ctrl-C ends it.
"""


if __name__ == "__main__":
    sys.exit(main())
