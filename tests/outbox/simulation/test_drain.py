"""A backlog leaves at SES's rate, in order, and is neither lost nor sent twice unexplained."""

import pytest

from chalicelib import log
from tests.outbox.simulation.play import Scene, line, play
from tests.scale import Scale, part


@pytest.mark.parametrize(
    ("scene", "minutes", "mails"),
    part(
        [
            (Scene(200, latency=0.5), 3, 5_000),
            (Scene(200), 3, 20_000),
            (Scene(1000, latency=0.5, crashes=0.0005), 20, 5_000),
            (Scene(14, crashes=0.0005), 90, 5_000),
        ]
    ),
    ids=["slow to answer", "as it should be", "fast, slow to answer, ending", "slow, ending"],
)
def test_a_backlog_is_drained(
    slow: None, scale: Scale, scene: Scene, minutes: int, mails: int
) -> None:
    with log.written_to(lambda line: None):
        told = play(scene, scale(mails, 5, mails // 2))
    print("\n" + line(scene, told))
    assert told.last <= minutes
    assert (told.lost, told.unallowed, told.killed) == (0, 0, 0)
    if not scene.crashes:
        assert (told.twice, told.out_of_order) == (0, 0)
        assert told.alerts <= 60
