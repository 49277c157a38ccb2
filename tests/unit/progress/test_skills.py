"""Skills, and the six weeks: what waits for us takes nothing away."""

from datetime import UTC, date, datetime, timedelta

import pytest

from passerelle import ledger
from passerelle.model.course import Course
from passerelle.progress import FellowProgress, fellow_progress
from tests.unit.review.programme import COURSE, NOW, START, Programme, ours, verdict

FULL = {"check-mean": 2.0, "check-missing": 4.0}
HALF = {"check-mean": 2.0, "check-missing": 2.0}
FIRST = START + timedelta(days=1)


def with_skills() -> Course:
    """Return the course of the tests with skills: d1's tasks have their own, d2 has the unit's."""
    text = {"en": "a skill", "fr": "un savoir-faire"}
    d1, d2, *others = COURSE.units
    tasks = {"mean": {"tables": 1.0}, "missing": {"tables": 3.0, "cleaning": 1.0}, "why": {"telling": 1.0}}
    units = (
        d1.model_copy(update={"task_skills": tasks}),
        d2.model_copy(update={"skills": {"cleaning": 0.5}}),
        *others,
    )
    return COURSE.model_copy(
        update={"skills": dict.fromkeys(("tables", "cleaning", "telling", "sql"), text), "units": units}
    )


@pytest.fixture
def fern(programme: Programme) -> Programme:
    programme.enrol("fern")
    programme.release("d1-tables", "d2-clean")
    return programme


def progress(programme: Programme, at: datetime = NOW) -> FellowProgress:
    with ledger.reading(programme.engine) as session:
        found = fellow_progress(session, with_skills(), "fern", at)
    assert found is not None
    return found


def levels(programme: Programme) -> dict[str, tuple[float | None, int]]:
    return {one.skill: (one.level, one.evidence) for one in progress(programme).skills}


def test_nothing_graded_is_no_level(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST)
    fern.mark(fern.send("fern", "d2-clean", FIRST), ours("d2-clean"), FIRST)

    assert levels(fern) == dict.fromkeys(("tables", "cleaning", "telling", "sql"), (None, 0))


def test_a_level_is_the_weighted_share_of_graded_tasks(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", HALF, why="a"))

    assert levels(fern) == {
        "tables": ((1 * 1.0 + 3 * 0.5) / 4, 2),
        "cleaning": (0.5, 1),
        "telling": (None, 0),
        "sql": (None, 0),
    }


def test_a_task_without_skills_of_its_own_has_the_unit_s(fern: Programme) -> None:
    fern.send("fern", "d2-clean", FIRST, verdict("d2-clean", FULL, why=None))

    assert levels(fern)["cleaning"] == (1.0, 2)


def test_a_mark_that_is_on_its_way_takes_no_level_away(fern: Programme) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", HALF, why="a"))
    fern.mark_by_hand("fern", "d1-tables", "a", 1.5, FIRST)
    before = levels(fern)
    fern.send("fern", "d1-tables", FIRST + timedelta(days=1), verdict("d1-tables", FULL, why="b"))

    now = levels(fern)

    assert before["telling"] == now["telling"] == (0.75, 1)
    assert now["tables"] == (1.0, 2)
    assert progress(fern).unit("d1-tables").counted_attempt == 2


def weeks(programme: Programme, at: datetime = NOW) -> list[int]:
    return [one.mastered for one in progress(programme, at).trend]


def test_a_trend_has_six_weeks_that_begin_on_mondays(fern: Programme) -> None:
    mondays = [one.monday for one in progress(fern).trend]

    assert mondays == [date(2026, 10, 19) + timedelta(weeks=number) for number in range(6)]
    assert weeks(fern) == [0] * 6


def test_a_task_counts_in_the_week_in_which_it_first_was_mastered(fern: Programme) -> None:
    sent = datetime(2026, 11, 4, 9, tzinfo=UTC)
    fern.send("fern", "d1-tables", sent, verdict("d1-tables", HALF, why="a"))
    fern.send("fern", "d1-tables", sent + timedelta(weeks=1), verdict("d1-tables", FULL, why="a"))
    fern.send("fern", "d1-tables", sent + timedelta(weeks=2), verdict("d1-tables", HALF, why=None))
    fern.mark_by_hand("fern", "d1-tables", "a", 2.0, sent + timedelta(weeks=2))

    assert weeks(fern) == [0, 0, 2, 1, 0, 0]


def test_a_week_begins_by_the_programme_s_clock(fern: Programme) -> None:
    """23:30 of a Sunday in UTC is Monday in Paris."""
    fern.send("fern", "d1-tables", datetime(2026, 11, 15, 23, 30, tzinfo=UTC), verdict("d1-tables", FULL, why=None))

    assert weeks(fern) == [0, 0, 0, 0, 2, 0]


@pytest.mark.parametrize("points", [FULL, HALF])
def test_a_new_answer_that_nobody_has_read_is_no_drop(fern: Programme, points: dict[str, float]) -> None:
    fern.send("fern", "d1-tables", FIRST, verdict("d1-tables", points, why="a"))
    fern.mark_by_hand("fern", "d1-tables", "a", 2.0, FIRST)
    before, skills = progress(fern), levels(fern)
    fern.send("fern", "d1-tables", NOW - timedelta(days=1), verdict("d1-tables", FULL, why="b"))

    after = progress(fern)

    was, now = before.unit("d1-tables"), after.unit("d1-tables")
    assert was.points is not None
    assert now.points is not None
    assert now.points >= was.points
    assert (now.mastered or False) >= (was.mastered or False)
    assert all((level or 0) >= (skills[skill][0] or 0) for skill, (level, _) in levels(fern).items())
    assert sum(one.mastered for one in after.trend) >= sum(one.mastered for one in before.trend)
