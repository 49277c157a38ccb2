"""Where a gradebook is and who writes to it, in a file and on PostgreSQL."""

import os
import sys
import traceback
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.dbutil import upgrade
from sqlalchemy import create_engine, inspect, text
from traitlets.config import Config

from passerelle import ledger
from passerelle.courses import build_course
from passerelle.grading.book import INDEXES, GradebookUnusableError, add_ours, fingerprint, gradebook, gradebook_head
from passerelle.grading.layout import CourseConfigError, allow_elsewhere, gradebook_url, layout_of
from passerelle.grading.redirect import GRADEBOOK, install
from passerelle.grading.release import generate
from passerelle.grading.schema import gradebook_revision
from passerelle.ledger.tables import Receipt
from tests import postgres
from tests.ledgers import KINDS, POSTGRESQL
from tests.unit.courses.example import write_example
from tests.unit.grading.desk import CHECK, TRACK, UNIT, Desk


@pytest.fixture(params=KINDS)
def gradebooks(request: pytest.FixtureRequest) -> str:
    """Each test here runs on both kinds of gradebook."""
    return str(request.param)


def tell(desk: Desk, statement: str) -> None:
    """Say something to a gradebook as its owner does."""
    engine = create_engine(gradebook_url(desk.course_dir))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def indexes(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = inspect(connection)
        found = {str(one["name"]) for table, _ in INDEXES.values() for one in tables.get_indexes(table)}
    engine.dispose()
    return found


def test_the_first_write_adds_the_indexes_that_nbgrader_lacks(desk: Desk) -> None:
    url = gradebook_url(desk.course_dir)
    assert not indexes(url) & {*INDEXES}

    desk.record(desk.submit(desk.files()))

    assert indexes(url) >= {*INDEXES}
    assert gradebook_revision(desk.course_dir) == gradebook_head()


def test_adding_them_twice_changes_nothing(desk: Desk) -> None:
    engine = create_engine(gradebook_url(desk.course_dir))
    for _ in range(2):
        with engine.begin() as connection:
            add_ours(connection)
    engine.dispose()

    assert indexes(gradebook_url(desk.course_dir)) >= {*INDEXES}


def test_a_mark_of_formgraders_changes_the_fingerprint_and_a_look_does_not(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    before = fingerprint(desk.course_dir)

    with gradebook(desk.course_dir) as rows:
        rows.execute(text("SELECT count(*) FROM grade"))
    assert fingerprint(desk.course_dir) == before != ()

    desk.mark_by_hand(0.5)
    assert fingerprint(desk.course_dir) != before


def test_a_gradebook_of_an_older_nbgrader_is_said_and_left_as_it_is(desk: Desk) -> None:
    tell(desk, "UPDATE alembic_version SET version_num = '167914646830'")
    receipt = desk.submit(desk.files())

    with pytest.raises(GradebookUnusableError, match=r"167914646830.*nbgrader db upgrade"):
        desk.record(receipt)

    assert not indexes(gradebook_url(desk.course_dir)) & {*INDEXES}
    with ledger.reading(desk.engine) as session:
        assert session.get_one(Receipt, receipt.id).content is not None
    tell(desk, f"UPDATE alembic_version SET version_num = '{gradebook_head()}'")
    desk.record(receipt)
    assert desk.grade(CHECK)["auto_score"] == 2.0


def test_nbgraders_own_upgrade_still_works_with_what_is_ours_in_it(
    desk: Desk, gradebooks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.record(desk.submit(desk.files()))
    all_of_it = " CASCADE" if gradebooks == POSTGRESQL else ""
    for statement in (
        "DELETE FROM grade",
        f"DROP TABLE assignment{all_of_it}",
        f"DROP TABLE course{all_of_it}",
        "CREATE TABLE assignment (id VARCHAR(32) PRIMARY KEY, name VARCHAR(128) NOT NULL, duedate TIMESTAMP)",
        "ALTER TABLE student DROP COLUMN lms_user_id",
        "UPDATE alembic_version SET version_num = '167914646830'",
    ):
        tell(desk, statement)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")

    # What `nbgrader db upgrade` runs; it takes no % in a URL.
    upgrade(gradebook_url(desk.course_dir).replace("%2F", "/"))

    assert gradebook_revision(desk.course_dir) == gradebook_head()
    assert indexes(gradebook_url(desk.course_dir)) >= {*INDEXES}
    with Gradebook(gradebook_url(desk.course_dir)) as book:
        assert [(one.id, one.lms_user_id) for one in book.students] == [("acacia", None)]


@pytest.mark.slow
@pytest.mark.parametrize("gradebooks", [POSTGRESQL])
def test_one_on_a_server_that_somebody_holds_is_waited_for_and_then_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerelle.grading.book.BUSY_TIMEOUT_S", 1)
    first, second = desk.submit(desk.files()), desk.submit(desk.files(words="Another."))
    desk.record(first)
    holder = create_engine(gradebook_url(desk.course_dir))
    with holder.begin() as connection:
        connection.execute(text("UPDATE grade SET manual_score = 1"))
        with pytest.raises(GradebookUnusableError, match="lock timeout"):
            desk.record(second)
    holder.dispose()

    desk.record(second)

    assert desk.grade(CHECK)["auto_score"] == 2.0


@pytest.mark.slow
def test_a_release_makes_a_gradebook_where_the_server_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course_dir = tmp_path / "data" / "courses" / TRACK
    url = postgres.empty_database()
    monkeypatch.setenv("PASSERELLE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PASSERELLE_GRADEBOOKS", url)
    build_course(write_example(tmp_path / "text"), course_dir)

    for _ in range(2):
        generate(course_dir, UNIT)

    assert not (course_dir / "gradebook.db").exists()
    with Gradebook(url, TRACK) as book:
        assert [one.name for one in book.find_notebook(UNIT, UNIT).grade_cells] == [CHECK, "answer-words"]


def test_a_copy_of_a_course_elsewhere_does_not_write_where_the_course_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PASSERELLE_GRADEBOOKS", "postgresql://books@localhost/{track}")

    assert layout_of(tmp_path / "data" / "courses" / TRACK).gradebook.database == TRACK
    assert layout_of(tmp_path / "trial" / TRACK).gradebook_file == tmp_path / "trial" / TRACK / "gradebook.db"


def test_formgrader_and_nbgraders_commands_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRADEBOOK, "postgresql+psycopg://books@localhost/demo")
    monkeypatch.setattr("nbgrader.converters.Autograde.start", lambda _self: None)
    config = Config()

    install(config)

    assert config.CourseDirectory.db_url == "postgresql+psycopg://books@localhost/demo"


@pytest.mark.parametrize("url", ["mysql://root:open-sesame@localhost/book", "postgresql:open-sesame"])
def test_another_kind_of_database_is_refused_without_what_is_secret(tmp_path: Path, url: str) -> None:
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")
    allow_elsewhere(tmp_path)

    with pytest.raises(CourseConfigError, match=r"CourseDirectory\.db_url") as caught:
        layout_of(tmp_path)

    assert "open-sesame" not in str(caught.value)


@pytest.mark.slow
def test_a_password_is_in_no_error(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://books:open-sesame@localhost/none?host={tmp_path}&password=open-sesame"
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")
    allow_elsewhere(tmp_path)

    with pytest.raises(GradebookUnusableError, match=r"books:\*\*\*@localhost/none") as caught, gradebook(tmp_path):
        pass

    assert "open-sesame" not in "".join(traceback.format_exception(caught.value))
