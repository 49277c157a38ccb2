import pytest
from sqlalchemy import select

from passerelle import ledger
from passerelle.grading.gradebook import GradebookUnusableError
from passerelle.grading.manual import Submission, sync_manual_marks
from passerelle.ledger.tables import ManualMark
from tests.ledgers import KINDS, SQLITE
from tests.unit.grading.desk import CHECK, HALF, MANUAL, SUM, UNIT, Desk


@pytest.fixture(params=KINDS)
def gradebooks(request: pytest.FixtureRequest) -> str:
    """Each test here runs on both kinds of gradebook."""
    return str(request.param)


def sync(desk: Desk) -> set[Submission]:
    with ledger.session(desk.engine) as session:
        return sync_manual_marks(desk.course_dir, session)


def marks(desk: Desk) -> list[tuple[str, float, str | None]]:
    with ledger.reading(desk.engine) as session:
        return [(mark.check, mark.points, mark.comment) for mark in session.scalars(select(ManualMark))]


def test_a_mark_and_its_comment_come_into_the_ledger_once(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    desk.mark_by_hand(0.5, comment="Name one.")

    assert sync(desk) == {("acacia", UNIT)}
    assert sync(desk) == set()
    assert marks(desk) == [(MANUAL, 0.5, "Name one.")]
    assert [(row.auto, row.points) for row in desk.attempts()] == [(2.0, 2.5)]


def test_without_marks_there_is_nothing_to_copy(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))

    assert sync(desk) == set()
    assert marks(desk) == []


def test_a_changed_mark_is_news(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    desk.mark_by_hand(0.5)
    sync(desk)
    desk.mark_by_hand(1.0)

    assert sync(desk) == {("acacia", UNIT)}
    assert desk.attempts()[0].points == 3.0


def test_a_mark_taken_back_is_taken_back_here(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    desk.mark_by_hand(0.5)
    sync(desk)
    desk.mark_by_hand(None)

    assert sync(desk) == {("acacia", UNIT)}
    assert marks(desk) == []
    assert desk.attempts()[0].waits_for_person


@pytest.mark.parametrize("points", [2.0, 0.0])
def test_points_over_a_machine_s_count_in_the_ledger_as_in_the_gradebook(desk: Desk, points: float) -> None:
    desk.record(desk.submit(desk.files(HALF)))
    desk.mark_by_hand(points, CHECK)
    sync(desk)

    assert desk.attempts()[0].points == points == desk.grade(CHECK)["score"]


def test_points_for_a_blank_answer_count_in_the_ledger_as_in_the_gradebook(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(SUM, words="...")))
    desk.mark_by_hand(1.0)
    sync(desk)

    assert desk.attempts()[0].points == 1.0
    assert not desk.attempts()[0].waits_for_person


def test_a_mark_belongs_to_what_stood_there_not_to_a_newer_attempt(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="One.")))
    newer = desk.submit(desk.files(words="Another."))
    desk.mark_by_hand(1.0)
    sync(desk)
    desk.record(newer)

    assert [row.points for row in desk.attempts()] == [3.0, 2.0]


@pytest.mark.parametrize("gradebooks", [SQLITE])
def test_no_gradebook_says_so(desk: Desk) -> None:
    (desk.course_dir / "gradebook.db").unlink()

    with pytest.raises(GradebookUnusableError):
        sync(desk)
