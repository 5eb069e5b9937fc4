"""Play a year and print its figures: `python -m tests.callbacks.simulation [REQUESTS [SEED]]`."""

import sys

from tests.callbacks.simulation.world import World

requests, seed = (*map(int, sys.argv[1:]), *(1000, 1)[len(sys.argv) - 1 :])
year = World(seed, requests).play()
print(year.report())
sys.exit(1 if sum(year.wrong.values()) else 0)
