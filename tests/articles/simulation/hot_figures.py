"""Print what one popular article costs in time, and at which rate it breaks.

Run it by `python -m tests.articles.simulation.hot_figures`.
"""

from dataclasses import replace

import app
from tests.articles.simulation.hot import Figures, Setting, Simulation


def deployed() -> Setting:
    """Return the setting with which app.py subscribes the function to the stream."""
    (trigger,) = (each for each in app.app.event_sources if each.name == "count_views")
    return Setting(
        batch=trigger.batch_size, window=float(trigger.maximum_batching_window_in_seconds)
    )


def told(setting: Setting, figures: Figures) -> str:
    """Describe a simulation's setting and figures in one paragraph."""
    half, most, longest = figures.lag
    units = ", ".join(f"{name} {used}" for name, used in sorted(figures.hottest.items()))
    return (
        f"{setting.rate} views/s for {setting.seconds} s,"
        f" {setting.shards} shards × {setting.parallel},"
        f" window {setting.window:g} s, batches of {setting.batch},"
        f" {'new markers only' if setting.filtered else 'all records'},"
        f" {'another' if setting.new_lanes else 'the same'} lane after a conflict:\n"
        f"  throttled {figures.throttled.total()} {dict(figures.throttled)},"
        f" conflicts {figures.conflicts}, redelivered {figures.redelivered},"
        f" counted {figures.counted}, waiting {figures.waiting}\n"
        f"  transactions/s {figures.transactions / setting.seconds:.0f},"
        f" views a transaction {figures.counted / max(1, figures.transactions):.0f},"
        f" lag {half:.2f} s half, {most:.2f} s 99 of 100, {longest:.2f} s all\n"
        f"  busiest second, write units: {units}"
    )


def breaks(setting: Setting) -> tuple[int, Figures]:
    """Return the first rate at which something is throttled or views queue up, and its figures.

    The rate grows in steps of a quarter.
    """
    while True:
        figures = Simulation(setting).run()
        if figures.throttled or figures.waiting > 3 * setting.rate:
            return setting.rate, figures
        setting = replace(setting, rate=setting.rate * 5 // 4)


def main() -> None:
    """Print the figures, in the order in which each change helps."""
    now = deployed()
    plain = replace(now, batch=100, window=0.0, seconds=20)
    apart = replace(now, filtered=True, new_lanes=True)
    for setting in (
        now,
        apart,
        plain,
        replace(plain, shards=40),
        replace(apart, parallel=10, seconds=20),
    ):
        print(told(setting, Simulation(setting).run()))
    # Batches are small where few views are spread over many shards.
    for rate in (150, 600, 2500):
        setting = replace(apart, rate=rate, seconds=20)
        print(told(setting, Simulation(setting).run()))
    for setting in (now, apart, replace(apart, table_limit=10**6, shards=400)):
        rate, figures = breaks(replace(setting, seconds=10))
        print(
            f"breaks at {rate}/s, a table's limit {setting.table_limit}: {dict(figures.throttled)}"
        )


if __name__ == "__main__":
    main()
