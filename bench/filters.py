"""What telling a bot from a person adds to a view: a ratio of medians, taken turn by turn in one run."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from chalicelib.articles import filters
from local.cloud import Cloud
from tests.backend import BROWSER, Backend

ROUNDS = 400
GOAL = 0.01


def ratio(backend: Backend) -> float:
    """The time of one look at an unseen user agent, as a part of a whole view request."""
    requests, looks = [], []
    for number in range(ROUNDS):
        agent = {"user-agent": f"{BROWSER} {number}"}
        began = time.perf_counter()
        backend.call("POST", "/articles/bench/views", headers=agent, caller=f"10.0.{number // 256}.{number % 256}")
        between = time.perf_counter()
        filters.classify({"user-agent": f"{BROWSER} again {number}"})
        requests.append(between - began)
        looks.append(time.perf_counter() - between)
    return statistics.median(looks) / statistics.median(requests)


def main() -> int:
    """Prints the ratio; fails above the goal."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cloud(Path(folder)) as cloud,
        Backend.of_its_own(cloud, "b") as backend,
    ):
        found = ratio(backend)
    print(f"telling bots from people: {100 * found:.2f} % of a view request (goal: at most {100 * GOAL:.0f} %)")
    return 0 if found <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
