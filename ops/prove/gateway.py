"""Lines about the gateway: its own answers, what it lets through, and its settings."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from chalicelib.settings import current
from infra import access_log, config, functions, resources, throttles, triggers, waf
from infra import gateway as answers
from infra.policies import RIGHTS as FUNCTIONS
from infra.target import Change
from infra.target import NotDone as NotThere
from ops.prove.http import Answer
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Run
from ops.words import _

_TOO_MUCH = 11 * 1024 * 1024  # bytes; the gateway takes 10 MB
# No page and no mail of today calls it, and without a token it reads no table.
_QUIET = "/newsletter/mydata"
# Requests at once. A method lets 40 through; fewer refusals than the alarm `too-many` counts.
_BURST, _BURSTS = 70, 3


def unknown_path(run: Run) -> str:
    """Check what the gateway answers by itself."""
    return _refused(run.ask("/nothing-is-here"), 404, "not_found")


def wrong_method(run: Run) -> str:
    """Check that a method that a path does not have is refused by us."""
    return _refused(run.ask("/health", "DELETE"), 405, "method_not_allowed")


def closed(run: Run) -> str:
    """Check that the staff's doors are closed, for a forged token, too."""
    _refused(run.ask("/staff/callbacks"), 401, "unauthorized")
    forged = {"Authorization": "Bearer forged"}
    return _refused(run.ask("/staff/callbacks", headers=forged), 401, "unauthorized")


def too_large(run: Run) -> str:
    """Check that the gateway refuses a body that is too large, in our shape."""
    headers = {"Content-Type": "application/json"}
    answer = run.ask("/newsletter/signups", "POST", b" " * _TOO_MUCH, headers)
    return _refused(answer, 413, "payload_too_large")


def cors(run: Run) -> str:
    """Check that the website may call, and nobody else's."""
    asked = {"Access-Control-Request-Method": "POST"}
    origins = current().site_origins
    if not origins:
        raise NotDone(_("SITE_ORIGINS is empty"))
    for origin in (*origins, "https://nobody.example", "null"):
        answer = run.ask("/newsletter/signups", "OPTIONS", headers={"Origin": origin, **asked})
        allowed = answer.headers.get("access-control-allow-origin")
        if allowed != (origin if origin in origins else None):
            told = _("%(origin)s is answered with %(allowed)s", origin=origin, allowed=allowed)
            raise Fails(told)
    return _("allowed origins: %(count)s; no other", count=len(origins))


def throttle(run: Run) -> str:
    """Check that a burst is refused in part, in our shape."""

    def one(_number: int) -> Answer:
        return run.ask(_QUIET)

    sent = 0
    with ThreadPoolExecutor(_BURST) as pool:
        for _burst in range(_BURSTS):
            found = list(pool.map(one, range(_BURST)))
            sent += len(found)
            if refused := [each for each in found if each.status == 429]:
                _refused(refused[0], 429, "rate_limited")
                if "retry-after" not in refused[0].headers:
                    raise Fails(_("429 without Retry-After"))
                return _("%(refused)s of %(sent)s at once", refused=len(refused), sent=sent)
    raise Fails(_("none of %(sent)s requests was refused", sent=sent))


def hsts(run: Run) -> str:
    """Check that a browser is told to stay with https, where the stage's address has it.

    Browsers ignore it by http (RFC 6797, section 8.1).
    """
    told = run.ask("/health").headers.get("strict-transport-security", "")
    if not current().base_url.startswith("https:"):
        if told:
            raise Fails(_("%(header)s by http", header=told))
        return _("http: no browser is told so, as it should be")
    if "max-age=" not in told:
        raise Fails(_("no Strict-Transport-Security"))
    return told


def mappings(run: Run) -> str:
    """Check that streams, queue and schedules call the functions as wanted, and are on."""
    _settled(run, lambda: triggers.changes(run.target))
    pages = run.target.client("lambda").get_paginator("list_event_source_mappings")
    names = {config.function_name(run.stage, each) for each in FUNCTIONS}
    found = [
        each
        for page in pages.paginate()
        for each in page["EventSourceMappings"]
        if each["FunctionArn"].rpartition(":function:")[2] in names
    ]
    off = [each["EventSourceArn"] for each in found if each["State"] != "Enabled"]
    if off or not found:
        raise Fails(_("not enabled: %(sources)s", sources=", ".join(off) or "0"))
    return _("%(count)s mappings enabled, with their filters and retries", count=len(found))


def settings(run: Run) -> str:
    """Check the gateway's throttles, access log and answers."""

    def differences() -> Iterable[Change]:
        api = functions.deployed(run.target)["rest_api"]["rest_api_id"]
        yield from throttles.changes(run.target, api)
        yield from access_log.changes(run.target, api)
        yield from answers.changes(run.target, api)
        yield from waf.changes(run.target, api)
        yield from resources.watched(run.target)

    _settled(run, differences)
    return _(
        "%(rates)s throttles, the access log, %(answers)s answers",
        rates=len(throttles.RATES) + 1,
        answers=len(answers.ANSWERS),
    )


def _settled(run: Run, differences: Callable[[], Iterable[Change]]) -> None:
    """Raise Fails where a deployment would change something, NotDone where none was."""
    if run.stage == "local":
        raise NotDone(_("make run sets none of it"))
    try:
        found = [each.text for each in differences() if each.do]
    except (KeyError, NotThere):
        told = _("no record of a deployment here: get .chalice/deployed from whoever deployed last")
        raise NotDone(told) from None
    if found:
        raise Fails(_("make deploy would: %(changes)s", changes="; ".join(found)))


def _refused(answer: Answer, status: int, code: str) -> str:
    """Return what was answered. Raises Fails where it is not this, in our shape."""
    if (answer.status, answer.code) != (status, code):
        raise Fails(
            _(
                "not %(status)s %(code)s in our shape, but %(answer)s",
                status=status,
                code=code,
                answer=answer,
            )
        )
    return f"{status} {code}"
