"""What every test of the operators' commands stands on."""

import pytest


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the commands speak English, whatever the language of the developer's terminal."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
