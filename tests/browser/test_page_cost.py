"""A first article page asks for three things, and costs what `bench.page` says."""

import pytest
from playwright.sync_api import Browser

from bench import cost, page
from local.cloud import Cloud
from tests.backend import Backend


def test_a_first_article_page_asks_for_three_things(browser: Browser, cloud: Cloud) -> None:
    first, later = page.visits(browser, cloud)
    asked = sorted(path.partition("?")[0] for path in first.paths)
    assert asked == [f"/articles/{page.ARTICLES[0]}/views", "/embed.js", "/page"]
    assert len(later.paths) == 2


@pytest.mark.soak
def test_the_goals_are_met(browser: Browser, cloud: Cloud, backend: Backend) -> None:
    first, later = page.visits(browser, cloud)
    rows = cost.measure(backend)
    for name, visit in (("first", first), ("later", later)):
        said = f"{len(visit.paths)} requests, {visit.size} bytes, ${visit.price(rows):.2f}"
        print(f"a {name} article page: {said} per million")
    assert all(page.goals(first, first.price(rows)).values())
