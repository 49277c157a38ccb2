"""Our lists of formgrader are nbgrader's, in SQL that reads no more than it shows."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from benchmarks.exports import fill
from passerelle.hub import formgrader_lists
from tests.gradebooks import on_postgresql
from tests.ledgers import KINDS, POSTGRESQL

THEIRS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    name: getattr(Gradebook, name) for name in ("submission_dicts", "notebook_submission_dicts", "student_dicts")
}


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path, released_course: Path) -> str:
    """A gradebook with all that a list tells apart: tasks, written answers, failed checks, who has sent nothing."""
    path = tmp_path / "gradebook.db"
    shutil.copy(released_course / "gradebook.db", path)
    with sqlite3.connect(path) as rows:
        for (table,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table not in ("alembic_version", "course"):
                rows.execute(f"DELETE FROM {table}")
    fill(path, 9, assignments=4, cells=5, seed=3)
    with sqlite3.connect(path) as rows:
        rows.execute("INSERT INTO base_cell VALUES ('task', 'the-task', 'n01', 'TaskCell')")
        rows.execute("INSERT INTO task_cells VALUES ('task', 4.0, 'markdown')")
        rows.execute("INSERT INTO student (id, last_name) VALUES ('quiet', 'Nobody')")
        sent = rows.execute("SELECT id FROM submitted_notebook WHERE notebook_id = 'n01'").fetchall()
        for number, (notebook,) in enumerate(sent):
            row = (f"t{number}", notebook, "task", None, 3.0 if number % 2 else None, None, number % 2 == 0)
            rows.execute("INSERT INTO grade VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        rows.execute("UPDATE submitted_notebook SET flagged = 1 WHERE notebook_id = 'n01' AND id LIKE '%3%'")
    return on_postgresql(path) if request.param == POSTGRESQL else f"sqlite:///{path}"


def told(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rounded = [{name: round(one, 6) if isinstance(one, float) else one for name, one in row.items()} for row in rows]
    return sorted(rounded, key=lambda row: str(row["id"]))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("submission_dicts", ("unit-01",), id="with-a-task"),
        pytest.param("submission_dicts", ("unit-02",), id="without-a-task"),
        pytest.param("submission_dicts", ("nothing",), id="no-such-assignment"),
        pytest.param("notebook_submission_dicts", ("work", "unit-01"), id="notebook-with-a-task"),
        pytest.param("notebook_submission_dicts", ("work", "unit-03"), id="notebook"),
        pytest.param("student_dicts", (), id="students"),
    ],
)
def test_a_list_is_nbgraders(url: str, name: str, arguments: tuple[str, ...]) -> None:
    with Gradebook(url) as book:
        theirs = told(THEIRS[name](book, *arguments))
        ours = told(getattr(formgrader_lists, name)(book, *arguments))

    assert ours == theirs
    assert len(ours) > 4 or arguments == ("nothing",)


def test_students_of_a_course_without_a_unit_are_nbgraders(url: str) -> None:
    with Gradebook(url) as book:
        for assignment in list(book.assignments):
            book.remove_assignment(assignment.name)

        assert told(formgrader_lists.student_dicts(book)) == told(THEIRS["student_dicts"](book))
