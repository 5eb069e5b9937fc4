"""The geometry of a chart: bars in a box as wide as ten times their number and a hundred high. Pure.

The page draws them as SVG that is stretched to the room there is, with the words around it in HTML: it needs no
library and no script, prints, and is as readable on a telephone as on a screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SLOT, HEIGHT = 10, 100
_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class Bar:
    """One bar: the height of all of it, and of the dark part in front; None where there is nothing to show."""

    x: float
    whole: float | None
    front: float | None


@dataclass(frozen=True)
class Chart:
    """Bars under a common scale from 0 to `top`."""

    width: int
    top: int
    bars: tuple[Bar, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(bar.whole or bar.front for bar in self.bars)


def chart(wholes: Sequence[float | None], fronts: Sequence[float | None] | None = None, top: int = 0) -> Chart:
    """Bars of these values, others in front of them; `top` is the scale's end, by default the next round number."""
    fronts = fronts or [None] * len(wholes)
    top = top or round_up(max((value for value in (*wholes, *fronts) if value is not None), default=0))

    pairs = zip(wholes, fronts, strict=True)
    bars = (Bar(at * SLOT + 1, _scaled(whole, top), _scaled(front, top)) for at, (whole, front) in enumerate(pairs))
    return Chart(len(wholes) * SLOT, top, tuple(bars))


def _scaled(value: float | None, top: int) -> float | None:
    return None if value is None else round(value / top * HEIGHT, 2)


def round_up(value: float) -> int:
    """The next round number that is not less; 1 at least."""
    unit = 1
    while unit * 10 < value:
        unit *= 10
    rounds = (unit * step for step in _STEPS)
    return next(int(each) for each in rounds if each >= value and each == int(each))
