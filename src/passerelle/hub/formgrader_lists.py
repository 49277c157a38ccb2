"""Formgrader's lists in as many rows as they show: nbgrader 0.9 adds up the whole gradebook for each of them.

The same keys and values as nbgrader's methods of these names; a test holds them to these.
"""

from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import ColumnElement, Select, case, func, or_, select

_BASE, _GRADED, _TASK = BaseCell.__table__, GradeCell.__table__, TaskCell.__table__
_CODE = _GRADED.c.cell_type == "code"
_WRITTEN = _GRADED.c.cell_type == "markdown"
_BY_TASK = _TASK.c.cell_type == "markdown"
_SCORES = (
    *("score", "max_score", "code_score", "max_code_score"),
    *("written_score", "max_written_score", "task_score", "max_task_score"),
)
_NAMED = ("id", "name", "timestamp", "first_name", "last_name", "student")


def change_lists() -> None:
    """Put our queries into nbgrader's gradebook."""
    Gradebook.submission_dicts = submission_dicts
    Gradebook.notebook_submission_dicts = notebook_submission_dicts
    Gradebook.student_dicts = student_dicts


def submission_dicts(book: Any, assignment_id: str) -> list[dict[str, Any]]:
    """Return the submissions of an assignment that have a grade, one a fellow."""
    of = (
        SubmittedAssignment.id.label("id"),
        Assignment.name.label("name"),
        SubmittedAssignment.timestamp.label("timestamp"),
        Student.first_name.label("first_name"),
        Student.last_name.label("last_name"),
        Student.id.label("student"),
    )
    query = _graded(of).where(Assignment.name == assignment_id)
    return [_row(row, "needs_manual_grade") for row in book.db.execute(query).mappings()]


def notebook_submission_dicts(book: Any, notebook_id: str, assignment_id: str) -> list[dict[str, Any]]:
    """Return the submissions of a notebook that have a grade, one a fellow."""
    of = (
        SubmittedNotebook.id.label("id"),
        Notebook.name.label("name"),
        Student.id.label("student"),
        Student.first_name.label("first_name"),
        Student.last_name.label("last_name"),
    )
    query = (
        _graded((*of, SubmittedNotebook.flagged.label("flagged")))
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .where(Notebook.name == notebook_id, Assignment.name == assignment_id)
    )
    return [_row(row, "needs_manual_grade", "failed_tests", "flagged") for row in book.db.execute(query).mappings()]


def student_dicts(book: Any) -> list[dict[str, Any]]:
    """Return all students with the sum of their scores, and of what the assignments can give."""
    most = sum(book.db.scalars(select(Assignment.max_score)).all())
    scored = (
        select(SubmittedAssignment.student_id.label("student"), func.sum(Grade.score).label("score"))
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .group_by(SubmittedAssignment.student_id)
    )
    scores = {student: score for student, score in book.db.execute(scored)}  # noqa: C416  # rows
    known = select(Student.id, Student.first_name, Student.last_name, Student.email, Student.lms_user_id)
    return [
        {**row, "score": scores.get(row["id"]) or 0.0, "max_score": most} for row in book.db.execute(known).mappings()
    ]


def _graded(of: tuple[Any, ...]) -> Select[Any]:
    """Return the query for grades added up by these columns, with the kinds of cells told apart."""
    return (
        select(
            *of,
            *_sums("", or_(_CODE, _WRITTEN, _BY_TASK)),
            *_sums("code_", _CODE),
            *_sums("written_", _WRITTEN),
            *_sums("task_", _BY_TASK),
            func.max(case((Grade.needs_manual_grade, 1), else_=0)).label("needs_manual_grade"),
            func.max(case((_CODE & (Grade.auto_score < _GRADED.c.max_score), 1), else_=0)).label("failed_tests"),
        )
        .select_from(SubmittedAssignment)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Student, Student.id == SubmittedAssignment.student_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .outerjoin(_GRADED, _GRADED.c.id == Grade.cell_id)
        .outerjoin(_TASK, _TASK.c.id == Grade.cell_id)
        .group_by(*(one.element for one in of))
        .having(func.sum(case((or_(_CODE, _WRITTEN, _BY_TASK), 1), else_=0)) > 0)
    )


def _sums(kind: str, holds: ColumnElement[bool]) -> tuple[Any, Any]:
    most = func.coalesce(_GRADED.c.max_score, _TASK.c.max_score)
    return (
        func.sum(case((holds, Grade.score), else_=0.0)).label(f"{kind}score"),
        func.sum(case((holds, most), else_=0.0)).label(f"max_{kind}score"),
    )


def _row(row: Any, *yes_or_no: str) -> dict[str, Any]:
    named = {
        name: row[name] for name in ("id", "name", "timestamp", "first_name", "last_name", "student") if name in row
    }
    return named | {name: row[name] or 0.0 for name in _SCORES} | {name: bool(row[name]) for name in yes_or_no}
