import contextlib
import itertools
import json
import os
import random
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from passerelle import ledger
from passerelle.courses import put_in_place
from passerelle.grading.agreement import disagreements
from passerelle.grading.manual import sync_manual_marks
from passerelle.grading.service import work
from passerelle.grading.worker import Worker, courses_of
from passerelle.hub.backup import LAST, BackupError, backup, summary
from passerelle.hub.lock import InUseError, one_backup
from passerelle.hub.manifest import Manifest, backups
from passerelle.hub.restore import restore
from passerelle.hub.tree import Copier
from passerelle.ledger import queue
from passerelle.ledger.tables import ManualMark
from passerelle.model.settings import Settings
from tests.unit.grading.desk import BY_TEXT, HALF, MANUAL, RIGHT, SUM, TRACK, UNIT, Desk


def quiet(_: str) -> None:
    """Say nothing."""


def written(desk: Desk, into: Path, **how: bool | int) -> tuple[Path, Manifest]:
    made = backup(desk.settings, into, say=quiet, **how)  # type: ignore[arg-type]  # keep, or secrets
    return made, Manifest.read(made)


def home(desk: Desk, handle: str = "acacia") -> Path:
    made = desk.settings.home(handle)
    made.mkdir(parents=True)
    return made


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_backup_holds_what_cannot_be_made_again(desk: Desk, tmp_path: Path) -> None:
    (home(desk) / "notes.txt").write_text("hers")
    desk.settings.secrets.mkdir()
    (desk.settings.secrets / "token").write_text("secret")
    desk.settings.logs.mkdir()
    (desk.settings.logs / "hub.log").write_text("said")
    desk.record(desk.submit(desk.files()))

    made, manifest = written(desk, tmp_path / "backups")

    expected = {"ledger.db", f"courses/{TRACK}/gradebook.db", f"courses/{TRACK}/course.json", "homes/acacia/notes.txt"}
    assert expected | {"secrets/token", f"courses/{TRACK}/submitted/acacia/{UNIT}/{UNIT}.ipynb"} <= set(
        manifest.contents.files
    )
    assert not any(path.startswith("logs") for path in manifest.contents.files)
    assert set(tree(made)) == {*manifest.contents.files, "manifest.json"}
    assert manifest.counts == {"people": 2, "receipts": 1, "verdicts": 1, "marks by hand": 0, "homes": 1}
    assert json.loads((desk.settings.root / LAST).read_text())["made"] == made.name


def test_only_its_owner_may_read_a_backup(desk: Desk, tmp_path: Path) -> None:
    (home(desk) / "open.txt").write_text("hers")
    (desk.settings.home("acacia") / "open.txt").chmod(0o664)

    made, manifest = written(desk, tmp_path / "backups")

    modes = {stat.S_IMODE(path.lstat().st_mode) for path in (made, *made.rglob("*"))}
    assert modes == {0o700, 0o600}
    assert manifest.contents.files["homes/acacia/open.txt"].mode == 0o664


def test_links_are_copied_and_not_followed_and_what_is_no_file_is_listed(desk: Desk, tmp_path: Path) -> None:
    hers = home(desk)
    (hers / "way-out").symlink_to("/etc")
    (hers / "hosts").symlink_to("/etc/hosts")
    os.mkfifo(hers / "pipe")
    with (hers / "holes.bin").open("wb") as file:
        file.truncate(1024**4)
    odd = os.fsdecode(b"\xe9t\xe9 \xff\n.txt")
    (hers / odd).write_text("odd")
    deep = hers
    for _ in range(80):
        deep /= "d"
        deep.mkdir()
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(hers / "socket"))
        made, manifest = written(desk, tmp_path / "backups")

    assert manifest.contents.links == {"homes/acacia/way-out": "/etc", "homes/acacia/hosts": "/etc/hosts"}
    assert (made / "homes/acacia/way-out").is_symlink()
    assert f"homes/acacia/{odd}" in manifest.contents.files
    left_out = {path.removeprefix("homes/acacia/"): why for path, why in manifest.contents.left_out.items()}
    assert left_out["pipe"] == left_out["socket"] == "a socket, a pipe or a device"
    assert "almost nothing" in left_out["holes.bin"]
    assert any(path.startswith("d/d/") and "folders deep" in why for path, why in left_out.items())
    assert any("homes/acacia/pipe" in line for line in summary(made))


def test_a_folder_that_turns_into_a_link_while_it_is_read_leads_nowhere(tmp_path: Path) -> None:
    """What a fellow could try: a name that is hers when it is looked at, and somebody else's when it is opened."""
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "secret").write_text("not hers")
    hers = tmp_path / "data" / "home"
    (hers / "work").mkdir(parents=True)
    (hers / "work" / "mine").write_text("hers")
    (tmp_path / "into").mkdir()
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            (hers / "work").rename(hers / "aside")
            (hers / "work").symlink_to(tmp_path / "others")
            (hers / "work").unlink()
            (hers / "aside").rename(hers / "work")

    turning = threading.Thread(target=turn)
    turning.start()
    seen: set[str] = set()
    try:
        for number in range(300):
            (tmp_path / "into" / str(number)).mkdir()
            contents = Copier(tmp_path / "data", tmp_path / "into" / str(number)).copy("home")
            seen |= {Path(path).name for path in contents.files}
    finally:
        stop.set()
        turning.join()

    assert seen == {"mine"}
    assert not list((tmp_path / "into").rglob("secret"))


def test_a_folder_that_is_exchanged_as_one_is_copied_as_one(tmp_path: Path) -> None:
    place = tmp_path / "data" / "unit"
    stop = threading.Event()

    def attempt(number: int) -> Path:
        made = tmp_path / f"new-{number}"
        made.mkdir()
        for name in range(8):
            (made / str(name)).write_text(str(number))
        return made

    place.parent.mkdir()
    put_in_place(attempt(0), place)

    def exchange() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            put_in_place(attempt(number), place)

    exchanging = threading.Thread(target=exchange)
    exchanging.start()
    copies = []
    try:
        for number in range(60):
            into = tmp_path / f"into-{number}"
            into.mkdir()
            contents = Copier(tmp_path / "data", into, whole=lambda _: True).copy("unit")
            copies.append((contents, into))
    finally:
        stop.set()
        exchanging.join()

    whole = [into for contents, into in copies if not contents.left_out]
    assert whole
    for into in whole:
        files = tree(into)
        assert len(files) == 8
        assert len(set(files.values())) == 1, f"half of one attempt, half of another: {files}"


def test_a_ledger_on_a_database_server_is_said_not_left_out(desk: Desk, tmp_path: Path) -> None:
    elsewhere = Settings(data=desk.settings.root, database="postgresql+psycopg://localhost/passerelle")

    with pytest.raises(BackupError, match="pg_dump"):
        backup(elsewhere, tmp_path / "backups", say=quiet)

    assert not (tmp_path / "backups").exists()


def test_a_directory_without_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no ledger"):
        backup(Settings(data=tmp_path / "nothing"), tmp_path / "backups", say=quiet)


def test_a_backup_into_what_it_copies_is_refused(desk: Desk) -> None:
    with pytest.raises(BackupError, match="choose a place outside"):
        backup(desk.settings, desk.settings.courses / "backups", say=quiet)


def test_the_oldest_go_and_strangers_stay(desk: Desk, tmp_path: Path) -> None:
    into = tmp_path / "backups"
    first, _ = written(desk, into)
    (into / "passerelle-notes").mkdir()
    (into / "2026-11-24.partial").mkdir()

    kept = [written(desk, into, keep=2)[0] for _ in range(3)]

    assert backups(into) == kept[1:]
    assert not first.exists()
    assert (into / "passerelle-notes").is_dir()
    assert not (into / "2026-11-24.partial").exists(), "what a killed backup had begun"


def test_two_at_once_do_not_write_one_backup(desk: Desk, tmp_path: Path) -> None:
    into = tmp_path / "backups"
    into.mkdir()

    with one_backup(into), pytest.raises(InUseError, match="wait for its end"):
        backup(desk.settings, into, say=quiet)

    assert backups(into) == []


def test_without_secrets(desk: Desk, tmp_path: Path) -> None:
    desk.settings.secrets.mkdir()
    (desk.settings.secrets / "token").write_text("secret")

    made, manifest = written(desk, tmp_path / "backups", secrets=False)

    assert not (made / "secrets").exists()
    assert manifest.secrets is False


def test_a_full_disk_leaves_no_half_backup(desk: Desk, tmp_path: Path) -> None:
    (home(desk) / "large.bin").write_bytes(os.urandom(4 * 1024**2))
    small = tmp_path / "small"
    small.mkdir()
    # A real, small disk: a tmpfs of 3 MB that the command alone sees; what is on it is listed before it goes.
    line = f'"{sys.executable}" -m passerelle.cli backup "{small}"; code=$?; ls -A "{small}"; exit $code'
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--size", str(3 * 1024**2), "--tmpfs", str(small), "--", "sh", "-c", line],
        env={**os.environ, "PASSERELLE_DATA": str(desk.settings.root), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout.split() == [".lock"]
    assert done.stderr.startswith(f"No backup was made in {small} (No space left on device)")
    assert len(done.stderr.splitlines()) == 1


# Consistent while everybody works


def mark_as_formgrader_does(desk: Desk, handle: str, points: float, waits_s: float = 5) -> None:
    """Save a mark by hand in one commit, waiting as formgrader's database driver does."""
    with closing(sqlite3.connect(desk.course_dir / "gradebook.db", timeout=waits_s)) as book, book:
        book.execute(
            "UPDATE grade SET manual_score = ?, needs_manual_grade = 0 WHERE id IN (SELECT grade.id FROM grade"
            " JOIN base_cell ON base_cell.id = grade.cell_id"
            " JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id"
            " JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"
            " WHERE base_cell.name = ? AND submitted_assignment.student_id = ?)",
            (points, MANUAL, handle),
        )


@contextmanager
def in_threads(*does: Callable[[], None]) -> Iterator[None]:
    """Let all of these happen again and again for the length of the block; what one raises is raised at its end."""
    stop, faults = threading.Event(), []

    def again(do: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                do()
        except Exception as error:  # noqa: BLE001  # handed to the test
            faults.append(error)

    threads = [threading.Thread(target=again, args=(do,)) for do in does]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert faults == []


def wait_until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def marks(settings: Settings) -> list[tuple[str, str, float]]:
    engine = ledger.engine(settings.database_url)
    with ledger.reading(engine) as session:
        found = session.scalars(select(ManualMark).order_by(ManualMark.id)).all()
    engine.dispose()
    return [(mark.handle, mark.answer, mark.points) for mark in found]


def has_marks(settings: Settings, many: int) -> bool:
    return len(marks(settings)) >= many


def differing(settings: Settings) -> list[tuple[str, bool]]:
    engine = ledger.engine(settings.database_url)
    with ledger.reading(engine) as session:
        found = disagreements(settings.courses / TRACK, session, TRACK)
    engine.dispose()
    return [(one.what, one.mends) for one in found]


def start_marking(settings: Settings) -> None:
    """Let the marking process do all that its start brings."""
    engine = ledger.engine(settings.database_url)
    worker = Worker(engine, lambda: courses_of(settings), settings.learner, BY_TEXT)
    for _ in range(500):
        if not worker.step():
            break
    else:
        pytest.fail("there is always something to do")
    engine.dispose()


def test_a_mark_given_in_the_middle_of_a_backup_is_in_both_copies_or_in_none(desk: Desk, tmp_path: Path) -> None:
    """In the ledger's alone it would count as taken back at the next start."""
    desk.record(desk.submit(desk.files()))
    shutil.copytree(desk.course_dir, desk.settings.courses / "other")  # copied after the first one
    saved = []

    def meanwhile(said: str) -> None:
        if said == "copying other/gradebook.db":
            with contextlib.suppress(sqlite3.OperationalError):
                mark_as_formgrader_does(desk, "acacia", 0.5, waits_s=0.1)
                saved.append(said)
            with ledger.session(desk.engine) as session:
                sync_manual_marks(desk.course_dir, session, track=TRACK)

    made = backup(desk.settings, tmp_path / "backups", say=meanwhile)

    restored = Settings(data=tmp_path / "restored")
    restore(restored, made, say=quiet)
    assert differing(restored) == []
    assert saved == [], "the trainer's mark has to wait for the copy"
    mark_as_formgrader_does(desk, "acacia", 0.5)


@pytest.mark.slow
def test_every_backup_of_a_busy_hour_agrees_with_itself(desk: Desk, tmp_path: Path) -> None:
    dice = random.Random(20261124)
    points = itertools.count()

    def submits() -> None:
        with ledger.reading(desk.engine) as session:
            waits = len(queue.waiting(session))
        if waits > 3:
            time.sleep(0.005)  # fellows do not submit faster than is marked, for long
            return
        handle = dice.choice(["acacia", "basil"])
        desk.submit(desk.files(dice.choice([RIGHT, HALF, SUM]), f"words {dice.randrange(6)}"), handle)

    def marks_by_hand() -> None:
        for handle in ("acacia", "basil"):
            # A trainer whose mark was not saved sees that, and saves it again.
            with contextlib.suppress(sqlite3.OperationalError):
                mark_as_formgrader_does(desk, handle, next(points) % 5 / 5)

    stop = threading.Event()
    service = threading.Thread(target=work, args=(desk.settings, stop), kwargs={"marking": BY_TEXT})
    service.start()
    made = []
    try:
        with in_threads(submits, marks_by_hand):
            for number in range(8):
                wait_until(partial(has_marks, desk.settings, 3 * number + 1))
                made.append(backup(desk.settings, tmp_path / "backups", say=quiet))
    finally:
        stop.set()
        service.join(60)

    for number, folder in enumerate(made):
        settings = Settings(data=tmp_path / f"restored-{number}")
        restore(settings, folder, say=quiet)
        before = marks(settings)
        found = differing(settings)
        assert [what for what, mends in found if not mends] == []
        start_marking(settings)
        assert differing(settings) == []
        # No mark was taken for taken back.
        assert marks(settings)[: len(before)] == before
    assert len(marks(settings)) > 20
