"""What the gradebook of any nbgrader course directory says, in its file or on PostgreSQL: read in SQL, never written.

nbgrader's own `Gradebook` is not used: opening it may migrate the file, and its export asks for each submission by
itself and writes a submission that is not there as 0.0. Scores are added up by nbgrader's rule (nbgrader.api, 0.9): a
manual score stands before an automatic one, extra credit comes on top, and a late penalty takes no score below 0.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from passerelle.model.errors import ServiceError
from passerelle.progress.states import State
from passerelle.progress.tables import STATES, SUMMARY, Column, Kind, Table, Value, local

ASSIGNMENTS: tuple[Column, ...] = (
    Column("course", Kind.TEXT, "", "the name of the course directory"),
    Column("fellow", Kind.TEXT, "", "the student's pseudonym; nbgrader's id where the export is identified"),
    Column("assignment", Kind.TEXT, "", "the assignment's name"),
    Column(
        "due", Kind.MOMENT, "the programme's time zone", "its due date, with her extension; empty where there is none"
    ),
    Column("state", Kind.TEXT, "", STATES),
    Column("submitted", Kind.MOMENT, "the programme's time zone", "when it came; empty where it did not"),
    Column("points", Kind.NUMBER, "points", "nbgrader's raw score; empty until it is marked"),
    Column("late_penalty", Kind.NUMBER, "points", "what nbgrader takes off for lateness; empty until it is marked"),
    Column("points_after_penalty", Kind.NUMBER, "points", "nbgrader's score; empty until it is marked"),
    Column("max_points", Kind.NUMBER, "points", "what the assignment can give"),
    Column("waiting_cells", Kind.WHOLE, "cells", "how many a person has still to mark; empty until it is marked"),
)
"""A row a student and assignment of a course directory."""

Moment = str | datetime | None
Extension = str | timedelta | None
_NEEDED = {"student", "assignment", "notebook", "submitted_assignment", "submitted_notebook", "grade", "grade_cells"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MOST = """
SELECT n.assignment_id, SUM(cell.max_score) FROM notebook n JOIN base_cell b ON b.notebook_id = n.id
JOIN (SELECT id, max_score FROM grade_cells UNION ALL SELECT id, max_score FROM task_cells) cell ON cell.id = b.id
GROUP BY n.assignment_id
"""
# Cells that a machine marks: no solution cell has the same name. A markdown or task cell is always a person's.
_BY_MACHINE = """
SELECT g.id FROM grade_cells g JOIN base_cell b ON b.id = g.id WHERE g.cell_type = 'code' AND NOT EXISTS (
  SELECT 1 FROM base_cell s WHERE s.notebook_id = b.notebook_id AND s.name = b.name AND s.type = 'SolutionCell')
"""
_GRADES = "SELECT notebook_id, cell_id, auto_score, manual_score, extra_credit, needs_manual_grade FROM grade"


class GradebookError(ServiceError):
    """The gradebook of a course directory cannot be read."""

    @classmethod
    def missing(cls, path: Path) -> Self:
        """Build the error of a file that is not there."""
        return cls(f"{path}: there is no gradebook; give --course-dir the directory that nbgrader has it in")

    @classmethod
    def unreadable(cls, path: Path | str, why: object) -> Self:
        """Build the error of a file that is no gradebook of nbgrader 0.9."""
        return cls(f"{path}: {why}; look whether it is nbgrader's, and run `nbgrader db upgrade` in a copy")


class _Sums:
    """What the grades of one submitted assignment add up to."""

    __slots__ = ("cells", "penalty", "points", "unmarked", "waiting")

    def __init__(self) -> None:
        self.points = self.penalty = 0.0
        self.cells = self.waiting = self.unmarked = 0


Ask = Callable[[str], Iterable[tuple[Any, ...]]]
"""What asks a gradebook something in SQL."""


@contextmanager
def _opened(course_dir: Path) -> Iterator[Ask]:
    """Open a gradebook to read one state of it from beginning to end, while somebody marks.

    It is `gradebook.db` wherever there is one; only else nbgrader's configuration is read for where it is, which is
    Python and runs here as it does in nbgrader.
    """
    path = course_dir / "gradebook.db"
    with _file(path) if path.is_file() else _elsewhere(course_dir) as ask:
        yield ask


@contextmanager
def _elsewhere(course_dir: Path) -> Iterator[Ask]:
    # An export of a file takes less time than these take to import.
    import psycopg  # noqa: PLC0415

    from passerelle.grading.layout import allow_elsewhere, layout_of, said_of  # noqa: PLC0415
    from passerelle.ledger import postgres  # noqa: PLC0415

    allow_elsewhere(course_dir)
    layout = layout_of(course_dir)
    if layout.gradebook_file is not None:
        if not layout.gradebook_file.is_file():
            raise GradebookError.missing(layout.gradebook_file)
        with _file(layout.gradebook_file) as ask:
            yield ask
        return
    where = said_of(layout.gradebook)
    try:
        with postgres.rows_of(layout.gradebook) as ask:
            _must_be_nbgraders(where, ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"))
            yield ask
    except psycopg.Error as error:
        raise GradebookError.unreadable(where, " ".join(str(error).split())) from error


@contextmanager
def _file(path: Path) -> Iterator[Ask]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("BEGIN")
            _must_be_nbgraders(path, connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
            yield connection.execute
    except sqlite3.Error as error:
        raise GradebookError.unreadable(path, error) from error


def _must_be_nbgraders(where: Path | str, tables: Iterable[tuple[Any, ...]]) -> None:
    names = {name for (name,) in tables}
    if not names >= _NEEDED:
        raise GradebookError.unreadable(where, f"it has no table {min(_NEEDED - names)}")


def assignments_table(
    course_dir: Path,
    as_of: datetime,
    zone: ZoneInfo,
    fellows: Collection[str] | None = None,
    since: datetime | None = None,
) -> Table:
    """Return a row a student and assignment, by nbgrader's ids, in their order.

    `fellows` are the students wanted; `since` leaves out what came before, and what did not come.

    Raises:
        GradebookError: there is no gradebook, or none that we can read.
    """
    try:
        return Table("assignments", ASSIGNMENTS, _rows(course_dir, as_of, zone, fellows, since))
    except (TypeError, ValueError, OverflowError) as error:
        # SQLite keeps a text in a column of numbers as it is.
        raise GradebookError.unreadable(
            course_dir / "gradebook.db", f"it has a value that is none of nbgrader's ({error})"
        ) from error


def _rows(
    course_dir: Path, as_of: datetime, zone: ZoneInfo, fellows: Collection[str] | None, since: datetime | None
) -> list[Sequence[Value]]:
    with _opened(course_dir) as ask:
        sums = _sums(ask)
        most: dict[str, float] = {assignment: points for assignment, points in ask(_MOST)}  # noqa: C416  # rows
        # In Python, whose order is that of the characters, in whatever language a server sorts.
        assignments = sorted(ask("SELECT id, name, duedate FROM assignment"), key=itemgetter(1))
        students = sorted(one for (one,) in ask("SELECT id FROM student"))
        query = "SELECT student_id, assignment_id, id, timestamp, extension FROM submitted_assignment"
        sent = {(student, assignment): rest for student, assignment, *rest in ask(query)}
    course = course_dir.resolve().name

    @cache  # few due dates, and as many extensions as were given, stand for all the rows
    def due_of(duedate: Moment, extension: Extension) -> tuple[datetime | None, datetime | None]:
        due = _due(duedate, extension)
        return due, local(due, zone)

    rows: list[Sequence[Value]] = []
    for student in students:
        if fellows is not None and student not in fellows:
            continue
        for assignment, name, duedate in assignments:
            submission, timestamp, extension = sent.get((student, assignment), (None, None, None))
            came, (due, due_here) = _moment(timestamp), due_of(duedate, extension)
            if since is not None and (came is None or came < since):
                continue
            found = sums.get(submission, _Sums()) if submission else None
            state = _state(found, due, as_of)
            rows.append(
                (
                    *(course, student, name, due_here, state.value, local(came, zone)),
                    *_points(found, state, most.get(assignment, 0.0)),
                )
            )
    return rows


def _sums(ask: Ask) -> dict[str, _Sums]:
    """Return what the grades of each submitted assignment add up to.

    The grades are read once, as they lie in the file, and added up here: nbgrader has no index by which SQL could
    group them, and sorting millions of rows takes several times as long.
    """
    by_machine = {cell for (cell,) in ask(_BY_MACHINE)}
    sums: dict[str, _Sums] = {}
    of_notebook: dict[str, _Sums] = {}
    query = "SELECT id, assignment_id, late_submission_penalty FROM submitted_notebook"
    for notebook, submission, penalty in ask(query):
        one = of_notebook[notebook] = sums.setdefault(submission, _Sums())
        one.penalty += penalty or 0.0
        one.cells += 1
    for notebook, cell, auto, manual, extra, needs in ask(_GRADES):
        one = of_notebook.get(notebook)  # type: ignore[assignment]  # a grade may be left of a notebook that is gone
        if one is None:
            continue
        if manual is not None:
            one.points += manual + (extra or 0.0)
        elif auto is not None:
            one.points += auto + (extra or 0.0)
        elif cell in by_machine:
            one.unmarked += 1
        if needs:
            one.waiting += 1
    return sums


def _state(found: _Sums | None, due: datetime | None, as_of: datetime) -> State:
    if found is None:
        return State.MISSING if due is not None and as_of >= due else State.NOT_DUE
    if not found.cells or found.unmarked:
        return State.SUBMITTED
    return State.WAITING_FOR_US if found.waiting else State.GRADED


def _points(found: _Sums | None, state: State, most: float) -> tuple[Value, ...]:
    if found is None or state is State.SUBMITTED:
        return (None, None, None, most, None)
    points = round(found.points, 6)
    return (points, found.penalty, max(0.0, round(points - found.penalty, 6)), most, found.waiting)


def _moment(said: Moment) -> datetime | None:
    """Return a moment of nbgrader's, which are UTC without saying so: SQLite says it as text."""
    if said is None:
        return None
    return (datetime.fromisoformat(said) if isinstance(said, str) else said).replace(tzinfo=UTC)


def _due(duedate: Moment, extension: Extension) -> datetime | None:
    due = _moment(duedate)
    if due is None or extension is None:
        return due
    # SQLAlchemy keeps a length of time in SQLite as the moment so long after 1970.
    return due + (extension if isinstance(extension, timedelta) else (_moment(extension) or _EPOCH) - _EPOCH)


def summary_table(assignments: Table) -> Table:
    """Return how many students stand where, assignment by assignment."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for row in assignments.rows:
        course, _, name, _, state, *_ = row
        counts.setdefault((str(course), str(name)), Counter())[str(state)] += 1
    rows: list[Sequence[Value]] = [
        (course, None, name, sum(states.values()), *(states[one.value] for one in State), None)
        for (course, name), states in counts.items()
    ]
    return Table("summary", SUMMARY, rows)
