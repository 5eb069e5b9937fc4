"""The line's settings: read rightly, or refused by the code that serves, with the part quoted."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from chalicelib.callbacks import opening_hours, rules
from chalicelib.callbacks.opening_hours import DAYS, Block, Week
from chalicelib.settings import BadSetting, Settings, parse
from tests import cases
from tests.cases import HoursCase

CASES = list(cases.hours())
REFUSE = "refuse"
STATES = json.loads((Path(rules.__file__).parent / "holidays.json").read_text())


def meaning(setting: str, settings: Settings) -> str:
    """Return what a setting comes to, as the table writes it."""
    line = rules.read(settings)
    match setting:
        case "HOTLINE_HOURS":
            return written(by_day(line.hours.week))
        case "HOTLINE_EXCEPTIONS":
            return written({day: clocks(each) for day, each in line.hours.exceptions.items()})
        case "HOTLINE_HOLIDAYS":
            state = settings.hotline_holidays
            assert line.hours.holidays == frozenset(STATES.get(state, []))
            return state or "none"
        case "TIME_ZONE":
            return line.hours.zone
        case "HOTLINE_NUMBER":
            return settings.hotline_number
        case "PHONE_REGIONS":
            return ",".join(settings.phone_regions)
        case "FIRST_ATTEMPT_MINUTES":
            return str(line.first_attempt)
    return written({address: by_day(hours.week) for address, hours in line.shifts.items()})


def by_day(week: Week) -> dict[str, list[list[str]]]:
    days = zip(DAYS, opening_hours.by_day(week), strict=True)
    return {day: clocks(blocks) for day, blocks in days if blocks}


def clocks(blocks: Iterable[Block]) -> list[list[str]]:
    return [[f"{at // 60:02}:{at % 60:02}" for at in block] for block in blocks]


def written(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def same(one: str, other: str) -> bool:
    """Tell whether two meanings are the same; the order of days does not matter."""
    return one == other or (one[:1] + other[:1] == "{{" and json.loads(one) == json.loads(other))


@pytest.mark.parametrize("case", CASES, ids=lambda each: f"{each.id} {each.why}")
def test_a_setting_of_the_line_is_meant_like_that_or_refused(case: HoursCase) -> None:
    try:
        settings = parse({case.setting: case.text})
        found = list(rules.faults(settings))
    except BadSetting as error:
        found = [str(error)]
    if found:
        assert REFUSE in case.answers, found
        (fault,) = found
        assert case.setting in fault
        parts = [each.strip() for each in re.split("[;|]", case.text)]
        # A list of names quotes the one that is wrong.
        names = filter(None, case.text.split(","))
        quoted = (*filter(None, parts), repr(case.text), *names)
        assert not case.text or any(each in fault for each in quoted)
        return
    meant = meaning(case.setting, settings)
    assert any(same(meant, each) for each in case.answers if each != REFUSE), meant


def test_every_fault_is_told_at_once() -> None:
    settings = parse({"TIME_ZONE": "Berlin", "HOTLINE_NUMBER": "112", "HOTLINE_HOURS": "Mon-Fri"})
    with pytest.raises(BadSetting) as told:
        rules.check(settings)
    assert str(told.value).splitlines() == [
        "TIME_ZONE: 'Berlin' is no time zone such as Europe/Berlin",
        "HOTLINE_NUMBER: '112' is no telephone number in E.164, such as +4979302699",
        "HOTLINE_HOURS: 'Mon-Fri': '' is no span such as 09:00-17:00, and not `closed`",
    ]
    rules.check(parse({}))


def test_what_serves_refuses_what_a_deployment_refuses() -> None:
    """Check that serving never takes a setting of the hours that the check names."""
    served = ("HOTLINE_HOURS", "HOTLINE_EXCEPTIONS", "HOTLINE_HOLIDAYS", "TIME_ZONE")
    refused = 0
    for case in CASES:
        settings = parse({case.setting: case.text}) if case.setting in served else None
        if settings and list(rules.faults(settings)):
            refused += 1
            with pytest.raises(BadSetting, match=case.setting):
                rules.read(settings)
    assert refused > 50
