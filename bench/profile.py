"""Where the instructions of a start and of a warm view go.

A start is split into what each import adds to those before it, a warm view into parts of its call.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

from bench import measure
from bench.contestants import Contestant
from bench.goals import MAILER, OURS
from bench.measure import MILLION
from bench.run import Say

REST = "the first request or event: clients, TLS, the calls, what they lead to"
# In the order in which a function imports them; what two steps share counts for the first.
STEPS = {
    OURS: {
        "Chalice, and of the standard library what it needs": "chalice",
        "botocore": "botocore.session",
        "boto3": "boto3",
        "pydantic": "pydantic.main,pydantic.types",
        "our frame for HTTP, with its models": "chalicelib.http",
        "the articles' models and routes": "chalicelib.articles.routes",
        "the app": "app",
    },
    MAILER: {
        "Chalice, the app": "app",
        "botocore": "botocore.session",
        "boto3": "boto3",
        "Jinja": "jinja2",
        "the outbox": "chalicelib.outbox.delivery",
        "the letters and alerts": "chalicelib.newsletter.reactions,chalicelib.callbacks.reactions",
    },
}


def profiles(contestants: Mapping[str, Contestant], say: Say) -> dict[str, dict[str, float]]:
    """Count by function the millions of instructions of each step of its start."""
    return {name: _profile(contestants[name], steps, say) for name, steps in STEPS.items()}


def warm(contestant: Contestant, say: Say) -> dict[str, float]:
    """Count the millions of instructions of the parts of a warm view."""
    say("where a warm view goes …")
    job = contestant.jobs["view"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        whole, unsent, uncalled = pool.map(
            measure.request,
            (job, replace(job, skip="before-send"), replace(job, skip="before-call")),
        )
    return {
        "sending and receiving over TLS": whole - unsent,
        "signing the call, its retries, reading the answer": unsent - uncalled,
        "all of ours, with Chalice and pydantic; the call's form and hooks": uncalled,
    }


def fresh(contestant: Contestant, say: Say) -> dict[str, float]:
    """Count by request the millions of instructions of a fresh process until the answer."""
    say("what a fresh process needs for each request …")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runtime = pool.submit(measure.instructions, contestant.jobs["view"], "runtime")
        first = {
            what: pool.submit(measure.instructions, job, "first")
            for what, job in contestant.jobs.items()
        }
        return {
            what: (found.result() - runtime.result()) / MILLION for what, found in first.items()
        }


def _profile(contestant: Contestant, steps: Mapping[str, str], say: Say) -> dict[str, float]:
    say(f"where the start of {contestant.name} goes …")
    job, modules = next(iter(contestant.jobs.values())), list(steps.values())
    stops = [
        "runtime",
        *(f"import {','.join(modules[: at + 1])}" for at in range(len(modules))),
        "first",
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda until: measure.instructions(job, until), stops))
    spent = [(after - before) / MILLION for before, after in pairwise(counts)]
    return dict(zip([*steps, REST], spent, strict=True))
