"""Which views are a person's: a corpus of real user agents, and the headers of prefetches."""

from collections import Counter
from pathlib import Path

import crawleruseragents
import pytest

from chalicelib.articles import filters
from tests import cases
from tools import bots

CORPUS = [
    (line.partition("\t")[0], line.partition("\t")[2])
    for line in (Path(__file__).parent / "user_agents.tsv").read_text().split("\n")
    if line
]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def test_the_table_is_current() -> None:
    assert bots.TABLE.read_text() == bots.table(), "run `make generated`"


def test_the_corpus_is_classed_as_written() -> None:
    mistakes = [
        (expected, found, agent)
        for expected, agent in CORPUS
        if (found := filters.classify(agent, {}) or "person") != expected
    ]
    counts = Counter(expected for expected, _ in CORPUS)
    print("\nuser agents", len(CORPUS), *(f"· {kind} {count}" for kind, count in counts.items()))
    print("mistakes", len(mistakes))
    assert mistakes == []
    assert len(CORPUS) == len(set(CORPUS)) >= 150
    assert {expected for expected, _ in CORPUS} == {*filters.CLASSES, "person"} - {"prefetch"}


def test_every_line_of_the_cases_is_classed_as_written() -> None:
    listed = list(cases.agents())
    found = {each.id: filters.classify(each.user_agent, {}) or "person" for each in listed}
    mistakes = [(each, found[each.id]) for each in listed if not each.fits(found[each.id])]
    print(f"\ncases {len(listed)} · mistakes {len(mistakes)}")
    assert mistakes == []


@pytest.mark.parametrize(
    "agent", ["node", "Deno/2.1.4", "Bun/1.1.38", "Ruby", "Java/21.0.1", "insomnia/10.2.0", "x"]
)
def test_what_names_no_browser_is_a_program(agent: str) -> None:
    assert filters.classify(agent, {}) == "tool"


@pytest.mark.parametrize(
    "agent",
    [
        "Opera/9.80 (J2ME/MIDP; Opera Mini/4.2/22.285; U; en) Presto/2.2.0",
        "Shop/3.1 (iPhone; iOS 18.7) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    ],
)
def test_an_apps_own_browser_is_a_persons(agent: str) -> None:
    assert filters.classify(agent, {}) is None


def test_the_maintained_lists_own_examples_are_found() -> None:
    examples = [
        each for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for each in entry["instances"]
    ]
    missed = [each for each in examples if filters.classify(each, {}) is None]
    print(f"\nexamples of the list {len(examples)} · missed {len(missed)}")
    assert len(missed) <= len(examples) / 100


def test_a_very_long_agent_is_looked_at_in_part() -> None:
    assert filters.classify("Mozilla/5.0 " + "bo" * 100_000, {}) is None
    assert filters.classify("Googlebot/2.1 " + "x" * 100_000, {}) == "bot"


@pytest.mark.parametrize("agent", ["", " ", "\t"])
def test_an_empty_agent(agent: str) -> None:
    assert filters.classify(agent, {}) == "empty"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "preview"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
        ("x-moz", "Prefetch"),
        ("sec-purpose", "prefetch;prerender;preview"),
    ],
)
def test_what_nobody_asked_for(header: str, value: str) -> None:
    assert filters.classify(FIREFOX, {header: value}) == "prefetch"


def test_other_purposes_are_a_persons() -> None:
    assert filters.classify(FIREFOX, {"purpose": "reading"}) is None
