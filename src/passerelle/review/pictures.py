"""Charts as inline SVG: the numbers here, the drawing in the template, the same in words beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from passerelle.progress import Attempt, UnitProgress
from passerelle.progress.model import WeekCount
from passerelle.review.i18n import Reader

SHOWN = 8
"""How many attempts a chart has room for on a screen of 320 px."""

_STEP, _BAR, _TOP, _HEIGHT, _FOOT = 34, 18, 18, 56, 18
_TREND_HEIGHT, _TREND_BAR, _TREND_GAP = 24, 14, 4


@dataclass(frozen=True)
class Bar:
    """One attempt: its outline is what the unit can give, its filling what she has; `counts` marks the best."""

    x: int
    y: float
    height: float
    above: str
    below: str
    counts: bool


@dataclass(frozen=True)
class AttemptsChart:
    """Points of each attempt at a unit, the newest ones, in the order in which they came."""

    width: int
    height: int
    top: int
    room: int
    bar: int
    mastery_y: float
    bars: tuple[Bar, ...]
    left_out: int


def attempts_chart(unit: UnitProgress, mastery: float, reader: Reader) -> AttemptsChart:
    """Return the chart of a unit's attempts; one that is not marked has an outline and no filling."""
    newest: Sequence[Attempt] = unit.attempts[-SHOWN:]
    bars = []
    for place, attempt in enumerate(newest):
        share = 0.0 if attempt.points is None or not unit.max_points else min(attempt.points / unit.max_points, 1.0)
        bars.append(
            Bar(
                x=place * _STEP + _STEP // 2,
                y=round(_TOP + _HEIGHT * (1 - share), 1),
                height=round(_HEIGHT * share, 1),
                above="…" if attempt.points is None else reader.number(attempt.points),
                below=str(attempt.number),
                counts=attempt.number == unit.counted_attempt,
            )
        )
    return AttemptsChart(
        width=_STEP * len(newest),
        height=_TOP + _HEIGHT + _FOOT,
        top=_TOP,
        room=_HEIGHT,
        bar=_BAR,
        mastery_y=round(_TOP + _HEIGHT * (1 - mastery), 1),
        bars=tuple(bars),
        left_out=len(unit.attempts) - len(newest),
    )


@dataclass(frozen=True)
class Week:
    """A week in the trend: its bar from the foot, its count above, the day it begins in words."""

    x: int
    y: int
    height: int
    count: int
    starts: str


@dataclass(frozen=True)
class TrendChart:
    """Tasks mastered a week, the oldest first; the scale begins at nothing and ends at the largest week of hers."""

    width: int
    height: int
    bar: int
    weeks: tuple[Week, ...]


def trend_chart(trend: Sequence[WeekCount], reader: Reader, zone: ZoneInfo) -> TrendChart:
    """Return the picture of a trend, small enough for a line of text."""
    most = max([one.mastered for one in trend] + [1])
    weeks = []
    for place, one in enumerate(trend):
        height = round(_TREND_HEIGHT * one.mastered / most) if one.mastered else 1
        starts = reader.short_day(datetime.combine(one.monday, time(12), zone))
        x = place * (_TREND_BAR + _TREND_GAP)
        weeks.append(Week(x, _TREND_HEIGHT - height, height, one.mastered, starts))
    width = len(trend) * (_TREND_BAR + _TREND_GAP)
    return TrendChart(width, _TREND_HEIGHT, _TREND_BAR, tuple(weeks))
