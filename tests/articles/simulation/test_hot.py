"""Ten thousand views a second of one article."""

from dataclasses import replace

import pytest

from tests.articles.simulation.hot import KEY_LIMIT, Simulation
from tests.articles.simulation.hot_figures import deployed, told
from tests.scale import Scale


@pytest.mark.usefixtures("slow")
def test_an_article_that_everybody_reads_is_counted_without_a_throttle(scale: Scale) -> None:
    setting = replace(deployed(), seconds=scale(120))
    figures = Simulation(setting).run()
    print(told(setting, figures))
    assert not figures.throttled
    assert figures.waiting < setting.rate  # the views of the last second
    assert figures.lag[1] < 2  # seconds
    assert figures.hottest["article"] < KEY_LIMIT * 0.9


@pytest.mark.usefixtures("slow")
def test_batches_of_a_hundred_at_once_would_break_it(scale: Scale) -> None:
    figures = Simulation(
        replace(deployed(), batch=100, window=0.0, seconds=max(6, scale(20)))
    ).run()
    assert figures.throttled
    assert figures.redelivered
