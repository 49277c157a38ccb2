"""Her dates: nothing falls due in a pause, what follows moves by its days, and nothing changes backward."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from passerelle import ledger
from passerelle.ledger import extensions
from passerelle.ledger import help as asking
from passerelle.ledger.tables import Extension
from passerelle.model.dates import weeks_after
from passerelle.progress import State, UnitProgress, fellow_progress
from passerelle.progress.due import Dates, Span
from tests.unit.review.programme import COURSE, START, TRACK, Programme

DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")
DUE = weeks_after(START, 2, PARIS)
D1 = COURSE.units[0]


def later(moment: datetime, days: int) -> datetime:
    """Return the same time by the clock on the wall some days later: the clocks go back on 25 October."""
    return (moment.astimezone(PARIS) + days * DAY).astimezone(UTC)


@pytest.fixture
def fern(programme: Programme) -> Programme:
    programme.enrol("fern", "iris")
    programme.release("d1-tables", "d2-clean")
    return programme


def pause(programme: Programme, at: datetime, ends: datetime | None = None) -> None:
    with ledger.session(programme.engine) as session:
        asking.begin_pause(session, "fern", at, ends)


def come_back(programme: Programme, at: datetime) -> None:
    with ledger.session(programme.engine) as session:
        assert asking.end_pause(session, "fern", at)


def units(programme: Programme, at: datetime, handle: str = "fern") -> tuple[UnitProgress, ...]:
    with ledger.reading(programme.engine) as session:
        progress = fellow_progress(session, COURSE, handle, at)
    assert progress is not None
    return progress.units


def test_a_pause_moves_what_was_not_due_by_its_days_and_nobody_elses(fern: Programme) -> None:
    begins = DUE - 3 * DAY + timedelta(hours=5)
    pause(fern, begins)
    during = units(fern, DUE + 30 * DAY)[0]
    come_back(fern, DUE + 2 * DAY)
    after = units(fern, DUE + 3 * DAY)

    assert (during.state, during.extended) == (State.NOT_DUE, False)
    # From Friday to Wednesday: six days of the calendar have a part of it.
    assert [one.due for one in after[:2]] == [later(DUE, 6), later(weeks_after(START, 4, PARIS), 6)]
    assert units(fern, later(DUE, 6) - timedelta(seconds=1))[0].state is State.NOT_DUE
    assert units(fern, later(DUE, 6))[0].state is State.MISSING
    assert units(fern, DUE, "iris")[0].state is State.MISSING


def test_a_pause_changes_nothing_that_was_due_before_it(fern: Programme) -> None:
    pause(fern, DUE, DUE + 9 * DAY)

    assert [(one.due, one.state) for one in units(fern, DUE + DAY)[:1]] == [(DUE, State.MISSING)]
    assert units(fern, DUE + DAY)[1].due == later(weeks_after(START, 4, PARIS), 10), "each day with a part of it"


def test_a_named_end_moves_her_dates_at_once_and_coming_back_sooner_brings_them_nearer(fern: Programme) -> None:
    pause(fern, START + DAY, START + 20 * DAY)
    named = units(fern, START + 2 * DAY)[0].due
    come_back(fern, START + 3 * DAY)

    assert named == later(DUE, 20)
    assert units(fern, START + 4 * DAY)[0].due == DUE + 3 * DAY


def test_more_time_moves_by_a_pause_that_came_after_it_was_given_and_not_by_one_before(fern: Programme) -> None:
    pause(fern, DUE - 6 * DAY, DUE - 4 * DAY)
    with ledger.session(fern.engine) as session:
        extensions.extend(session, "fern", TRACK, "d1-tables", until=DUE + 5 * DAY, given_by="maple", at=DUE - 3 * DAY)
    before = units(fern, DUE - 2 * DAY)[0]
    pause(fern, DUE + DAY, DUE + 3 * DAY)

    assert (before.due, before.extended) == (DUE + 5 * DAY, True)
    assert units(fern, DUE + 2 * DAY)[0].due == later(DUE + 5 * DAY, 3)


def test_a_day_in_a_pause_that_a_trainer_named_is_not_missed_in_it(fern: Programme) -> None:
    begins = DUE + DAY
    pause(fern, begins)
    with ledger.session(fern.engine) as session:
        extensions.extend(session, "fern", TRACK, "d1-tables", until=DUE + 5 * DAY, given_by="maple", at=DUE + 2 * DAY)

    assert units(fern, DUE + 40 * DAY)[0].state is State.NOT_DUE


def test_a_pause_of_years_has_no_end(fern: Programme) -> None:
    pause(fern, START, datetime(9999, 12, 30, tzinfo=UTC))

    assert units(fern, DUE + DAY)[0].due == later(DUE, 16)
    with ledger.reading(fern.engine) as session:
        current = asking.pause_at(session, "fern", DUE)
        assert current is not None
        assert current.ends is None


# What holds of every year


@dataclass(frozen=True)
class Rest:
    """A pause as it was lived: she may have named an end, and come back sooner."""

    begins: datetime
    named: datetime | None
    back: datetime

    def seen(self, at: datetime) -> Span:
        """Return it as the ledger has it at a moment."""
        return self.begins, self.back if self.back <= at else self.named


@strategies.composite
def years(draw: strategies.DrawFn) -> list[Rest]:
    minutes = strategies.integers(0, 30 * 24 * 60)
    at, found = START - DAY, []
    for _ in range(draw(strategies.integers(0, 5))):
        begins = at + timedelta(minutes=draw(minutes))
        at = begins + timedelta(minutes=draw(strategies.one_of(minutes, strategies.integers(0, 90))))
        later = draw(strategies.one_of(strategies.none(), minutes))
        found.append(Rest(begins, None if later is None else at + timedelta(minutes=later), at))
    return found


MOMENTS = strategies.integers(-2 * 24 * 60, 180 * 24 * 60).map(lambda count: START + timedelta(minutes=count))
GIVEN = strategies.one_of(strategies.none(), strategies.tuples(MOMENTS, strategies.integers(1, 60)))


# The time that an example takes tells of the machine.
EVERY_YEAR = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def dates(year: Sequence[Rest], given_more: tuple[datetime, int] | None, now: datetime) -> Dates:
    """Return her dates as the ledger tells them at a moment."""
    pauses = [one.seen(now) for one in year if one.begins <= now]
    extended = {}
    if given_more is not None and given_more[0] <= now:
        at, days = given_more
        row = Extension(handle="fern", track=TRACK, unit="d1-tables", until=at + days * DAY, given_by="maple", at=at)
        extended["d1-tables"] = row
    return Dates(START, now, PARIS, pauses, extended)


def test_weeks_do_not_begin_in_a_pause_not_for_a_moment_either() -> None:
    year = [Rest(START - DAY, None, START + DAY)]

    found = [dates(year, None, START + timedelta(minutes=minutes)).week for minutes in (-1, 0, 1)]

    assert found == [0, 0, 0]


@EVERY_YEAR
@given(year=years(), more=GIVEN, share=strategies.floats(0, 1))
def test_nothing_falls_due_in_a_pause(year: list[Rest], more: tuple[datetime, int] | None, share: float) -> None:
    for rest in year:
        begins, inside = rest.begins, rest.begins + (rest.back - rest.begins) * share
        if more is not None and begins < more[0] <= inside:
            begins = more[0]
        first, then = dates(year, more, begins), dates(year, more, inside)
        for unit in COURSE.units:
            assert (first.due(unit) <= begins) == (then.due(unit) <= inside)
        assert first.week == then.week


@EVERY_YEAR
@given(year=years(), more=GIVEN, one=MOMENTS, other=MOMENTS)
def test_what_was_due_stays_as_it_was(
    year: list[Rest], more: tuple[datetime, int] | None, one: datetime, other: datetime
) -> None:
    early, late = sorted((one, other))
    if more is not None and early < more[0] <= late:
        early = more[0]  # more time for what was due before is given so that it is not
    before, after = dates(year, more, early), dates(year, more, max(early, late))

    for unit in COURSE.units:
        if before.due(unit) <= early:
            assert after.due(unit) == before.due(unit)
    assert before.week <= after.week


@EVERY_YEAR
@given(year=years(), now=MOMENTS)
def test_dates_move_by_the_days_that_her_pauses_touch(year: list[Rest], now: datetime) -> None:
    found = dates(year, None, now)
    for unit in COURSE.units:
        planned, days = weeks_after(START, unit.weeks[1], PARIS).astimezone(PARIS), set[object]()
        for begins, ends in found.pauses:
            moment, over = max(begins, START), now if ends is None else ends
            if moment < planned + len(days) * DAY:
                minutes = max(0, int((over - moment) / timedelta(minutes=1)))
                days |= {(moment + timedelta(minutes=minute)).astimezone(PARIS).date() for minute in range(minutes)}
        assert found.due(unit) == (planned + len(days) * DAY).astimezone(UTC)
