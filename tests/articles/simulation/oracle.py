"""What the sums must be, by sets of all markers and of all flagged markers there ever were."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

from tests.articles.simulation.double import Change, Double
from tests.expressions import plain

View = tuple[str, str, str, int]  # slug, day, visitor, hour


class Oracle:
    """Checks every commit. `deviations` counts what was wrong, by kind."""

    def __init__(self, double: Double) -> None:
        self.views: set[View] = set()
        self._flagged: set[View] = set()
        self._of_slug: Counter[tuple[str, str]] = Counter()
        self.deviations: Counter[str] = Counter()
        self._double = double

    def hear(self, changes: list[Change]) -> None:
        """Check after a commit that each sum is the number of flags, and no more than the views."""
        slugs = set()
        for table, key, before, after in changes:
            if table == "markers" and after and key[0].startswith("VIEW#"):
                view = view_of(key[0], plain(after["hour"]))
                if before is None:
                    self._add("views", self.views, view)
                elif "c" in after and "c" not in before:
                    self._add("flagged", self._flagged, view)
            if key[0].startswith("ARTICLE#"):
                slugs.add(key[0].removeprefix("ARTICLE#"))
        for slug in slugs:
            total = self._sum(slug, "TOTAL#")
            self._expect("not what is flagged", total == self._of_slug["flagged", slug])
            self._expect("above the views there are", total <= self._of_slug["views", slug])

    def at_rest(self) -> None:
        """Check that every view is counted once: in its article's total, its day and its hour."""
        for slug in {view[0] for view in self.views}:
            mine = {view for view in self.views if view[0] == slug}
            self._expect("total at rest", self._sum(slug, "TOTAL#") == len(mine))
            days = Counter(view[1] for view in mine)
            self._expect(
                "days at rest", days == {day: self._sum(slug, f"DAY#{day}#") for day in days}
            )
            hours = Counter((view[1], view[3]) for view in mine)
            got = {
                (day, hour): self._sum(slug, f"DAY#{day}#", f"h{hour:02}") for day, hour in hours
            }
            self._expect("hours at rest", hours == got)

    def lists(self, today: date, hour: int) -> dict[str, dict[str, int]]:
        """Return what each of the most-read lists should contain: views by article."""

        def counted(wanted: Callable[[date, int], bool]) -> dict[str, int]:
            return Counter(
                slug for slug, day, _, at in self.views if wanted(date.fromisoformat(day), at)
            )

        return {
            "24h": counted(
                lambda day, at: day == today or (day == today - timedelta(days=1) and at > hour)
            ),
            "7d": counted(lambda day, _: day > today - timedelta(days=7)),
            "30d": counted(lambda day, _: day > today - timedelta(days=30)),
            "all": counted(lambda *_: True),
        }

    def compare_list(self, window: str, got: list[tuple[str, int]], wanted: dict[str, int]) -> None:
        """Check that a list holds every article with its views, the most read first."""
        ordered = sorted(wanted.items(), key=lambda each: (-each[1], each[0]))
        self._expect(f"list {window}", got == ordered)

    def _add(self, kind: str, views: set[View], view: View) -> None:
        if view not in views:
            views.add(view)
            self._of_slug[kind, view[0]] += 1

    def _expect(self, what: str, so: bool) -> None:
        if not so:
            self.deviations[what] += 1

    def _sum(self, slug: str, start: str, name: str = "views") -> int:
        return sum(
            plain(item.get(name, {"N": "0"}))
            for (pk, sk), item in self._double.tables["counts"].items()
            if pk == f"ARTICLE#{slug}" and sk.startswith(start)
        )


def view_of(key: str, hour: int) -> View:
    """Return the view that a marker's key names."""
    slug, day, visitor = key.removeprefix("VIEW#").split("|")
    return slug, day, visitor, hour
