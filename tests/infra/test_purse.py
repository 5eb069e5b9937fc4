"""What bounds a flood is what the figures say, and the guide's figures are those."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import purse
from infra.throttles import PAGES


@pytest.fixture
def tables(root: Path) -> dict[str, Any]:
    resources = json.loads((root / "infra" / "template.json").read_text())["Resources"]
    return {name: each["Properties"] for name, each in resources.items() if "Table" in each["Type"]}


def units(of: purse.Units) -> dict[str, int]:
    return {"MaxReadRequestUnits": of.reads, "MaxWriteRequestUnits": of.writes}


def test_the_views_tables_have_a_maximum_and_contacts_has_none(tables: dict[str, Any]) -> None:
    assert tables["ViewMarkers"]["OnDemandThroughput"] == units(purse.MOST["view-markers"])
    assert tables["ViewCounts"]["OnDemandThroughput"] == units(purse.MOST["view-counts"])
    (days,) = tables["ViewCounts"]["GlobalSecondaryIndexes"]
    assert days["OnDemandThroughput"] == units(purse.MOST["days"])
    assert "OnDemandThroughput" not in json.dumps(tables["Contacts"])


def test_a_busy_site_stays_below_and_the_quota_of_an_account_above() -> None:
    assert purse.MOST["view-markers"].writes >= 3.0 * PAGES
    assert purse.MOST["view-counts"].writes >= 0.4 * PAGES
    assert purse.MOST["view-counts"].reads >= 2 * PAGES
    for most in purse.MOST.values():
        assert most.writes < purse.QUOTA.writes
        assert most.reads < purse.QUOTA.reads


def test_the_costs_of_a_flood_are_those_that_the_guide_states(root: Path) -> None:
    told = (root / "docs" / "costs.md").read_text()
    rows = dict(re.findall(r"^\| (.+?) \| (\d.+?) \|$", told.split("## A flood")[1], re.M))
    stated = [tuple(map(float, each.split(" | "))) for each in rows.values()]
    assert stated == [
        (round(purse.views(False), 2), round(purse.views(True), 2)),
        (round(purse.reads(False), 2), round(purse.reads(True), 2)),
        (round(purse.requests(2 * PAGES), 2), round(purse.requests(2 * PAGES), 2)),
        (round(purse.requests(purse.ACCOUNT), 2), round(purse.inspected(purse.ACCOUNT), 2)),
    ]
    assert purse.views(True) < purse.views(False) / 2


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("waf_per_5_minutes", 9),
        ("waf_per_5_minutes", "2000"),
        ("waf_per_5_minutes", 10.5),
        ("waf_per_5_minutes", True),
        ("waf_per_5_minutes", None),
        ("requests_a_day", 0),
        ("requests_a_day", -1),
        ("sms_usd", 0),
        ("sms_usd", float("nan")),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, given: Any) -> None:
    assert repr(given) in purse.fault(name, given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"waf_per_5_minutes": 0},
        {"waf_per_5_minutes": 10, "requests_a_day": 1, "sms_usd": 0.5},
        {"waf_per_5_minutes": 2_000_000_000, "sms_usd": 50},
    ],
)
def test_others_are_not(given: dict[str, Any]) -> None:
    assert [purse.fault(name, value) for name, value in given.items()] == [""] * len(given)


def test_a_quarter_of_a_day_in_an_hour_is_an_alarm() -> None:
    assert purse.requests_an_hour({}) == 250_000
    assert purse.requests_an_hour({"requests_a_day": 40_000}) == 10_000
    assert purse.requests_an_hour({"requests_a_day": 1}) == 1
