"""The words of the operators' commands, in the language of the terminal.

The environment names it as it does for gettext: by `LC_ALL`, `LC_MESSAGES` or `LANG`, and before
them by the list in `LANGUAGE`, which does not count where the locale is `C` or `POSIX`. The first
language taken is one that the company speaks; where there is none, it is English. `--help` is
documentation and stays English, as do JSON, the columns of CSV and the log.
"""

import os
import re
from collections.abc import Iterator, Mapping

from chalicelib import company, messages, settings, texts
from chalicelib.formats import Formats


def language() -> str:
    """Return the language to speak to the operator in."""
    spoken = {texts.SOURCE, *company.current().languages}
    return next((each for each in _wanted(os.environ) if each in spoken), texts.SOURCE)


def _(word: str, **values: object) -> str:
    """Return a word or sentence with its placeholders filled."""
    said = texts.of(language()).gettext(word)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Return the form for a number of things; `num` is filled in like the other values."""
    return texts.of(language()).ngettext(one, many, num) % {"num": num, **values}


def refusal(code: str) -> str:
    """Return why a field was refused; what has no code of ours is too long."""
    return messages.message(code if code in messages.MESSAGES else "too_long", language())


def formats() -> Formats:
    """Return how dates are written, in the company's time zone."""
    return Formats(language(), settings.current().time_zone)


def _wanted(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the languages that the environment asks for, the first wanted most."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    if _code(locale) in ("c", "posix"):
        return
    for each in (*environment.get("LANGUAGE", "").split(":"), locale):
        yield _code(each)


def _code(locale: str) -> str:
    """Return the language of a locale such as `de_AT.UTF-8`."""
    return re.split(r"[-_.@]", locale)[0].lower()
