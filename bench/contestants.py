"""The measured functions and their requests: ours, and the same work in other libraries.

The peers are written as the users of those libraries would write them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import events
from bench.measure import Job
from bench.stage import Stage, bundle

PEERS = Path(__file__).parent / "peers"
_COUNTED, _FORM, _NOTHING = '"statusCode": 204', '"statusCode": 202', ""


@dataclass(frozen=True)
class Contestant:
    """A function in its package, and by name the requests it can serve."""

    name: str
    kind: str  # `ours`, `peer`, `stream`
    jobs: dict[str, Job]


def contestants(stage: Stage, endpoint: str) -> dict[str, Contestant]:
    """Return all contestants by name; the cold start of each is measured with its first job."""
    return {
        each.name: each
        for each in (*_peers(stage, endpoint), *_ours(stage, endpoint), *_streams(stage, endpoint))
    }


def _ours(stage: Stage, endpoint: str) -> Iterator[Contestant]:
    served = {
        "view": (events.VIEW, _COUNTED),
        "repeat": (events.REPEAT, _COUNTED),
        "popular": (events.POPULAR, '"statusCode": 200'),
        "signup": (events.SIGNUP, _FORM),
        "callback": (events.CALLBACK, _FORM),
    }
    for name, package in (
        ("customer-contact", stage.optimised),
        ("chalice package", stage.shipped),
    ):
        environment = _environment(stage, endpoint, package, name, "app.app")
        path = (package, stage.client)
        jobs = {what: Job(path, environment, *asked) for what, asked in served.items()}
        yield Contestant(name, "ours" if package == stage.optimised else "peer", jobs)


def _streams(stage: Stage, endpoint: str) -> Iterator[Contestant]:
    brought = {
        "deliver_messages": events.MAIL,
        "mail_feedback": events.HEAR,
        "count_views": events.COUNT,
        "clock": events.SCHEDULE,
        "sweep_views": events.SCHEDULE,
        "rank_articles": events.SCHEDULE,
    }
    for name, event in brought.items():
        environment = _environment(stage, endpoint, stage.optimised, name, f"app.{name}")
        job = Job((stage.optimised, stage.client), environment, event, _NOTHING)
        yield Contestant(name, "stream", {"event": job})


def _peers(stage: Stage, endpoint: str) -> Iterator[Contestant]:
    bare = (PEERS, stage.client, stage.sdk)
    libraries = (PEERS, stage.site, stage.sdk)
    # Its package would have no boto3 of its own, so the runtime's comes first.
    chalice = (PEERS, stage.sdk, stage.shipped, stage.client)
    view = {"view": (events.VIEW, _COUNTED)}
    signup = {"signup": (events.SIGNUP, _FORM)}
    callback = {"callback": (events.CALLBACK, _FORM)}
    # fmt: off
    peers = (
        ("bare boto3 client",    "bare.handler",         bare,      view),
        ("bare, signup",         "bare_forms.sign_up",   bare,      signup),
        ("bare, callback",       "bare_forms.call_back", bare,      callback),
        ("Powertools, pydantic", "powertools.handler",   libraries, view),
        ("FastAPI, Mangum",      "fast.handler",         libraries, view),
        ("Chalice, Table",       "resource.app",         chalice,   view),
    )
    # fmt: on
    for name, handler, path, served in peers:
        environment = _environment(stage, endpoint, PEERS, name, handler)
        yield Contestant(
            name, "peer", {what: Job(path, environment, *asked) for what, asked in served.items()}
        )


def _environment(
    stage: Stage, endpoint: str, package: Path, name: str, handler: str
) -> dict[str, str]:
    """Return a function's environment as Lambda and the resource stack set it."""
    trusted = bundle(stage, package, name.replace(" ", "-").replace(",", ""))
    arn = "arn:aws:{}:eu-central-1:123456789012:{}".format
    return {
        "_HANDLER": handler,
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
        "AWS_CA_BUNDLE": str(trusted),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_REGION": "eu-central-1",
        "AWS_SECRET_ACCESS_KEY": "s" * 40,
        "AWS_SESSION_TOKEN": "t" * 400,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "STAGE": "prod",
        "BASE_URL": "https://contact.site.example",
        "SITE_URL": events.SITE,
        "SITE_ORIGINS": events.SITE,
        "MAIL_FROM": "Tauberwerk <post@site.example>",
        "STAFF_MAIL": "beratung@site.example",
        "LIMIT_PER_CALLER_FACTOR": "100",
        "CONTACTS_TABLE": "customer-contact-prod-contacts",
        "VIEW_MARKERS_TABLE": "customer-contact-prod-view-markers",
        "VIEW_COUNTS_TABLE": "customer-contact-prod-view-counts",
        "MAIL_EVENTS_TOPIC_ARN": arn("sns", "mail-events"),
        "ALERTS_TOPIC_ARN": arn("sns", "alerts"),
        "IDENTITY_SECRET_ARN": arn("secretsmanager", "secret:identity"),
        "TOKEN_SECRET_ARN": arn("secretsmanager", "secret:tokens"),
        "DEAD_LETTER_QUEUE_URL": f"{endpoint}/dead-letters",
    }
