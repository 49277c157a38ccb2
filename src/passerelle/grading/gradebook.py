"""Read nbgrader's gradebook as the tables it is.

nbgrader's own `Gradebook` runs a migration tool when it opens and commits a cell at a time; here a whole
submission is one transaction. The schema is nbgrader's, untouched.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from passerelle.grading.book import (
    GradebookUnusableError,
    OwnWrite,
    fingerprint,
    gradebook,
    gradebook_path,
    has_gradebook,
)
from passerelle.model.errors import ContentError
from passerelle.model.verdict import place_of

__all__ = ["GradebookUnusableError", "OwnWrite", "fingerprint", "gradebook", "gradebook_path", "has_gradebook"]

TIMESTAMP = "%Y-%m-%d %H:%M:%S.%f UTC"


class UnitNotReleasedError(ContentError):
    """A unit is not in the gradebook."""

    @classmethod
    def of(cls, course_dir: Path, unit: str) -> Self:
        """Build the error from the unit."""
        return cls(f"{course_dir}: the gradebook has no {unit!r}; run «nbgrader generate_assignment {unit}» there")

    @classmethod
    def differing(cls, course_dir: Path, unit: str, cells: set[str]) -> Self:
        """Build the error from the cells that only one of source and gradebook has."""
        return cls(
            f"{course_dir}: the gradebook's {unit!r} is not the one in source/ ({', '.join(sorted(cells))} differ); "
            f"run «nbgrader generate_assignment --force {unit}» there"
        )


@dataclass(frozen=True)
class MarkedCell:
    """One graded cell of a submission as the gradebook has it; `points` is None where nobody gave any by hand.

    `check` is the cell's place in its assignment.
    """

    handle: str
    unit: str
    received: datetime
    check: str
    points: float | None
    comment: str | None


def nbgrader_timestamp(moment: datetime) -> str:
    """Return a moment as nbgrader writes it into `timestamp.txt`.

    Microseconds are kept: formgrader takes a submission as marked only where file and database agree exactly.
    """
    return moment.astimezone(UTC).strftime(TIMESTAMP)


def naive_utc(moment: datetime) -> datetime:
    """Return a moment as the gradebook stores it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def find_notebooks(session: Session, course_dir: Path, unit: str) -> dict[str, Any]:
    """Return nbgrader's rows for the notebooks of a unit, by name, sorted.

    Raises:
        UnitNotReleasedError: where the gradebook does not know any.
    """
    query = select(Notebook).join(Assignment, Assignment.id == Notebook.assignment_id).where(Assignment.name == unit)
    found = {notebook.name: notebook for notebook in session.scalars(query.order_by(Notebook.name))}
    if not found:
        raise UnitNotReleasedError.of(course_dir, unit)
    return found


def labels(session: Session, unit: str | None = None) -> dict[str, str]:
    """Return how each notebook (by its row's id) is named in the place of a check: not at all where it is alone."""
    query = select(Notebook.id, Notebook.assignment_id, Notebook.name)
    if unit is not None:
        query = query.join(Assignment, Assignment.id == Notebook.assignment_id).where(Assignment.name == unit)
    rows = session.execute(query).all()
    alone = Counter(assignment for _, assignment, _ in rows)
    return {identity: name if alone[assignment] > 1 else "" for identity, assignment, name in rows}


def marked_cells(session: Session, handle: str | None = None, unit: str | None = None) -> list[MarkedCell]:
    """Return the graded cells of all submissions that have a timestamp, with what was given by hand."""
    concerned = select(SubmittedNotebook.id).join(
        SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id
    )
    concerned = concerned.join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
    query = submitted_cells().where(BaseCell.name.is_not(None))
    if handle is not None:
        query, concerned = (one.where(SubmittedAssignment.student_id == handle) for one in (query, concerned))
    if unit is not None:
        query, concerned = (one.where(Assignment.name == unit) for one in (query, concerned))
    return _marked(session, query, concerned if handle is not None or unit is not None else None, unit)


def cells_given_by_hand(session: Session) -> list[MarkedCell]:
    """Return those graded cells of all submissions to which a person gave points."""
    query = submitted_cells().where(Grade.manual_score.is_not(None) | (func.coalesce(Grade.extra_credit, 0.0) != 0.0))
    return _marked(session, query.where(BaseCell.name.is_not(None)))


def _marked(
    session: Session, query: Select[Any], concerned: Select[Any] | None = None, unit: str | None = None
) -> list[MarkedCell]:
    """Return the cells that a query finds, with what was said of them; `concerned` are the submitted notebooks."""
    comments = select(Comment.notebook_id, BaseCell.name, Comment.manual_comment).join(
        BaseCell, BaseCell.id == Comment.cell_id
    )
    comments = comments.where(Comment.manual_comment.is_not(None), Comment.manual_comment != "")
    if concerned is not None:
        comments = comments.where(Comment.notebook_id.in_(concerned))
    said = {(notebook, name): words for notebook, name, words in session.execute(comments)}
    label = labels(session, unit)
    return [
        MarkedCell(
            handle=who,
            unit=which,
            received=timestamp.replace(tzinfo=UTC),
            check=place_of(label[source], check),
            points=given_by_hand(auto, manual, extra),
            comment=said.get((notebook, check)),
        )
        for notebook, who, which, timestamp, source, check, auto, manual, extra in session.execute(query)
    ]


def comments_on_answers(course_dir: Path, handle: str, unit: str, received: datetime | None = None) -> dict[str, str]:
    """Return what a trainer wrote beside answers that a machine marks, by the cell's name.

    A comment beside an answer that a person marks is in the ledger, with its mark. `received` asks for one attempt:
    nothing where another one stands.

    Raises:
        GradebookUnusableError: where there is none, or another program holds it for too long.
    """
    submitted = (
        select(SubmittedNotebook.id, SubmittedNotebook.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(SubmittedAssignment.student_id == handle, Assignment.name == unit)
    )
    if received is not None:
        submitted = submitted.where(SubmittedAssignment.timestamp == naive_utc(received))
    hers = submitted.subquery()
    marked = select(BaseCell.name).join(Grade, Grade.cell_id == BaseCell.id).join(hers, hers.c.id == Grade.notebook_id)
    # By the source's cells: comments have an index by cell, and none by notebook.
    said = (
        select(BaseCell.name, Comment.manual_comment)
        .join(hers, hers.c.notebook_id == BaseCell.notebook_id)
        .join(Comment, (Comment.cell_id == BaseCell.id) & (Comment.notebook_id == hers.c.id))
        .where(Comment.manual_comment.is_not(None), Comment.manual_comment != "", BaseCell.name.not_in(marked))
        .order_by(BaseCell.name)
    )
    with gradebook(course_dir) as rows:
        return {name: comment for name, comment in rows.execute(said)}  # noqa: C416  # rows


def given_by_hand(auto: float | None, manual: float | None, extra: float | None) -> float | None:
    """Return a cell's points where a person gave any, by nbgrader's rule for its score; else None."""
    if manual is None and not extra:
        return None
    return (manual if manual is not None else auto or 0.0) + (extra or 0.0)


def submitted_cells() -> Select[Any]:
    """Return the query for the cells of all submissions that have a timestamp; a submission without any has one row.

    Columns: submitted notebook, handle, unit, timestamp, notebook, cell, auto_score, manual_score, extra_credit.
    """
    return (
        select(
            SubmittedNotebook.id,
            SubmittedAssignment.student_id,
            Assignment.name,
            SubmittedAssignment.timestamp,
            SubmittedNotebook.notebook_id,
            BaseCell.name,
            Grade.auto_score,
            Grade.manual_score,
            Grade.extra_credit,
        )
        .select_from(SubmittedAssignment)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .outerjoin(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .outerjoin(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .outerjoin(BaseCell, BaseCell.id == Grade.cell_id)
        .where(SubmittedAssignment.timestamp.is_not(None))
    )
