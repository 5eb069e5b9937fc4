"""Play run 17 by `python -m tests.articles.simulation 17`.

With two numbers, play the runs from the first up to the second, which is left out.
"""

import sys

from tests.articles.simulation import play

if __name__ == "__main__":
    first = int(sys.argv[1])
    end = int(sys.argv[2]) if len(sys.argv) > 2 else first + 1
    with play.players() as pool:
        outcomes = play.many(pool, play.one, range(first, end))
    for outcome in outcomes:
        if outcome.deviations:
            print(f"run {outcome.seed}: {dict(outcome.deviations)}")
    print(play.report(outcomes))
