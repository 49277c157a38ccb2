"""A mark from our own page lands where formgrader's lands."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.grading.by_hand import AnotherAnswerError, MarkByHand, give_mark
from passerelle.grading.manual import sync_manual_marks
from passerelle.grading.worker import Worker, courses_of
from passerelle.ledger import help as asking
from passerelle.ledger.help import ChosenLevel
from passerelle.ledger.mentoring_tables import RubricMark
from passerelle.ledger.tables import ManualMark, Receipt
from tests.ledgers import KINDS
from tests.unit.grading.desk import BY_TEXT, MANUAL, TRACK, UNIT, Desk


@pytest.fixture(params=KINDS)
def gradebooks(request: pytest.FixtureRequest) -> str:
    """Each test here runs on both kinds of gradebook."""
    return str(request.param)


def give(desk: Desk, receipt: Receipt, points: float = 1.0, comment: str | None = "Clear.") -> None:
    """Mark the explanation of an attempt by its one criterion."""
    [row] = [one for one in desk.attempts() if one.receipt == receipt.id]
    assert row.verdict is not None
    answer = row.verdict.manual_answers[MANUAL]
    assert answer is not None
    mark = MarkByHand("acacia", TRACK, UNIT, MANUAL, receipt.received, answer, points, comment)

    def beside(session: Session, kept: ManualMark) -> None:
        asking.put_rubric(session, kept, {"outlier": ChosenLevel("named", points)}, "maple")

    give_mark(desk.course_dir, desk.engine, mark, beside)


def rubrics(desk: Desk) -> list[tuple[str, float]]:
    with ledger.reading(desk.engine) as session:
        return [(one.level, one.points) for one in session.scalars(select(RubricMark))]


def test_the_gradebook_is_as_after_formgraders_own_save(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    desk.record(receipt)
    desk.mark_by_hand(1.0, comment="Clear.")
    by_formgrader = desk.grade(MANUAL)
    desk.mark_by_hand(None, comment="")

    give(desk, receipt)

    assert desk.grade(MANUAL) == by_formgrader
    with desk.book() as book:
        assert book.find_comment(MANUAL, UNIT, UNIT, "acacia").manual_comment == "Clear."


def test_it_is_in_the_ledger_at_once_and_formgraders_copy_brings_no_second_one(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    desk.record(receipt)

    give(desk, receipt)

    assert desk.attempts()[0].points == 3.0
    assert rubrics(desk) == [("named", 1.0)]
    with ledger.session(desk.engine) as session:
        assert sync_manual_marks(desk.course_dir, session) == set()
        assert [mark.points for mark in session.scalars(select(ManualMark))] == [1.0]


def test_a_mark_taken_back_in_formgrader_takes_its_rubric_along(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    desk.record(receipt)
    give(desk, receipt)

    desk.mark_by_hand(None)
    with ledger.session(desk.engine) as session:
        changed = sync_manual_marks(desk.course_dir, session)

    assert changed == {("acacia", UNIT)}
    assert rubrics(desk) == []
    assert desk.attempts()[0].waits_for_person


def test_an_attempt_that_does_not_stand_in_the_gradebook_is_not_marked(desk: Desk) -> None:
    first = desk.submit(desk.files(words="A first thought."))
    desk.record(first)
    desk.record(desk.submit(desk.files(words="A second one.")))

    with pytest.raises(AnotherAnswerError, match="another answer of acacia"):
        give(desk, first)

    assert desk.grade(MANUAL)["manual_score"] is None
    assert rubrics(desk) == []


def test_the_marking_service_settles_after_it(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    worker = Worker(desk.engine, lambda: courses_of(desk.settings), desk.settings.learner, BY_TEXT)
    while worker.step():
        pass

    give(desk, receipt)

    assert worker.step(), "it noticed the mark"
    while worker.step():
        pass
    assert desk.attempts()[0].points == 3.0
