"""A mark that a trainer gives on our own page: it lands where formgrader's lands, by the same rules.

nbgrader's gradebook gets it as formgrader would save it; from there it is copied into the ledger by the one rule that
copies all marks (`manual.copy_marks`). The marking service then settles what counts, and makes the feedback page anew.
A course in outline has neither gradebook nor formgrader: there the ledger alone has the mark.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from nbgrader.api import Assignment, BaseCell, Comment, Grade, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.grading.gradebook import gradebook, marked_cells, naive_utc
from passerelle.grading.layout import is_outline
from passerelle.grading.manual import copy_marks
from passerelle.ledger.manual import manual_mark, put_manual_mark
from passerelle.ledger.tables import ManualMark
from passerelle.model.errors import SubmissionError


class AnotherAnswerError(SubmissionError):
    """The gradebook holds another answer than the one that was read: a mark belongs to its answer."""

    @classmethod
    def of(cls, handle: str, unit: str, check: str) -> Self:
        """Build the error from the place."""
        return cls(f"{unit}, {check}: the gradebook holds another answer of {handle} now; read that one, then mark it")


@dataclass(frozen=True)
class MarkByHand:
    """A mark for one answer: `received` says of which attempt, `answer` is the answer's hash."""

    handle: str
    track: str
    unit: str
    check: str
    received: datetime
    answer: str
    points: float
    comment: str | None


def give_mark(
    course_dir: Path, engine: Engine, mark: MarkByHand, beside: Callable[[Session, ManualMark], None]
) -> None:
    """Give a mark; `beside` writes what stands beside it, in the transaction of the ledger that copies the mark.

    The gradebook first: until it has the mark, another copy would take it back.

    Raises:
        AnotherAnswerError: the gradebook holds another attempt, and is left as it is.
        GradebookUnusableError: the gradebook is missing, or held by somebody for too long.
    """
    if is_outline(course_dir):
        return _in_ledger_alone(engine, mark, beside)
    with gradebook(course_dir, write=True) as rows:
        grade, comment = _rows(rows, mark)
        if grade is None:
            raise AnotherAnswerError.of(mark.handle, mark.unit, mark.check)
        # As formgrader's own handler saves it.
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = mark.points, None, False
        if comment is not None:
            comment.manual_comment = mark.comment
    with ledger.session(engine) as session:
        with gradebook(course_dir) as rows:
            cells = marked_cells(rows, mark.handle, mark.unit)
        copy_marks(session, mark.track, cells)
        kept = manual_mark(session, mark.handle, mark.track, mark.unit, mark.check, mark.answer)
        # Formgrader may have saved another one in between: that one counts, and has nothing beside it.
        if kept is not None and kept.points == mark.points:
            beside(session, kept)
    return None


def _in_ledger_alone(engine: Engine, mark: MarkByHand, beside: Callable[[Session, ManualMark], None]) -> None:
    with ledger.session(engine) as session:
        put_manual_mark(
            session,
            handle=mark.handle,
            track=mark.track,
            unit=mark.unit,
            check=mark.check,
            answer=mark.answer,
            points=mark.points,
            comment=mark.comment,
        )
        kept = manual_mark(session, mark.handle, mark.track, mark.unit, mark.check, mark.answer)
        if kept is not None:
            beside(session, kept)


def _rows(rows: Session, mark: MarkByHand) -> tuple[Any, Any]:
    """Return nbgrader's grade and comment of a cell, None where the gradebook does not hold the attempt."""
    submitted = (
        select(SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(SubmittedAssignment.student_id == mark.handle, Assignment.name == mark.unit)
        .where(SubmittedAssignment.timestamp == naive_utc(mark.received))
    )
    grades = select(Grade).join(BaseCell, BaseCell.id == Grade.cell_id)
    comments = select(Comment).join(BaseCell, BaseCell.id == Comment.cell_id)
    return (
        rows.scalar(grades.where(Grade.notebook_id.in_(submitted), BaseCell.name == mark.check)),
        rows.scalar(comments.where(Comment.notebook_id.in_(submitted), BaseCell.name == mark.check)),
    )
