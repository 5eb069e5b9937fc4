"""The last step of a deployment: a smoke test of the served stage, with public read requests."""

import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from functools import partial
from typing import Any

import click

from infra.target import Change, NotDone, Target

TIMEOUT = 30.0  # seconds; the first requests meet cold starts
# Seconds for which a stage may settle, all requests together: the gateway learns of a new API, DNS
# of a new domain, and functions start.
SETTLING = 60.0
# What reading an answer raises whose body is not as it should be.
_UNLIKE = (ValueError, LookupError, TypeError, AttributeError)
PAUSE = 2.0  # seconds before the same request is made again


class Unserved(NotDone):
    """The stage does not answer as it should."""


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Message
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def changes(target: Target, url: str) -> Iterator[Change]:
    """Yield each request of the smoke test; its `do` raises NotDone if the answer is wrong.

    A wrong answer is asked for again while the stage may still settle. An address that leads
    nowhere says nothing of what was deployed; any other wrong answer raises Unserved.
    """
    until = time.monotonic() + SETTLING
    for name, check in _CHECKS.items():
        yield Change(f"ask {url}{name}", partial(_expect, name, check, target, url, until))


def _expect(name: str, check: Any, target: Target, url: str, until: float) -> None:
    told = False
    while found := _wrong(check, target, url + name):
        kind, wrong = found
        if time.monotonic() > until:
            raise kind(
                f"{url}{name} does not answer as it should: {wrong}\n"
                "The functions' logs tell why (CloudWatch, /aws/lambda/…)."
            )
        if not told:
            click.echo(f"    not yet: {wrong}")
            told = True
        time.sleep(PAUSE)


def _wrong(check: Any, target: Target, url: str) -> tuple[type[NotDone], str] | None:
    """Return what is wrong with an answer and what that has to raise, None if it is right."""
    try:
        wrong = check(target, url)
        return (Unserved, wrong) if wrong else None
    except (OSError, *_UNLIKE, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        astray = isinstance(reason, socket.gaierror | ssl.SSLCertVerificationError)
        return (NotDone if astray else Unserved), f"{type(error).__name__}: {error}"


def _ask(url: str, method: str = "GET", **headers: str) -> _Answer:
    # The address is our API's, by https, or a test's.
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return _Answer(answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as error:
        return _Answer(error.code, error.headers, error.read().decode())


def _health(target: Target, url: str) -> str:
    answer = _ask(url)
    right = answer.status == 200 and answer.json.get("stage") == target.stage
    return "" if right else f"{answer.status} {answer.text[:200]}"


def _reads(target: Target, url: str) -> str:
    """Check that the function's role may read a table."""
    answer = _ask(url)
    right = answer.status == 200 and isinstance(answer.json["articles"], list)
    return "" if right else f"{answer.status} {answer.text[:200]}"


def _hotline(target: Target, url: str) -> str:
    """Check that the line's number, hours and rules are read as the settings have them."""
    answer = _ask(url)
    right = answer.status == 200 and answer.json["number"] == target.environment["HOTLINE_NUMBER"]
    return "" if right else f"{answer.status} {answer.text[:200]}"


def _slots(target: Target, url: str) -> str:
    """Check that the website's form can offer times."""
    answer = _ask(url)
    right = answer.status == 200 and isinstance(answer.json["slots"], list)
    return "" if right else f"{answer.status} {answer.text[:200]}"


def _preflight(target: Target, url: str) -> str:
    origin = target.environment["SITE_ORIGINS"].split(",")[0].strip()
    answer = _ask(url, "OPTIONS", Origin=origin, **{"Access-Control-Request-Method": "POST"})
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    return (
        ""
        if allowed == origin
        else f"the website {origin} may not call it: {answer.status}, {allowed}"
    )


def _nothing_there(target: Target, url: str) -> str:
    """Check that the gateway answers an unknown path in our error shape."""
    answer = _ask(url)
    right = answer.status == 404 and answer.json.get("code") == "not_found"
    return "" if right else f"{answer.status} {answer.text[:200]}"


def _closed(target: Target, url: str) -> str:
    """Check that the staff's paths refuse a caller who has not signed in."""
    answer = _ask(url)
    return "" if answer.status == 401 else f"{answer.status}, not 401"


_CHECKS = {
    "/health": _health,
    "/articles/popular": _reads,
    "/hotline": _hotline,
    "/callbacks/slots": _slots,
    "/newsletter/signups": _preflight,
    "/nothing-is-here": _nothing_there,
    "/staff/callbacks": _closed,
    "/staff/subscribers": _closed,
}
