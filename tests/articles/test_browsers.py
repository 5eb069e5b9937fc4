"""The kinds of browsers: few enough that nobody can invent many, enough to tell people apart."""

import random
import string
from pathlib import Path

import pytest

from bench import crowds
from chalicelib.articles import browsers

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) "
)
ANDROID = "Mozilla/5.0 (Linux; Android 15; SM-A556B; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
WORDS = [
    word for listed in (browsers.FAMILIES, browsers.SYSTEMS) for _, said in listed for word in said
]


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (WINDOWS + "Chrome/145.0.0.0 Safari/537.36", "chrome windows"),
        (WINDOWS + "Chrome/144.0.0.0 Safari/537.36 Edg/144.0.0.0", "edge windows"),
        (WINDOWS + "Chrome/144.0.0.0 Safari/537.36 OPR/128.0.0.0", "opera windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox other"),
        (IPHONE + "Version/26.2 Mobile/15E148 Safari/604.1", "safari ios"),
        (IPHONE + "CriOS/140.0 Mobile/15E148 Safari/604.1", "chrome ios"),
        (IPHONE + "Mobile/15E148 WhatsApp/25.33.72", "app ios"),
        (ANDROID + "Version/4.0 Chrome/142.0 Mobile Safari/537.36", "app android"),
        (
            ANDROID.replace("; wv", "") + "SamsungBrowser/29.0 Chrome/136 Safari/1",
            "samsung android",
        ),
        ("", "other other"),
    ],
)
def test_families_and_systems(agent: str, kind: str) -> None:
    assert browsers.kind(agent).rpartition(" ")[0] == kind


def test_two_versions_are_told_apart_by_the_digit() -> None:
    digits = {browsers.kind(f"{WINDOWS}Chrome/{each}.0.0.0")[-1] for each in range(100, 145)}
    assert digits == set("0123")


def test_whoever_invents_agents_has_few_kinds() -> None:
    chance, made = random.Random(1), set()
    for _ in range(100_000):
        said = " ".join(chance.choices(WORDS, k=3)) + "".join(chance.choices(string.printable, k=9))
        made.add(browsers.kind(said))
    print(f"\nkinds of 100,000 invented user agents: {len(made)}, at most {browsers.MOST}")
    assert len(browsers.FAMILIES) * len(browsers.SYSTEMS) <= 40
    assert len(made) == browsers.MOST == 160


def test_the_page_says_how_many_are_told_apart(root: Path) -> None:
    found = crowds.table()
    print(f"\n{found}")
    assert found in (root / "docs" / "privacy.md").read_text(), "python -m bench.crowds"
    assert sum(crowds.SHARES.values()) < 100
