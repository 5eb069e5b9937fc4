"""What a site calls an article becomes one name, whatever it is."""

import re
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.articles import names
from tests import cases
from tests.cases import ArticleCase

NAMES = [each for each in cases.articles() if each.kind == "name"]


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case.id)
def test_every_line_has_its_name(case: ArticleCase) -> None:
    found = names.name(case.given)
    assert case.fits(found.slug), (case.given, found)
    assert names.name(case.given) == found


@given(st.text(max_size=500))
@example("%F0%9F\x00\ud800")
@example("-" * 499 + " ")
def test_whatever_it_is_it_is_a_slug_or_nothing(written: str) -> None:
    found = names.name(written)
    assert re.fullmatch(r"[a-z0-9._-]{0,200}", found.slug)
    assert len(found.source) <= 200
    assert found.source.encode().decode() == found.source  # a table takes it
    assert names.name(found.slug) == names.Name(found.slug), "a name is its own name"


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30))
def test_letters_are_never_lost(written: str) -> None:
    assert names.name(written).slug or written.lower() in (
        "null",
        "undefined",
        "nan",
        "none",
        "false",
    )


@given(st.lists(st.text("abcäß é-日", min_size=1, max_size=8), min_size=1, max_size=4))
def test_one_address_has_one_name_in_all_its_spellings(folders: list[str]) -> None:
    path = "/".join(folders)
    spellings = {
        path,
        f"/{path}/",
        f"//{path}//",
        f"/{quote(path)}",
        quote(path, safe=""),
        f"https://www.example.com/{quote(path)}/?utm_source=mail#top",
        f"HTTPS://WWW.EXAMPLE.COM/{path}",
    }
    assert len({names.name(each) for each in spellings}) == 1


def test_two_sources_of_one_name_are_told_apart_and_two_spellings_are_not() -> None:
    assert names.name("a/b") == ("a.b", "a/b")
    assert names.name("a.b") == ("a.b", "")
    assert names.name("A/b/") == names.name("https://x.example/a/B?gclid=1") == ("a.b", "a/b")
    assert names.name("?p=1") == ("p-1", "?p=1")
    assert names.name("p=1") == ("p-1", "p=1")
    assert names.name("C# lernen").source == "c# lernen"
    assert names.name("\u202ego\u00adld") == ("gold", ""), "what nobody sees is no difference"
    long = names.name("ä" * 300)
    assert (len(long.slug), len(long.source)) == (200, 200)


def test_letters_that_ascii_has_not_are_told_apart() -> None:
    assert len({names.name(each).slug for each in ("𐒀", "𐒁", "gold-𐒀", "gold-𐒁", "gold")}) == 5


def test_a_plain_name_imports_nothing_for_other_scripts() -> None:
    code = (
        "import sys; from chalicelib.articles import names;"
        "assert names.name('gold-kaufen').slug == 'gold-kaufen';"
        "assert names.name('/Rat/Gold?p=1').slug == 'rat.gold-p-1';"
        "assert names.name('/M%C3%BCnzen/').slug == 'muenzen';"
        "assert 'anyascii' not in sys.modules;"
        "assert names.name('café').slug == 'cafe';"
        "assert 'anyascii' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
