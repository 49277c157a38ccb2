"""Formgrader's lists in as many rows as they show, over one opened gradebook.

nbgrader 0.9 adds up the whole gradebook for a list of one assignment, opens it anew for each assignment of a list, and
looks at every fellow's folders for a list of one fellow. The same keys and values as its methods of these names; a
test holds them to these.
"""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
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
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy import ColumnElement, Select, case, func, literal_column, or_, select

from passerelle.grading.book import take_turns

_BASE, _GRADED, _TASK = BaseCell.__table__, GradeCell.__table__, TaskCell.__table__
_CODE = _GRADED.c.cell_type == "code"
_WRITTEN = _GRADED.c.cell_type == "markdown"
_BY_TASK = _TASK.c.cell_type == "markdown"
_SCORES = (
    *("score", "max_score", "code_score", "max_code_score"),
    *("written_score", "max_written_score", "task_score", "max_task_score"),
)
_STRUCTURE = str(Path("{nbgrader_step}", "{student_id}", "{assignment_id}"))
_NAMED = ("id", "name", "timestamp", "first_name", "last_name", "student")


def change_lists() -> None:
    """Put our queries into nbgrader's gradebook, and its writes into our line."""
    Gradebook.__init__ = _in_line(Gradebook.__init__)
    Gradebook.submission_dicts = submission_dicts
    Gradebook.notebook_submission_dicts = notebook_submission_dicts
    Gradebook.student_dicts = student_dicts


def _in_line(opened: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(opened)
    def init(book: Any, *arguments: Any, **named: Any) -> None:
        opened(book, *arguments, **named)
        take_turns(book.engine)

    return init


class QuickLists(NbGraderAPI):  # type: ignore[misc]  # nbgrader is untyped
    """nbgrader's API with one gradebook a list, and without other fellows' folders in a list of one."""

    _book: Any = None
    _only: str | None = None
    _sent: dict[str, set[str]] | None = None

    @property
    def gradebook(self) -> Any:
        """Return a gradebook to open: the one that is open, for as long as a list is made."""
        return super().gradebook if self._book is None else nullcontext(self._book)

    @contextmanager
    def _one_gradebook(self) -> Iterator[Any]:
        if self._book is not None:
            yield self._book
            return
        with super().gradebook as book:
            self._book = book
            try:
                yield book
            finally:
                self._book = None

    def get_submitted_students(self, assignment_id: str) -> set[str]:
        """Return who has a folder for an assignment, or for any with `*`."""
        if self.coursedir.directory_structure != _STRUCTURE:
            found: set[str] = super().get_submitted_students(assignment_id)
            return found if self._only is None else found & {self._only}
        if self._sent is not None and self._only is None and assignment_id != "*":
            return self._sent.get(assignment_id, set())
        place = self._submitted()
        hers = [place / self._only] if self._only is not None else place.iterdir() if place.is_dir() else ()
        return {one.name for one in hers if one.name[0] != "." and _has_sent(one, assignment_id)}

    def _submitted(self) -> Path:
        return Path(self.coursedir.format_path(self.coursedir.submitted_directory, "who", "which")).parent.parent

    def get_autograded_students(self, assignment_id: str) -> set[str]:
        """Return whose newest submission of an assignment is marked."""
        if self._only is None:
            marked: set[str] = super().get_autograded_students(assignment_id)
            return marked
        one = self._only
        folder = self.coursedir.format_path(self.coursedir.autograded_directory, one, assignment_id)
        query = (
            select(SubmittedAssignment.timestamp)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == assignment_id, SubmittedAssignment.student_id == one)
        )
        with self.gradebook as book:
            known = book.db.execute(query).first()
        stands = known is not None and self.get_submitted_timestamp(assignment_id, one) == known[0]
        return {one} if stands and Path(folder).is_dir() else set()

    def get_students(self) -> list[dict[str, Any]]:
        """Return the students; in a list of one, her names alone."""
        if self._only is None:
            with self._one_gradebook():
                students: list[dict[str, Any]] = super().get_students()
                return students
        with self.gradebook as book:
            known = select(Student.id, Student.first_name, Student.last_name).where(Student.id == self._only)
            return [dict(row) for row in book.db.execute(known).mappings()]

    def get_student_submissions(self, student_id: str) -> list[dict[str, Any]]:
        """Return one student's submissions."""
        self._only = student_id
        try:
            with self._one_gradebook():
                submissions: list[dict[str, Any]] = super().get_student_submissions(student_id)
                return submissions
        finally:
            self._only = None

    def get_submissions(self, assignment_id: str) -> list[dict[str, Any]]:
        """Return the submissions of an assignment."""
        with self._one_gradebook():
            submissions: list[dict[str, Any]] = super().get_submissions(assignment_id)
            return submissions

    def get_notebook_submissions(self, assignment_id: str, notebook_id: str) -> list[dict[str, Any]]:
        """Return the submissions of a notebook."""
        with self._one_gradebook():
            submissions: list[dict[str, Any]] = super().get_notebook_submissions(assignment_id, notebook_id)
            return submissions

    def get_notebook_submission_indices(self, assignment_id: str, notebook_id: str) -> dict[str, int]:
        """Return the place, by their ids, of those submissions of a notebook whose marked notebook is there."""
        query = (
            select(SubmittedNotebook.id, SubmittedAssignment.student_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .where(Assignment.name == assignment_id, Notebook.name == notebook_id)
        )
        with self.gradebook as book:
            known = [(row[0], row[1]) for row in book.db.execute(query)]
        step = self.coursedir.autograded_directory
        there = [
            identity
            for identity, who in known
            if Path(self.coursedir.format_path(step, who, assignment_id), f"{notebook_id}.ipynb").exists()
        ]
        return {identity: place for place, identity in enumerate(sorted(there))}

    def get_assignments(self) -> list[dict[str, Any]]:
        """Return the assignments with their averages, which are added up once."""
        with self._one_gradebook() as book:
            for name, averages in _averages(book).items():
                setattr(book, name, lambda assignment, averages=averages: averages.get(assignment, 0.0))
            self._sent = _sent_in(self._submitted())
            try:
                assignments: list[dict[str, Any]] = super().get_assignments()
            finally:
                self._sent = None
            return assignments


def _sent_in(place: Path) -> dict[str, set[str]]:
    """Return who has a folder for which assignment: each fellow's folder is read once."""
    found: dict[str, set[str]] = {}
    for hers in os.scandir(place) if place.is_dir() else ():
        for one in os.scandir(hers.path) if hers.is_dir() and hers.name[0] != "." else ():
            if one.is_dir():
                found.setdefault(one.name, set()).add(hers.name)
    return found


def _has_sent(folder: Path, assignment_id: str) -> bool:
    if assignment_id != "*":
        return (folder / assignment_id).is_dir()
    return folder.is_dir() and any(one.is_dir() for one in folder.iterdir() if one.name[0] != ".")


def _averages(book: Any) -> dict[str, dict[str, float]]:
    """Return the averages of all assignments, by nbgrader's method and the assignment's name."""
    sent = (
        select(Assignment.name, func.count())
        .join(SubmittedAssignment, SubmittedAssignment.assignment_id == Assignment.id)
        .group_by(Assignment.name)
    )
    counts = {name: count for name, count in book.db.execute(sent)}  # noqa: C416  # rows
    kinds = {
        "average_assignment_score": or_(_GRADED.c.id.is_not(None), _TASK.c.id.is_not(None)),
        "average_assignment_code_score": _CODE,
        "average_assignment_written_score": _WRITTEN,
        "average_assignment_task_score": _BY_TASK,
    }
    # By cell first: a gradebook has some hundreds, each with a row a fellow. Read as they lie in the file: by the
    # index that the bare column has, SQLite would fetch each row from another place.
    cell = func.coalesce(Grade.cell_id, literal_column("''"))
    by_cell = select(cell.label("cell_id"), func.sum(Grade.score).label("score")).group_by(cell).subquery()
    query = (
        select(Assignment.name, *(func.sum(case((holds, by_cell.c.score), else_=0.0)) for holds in kinds.values()))
        .select_from(by_cell)
        .join(_BASE, _BASE.c.id == by_cell.c.cell_id)
        .join(Notebook, Notebook.id == _BASE.c.notebook_id)
        .join(Assignment, Assignment.id == Notebook.assignment_id)
        .outerjoin(_GRADED, _GRADED.c.id == by_cell.c.cell_id)
        .outerjoin(_TASK, _TASK.c.id == by_cell.c.cell_id)
        .group_by(Assignment.name)
    )
    found: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
    for name, *sums in book.db.execute(query):
        for kind, total in zip(kinds, sums, strict=True):
            found[kind][name] = (total or 0.0) / counts[name] if counts.get(name) else 0.0
    return found


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
