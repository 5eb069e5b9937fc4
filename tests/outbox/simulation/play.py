"""The scenes of the simulation, and the line that tells how one went."""

from dataclasses import dataclass

from tests.callbacks.simulation.world import configured
from tests.outbox.simulation.world import Report, World, report


@dataclass(frozen=True)
class Scene:
    """SES's rate (mails a second) and time to answer, and how often processes end."""

    rate: float
    latency: float = 0.05  # seconds
    crashes: float = 0.0  # before and after each call, by chance


SCENES = (
    *(Scene(rate) for rate in (14, 200, 1000)),
    *(Scene(rate, latency=0.5) for rate in (14, 200, 1000)),
    *(Scene(rate, crashes=0.0005) for rate in (14, 200, 1000)),
)


def play(scene: Scene, messages: int, seed: int = 1) -> Report:
    """Drain a backlog of so many messages, and return what became of it."""
    with configured(MAILS_A_DAY="1000000"):
        world = World(messages, scene.rate, scene.latency, scene.crashes, seed)
        world.run()
        return report(world)


def line(scene: Scene, told: Report) -> str:
    """Return a line that tells what became of a backlog."""
    return (
        f"SES {scene.rate:,.0f}/s, answers in {scene.latency * 1000:.0f} ms, a process ends at "
        f"{scene.crashes:.2%} of the calls: 99 % in {told.minutes:.1f} min, last {told.last:.1f} "
        f"min · alerts in {told.alerts:.0f} s · out of order {told.out_of_order} · lost {told.lost}"
        f" · twice {told.twice}, unexplained {told.unallowed} · killed {told.killed}"
        f" · slowed by SES {told.throttled}"
    )
