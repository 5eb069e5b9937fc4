"""Visitors and chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.articles import model
from chalicelib.articles.model import Marker
from chalicelib.sender import Sender

SALT = b"salt of the day"


def visitor(
    slug: str = "gold", address: str = "192.0.2.1", kind: str = "firefox mac 1", salt: bytes = SALT
) -> str:
    return model.visitor(salt, slug, Sender(address, "").network, kind)


def test_one_visitor_is_one_article_address_and_kind_of_browser_of_a_day() -> None:
    assert visitor() == visitor()
    others = {
        visitor("silver"),
        visitor(address="192.0.2.2"),
        visitor(kind="firefox mac 2"),
        visitor(salt=b"tomorrow"),
    }
    assert len(others | {visitor()}) == 5


def test_ipv6_counts_by_household() -> None:
    assert visitor(address="2001:db8:1:2::1") == visitor(address="2001:db8:1:2:ffff::9")
    assert visitor(address="2001:db8:1:2::1") != visitor(address="2001:db8:1:3::1")


@pytest.mark.parametrize("address", ["", "unknown", "fe80::1%eth0", "::ffff:192.0.2.1"])
def test_whatever_the_address_there_is_a_visitor(address: str) -> None:
    assert len(visitor(address=address)) == 16


def test_nothing_of_the_visitor_is_in_the_marker() -> None:
    key = Marker("gold", "2026-11-23", visitor()).key
    assert "192.0.2.1" not in key
    assert "firefox" not in key


markers = st.lists(
    st.builds(
        Marker,
        st.sampled_from("abc"),
        st.sampled_from(["2026-11-22", "2026-11-23"]),
        st.text("xyz", max_size=4),
    ),
    max_size=400,
)


@given(markers)
def test_chunks_hold_each_marker_once_and_fit_a_transaction(given_markers: list[Marker]) -> None:
    chunks = list(model.chunks(given_markers))
    for chunk in chunks:
        assert 0 < len(chunk) <= 98
        assert len({(marker.slug, marker.day) for marker in chunk}) == 1
    keys = [marker.key for chunk in chunks for marker in chunk]
    assert sorted(keys) == sorted({marker.key for marker in given_markers})


def test_only_popular_chunks_are_spread() -> None:
    assert {model.lane(19, any_lane) for any_lane in range(32)} == {0}
    assert [model.lane(20, any_lane) for any_lane in range(32)] == list(range(32))
