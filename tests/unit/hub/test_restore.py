import json
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.hub import preflight
from passerelle.hub.backup import backup
from passerelle.hub.lock import InUseError, only_hub
from passerelle.hub.manifest import NAME, BackupUnusableError
from passerelle.hub.restore import RestoreError, restore
from passerelle.ledger import people, receipts
from passerelle.ledger.revisions import NewerLedgerError
from passerelle.model.settings import Settings
from tests.unit.grading.desk import TRACK, UNIT, Desk


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def made(desk: Desk, tmp_path: Path) -> Path:
    """A backup of an installation with a submission, a home and a secret."""
    hers = desk.settings.home("acacia")
    (hers / "closed").mkdir(parents=True)
    (hers / "closed" / "notes.txt").write_text("hers")
    (hers / "closed" / "notes.txt").chmod(0o440)
    (hers / "closed").chmod(0o550)
    (hers / "link").symlink_to("closed/notes.txt")
    os.utime(hers / "closed" / "notes.txt", (1_700_000_000, 1_700_000_000))
    desk.settings.secrets.mkdir()
    (desk.settings.secrets / "token").write_text("of the backup")
    desk.record(desk.submit(desk.files()))
    return backup(desk.settings, tmp_path / "backups", say=quiet)


def attempts(settings: Settings) -> list[float | None]:
    engine = ledger.engine(settings.database_url)
    with ledger.reading(engine) as session:
        found = [one.points for one in receipts.attempts(session, "acacia", TRACK, UNIT)]
    engine.dispose()
    return found


def test_everything_is_as_it_was(desk: Desk, made: Path, tmp_path: Path) -> None:
    elsewhere = Settings(data=tmp_path / "elsewhere")

    restored = restore(elsewhere, made, say=quiet)

    assert restored.kept is None
    assert attempts(elsewhere) == [2.0]
    notes = elsewhere.home("acacia") / "closed" / "notes.txt"
    assert (notes.read_text(), notes.stat().st_mtime, stat.S_IMODE(notes.stat().st_mode)) == (
        "hers",
        1_700_000_000,
        0o440,
    )
    assert stat.S_IMODE(notes.parent.stat().st_mode) == 0o550
    assert (elsewhere.home("acacia") / "link").readlink() == Path("closed/notes.txt")
    assert stat.S_IMODE(elsewhere.root.stat().st_mode) == 0o700
    assert (elsewhere.courses / TRACK / "course.json").read_bytes() == (desk.course_dir / "course.json").read_bytes()


def test_data_are_not_overwritten(desk: Desk, made: Path) -> None:
    before = (desk.settings.root / "ledger.db").stat().st_ino

    with pytest.raises(RestoreError, match="--replace"):
        restore(desk.settings, made, say=quiet)

    assert (desk.settings.root / "ledger.db").stat().st_ino == before


def test_what_is_replaced_is_kept(desk: Desk, made: Path) -> None:
    desk.record(desk.submit(desk.files()))
    (desk.settings.secrets / "token").write_text("newer")
    desk.engine.dispose()

    restored = restore(desk.settings, made, replace=True, say=quiet)

    assert attempts(desk.settings) == [2.0]
    assert (desk.settings.secrets / "token").read_text() == "of the backup"
    assert restored.kept is not None
    assert restored.kept.parent == desk.settings.root
    assert attempts(Settings(data=restored.kept)) == [2.0, 2.0]
    assert (restored.kept / "secrets" / "token").read_text() == "newer"
    preflight.make_directories(desk.settings)


def test_a_backup_without_secrets_leaves_those_that_are_there(desk: Desk, tmp_path: Path) -> None:
    desk.settings.secrets.mkdir()
    (desk.settings.secrets / "token").write_text("here")
    made = backup(desk.settings, tmp_path / "backups", secrets=False, say=quiet)

    restore(desk.settings, made, replace=True, say=quiet)

    assert (desk.settings.secrets / "token").read_text() == "here"


def test_nothing_is_restored_below_a_running_hub(made: Path, tmp_path: Path) -> None:
    elsewhere = Settings(data=tmp_path / "elsewhere")
    elsewhere.root.mkdir()

    with only_hub(elsewhere.root), pytest.raises(InUseError, match="stop it first"):
        restore(elsewhere, made, say=quiet)

    assert [path.name for path in elsewhere.root.iterdir()] == ["hub.lock"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("ledger.db", id="the-ledger"),
        pytest.param("homes/acacia/closed/notes.txt", id="a-fellows-file"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_touched(made: Path, tmp_path: Path, path: str) -> None:
    content = bytearray((made / path).read_bytes())
    content[len(content) // 2] ^= 1
    (made / path).write_bytes(content)

    with pytest.raises(BackupUnusableError, match=f"is damaged \\({path}\\)"):
        restore(Settings(data=tmp_path / "elsewhere"), made, say=quiet)

    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_missing_is_damage_too(made: Path, tmp_path: Path) -> None:
    (made / "secrets" / "token").unlink()

    with pytest.raises(BackupUnusableError, match="secrets/token"):
        restore(Settings(data=tmp_path / "elsewhere"), made, say=quiet)


def test_a_manifest_leads_nowhere_else(made: Path, tmp_path: Path) -> None:
    said = json.loads((made / NAME).read_text())
    said["contents"]["files"]["../outside"] = said["contents"]["files"]["secrets/token"]
    (made / NAME).write_text(json.dumps(said))
    shutil.copy(made / "secrets" / "token", made.parent / "outside")

    with pytest.raises(BackupUnusableError, match="leads elsewhere"):
        restore(Settings(data=tmp_path / "elsewhere"), made, say=quiet)


def test_the_folder_of_backups_is_told_from_a_backup(made: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupUnusableError, match=made.name):
        restore(Settings(data=tmp_path / "elsewhere"), made.parent, say=quiet)


def test_a_newer_ledger_is_refused_with_words(made: Path, tmp_path: Path) -> None:
    said = json.loads((made / NAME).read_text())
    said["revision"] = "9001"
    (made / NAME).write_text(json.dumps(said))

    with pytest.raises(NewerLedgerError, match="schema is revision 9001, this Passerelle knows them up to"):
        restore(Settings(data=tmp_path / "elsewhere"), made, say=quiet)


def test_servers_that_ran_are_forgotten(desk: Desk, tmp_path: Path) -> None:
    """Their process numbers belong to others by now: the hub would take those for the servers, and end them."""
    (desk.settings.root / "hub").mkdir()
    with closing(sqlite3.connect(desk.settings.root / "hub" / "jupyterhub.sqlite")) as database, database:
        database.execute("CREATE TABLE servers (id INTEGER PRIMARY KEY, port INTEGER)")
        database.execute("CREATE TABLE spawners (id INTEGER PRIMARY KEY, server_id INTEGER, state TEXT)")
        database.executemany("INSERT INTO servers VALUES (?, ?)", [(1, 8001), (2, 40001)])
        database.execute("""INSERT INTO spawners VALUES (1, 2, '{"pid": 1}')""")
    made = backup(desk.settings, tmp_path / "backups", say=quiet)
    elsewhere = Settings(data=tmp_path / "elsewhere")

    restore(elsewhere, made, say=quiet)

    with closing(sqlite3.connect(elsewhere.root / "hub" / "jupyterhub.sqlite")) as database:
        assert database.execute("SELECT server_id, state FROM spawners").fetchall() == [(None, None)]
        assert database.execute("SELECT id FROM servers").fetchall() == [(1,)]


def test_a_start_in_the_middle_of_a_restore_is_refused(made: Path, tmp_path: Path) -> None:
    elsewhere = Settings(data=tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    (elsewhere.root / preflight.UNFINISHED).write_text("/aside\n")

    with pytest.raises(preflight.StartError, match="--replace` again"):
        preflight.make_directories(elsewhere)

    restore(elsewhere, made, replace=True, say=quiet)
    preflight.make_directories(elsewhere)
    engine = ledger.engine(elsewhere.database_url)
    with ledger.reading(engine) as session:
        assert people.person(session, "acacia") is not None
    engine.dispose()
