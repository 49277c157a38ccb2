"""What the operator's commands do where ledger and gradebooks are on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, select, text

from passerelle import ledger
from passerelle.grading.layout import gradebook_url
from passerelle.hub import erase
from passerelle.hub.backup import BackupError, backup
from passerelle.hub.doctor import databases
from passerelle.hub.doctor.finding import Level
from passerelle.hub.restore import restore
from passerelle.hub.upgrade import upgrade
from passerelle.ledger.tables import Person
from passerelle.model.settings import Settings
from tests import postgres
from tests.gradebooks import on_postgresql
from tests.ledgers import POSTGRESQL, place_of
from tests.unit.grading.desk import CHECK, Desk

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path: Path, released_course: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An installation whose databases are all on a server, but for the hub's own."""
    monkeypatch.setenv("PASSERELLE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PASSERELLE_GRADEBOOKS", on_postgresql(released_course / "gradebook.db"))
    opened = Desk.open(tmp_path / "data", released_course, database=place_of(POSTGRESQL))
    (opened.course_dir / "gradebook.db").unlink()
    yield opened
    opened.engine.dispose()
    postgres.remove(opened.settings.database)


def quiet(_: str) -> None:
    """Say nothing."""


def everything_in(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as rows:
        names = rows.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        said = "".join(str(rows.execute(text(f"SELECT t::text FROM {name} t")).all()) for name in names)
    engine.dispose()
    return said


def test_doctor_looks_at_both(served: Desk) -> None:
    served.record(served.submit(served.files()))

    findings = [*databases.schemas(served.settings), *databases.last_receipt(served.settings)]

    assert [one for one in findings if one.level is not Level.OK] == []
    assert "pg_dump" in findings[0].said


def test_doctor_says_a_server_that_is_gone_without_its_password(served: Desk) -> None:
    url = make_url(served.settings.database).set(password="open-sesame", database="gone")
    gone = Settings(data=served.settings.root, database=url.render_as_string(hide_password=False))

    (finding, *_) = databases.schemas(gone)

    assert finding.level is Level.BROKEN
    assert 'database "gone" does not exist' in finding.said
    assert "open-sesame" not in f"{finding.said} {finding.cure}"


def test_backup_and_restore_say_the_command_that_copies_it(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data",
        database="postgresql+psycopg://learning:open-sesame@db.example.org/ledger?sslmode=require",
        gradebooks="postgresql+psycopg://learning:open-sesame@db.example.org/book-{track}",
    )

    for refused in (
        lambda: backup(settings, tmp_path / "backups", say=quiet),
        lambda: restore(settings, tmp_path / "backups", say=quiet),
    ):
        with pytest.raises(BackupError) as caught:
            refused()
        said = str(caught.value)
        assert "`pg_dump --format=custom --file=ledger.dump postgresql://learning@db.example.org/ledger`" in said
        assert "postgresql://learning@db.example.org/book-{track}`" in said
        assert "open-sesame" not in said


def test_gradebooks_on_a_server_are_never_left_out_of_a_backup_in_silence(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", gradebooks="postgresql+psycopg://db.example.org/{track}")

    with pytest.raises(BackupError, match=r"gradebook-\{track\}"):
        backup(settings, tmp_path / "backups", say=quiet)


def test_an_upgrade_brings_both_up_to_date(served: Desk) -> None:
    said: list[str] = []

    upgrade(served.settings, None, say=said.append)

    assert "gradebook of demo: up to date" in said
    assert "passerelle_grade_of_notebook" in _indexes(gradebook_url(served.course_dir))


def _indexes(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as rows:
        found = " ".join(rows.scalars(text("SELECT indexname FROM pg_indexes")).all())
    engine.dispose()
    return found


def test_erasure_reaches_both_and_leaves_another_s(served: Desk) -> None:
    for handle in ("acacia", "basil"):
        served.record(served.submit(served.files(), handle))
    said: list[str] = []

    erase.erase(served.settings, "acacia", say=said.append)

    assert any("VACUUM FULL" in line for line in said)
    for url in (served.settings.database, gradebook_url(served.course_dir)):
        rows = everything_in(url)
        assert "acacia" not in rows
        assert "Amina" not in rows
        assert "basil" in rows
    with ledger.reading(served.engine) as session:
        assert session.scalars(select(Person.handle).where(Person.erased.is_(None))).all() == ["basil"]
    assert served.grade(CHECK, "basil")["auto_score"] == 2.0
