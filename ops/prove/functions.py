"""Lines about the functions: that they are there, their package, how they start."""

import re
from datetime import datetime
from typing import Any

from infra import config
from infra.policies import RIGHTS as FUNCTIONS
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Run
from ops.words import _

_LARGEST = 50 * 1024 * 1024  # bytes of a zip that Lambda takes directly
_INIT = re.compile(r"Init Duration: ([\d.]+) ms")


def health(run: Run) -> str:
    """Check that the stage answers, and that it is this one."""
    answer = run.ask("/health")
    if answer.status != 200 or answer.json.get("stage") != run.stage:
        raise Fails(_("%(url)s answers %(answer)s", url=f"{run.url}/health", answer=answer))
    return _("answers in %(ms)s ms", ms=round(answer.seconds * 1000))


def functions(run: Run) -> str:
    """Check that every function is active and that all have one runtime."""
    found = _configurations(run)
    asleep = [
        name
        for name, each in found.items()
        if each.get("State", "Active") != "Active"
        or each.get("LastUpdateStatus", "Successful") != "Successful"
    ]
    if asleep:
        raise Fails(_("not active: %(functions)s", functions=", ".join(asleep)))
    runtimes = {str(each["Runtime"]) for each in found.values()}
    if len(runtimes) > 1:
        raise Fails(_("more than one runtime: %(runtimes)s", runtimes=", ".join(sorted(runtimes))))
    architectures = {each for found in found.values() for each in found["Architectures"]}
    return _(
        "%(count)s functions, %(runtime)s, %(architecture)s",
        count=len(found),
        runtime=runtimes.pop(),
        architecture=", ".join(sorted(architectures)),
    )


def package(run: Run) -> str:
    """Check that the package is well within what Lambda takes."""
    size = max(each["CodeSize"] for each in _configurations(run).values())
    told = _("%(megabytes)s MB, zipped", megabytes=f"{size / 1024 / 1024:.1f}")
    if size > _LARGEST:
        raise Fails(told)
    return told


def arm64(run: Run) -> str:
    """Check that the functions start on arm64; tell how long that took, by Lambda's own lines."""
    found = _configurations(run)
    others = [name for name, each in found.items() if each["Architectures"] != ["arm64"]]
    if others:
        raise Fails(_("not on arm64: %(functions)s", functions=", ".join(others)))
    starts = {name: _starts(run, name, each) for name, each in found.items()}
    seen = {name: max(each) for name, each in starts.items() if each}
    if "api_handler" not in seen:
        raise NotDone(_("the log has no cold start since the deployment: run this again later"))
    slowest = max(seen, key=lambda name: seen[name])
    return _(
        "cold start of the API %(api)s ms; the slowest of %(count)s functions is %(slowest)s with "
        "%(most)s ms",
        api=round(seen["api_handler"]),
        count=len(seen),
        slowest=slowest,
        most=round(seen[slowest]),
    )


def _configurations(run: Run) -> dict[str, Any]:
    client = run.target.client("lambda")
    found = {}
    for function in FUNCTIONS:
        name = config.function_name(run.stage, function)
        try:
            found[function] = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            raise Fails(_("there is no function %(name)s", name=name)) from None
    return found


def _starts(run: Run, function: str, configuration: Any) -> list[float]:
    """Return the milliseconds of a function's cold starts since it was deployed."""
    client = run.target.client("logs")
    since = datetime.strptime(configuration["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")
    try:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{config.function_name(run.stage, function)}",
            filterPattern='"Init Duration"',
            startTime=int(since.timestamp() * 1000),
            PaginationConfig={"MaxItems": 200},
        )
        lines = [each["message"] for page in pages for each in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []  # it was never called
    return [float(read[1]) for line in lines if (read := _INIT.search(line))]
