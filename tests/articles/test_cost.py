"""The cost of a view, measured on the real calls."""

import pytest

from bench import cost
from tests.backend import Backend


@pytest.mark.soak
def test_the_cost_goals_are_met(backend: Backend) -> None:
    rows = cost.measure(backend)
    for name, row in rows.items():
        units = f"{row[0] + row[1]:.2f} write, {row[2]:.2f} read units"
        print(f"{name}: {units}, ${cost.price(row):.2f} per million")
    assert {goal for goal, met in cost.goals(rows).items() if not met} == set()
