"""The rows that nbgrader's gradebook has of one submission, read and written without its objects.

Every query goes by nbgrader's unique constraints, so what it takes does not grow with what others have submitted, and
every statement is made once, so SQLAlchemy compiles it once a gradebook.
"""

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    GradeCell,
    Notebook,
    SourceCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from passerelle.grading.gradebook import UnitNotReleasedError
from passerelle.model.verdict import place_of

_students, _submissions, _held = Student.__table__, SubmittedAssignment.__table__, SubmittedNotebook.__table__
_grades, _comments = Grade.__table__, Comment.__table__
_assignments, _notebooks, _sources = Assignment.__table__, Notebook.__table__, SourceCell.__table__
_base, _graded, _tasks = BaseCell.__table__, GradeCell.__table__, TaskCell.__table__

_CELLS = (
    select(
        _notebooks.c.id,
        _notebooks.c.name,
        _notebooks.c.assignment_id,
        _base.c.id,
        _base.c.name,
        _base.c.type,
        func.coalesce(_graded.c.max_score, _tasks.c.max_score),
    )
    .select_from(_assignments)
    .join(_notebooks, _notebooks.c.assignment_id == _assignments.c.id)
    .outerjoin(_base, _base.c.notebook_id == _notebooks.c.id)
    .outerjoin(_graded, _graded.c.id == _base.c.id)
    .outerjoin(_tasks, _tasks.c.id == _base.c.id)
    .where(_assignments.c.name == bindparam("unit"))
    .order_by(_notebooks.c.name, _base.c.id)
)
_CHECKSUMS = (
    select(_sources.c.notebook_id, _sources.c.name, _sources.c.checksum)
    .join(_notebooks, _notebooks.c.id == _sources.c.notebook_id)
    .join(_assignments, _assignments.c.id == _notebooks.c.assignment_id)
    .where(_assignments.c.name == bindparam("unit"))
)
_STUDENT = select(_students.c.id).where(_students.c.id == bindparam("handle"))
_SUBMISSION = select(_submissions.c.id, _submissions.c.timestamp).where(
    _submissions.c.assignment_id == bindparam("assignment"), _submissions.c.student_id == bindparam("handle")
)
_SUBMITTED_AT = update(_submissions).where(_submissions.c.id == bindparam("key")).values(timestamp=bindparam("at"))
_NOTEBOOKS = select(_held.c.notebook_id, _held.c.id, _held.c.late_submission_penalty).where(
    _held.c.assignment_id == bindparam("submission"), _held.c.notebook_id.in_(bindparam("notebooks", expanding=True))
)
_NO_PENALTY = update(_held).where(_held.c.id == bindparam("key")).values(late_submission_penalty=None)
_GRADES = select(
    _grades.c.id,
    _grades.c.cell_id,
    _grades.c.auto_score,
    _grades.c.manual_score,
    _grades.c.extra_credit,
    _grades.c.needs_manual_grade,
).where(_grades.c.notebook_id == bindparam("held"), _grades.c.cell_id.in_(bindparam("cells", expanding=True)))
_COMMENTS = select(_comments.c.id, _comments.c.cell_id, _comments.c.auto_comment, _comments.c.manual_comment).where(
    _comments.c.notebook_id == bindparam("held"), _comments.c.cell_id.in_(bindparam("cells", expanding=True))
)
_NO_GRADE = delete(_grades).where(_grades.c.id == bindparam("key"))
_REGRADE = (
    update(_grades)
    .where(_grades.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")})
)
_RECOMMENT = (
    update(_comments)
    .where(_comments.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("auto_comment", "manual_comment")})
)
_beside = _notebooks.alias()
_STANDING = (
    select(
        _notebooks.c.name,
        _base.c.name,
        _grades.c.auto_score,
        select(func.count()).where(_beside.c.assignment_id == _assignments.c.id).scalar_subquery(),
    )
    .select_from(_assignments)
    .join(_submissions, _submissions.c.assignment_id == _assignments.c.id)
    .join(_held, _held.c.assignment_id == _submissions.c.id)
    .join(_notebooks, _notebooks.c.id == _held.c.notebook_id)
    .join(_base, _base.c.notebook_id == _notebooks.c.id)
    .join(_grades, (_grades.c.cell_id == _base.c.id) & (_grades.c.notebook_id == _held.c.id))
    .where(_assignments.c.name == bindparam("unit"), _submissions.c.student_id == bindparam("handle"))
    .where(_submissions.c.timestamp == bindparam("at"))
)


_HELD = (
    select(_held.c.id, _submissions.c.timestamp, _held.c.late_submission_penalty, _notebooks.c.id)
    .select_from(_assignments)
    .join(_submissions, _submissions.c.assignment_id == _assignments.c.id)
    .join(_held, _held.c.assignment_id == _submissions.c.id)
    .join(_notebooks, _notebooks.c.id == _held.c.notebook_id)
    .where(_assignments.c.name == bindparam("unit"), _notebooks.c.name == bindparam("unit"))
    .where(_submissions.c.student_id == bindparam("handle"))
)
_SCORES = (
    select(_base.c.name, Grade.score, func.coalesce(_graded.c.max_score, _tasks.c.max_score, 0.0))
    .select_from(_base)
    .join(_grades, (_grades.c.cell_id == _base.c.id) & (_grades.c.notebook_id == bindparam("held")))
    .outerjoin(_graded, _graded.c.id == _base.c.id)
    .outerjoin(_tasks, _tasks.c.id == _base.c.id)
    .where(_base.c.notebook_id == bindparam("notebook"))
)
_REMARKS = (
    select(_base.c.name, Comment.comment)
    .select_from(_base)
    .join(_comments, (_comments.c.cell_id == _base.c.id) & (_comments.c.notebook_id == bindparam("held")))
    .where(_base.c.notebook_id == bindparam("notebook"))
)


@dataclass(frozen=True)
class Standing:
    """A notebook of a submission that stands in the gradebook: when it came, and what lateness cost it.

    `scores` are nbgrader's score and the most by cell, `comments` what is said of it, by a person or a machine.
    """

    received: datetime
    penalty: float
    scores: Mapping[str, tuple[float, float]]
    comments: Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """A cell that is graded or commented: `most` are its points, None where it has no grade."""

    id: str
    name: str
    type: str
    most: float | None


@dataclass(frozen=True)
class UnitNotebook:
    """A notebook of a unit as it was released; `released` are nbgrader's checksums by cell."""

    id: str
    name: str
    assignment: str
    graded: tuple[Cell, ...]
    commented: tuple[Cell, ...]
    released: Mapping[str, str | None]


@dataclass
class GradeRow:
    """One grade of a submission, as it is to stand."""

    id: str = field(default_factory=lambda: uuid4().hex)
    auto_score: float | None = None
    manual_score: float | None = None
    extra_credit: float | None = None
    needs_manual_grade: bool = True

    @property
    def given(self) -> float | None:
        """Return the score where a person gave points, by nbgrader's rule."""
        if self.manual_score is None and not self.extra_credit:
            return None
        base = self.manual_score if self.manual_score is not None else self.auto_score or 0.0
        return float(base + (self.extra_credit or 0.0))


@dataclass
class CommentRow:
    """One comment on a submission, as it is to stand."""

    id: str = field(default_factory=lambda: uuid4().hex)
    auto_comment: str | None = None
    manual_comment: str | None = None


@dataclass(frozen=True)
class Submission:
    """A fellow's submission of a unit: `stood` is when what stands there was received, None where nothing does."""

    id: str
    stood: datetime | None


def unit_notebooks(rows: Session, course_dir: Path, unit: str) -> dict[str, UnitNotebook]:
    """Return the notebooks of a unit by name, sorted.

    Raises:
        UnitNotReleasedError: where the gradebook does not know any.
    """
    connection = rows.connection()
    cells: dict[tuple[str, str, str], list[Cell]] = {}
    for notebook, name, assignment, *cell in connection.execute(_CELLS, {"unit": unit}):
        cells.setdefault((notebook, name, assignment), []).extend([Cell(*cell)] if cell[0] is not None else [])
    if not cells:
        raise UnitNotReleasedError.of(course_dir, unit)
    released: dict[str, dict[str, str | None]] = {}
    for notebook, name, checksum in connection.execute(_CHECKSUMS, {"unit": unit}):
        released.setdefault(notebook, {})[name] = checksum
    return {
        name: UnitNotebook(
            notebook,
            name,
            assignment,
            tuple(cell for cell in found if cell.type in ("GradeCell", "TaskCell")),
            tuple(cell for cell in found if cell.type in ("SolutionCell", "TaskCell")),
            released.get(notebook, {}),
        )
        for (notebook, name, assignment), found in cells.items()
    }


def submission_of(rows: Session, assignment: str, handle: str) -> Submission:
    """Return a fellow's submission; where there is none yet, it is added, without a time."""
    connection = rows.connection()
    found = connection.execute(_SUBMISSION, {"assignment": assignment, "handle": handle}).first()
    if found is not None:
        return Submission(*found)
    if connection.execute(_STUDENT, {"handle": handle}).first() is None:
        connection.execute(insert(_students), {"id": handle})
    made = uuid4().hex
    connection.execute(insert(_submissions), {"id": made, "assignment_id": assignment, "student_id": handle})
    return Submission(made, None)


def say_when(rows: Session, submission: Submission, at: datetime) -> None:
    """Write when what is to stand there was received."""
    if submission.stood != at:
        rows.connection().execute(_SUBMITTED_AT, {"key": submission.id, "at": at})


def held_notebooks(rows: Session, submission: Submission, notebooks: Collection[UnitNotebook]) -> dict[str, str]:
    """Return the ids of a submission's notebooks by the unit's; they are added, and no penalty is left."""
    connection, wanted = rows.connection(), [notebook.id for notebook in notebooks]
    held: dict[str, str] = {}
    for notebook, key, penalty in connection.execute(
        _NOTEBOOKS, {"submission": submission.id, "notebooks": wanted}
    ).all():
        held[notebook] = key
        if penalty is not None:
            connection.execute(_NO_PENALTY, {"key": key})
    missing = [
        {"id": uuid4().hex, "notebook_id": key, "assignment_id": submission.id} for key in wanted if key not in held
    ]
    if missing:
        connection.execute(insert(_held), missing)
    return held | {one["notebook_id"]: one["id"] for one in missing}


def grades_of(rows: Session, held: str, cells: Collection[Cell]) -> dict[str, GradeRow]:
    """Return the grades of a submitted notebook by cell id."""
    found = rows.connection().execute(_GRADES, {"held": held, "cells": [cell.id for cell in cells]})
    return {cell: GradeRow(key, *values) for key, cell, *values in found}


def comments_of(rows: Session, held: str, cells: Collection[Cell]) -> dict[str, CommentRow]:
    """Return the comments of a submitted notebook by cell id."""
    found = rows.connection().execute(_COMMENTS, {"held": held, "cells": [cell.id for cell in cells]})
    return {cell: CommentRow(key, *values) for key, cell, *values in found}


def put_grades(rows: Session, held: str, before: Mapping[str, GradeRow], after: Mapping[str, GradeRow]) -> None:
    """Write the grades of a submitted notebook: one with another id takes the place of the row that was there."""
    gone = [{"key": one.id} for cell, one in before.items() if after[cell].id != one.id]
    if gone:
        rows.connection().execute(_NO_GRADE, gone)
    _put(rows, insert(_grades), _REGRADE, held, before, after)


def put_comments(rows: Session, held: str, before: Mapping[str, CommentRow], after: Mapping[str, CommentRow]) -> None:
    """Write the comments of a submitted notebook."""
    _put(rows, insert(_comments), _RECOMMENT, held, before, after)


def _put(rows: Session, add: Any, change: Any, held: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    known = {one.id: astuple(one) for one in before.values()}
    new, other = [], []
    for cell, one in after.items():
        values = {each.name: getattr(one, each.name) for each in fields(one) if each.name != "id"}
        if one.id not in known:
            new.append({"id": one.id, "cell_id": cell, "notebook_id": held, **values})
        elif known[one.id] != astuple(one):
            other.append({"key": one.id, **values})
    for statement, changes in ((add, new), (change, other)):
        if changes:
            rows.connection().execute(statement, changes)


def standing_scores(rows: Session, handle: str, unit: str, at: datetime) -> dict[str, float | None]:
    """Return the automatic scores of an attempt, if it stands, by the cell's place in its assignment."""
    found = rows.connection().execute(_STANDING, {"unit": unit, "handle": handle, "at": at})
    return {place_of(name if several > 1 else "", cell): score for name, cell, score, several in found}


def standing_notebook(rows: Session, handle: str, unit: str) -> Standing | None:
    """Return what stands of a fellow's notebook that has the unit's name; None where nothing does."""
    connection = rows.connection()
    found = connection.execute(_HELD, {"unit": unit, "handle": handle}).first()
    if found is None or found[1] is None:
        return None
    held, received, penalty, notebook = found
    place = {"held": held, "notebook": notebook}
    scores = {name: (float(score), float(most)) for name, score, most in connection.execute(_SCORES, place)}
    comments = {name: said for name, said in connection.execute(_REMARKS, place) if said}
    return Standing(received.replace(tzinfo=UTC), penalty or 0.0, scores, comments)
