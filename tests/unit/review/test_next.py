import pytest

from passerelle import ledger
from passerelle.progress import fellow_progress
from passerelle.review.fellow import next_unit
from passerelle.review.words import Standing, unit_standing
from tests.unit.review.programme import COURSE, NOW, START, Programme, ours, verdict

HALF = {"check-mean": 2.0, "check-missing": 2.0}
FULL = {"check-mean": 2.0, "check-missing": 4.0}


def path(programme: Programme) -> tuple[list[Standing], str | None]:
    """Return what fern reads of her units, and which comes next."""
    with ledger.reading(programme.engine) as session:
        progress = fellow_progress(session, COURSE, "fern", NOW)
    assert progress is not None
    following = next_unit(COURSE, progress)
    return [unit_standing(unit) for unit in progress.units], following.unit if following else None


@pytest.fixture
def fern(programme: Programme) -> Programme:
    programme.enrol("fern")
    programme.release("d1-tables", "d2-clean")
    return programme


def test_the_first_open_unit_comes_first(fern: Programme) -> None:
    assert path(fern) == ([Standing.TO_DO] * 2 + [Standing.NOT_OPEN] * 3, "d1-tables")


def test_a_unit_below_mastery_is_taken_up_again(fern: Programme) -> None:
    fern.send("fern", "d1-tables", START, verdict("d1-tables", HALF, why=None))

    standings, following = path(fern)

    assert (standings[0], following) == (Standing.TAKE_UP, "d1-tables")


def test_while_it_is_marked_she_goes_on(fern: Programme) -> None:
    fern.send("fern", "d1-tables", START)

    standings, following = path(fern)

    assert (standings[0], following) == (Standing.IN_PROGRESS, "d2-clean")


def test_while_a_fault_of_ours_is_tried_again_she_goes_on(fern: Programme) -> None:
    fern.mark(fern.send("fern", "d1-tables", START), ours("d1-tables"), START)

    standings, following = path(fern)

    assert (standings[0], following) == (Standing.WAITING, "d2-clean")


@pytest.mark.parametrize(
    ("points", "following"),
    [
        pytest.param(FULL, "d2-clean", id="a-mark-by-hand-may-be-enough"),
        pytest.param(HALF, "d1-tables", id="no-mark-by-hand-would-be-enough"),
    ],
)
def test_she_waits_for_a_mark_where_it_can_decide(fern: Programme, points: dict[str, float], following: str) -> None:
    fern.send("fern", "d1-tables", START, verdict("d1-tables", points, why="a"))

    assert path(fern)[0][0] is Standing.WAITING
    assert path(fern)[1] == following


def test_mastery_stays_said_while_another_attempt_is_marked(fern: Programme) -> None:
    fern.send("fern", "d1-tables", START, verdict("d1-tables", FULL, why="a"))
    fern.mark_by_hand("fern", "d1-tables", "a", 2.0, NOW)
    fern.send("fern", "d1-tables", NOW)

    assert path(fern)[0][0] is Standing.MASTERED


def test_when_all_is_done_nothing_is_asked(fern: Programme) -> None:
    for unit in ("d1-tables", "d2-clean"):
        fern.send("fern", unit, START, verdict(unit, FULL, why="a"))
        fern.mark_by_hand("fern", unit, "a", 2.0, NOW)

    assert path(fern)[1] is None
