"""`make bench-check`: compare the API's cold start and warm view with the committed figures.

It compares ratios to the floor, a bare handler measured in the same run: another build of the
interpreter takes other instruction counts, for both alike. Another version of Python compiles
differently, so that its ratios are shown, but not judged.
"""

import json
import platform
from typing import Any

from bench import goals, run, stage
from bench.contestants import Contestant, contestants

FIGURES = stage.ROOT / "bench" / "figures.json"
MARGIN = 1.03


def main(update: bool, say: run.Say) -> int:
    """Compare with the figures, or `update` them. Returns 1 if a ratio is above the margin."""
    found = measured(say)
    say("")
    if update:
        FIGURES.write_text(json.dumps(found, indent=1) + "\n")
        print(f"written to bench/figures.json: {found}")
        return 0
    return judge(found, json.loads(FIGURES.read_text()))


def measured(say: run.Say) -> dict[str, Any]:
    """Measure our cold start and warm view as ratios to the floor."""
    ready = stage.build(say)
    with stage.stub(ready) as endpoint:
        both = {
            name: each
            for name, each in contestants(ready, endpoint).items()
            if name in (goals.F, goals.OURS)
        }
        views = {
            name: Contestant(name, each.kind, {"view": each.jobs["view"]})
            for name, each in both.items()
        }
        results = {"instructions": run.counted(views, say)}
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "cold": round(goals.cold(results, goals.OURS) / goals.cold(results, goals.F), 4),
        "warm": round(
            goals.warm(results, goals.OURS, "view") / goals.warm(results, goals.F, "view"), 4
        ),
    }


def judge(found: dict[str, Any], figures: dict[str, Any]) -> int:
    """Print found and committed ratios and their difference in percent.

    Returns 1 if a found one is above the margin, else 0.
    """
    worse = 0
    for what in ("cold", "warm"):
        change = found[what] / figures[what]
        worse += change > MARGIN
        print(
            f"{what}: {found[what]:.3f} of a bare handler, "
            f"committed {figures[what]:.3f} ({100 * change - 100:+.1f} %)"
        )
    if found["python"] != figures["python"]:
        print(
            f"not judged: this is Python {found['python']}, the figures are of {figures['python']}"
        )
        return 0
    if worse:
        print(
            "more than 3 % dearer: find out why (docs/performance.md), "
            "or, if it is worth it, `make bench-update`"
        )
    return 1 if worse else 0
