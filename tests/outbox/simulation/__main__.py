"""Print what becomes of a backlog at each of SES's rates."""

import sys

from tests.outbox.simulation.play import SCENES, line, play

if __name__ == "__main__":
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for scene in SCENES:
        print(line(scene, play(scene, messages)), flush=True)
