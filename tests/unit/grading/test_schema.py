import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from passerelle.grading.gradebook import GradebookUnusableError, gradebook_path
from passerelle.grading.schema import gradebook_head, gradebook_revision, upgrade_gradebook
from tests.unit.grading.desk import Desk


def make_older(course_dir: Path, revision: str) -> None:
    with closing(sqlite3.connect(gradebook_path(course_dir))) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))


@pytest.fixture
def old(tmp_path: Path, released_course: Path) -> Path:
    """A course directory with the gradebook of an older nbgrader: no course column, no LMS id."""
    shutil.copy(gradebook_path(released_course), tmp_path)
    with closing(sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)) as database:
        database.execute("PRAGMA legacy_alter_table = ON")
        database.execute("DROP TABLE assignment")
        database.execute(
            "CREATE TABLE assignment (id VARCHAR(32) PRIMARY KEY, name VARCHAR(128) NOT NULL, duedate DATETIME)"
        )
        database.execute("DROP TABLE course")
        database.execute("INSERT INTO student (id) VALUES ('acacia')")
        database.execute("ALTER TABLE student DROP COLUMN lms_user_id")
    make_older(tmp_path, "167914646830")
    return tmp_path


def test_a_gradebook_of_this_nbgrader_is_left_alone(desk: Desk) -> None:
    assert gradebook_revision(desk.course_dir) == gradebook_head()
    assert upgrade_gradebook(desk.course_dir) is False


def test_an_older_one_is_brought_up_to_date_with_what_it_holds(old: Path) -> None:
    assert upgrade_gradebook(old) is True

    assert gradebook_revision(old) == gradebook_head()
    with Gradebook(f"sqlite:///{old}/gradebook.db") as book:
        assert [(student.id, student.lms_user_id) for student in book.students] == [("acacia", None)]
        assert book.add_assignment("mini").course_id


def test_one_that_cannot_be_migrated_stays_as_it_was(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    make_older(desk.course_dir, "167914646830")  # whose next step adds a column that is there already
    before = desk.grade("check-mean")

    with pytest.raises(GradebookUnusableError, match="duplicate column"):
        upgrade_gradebook(desk.course_dir)

    assert gradebook_revision(desk.course_dir) == "167914646830"
    with closing(sqlite3.connect(gradebook_path(desk.course_dir))) as database:
        (points,) = database.execute("SELECT max(auto_score) FROM grade").fetchone()
    assert points == before["auto_score"]
