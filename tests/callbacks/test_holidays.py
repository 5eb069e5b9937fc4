"""The shipped table of public holidays agrees with the holidays package."""

from tools import holidays_table


def test_the_table_is_current() -> None:
    assert holidays_table.TABLE.read_text() == holidays_table.table(), "run `make generated`"


def test_states_differ() -> None:
    assert '"BW":["2026-01-01","2026-01-06"' in holidays_table.table()
    assert '"HH":["2026-01-01","2026-04-03"' in holidays_table.table()
