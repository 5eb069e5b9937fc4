"""`make bench`: cold starts and warm requests, compared with the same work in other libraries.

All is measured in one run on this machine. `python -m bench check` is the short form for CI,
`python -m bench update` writes the figures it compares with.
"""

import json
import platform
import shutil
import sys
from typing import Any

from bench import check, profile, report, run, stage
from bench.contestants import contestants
from bench.goals import OURS, goals

RESULTS = stage.ROOT / "bench" / "results" / "latest.json"
DOCUMENT = stage.ROOT / "docs" / "performance.md"
CHART = stage.ROOT / "docs" / "performance.svg"


def say(text: str) -> None:
    """Print progress to stderr, in place on a terminal, else a line each."""
    print(
        f"\r\033[K{text}" if sys.stderr.isatty() else text,
        end="" if sys.stderr.isatty() else "\n",
        file=sys.stderr,
        flush=True,
    )


def whole() -> dict[str, Any]:
    """Measure everything and return the results, in the shape of results/latest.json."""
    ready = stage.build(say)
    with stage.stub(ready) as endpoint:
        all_of_them = contestants(ready, endpoint)
        results = {
            "python": platform.python_version(),
            "kinds": {name: each.kind for name, each in all_of_them.items()},
            "streams": [name for name, each in all_of_them.items() if each.kind == "stream"],
            "zipped": ready.zipped,
            "work": run.same_work(all_of_them, endpoint, ready.certificates, say),
            "instructions": run.counted(all_of_them, say),
            "profiles": profile.profiles(all_of_them, say),
            "warm": profile.warm(all_of_them[OURS], say),
            "fresh": profile.fresh(all_of_them[OURS], say),
            "times": run.timed(all_of_them, say),
        }
    say("")
    return results


def main() -> int:
    """Measure, write and print. Exit codes: 0 goals met, 1 a goal is missed, 2 no Valgrind."""
    if not shutil.which("valgrind"):
        print("this needs valgrind: apt-get install valgrind", file=sys.stderr)
        return 2
    if sys.argv[1:] in (["check"], ["update"]):
        return check.main(sys.argv[1] == "update", say)
    results = whole()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    CHART.write_text(report.chart(results))
    DOCUMENT.write_text(report.into(DOCUMENT.read_text(), results))
    print(f"{report.table(results)}\n\n{report.verdicts(results)}")
    return 0 if all(reached <= most for _, reached, most in goals(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
