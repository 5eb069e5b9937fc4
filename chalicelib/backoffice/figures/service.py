"""The figures of a span, made from the capabilities' data. No HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib import instants
from chalicelib.articles import service as articles
from chalicelib.backoffice.figures import model
from chalicelib.backoffice.figures.model import Figures, Step
from chalicelib.callbacks import rules
from chalicelib.callbacks import service as callbacks
from chalicelib.newsletter import service as newsletter
from chalicelib.settings import current


@dataclass(frozen=True)
class Shown:
    """The figures from `first` to `last`; `filtered` are views no person made, by day and class."""

    first: date
    last: date
    figures: Figures
    filtered: Mapping[date, Mapping[str, int]]


def figures(days: int, now: datetime, step: Step, filtered_days: int = 0) -> Shown:
    """Return the figures of so many days up to today, by `step`.

    `filtered_days` says for how many days the filtered views are read, one read a day.
    """
    settings = current()
    last = instants.day(now, settings.time_zone)
    first = model.first_day(last, days)
    views = articles.views_of_span(first, last, filtered_days)
    made = model.figures(
        callbacks.requests_since(model.begin(first, settings.time_zone)),
        newsletter.growth(first, last),
        views.by_day,
        rules.current(),
        first,
        last,
        now,
        step,
    )
    return Shown(first, last, made, views.filtered)


def step_of(days: int) -> Step:
    """Return the step by which a page shows so many days, so that no chart has too many bars."""
    return "day" if days <= 31 else "week" if days <= 120 else "month"
