"""`make page-cost`: what a website's article page asks of us, the first one and a later one.

A visitor's browser reads two articles of the demo website, one after another. Its requests for the
API are counted, and the bytes of the answers as API Gateway sends them. The price is by the list
prices of `bench.cost`, with the view's counting and what leaves AWS.
"""

import gzip
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench import cost
from local.cloud import Cloud
from tests.backend import Backend
from tests.browser.conftest import SHELL, chromium, launch, visitor

TRANSFER = 0.09  # USD a GB that leaves AWS
HEADERS = 500  # bytes of an answer's headers, about
REQUESTS, PRICE = 3, 15.0  # goals for a first article page, the price in USD a million
ARTICLES = ("barren-oder-muenzen", "gold-aufbewahren")
SHOWN = "GET /page, all an article page shows"
VIEW = "a new view, ten at a time of each (mixed)"


@dataclass
class Visit:
    """What one page asked the API for; preflights are among the requests."""

    paths: list[str] = field(default_factory=list)
    size: int = 0

    def price(self, rows: dict[str, cost.Row]) -> float:
        """Return the price in USD per million pages."""
        reads = sum(path.startswith("/page") for path in self.paths)
        views = sum(path.endswith("/views") for path in self.paths)
        asked = len(self.paths) * (cost.API + cost.LAMBDA) + views * cost.LAMBDA
        units = reads * cost.price(rows[SHOWN]) + views * cost.price(rows[VIEW])
        return asked + units + self.size * 1e6 / 1e9 * TRANSFER


def visits(browser: Browser, cloud: Cloud) -> list[Visit]:
    """Return what each of two article pages asks for, one after another, by one visitor."""
    reader = visitor(browser, cloud)
    network = reader.context.new_cdp_session(reader.page)
    network.send("Network.enable")
    seen: list[Visit] = []
    cached: set[str] = set()
    network.on("Network.requestServedFromCache", lambda told: cached.add(told["requestId"]))

    def answered(told: Any) -> None:
        url, status = told["response"]["url"], told["response"]["status"]
        from_cache = told["requestId"] in cached or told["response"].get("fromDiskCache")
        if url.startswith(cloud.api) and not from_cache:
            seen[-1].paths.append(url.removeprefix(cloud.api))
            # A preflight and an accepted view have no body.
            kind = told["response"]["mimeType"]
            if status == 200 and kind in ("text/javascript", "application/json"):
                with urllib.request.urlopen(url, timeout=10) as again:  # noqa: S310  ours
                    seen[-1].size += len(gzip.compress(again.read()))
            seen[-1].size += HEADERS

    network.on("Network.responseReceived", answered)
    for article in ARTICLES:
        seen.append(Visit())
        reader.go(f"/artikel/{article}")
        reader.page.wait_for_timeout(500)  # the view has left by then
    reader.context.close()
    return seen


def goals(first: Visit, price: float) -> dict[str, bool]:
    """Return for each goal whether a first page meets it."""
    return {
        f"at most {REQUESTS} requests": len(first.paths) <= REQUESTS,
        f"at most {PRICE:.0f} USD a million": price <= PRICE,
    }


def main() -> int:
    """Print the table and the goals. Returns 1 if a goal is missed, else 0."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cloud(Path(folder)) as cloud,
        Backend.of_its_own(cloud, "page") as backend,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, chromium(SHELL))
        first, later = visits(browser, cloud)
        browser.close()
        rows = cost.measure(backend)
    print(f"{'':22}{'requests':>9}{'bytes':>8}{'$/1M':>8}")
    for name, visit in (("a first article page", first), ("a later one", later)):
        print(f"{name:22}{len(visit.paths):9}{visit.size:8}{visit.price(rows):8.2f}")
        for path in visit.paths:
            print(f"    {path[:90]}")
    met = goals(first, first.price(rows))
    for goal, holds in met.items():
        print(f"{'met   ' if holds else 'MISSED'} {goal}")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
