"""The share of telling bots from people in a view's instructions, printed by `make cost`.

Valgrind's callgrind counts instructions, so that the figure is the same on a busy machine. A
request is a whole view by the API's handler, where a botocore event answers in place of DynamoDB.
A look classifies one user agent.
"""

import os
import re
import shutil
import subprocess
import sys
from typing import Any

GOAL = 0.01
LOOKS = {
    "again": "a user agent seen before",
    "version": "a new version of a browser seen before",
    "stranger": "a telephone nobody has heard of",
}
FEW, MANY = 20, 220
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; MODEL) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
VALGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def instructions(what: str) -> float:
    """Return the instructions of one `request` or look, from two runs of few and many."""
    counts = []
    for number in (FEW, MANY):
        done = subprocess.run(
            [*VALGRIND, sys.executable, "-m", "bench.filters", what, str(number)],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
        collected = re.search(r"Collected : (\d+)", done.stderr)
        if not collected:
            raise RuntimeError(done.stderr)
        counts.append(int(collected[1]))
    return (counts[1] - counts[0]) / (MANY - FEW)


def main() -> int:
    """Print the share. Returns 1 if it is above the goal or Valgrind is missing, else 0."""
    if not shutil.which("valgrind"):
        print(
            "telling bots from people: not measured, this needs valgrind (apt-get install valgrind)"
        )
        return 1
    request, loop = instructions("request"), instructions("nothing")
    missed = 0
    print(
        f"telling bots from people, of {request:,.0f} instructions of a view "
        f"(goal: at most {100 * GOAL:.0f} %):"
    )
    for what, label in LOOKS.items():
        look = instructions(what) - loop
        missed += look / request > GOAL
        print(f"  {label:42} {look:8,.0f}  {100 * look / request:.2f} %")
    return 1 if missed else 0


def _repeat(what: str, number: int) -> None:
    """Do `number` requests, looks or nothing, in the measured process, after a warm-up request."""
    os.environ.update(
        {
            "VIEW_MARKERS_TABLE": "markers",
            "VIEW_COUNTS_TABLE": "counts",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }
    )
    from botocore.awsrequest import AWSResponse

    import app
    from chalicelib import aws
    from chalicelib.articles import filters
    from tests.backend import BROWSER
    from tests.events import Context, api_event

    class Raw:
        def stream(self) -> Any:
            return iter([b"{}"])

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, Raw())

    aws.client("dynamodb").meta.events.register_first("before-send.dynamodb", answer)

    def view() -> None:
        made = app.app(
            api_event("POST", "/articles/bench/views", None, {"user-agent": BROWSER}), Context()
        )
        if made["statusCode"] != 204:
            raise RuntimeError(made["body"])

    letters = "abcdefghijklmnopqrst"
    agents = {
        "again": lambda turn: BROWSER,
        "version": lambda turn: BROWSER.replace("143.0", f"{1000 + turn}.0"),
        "stranger": lambda turn: PHONE.replace(
            "MODEL", f"Q{letters[turn // 20]}{letters[turn % 20]}x"
        ),
    }
    view()
    for turn in range(number):
        if what == "request":
            view()
        agent = agents.get(what, agents["stranger"])(turn)
        if what in agents:
            filters.classify(agent, {})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _repeat(sys.argv[1], int(sys.argv[2]))
    else:
        sys.exit(main())
