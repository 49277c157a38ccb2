import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command

from passerelle import ledger
from passerelle.grading import pause
from passerelle.grading.service import work
from passerelle.hub import demo
from passerelle.hub.backup import backup
from passerelle.hub.manifest import backups
from passerelle.hub.restore import RestoreError, restore
from passerelle.hub.upgrade import UpgradeError, upgrade
from passerelle.ledger import people, receipts, revisions
from passerelle.ledger.revisions import NewerLedgerError
from passerelle.model.settings import Settings
from tests.unit.courses.example import write_example
from tests.unit.grading.desk import BY_TEXT, TRACK, UNIT, Desk


def wait_until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def revision(settings: Settings) -> str:
    with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.fixture
def old(tmp_path: Path) -> Settings:
    """An installation whose ledger is of the second revision, with people and a submission in it."""
    settings = Settings(data=tmp_path / "data", course_sources=tmp_path / "none")
    settings.root.mkdir()
    engine = ledger.engine(settings.database_url)
    with engine.begin() as connection:
        config = revisions.scripts()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO cohort VALUES ('2025', 'Fellowship 2025', '2025-10-05')")
        connection.exec_driver_sql(
            "INSERT INTO person (handle, role, first_name, language, created)"
            " VALUES ('acacia', 'fellow', 'Amina', 'fr', '2025-10-05')"
        )
        connection.exec_driver_sql(
            "INSERT INTO enrolment (handle, cohort, track, starts) VALUES ('acacia', '2025', 'demo', '2025-10-05')"
        )
        connection.exec_driver_sql(
            "INSERT INTO receipt (id, handle, sender, track, unit, received, number, sha256, size, content, token)"
            " VALUES ('r1', 'acacia', 'acacia', 'demo', 'mini', '2025-10-06', 1, 'x', 1, 'x', 'token-01')"
        )
    engine.dispose()
    return settings


def test_an_older_ledger_comes_up_to_date_with_what_it_holds(old: Settings, tmp_path: Path) -> None:
    said: list[str] = []

    upgrade(old, tmp_path / "backups", say=said.append)

    assert revision(old) == revisions.head()
    engine = ledger.engine(old.database_url)
    with ledger.reading(engine) as session:
        assert people.tracks_of(session, "acacia") == ["demo"]
        assert [one.number for one in receipts.attempts(session, "acacia")] == [1]
    engine.dispose()
    assert f"ledger: from 0002 to {revisions.head()}" in said
    assert said[0] == f"backup: {backups(tmp_path / 'backups')[0]}"
    assert said.index("marking waits") < said.index("marking goes on")


def test_an_older_backup_comes_up_to_date_when_it_is_restored(old: Settings, tmp_path: Path) -> None:
    upgrade(old, tmp_path / "backups", say=lambda _: None)
    elsewhere = Settings(data=tmp_path / "elsewhere")

    restore(elsewhere, backups(tmp_path / "backups")[0], say=lambda _: None)

    assert revision(elsewhere) == revisions.head()


def test_a_migration_that_stops_leaves_the_ledger_as_it_was_and_says_the_way_back(
    old: Settings, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(old.root / "ledger.db")) as database, database:
        database.execute("CREATE TABLE invitation (made_by_hand TEXT)")

    with pytest.raises(UpgradeError) as stopped:
        upgrade(old, tmp_path / "backups", say=lambda _: None)

    (made,) = backups(tmp_path / "backups")
    assert f"passerelle restore {made} --replace" in str(stopped.value)
    assert "while the ledger is migrated" in str(stopped.value)
    assert revision(old) == "0002"
    with closing(sqlite3.connect(old.root / "ledger.db")) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(person)")]
    assert "closed" not in columns, "half a migration"
    with pause.step(old.root) as may:
        assert may, "marking goes on"


def test_a_backup_that_does_not_come_up_to_date_leaves_the_data_as_they_were(old: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old.root / "ledger.db")) as database, database:
        database.execute("CREATE TABLE invitation (made_by_hand TEXT)")
    made = backup(old, tmp_path / "backups", say=lambda _: None)

    with pytest.raises(RestoreError, match="table invitation already exists"):
        restore(old, made, replace=True, say=lambda _: None)

    assert revision(old) == "0002"
    assert not list(old.root.glob("replaced-*"))


def test_a_newer_ledger_is_left_alone(old: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old.root / "ledger.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9001'")

    with pytest.raises(NewerLedgerError):
        upgrade(old, tmp_path / "backups", say=lambda _: None)

    assert not (tmp_path / "backups").exists()


@pytest.fixture
def taught(tmp_path: Path, desk: Desk) -> Desk:
    """An installation with the example course built from its text, as the hub builds it."""
    sources = write_example(tmp_path / "text").parent
    settings = Settings(data=desk.settings.root, course_sources=sources)
    assert demo.build_courses(settings) == [TRACK]
    return Desk(settings, desk.engine, desk.clock)


def test_a_course_whose_text_has_changed_is_built_and_released(taught: Desk) -> None:
    source = taught.settings.course_sources / TRACK
    (text,) = source.glob(f"units/{UNIT}/unit.md")
    before = (taught.course_dir / "release" / UNIT / f"{UNIT}.ipynb").read_bytes()
    text.write_text(text.read_text() + "\nOne more sentence.\n")

    upgrade(taught.settings, None, say=lambda _: None)

    assert (taught.course_dir / "release" / UNIT / f"{UNIT}.ipynb").read_bytes() != before
    assert demo.changed_courses(taught.settings) == []


def test_a_release_that_nbgrader_refuses_leaves_the_course_as_it_was(taught: Desk, tmp_path: Path) -> None:
    taught.record(taught.submit(taught.files()))
    text = taught.settings.course_sources / TRACK / "units" / UNIT / "unit.md"
    text.write_text(text.read_text().replace("check-mean", "check-average").replace("answer-words", "answer-sentence"))
    before = (taught.course_dir / "source" / UNIT / f"{UNIT}.ipynb").read_bytes()

    with pytest.raises(UpgradeError, match="while the courses are built"):
        upgrade(taught.settings, None, say=lambda _: None)

    assert (taught.course_dir / "source" / UNIT / f"{UNIT}.ipynb").read_bytes() == before
    assert not list(taught.settings.root.glob(".upgrade-*"))


def test_marking_waits_and_receipts_are_taken_all_the_time(desk: Desk) -> None:
    stop = threading.Event()
    service = threading.Thread(target=work, args=(desk.settings, stop), kwargs={"marking": BY_TEXT})
    service.start()
    try:
        desk.submit(desk.files(words="before"))
        wait_until(lambda: desk.attempts()[-1].state == "marked")
        with pause.paused(desk.settings.root):
            receipt = desk.submit(desk.files(words="meanwhile"))
            # Longer than the worker's own pause between two looks.
            threading.Event().wait(1.5)
            assert [one.state for one in desk.attempts()] == ["marked", "waiting"]
        wait_until(lambda: desk.attempts()[-1].state == "marked")
    finally:
        stop.set()
        service.join(30)

    assert desk.attempts()[-1].receipt == receipt.id
