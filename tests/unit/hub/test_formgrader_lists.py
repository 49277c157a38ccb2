"""Our lists of formgrader are nbgrader's, in SQL that reads no more than it shows."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import create_engine, text
from traitlets.config import Config

from benchmarks.exports import fill
from passerelle.hub import formgrader_lists
from passerelle.hub.formgrader_lists import QuickLists
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


@pytest.fixture
def course(url: str, tmp_path: Path) -> Config:
    """A course directory around it: folders as recording leaves them, one newer submission, one without a mark."""
    rows = create_engine(url)
    with rows.connect() as connection:
        query = "SELECT student_id, name, timestamp FROM submitted_assignment JOIN assignment a ON a.id = assignment_id"
        sent = [tuple(row) for row in connection.execute(text(query))]
    rows.dispose()
    for number in range(4):
        (tmp_path / "source" / f"unit-{number:02}").mkdir(parents=True)
    for fellow, unit, moment in [*sent, ("stranger", "unit-01", "2026-10-01 08:00:00.000000")]:
        for step in ("submitted", "autograded"):
            (tmp_path / step / fellow / unit).mkdir(parents=True)
            (tmp_path / step / fellow / unit / "work.ipynb").touch()
            (tmp_path / step / fellow / unit / "timestamp.txt").write_text(f"{moment} UTC")
    (tmp_path / "autograded" / sent[1][0] / "unit-01" / "work.ipynb").unlink(missing_ok=True)
    (tmp_path / "submitted" / sent[0][0] / sent[0][1] / "timestamp.txt").write_text("2027-01-01 08:00:00.000000 UTC")
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = url
    config.Exchange.root = str(tmp_path / "exchange")
    return config


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda api: api.get_assignments(), id="assignments"),
        pytest.param(lambda api: api.get_submissions("unit-01"), id="submissions"),
        pytest.param(lambda api: api.get_notebook_submissions("unit-01", "work"), id="submissions-of-a-notebook"),
        pytest.param(lambda api: api.get_students(), id="students"),
        pytest.param(lambda api: api.get_student_submissions("fellow-00000"), id="submissions-of-one"),
        pytest.param(lambda api: api.get_student_submissions("stranger"), id="submissions-of-a-stranger"),
        pytest.param(lambda api: sorted(api.get_submitted_students("*")), id="who-has-sent"),
        pytest.param(lambda api: sorted(api.get_autograded_students("unit-02")), id="whose-is-marked"),
    ],
)
def test_a_list_of_the_api_is_nbgraders(course: Config, ask: Callable[[Any], list[Any]]) -> None:
    theirs, ours = (ask(kind(CourseDirectory(config=course), config=course)) for kind in (NbGraderAPI, QuickLists))

    assert repr(ours) == repr(theirs) or [told([one])[0] for one in ours] == [told([one])[0] for one in theirs]
    assert len(ours) > 3
