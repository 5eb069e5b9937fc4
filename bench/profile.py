"""Where a start's instructions go: what each import adds to those before it, and what is left for the first request."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from bench import measure
from bench.contestants import Contestant
from bench.goals import MAILER, OURS
from bench.measure import MILLION
from bench.run import Say

REST = "the first request or event: clients, TLS, the calls, what they lead to"
# In the order in which a function meets them, so that what two share is the first one's.
STEPS = {
    OURS: {
        "Chalice, and of the standard library what it needs": "chalice",
        "botocore": "botocore.session",
        "pydantic": "pydantic.main,pydantic.types",
        "our frame for HTTP, with its models": "chalicelib.http",
        "the articles' models and routes": "chalicelib.articles.routes",
        "the app": "app",
    },
    MAILER: {
        "Chalice, the app": "app",
        "botocore": "botocore.session",
        "Jinja": "jinja2",
        "the outbox": "chalicelib.outbox.delivery",
        "the letters and alerts": "chalicelib.newsletter.reactions,chalicelib.callbacks.reactions",
    },
}


def profiles(contestants: Mapping[str, Contestant], say: Say) -> dict[str, dict[str, float]]:
    """By function: millions of instructions of each step of its start."""
    return {name: _profile(contestants[name], steps, say) for name, steps in STEPS.items()}


def _profile(contestant: Contestant, steps: Mapping[str, str], say: Say) -> dict[str, float]:
    say(f"where the start of {contestant.name} goes …")
    job, modules = next(iter(contestant.jobs.values())), list(steps.values())
    stops = ["runtime", *(f"import {','.join(modules[: at + 1])}" for at in range(len(modules))), "first"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda until: measure.instructions(job, until), stops))
    spent = [(after - before) / MILLION for before, after in pairwise(counts)]
    return dict(zip([*steps, REST], spent, strict=True))
