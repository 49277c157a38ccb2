"""When her units begin and fall due: the one place that pages, exports and cues read it from.

Her weeks say so. A pause moves what lies after its beginning by each day that it touches; more time that she was given
is never less. What had been due when a pause began stays as it was: nothing changes backward.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from passerelle.ledger.tables import Extension
from passerelle.model.course import CourseUnit
from passerelle.model.dates import last_day, weeks_after, weeks_between

Span = tuple[datetime, datetime | None]
"""A pause: when it begins, and when it ends where she has said so."""


@dataclass(frozen=True)
class Dates:
    """A fellow's dates in a track at the moment `now`. `starts` is when her weeks began; `pauses` in their order.

    `extended` is what she was given, by unit. A pause without an end counts up to `now`: in it, nothing falls due.
    """

    starts: datetime
    now: datetime
    zone: ZoneInfo
    pauses: Sequence[Span] = ()
    extended: Mapping[str, Extension] = field(default_factory=dict)

    @property
    def paused(self) -> bool:
        """Tell whether she is in a pause."""
        return any(begins <= self.now and (ends is None or ends > self.now) for begins, ends in self.pauses)

    @property
    def back(self) -> datetime | None:
        """Return when her last pause ended; None where none has."""
        return max((ends for _, ends in self.pauses if ends is not None and ends <= self.now), default=None)

    @property
    def week(self) -> int:
        """Return which of her weeks it is, from 1; 0 before they begin. In a pause it stays the same one."""
        begun = min(
            (begins for begins, ends in self.pauses if begins < self.now and (ends is None or ends > self.now)),
            default=None,
        )
        if begun is not None:
            # At the very moment at which her weeks would have begun no day of the pause has been counted yet.
            return replace(self, now=begun).week
        weeks = weeks_between(self.starts, self.now, self.zone)
        while weeks >= 0 and self.after_weeks(weeks) > self.now:
            weeks -= 1
        return max(0, weeks + 1)

    def begins(self, unit: CourseUnit) -> datetime:
        """Return when the first week of a unit begins."""
        return self.after_weeks(unit.weeks[0] - 1)

    def due(self, unit: CourseUnit) -> datetime:
        """Return when a unit falls due: its last week is over, or later what she was given."""
        given = self.given(unit)
        return self.after_weeks(unit.weeks[1]) if given is None else given

    def given(self, unit: CourseUnit) -> datetime | None:
        """Return until when she was given more time for a unit; None where that is no more than her weeks."""
        row = self.extended.get(unit.card.unit)
        # A day that was named in a pause is meant as it was named: what has passed of the pause moves it no more.
        until = None if row is None else self._moved(row.until, row.at)
        return until if until is not None and until > self.after_weeks(unit.weeks[1]) else None

    def after_weeks(self, weeks: int) -> datetime:
        """Return the moment at which so many of her weeks are over."""
        return self._moved(weeks_after(self.starts, weeks, self.zone), self.starts)

    def _moved(self, moment: datetime, known: datetime) -> datetime:
        """Return a moment of hers, later by the days of her pauses since it was known.

        Whole days, so that the clock's time stays what it was; a day that two pauses touch counts once.
        """
        counted = date.min
        for begins, ends in self.pauses:
            first_moment, over = max(begins, known), self.now if ends is None else ends
            if begins > self.now or begins >= moment:
                break
            if over <= first_moment:
                continue
            first = max(first_moment.astimezone(self.zone).date(), counted + timedelta(days=1))
            last = last_day(over, self.zone)
            if first <= last:
                later = moment.astimezone(self.zone) + timedelta(days=(last - first).days + 1)
                moment, counted = later.astimezone(moment.tzinfo), last
        return moment
