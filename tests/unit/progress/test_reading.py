from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from passerelle import ledger
from passerelle.ledger import extensions, people, receipts
from passerelle.model.course import Course
from passerelle.progress import State, UnitProgress, WaitingKind, fellow_progress, track_progress
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, fill, ours, verdict

DUE = START + timedelta(weeks=2)
FIRST = START + timedelta(days=1)
HALF = {"check-mean": 2.0, "check-missing": 2.0}
FULL = {"check-mean": 2.0, "check-missing": 4.0}


def d1(programme: Programme, at: datetime = NOW, course: Course = COURSE) -> UnitProgress:
    """Return where fern stands in the first unit."""
    with ledger.reading(programme.engine) as session:
        progress = fellow_progress(session, course, "fern", at)
    assert progress is not None
    return progress.unit("d1-tables")


@pytest.fixture
def fern(programme: Programme) -> Programme:
    programme.enrol("fern")
    programme.release("d1-tables")
    return programme


@pytest.mark.parametrize(
    ("at", "state"),
    [
        pytest.param(DUE - timedelta(seconds=1), State.NOT_DUE, id="its-weeks-last"),
        pytest.param(DUE, State.MISSING, id="its-weeks-are-over"),
    ],
)
def test_nothing_sent_is_not_zero(fern: Programme, at: datetime, state: State) -> None:
    unit = d1(fern, at)

    assert (unit.state, unit.points, unit.last_submission, unit.mastered) == (state, None, None, None)
    assert {one.state for one in unit.checks} == {state}
    assert {one.points for one in (*unit.tasks, *unit.checks)} == {None}


def test_what_is_not_released_is_never_missing(programme: Programme) -> None:
    programme.enrol("fern")

    unit = d1(programme, DUE + timedelta(weeks=9))

    assert (unit.state, unit.released) == (State.NOT_DUE, None)


def test_who_joins_later_has_her_weeks_from_that_day(programme: Programme) -> None:
    programme.enrol("fern", at=START + timedelta(weeks=3))
    programme.release("d1-tables")

    unit = d1(programme, START + timedelta(weeks=4))

    assert (unit.due, unit.state) == (START + timedelta(weeks=5), State.NOT_DUE)


def test_sent_and_not_marked_is_submitted(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST)

    unit = d1(fern)

    assert (unit.state, unit.points, unit.last_submission) == (State.SUBMITTED, None, FIRST)
    assert [(one.kind, one.since) for one in unit.waiting] == [(WaitingKind.MARKING, FIRST)]
    assert {one.state for one in unit.tasks} == {State.SUBMITTED}


def test_a_fault_of_ours_waits_for_us_and_is_never_zero(fern: Programme) -> None:
    fern.mark(fern.send("fern", "d1-tables", FIRST), ours("d1-tables"), FIRST)

    unit = d1(fern)

    assert (unit.state, unit.points) == (State.WAITING_FOR_US, None)
    assert [one.kind for one in unit.waiting] == [WaitingKind.OURS]
    assert {one.points for one in unit.checks} == {None}


def test_an_answer_that_nobody_has_read_waits_for_us_beside_the_points_that_are_known(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", HALF, why="a"))

    unit = d1(fern)

    assert (unit.state, unit.points, unit.manual_points) == (State.WAITING_FOR_US, 4.0, None)
    assert [(one.task, one.state, one.points) for one in unit.tasks] == [
        ("mean", State.GRADED, 2.0),
        ("missing", State.GRADED, 2.0),
        ("why", State.WAITING_FOR_US, None),
    ]


def test_a_manual_mark_adds_to_the_automatic_points(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", FULL, why="a"))
    fern.mark_by_hand("fern", "d1-tables", "a", 1.5, NOW)

    unit = d1(fern)

    assert (unit.state, unit.automatic_points, unit.manual_points, unit.points) == (State.GRADED, 6.0, 1.5, 7.5)
    assert unit.mastered
    assert not unit.waiting


def test_a_blank_answer_waits_for_nobody(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", FULL, why=None))

    unit = d1(fern)

    assert (unit.state, unit.points, unit.manual_points, unit.waiting) == (State.GRADED, 6.0, None, ())
    assert (unit.tasks[2].state, unit.tasks[2].points) == (State.MISSING, None)


def test_the_best_attempt_counts_and_a_worse_one_takes_nothing_away(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", FULL, why=None))
    fern.send("fern", "d1-tables", FIRST + timedelta(days=1), verdict("d1-tables", HALF, why=None))

    unit = d1(fern)

    assert (unit.counted_attempt, unit.points, [one.points for one in unit.attempts]) == (1, 6.0, [6.0, 4.0])


def test_a_later_attempt_whose_answer_is_unread_is_owed_a_mark(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", FULL, why="a"))
    fern.mark_by_hand("fern", "d1-tables", "a", 0.5, NOW)
    later = FIRST + timedelta(days=1)
    fern.send("fern", "d1-tables", later, verdict("d1-tables", HALF, why="b"))

    unit = d1(fern)

    assert (unit.state, unit.counted_attempt, unit.points) == (State.WAITING_FOR_US, 1, 6.5)
    assert [(one.check, one.since, one.attempt) for one in unit.waiting] == [("check-why", later, 2)]


def test_an_answer_waits_since_it_first_came(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", HALF, why="a"))
    fern.send("fern", "d1-tables", FIRST + timedelta(days=5), verdict("d1-tables", FULL, why="a"))

    assert [(one.since, one.attempt) for one in d1(fern).waiting] == [(FIRST, 2)]


def test_a_check_that_is_younger_than_the_verdict_has_no_points(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", {"check-mean": 2.0}, why=None))

    unit = d1(fern)

    assert (unit.checks[1].state, unit.checks[1].points) == (State.MISSING, None)
    assert unit.points == 2.0


def test_points_are_those_of_the_ledger(programme: Programme) -> None:
    fill(programme)

    with ledger.reading(programme.engine) as session:
        progress = track_progress(session, COURSE, NOW)
        for fellow in progress.fellows:
            rows = receipts.attempts(session, fellow.fellow, TRACK)
            ours_ = [one for unit in fellow.units for one in unit.attempts]
            assert {one.receipt: one.points for one in ours_} == {row.receipt: row.points for row in rows}
    assert [one.fellow for one in progress.fellows] == ["acacia", "basil", "cedar", "dahlia", "fern", "iris"]


def test_a_track_and_one_fellow_alone_say_the_same(programme: Programme) -> None:
    fill(programme)

    with ledger.reading(programme.engine) as session:
        together = {one.fellow: one for one in track_progress(session, COURSE, NOW).fellows}
        alone = {handle: fellow_progress(session, COURSE, handle, NOW) for handle in together}

    assert alone == together


def test_who_is_erased_is_not_there(fern: Programme) -> None:
    with ledger.session(fern.engine) as session:
        somebody = people.person(session, "fern")
        assert somebody is not None
        somebody.erased = NOW

    with ledger.reading(fern.engine) as session:
        assert track_progress(session, COURSE, NOW).fellows == ()


def give_until(programme: Programme, until: datetime, unit: str = "d1-tables") -> None:
    with ledger.session(programme.engine) as session:
        extensions.extend(session, "fern", TRACK, unit, until=until, given_by="maple", at=NOW)


def test_an_extension_moves_what_is_due_for_her_alone(fern: Programme) -> None:
    fern.enrol("iris")
    give_until(fern, DUE + timedelta(days=5))
    give_until(fern, DUE + timedelta(days=3))

    with ledger.reading(fern.engine) as session:
        at = DUE + timedelta(days=1)
        found = {one.fellow: one.units[0] for one in track_progress(session, COURSE, at).fellows}

    assert (found["fern"].due, found["fern"].state, found["fern"].extended) == (
        DUE + timedelta(days=3),
        State.NOT_DUE,
        True,
    )
    assert (found["iris"].due, found["iris"].state, found["iris"].extended) == (DUE, State.MISSING, False)
    assert d1(fern, DUE + timedelta(days=3)).state is State.MISSING


def test_an_extension_takes_no_time_away(fern: Programme) -> None:
    give_until(fern, DUE - timedelta(days=3))

    assert (d1(fern).due, d1(fern).extended) == (DUE, False)


def test_weeks_are_those_of_the_clock_on_the_wall(programme: Programme) -> None:
    """The clocks of Paris go back on 25 October 2026: the 2nd unit's four weeks have an hour more."""
    programme.enrol("fern")

    with ledger.reading(programme.engine) as session:
        paris = fellow_progress(session, COURSE, "fern", NOW)
        utc = fellow_progress(session, COURSE, "fern", NOW, zone=ZoneInfo("UTC"))
        at_nine = datetime(2026, 11, 2, 8, tzinfo=UTC)
        weeks = [
            progress.week
            for moment in (at_nine - timedelta(seconds=1), at_nine)
            if (progress := fellow_progress(session, COURSE, "fern", moment))
        ]

    assert paris is not None
    assert utc is not None
    assert [one.due for one in paris.units[:2]] == [DUE, at_nine]
    assert [one.due.hour for one in utc.units[:2]] == [7, 7]
    assert weeks == [4, 5]
