"""What stands around a run of `passerelle mark`: it says what is wrong in one line, loses nothing, and goes on after the cure."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.grading.alone import BusyError
from passerelle.grading.assignment import LEDGER, mark_assignment
from passerelle.grading.gradebook import GradebookUnusableError
from passerelle.grading.marking import Marked
from passerelle.grading.report import MarkRecord
from passerelle.grading.schema import gradebook_head, upgrade_gradebook
from passerelle.grading.wake import Bell
from passerelle.grading.worker import Marking
from passerelle.ledger.receipts import attempts_of_track
from passerelle.ledger.revisions import NewerLedgerError
from passerelle.model.errors import ServiceError
from tests.faults.own_world import in_a_world_of_its_own
from tests.unit.grading.desk import BY_TEXT, MANUAL, RIGHT, UNIT, Desk, key_by_text, make_course, marking_by_text

HANDLES = tuple(f"fellow{number}" for number in range(6))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def desk(tmp_path: Path, released: Path) -> Iterator[Desk]:
    opened = Desk.open(tmp_path / "data", released)
    for number, handle in enumerate(HANDLES):
        hand_in(opened, handle, number)
    yield opened
    opened.engine.dispose()


def hand_in(desk: Desk, handle: str, number: int) -> None:
    folder = desk.course_dir / "submitted" / handle / UNIT
    folder.mkdir(parents=True)
    for name, content in desk.files(f"{RIGHT}  # {number}", f"One, {number}.").items():
        (folder / name).write_bytes(content)
    (folder / "timestamp.txt").write_text(f"2026-01-1{number} 10:00:00 UTC")


def run(desk: Desk, marking: Marking = BY_TEXT) -> list[MarkRecord]:
    return mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=marking)


def each_is_marked_once(desk: Desk) -> None:
    """Hold that every submission has one receipt, one verdict that stands and one row, all with its points."""
    engine = ledger.engine(f"sqlite:///{desk.course_dir / LEDGER}")
    try:
        with ledger.reading(engine) as session:
            attempts = attempts_of_track(session, desk.course_dir.name, UNIT)
    finally:
        engine.dispose()
    assert sorted(one.handle for one in attempts) == list(HANDLES)
    assert all(one.verdict is not None for one in attempts)
    with desk.book() as book:
        rows = [one.student_id for one in book.db.query(type(book.assignment_submissions(UNIT)[0])).all()]
    assert sorted(rows) == list(HANDLES)


def command(course_dir: Path, unit: str = UNIT) -> list[str]:
    return [sys.executable, "-m", "passerelle.cli", "mark", unit, "--course-dir", str(course_dir)]


def said_by(*line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


# Databases


def lock(desk: Desk) -> sqlite3.Connection:
    holder = sqlite3.connect(desk.course_dir / "gradebook.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    return holder


def test_a_gradebook_that_is_locked_for_too_long_keeps_the_verdicts_and_the_next_run_writes_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerelle.grading.book.BUSY_TIMEOUT_S", 0.05)
    with closing(lock(desk)), pytest.raises(ServiceError, match=r"nothing could be marked: .*gradebook\.db.*locked"):
        run(desk)

    assert [one.state for one in run(desk)] == ["marked"] * len(HANDLES)
    each_is_marked_once(desk)


def test_a_gradebook_of_an_older_nbgrader_is_named_with_its_cure_and_nothing_of_it_is_lost(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.course_dir / "gradebook.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '50a4d84c131a'")
    with pytest.raises(ServiceError, match=r"50a4d84c131a.*nbgrader db upgrade"):
        run(desk)

    with closing(sqlite3.connect(desk.course_dir / "gradebook.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (gradebook_head(),))
    assert upgrade_gradebook(desk.course_dir) is False
    assert [one.state for one in run(desk)] == ["marked"] * len(HANDLES)
    each_is_marked_once(desk)


def test_a_gradebook_that_is_no_database_is_named_and_left_alone(desk: Desk) -> None:
    path = desk.course_dir / "gradebook.db"
    right = path.read_bytes()
    path.write_bytes(b"not a database, but somebody's notes\n" * 100)
    with pytest.raises((ServiceError, GradebookUnusableError), match=r"gradebook\.db.*not a database"):
        run(desk)

    assert path.read_bytes().startswith(b"not a database")
    path.write_bytes(right)
    assert [one.state for one in run(desk)] == ["marked"] * len(HANDLES)
    each_is_marked_once(desk)


def test_a_ledger_of_a_newer_version_is_named_and_left_alone(desk: Desk) -> None:
    run(desk)
    path = desk.course_dir / LEDGER
    with closing(sqlite3.connect(path)) as database, database:
        ((now,),) = database.execute("SELECT version_num FROM alembic_version").fetchall()
        database.execute("UPDATE alembic_version SET version_num = 'of-2031'")

    with pytest.raises(NewerLedgerError, match=r"ledger\.db.*of-2031.*install the version"):
        run(desk)

    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (now,))
    assert [one.state for one in run(desk)] == ["marked"] * len(HANDLES)
    each_is_marked_once(desk)


# Somebody else at work


def test_a_second_run_says_so_ends_and_leaves_the_first_alone(desk: Desk) -> None:
    second: list[subprocess.CompletedProcess[str]] = []

    def during(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        if not second:
            second.append(said_by(*command(desk.course_dir)))
        return marking_by_text(course_dir, unit, files, learner=learner)

    found = run(desk, Marking(during, key_by_text))

    assert second[0].returncode == 2
    assert second[0].stderr == f"{desk.course_dir}: another «passerelle mark» runs here; wait for its end\n"
    assert [one.state for one in found] == ["marked"] * len(HANDLES)
    each_is_marked_once(desk)


def test_a_run_beside_the_marking_service_says_so_and_touches_nothing(desk: Desk) -> None:
    before = sorted(path.as_posix() for path in desk.course_dir.rglob("*"))
    with Bell(desk.settings.marking_socket), pytest.raises(BusyError, match="marking service"):
        run(desk)

    assert sorted(path.as_posix() for path in desk.course_dir.rglob("*")) == before
    assert [one.state for one in run(desk)] == ["marked"] * len(HANDLES)


MARKING_BY_HAND = """
import sys, time
from nbgrader.api import Gradebook, MissingEntry
given = {}
until = time.monotonic() + 60
with Gradebook(sys.argv[1], sys.argv[2]) as book:
    while len(given) < 2 * len(sys.argv[5:]) and time.monotonic() < until:
        for number, handle in enumerate(sys.argv[5:]):
            for points in (0.25, round(number / 10, 1)):
                try:
                    grade = book.find_grade(sys.argv[4], sys.argv[3], sys.argv[3], handle)
                except MissingEntry:
                    break
                if (handle, points) in given or (points != 0.25 and (handle, 0.25) not in given):
                    continue
                grade.manual_score, grade.needs_manual_grade = points, False
                book.db.commit()
                given[handle, points] = time.monotonic()
        book.db.expire_all()
        book.db.rollback()
        time.sleep(0.01)
print(len(given))
"""


@pytest.mark.slow
def test_marks_that_formgrader_gives_during_a_run_are_neither_lost_nor_overwritten(desk: Desk) -> None:
    url = f"sqlite:///{desk.course_dir}/gradebook.db"
    asked = [sys.executable, "-c", MARKING_BY_HAND, url, desk.course_dir.name, UNIT, MANUAL, *HANDLES]
    by_hand = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True)
    try:
        # Again and again while somebody marks: what is recorded, is looked at, and is marked anew.
        for _ in range(60):
            mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT, force=True)
            if by_hand.poll() is not None:
                break
        said, _ = by_hand.communicate(timeout=60)
    finally:
        by_hand.kill()
    found = run(desk)

    assert int(said) == 2 * len(HANDLES)
    right = {handle: round(number / 10, 1) for number, handle in enumerate(HANDLES)}
    assert {handle: desk.grade(MANUAL, handle)["manual_score"] for handle in HANDLES} == right
    in_ledger = {one.fellow: next(check.points for check in one.checks if check.key == MANUAL) for one in found}
    assert in_ledger == right
    each_is_marked_once(desk)


# Disks


def test_a_read_only_course_directory_is_said_in_one_line(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    # An overlay without an upper layer takes no writing.
    options = f"lowerdir={desk.course_dir}:{tmp_path / 'nothing'}"

    done = said_by(*in_a_world_of_its_own("overlay", options, desk.course_dir), *command(desk.course_dir))

    assert done.returncode == 2
    assert done.stderr == (
        f"{desk.course_dir}: it cannot be written (Read-only file system); make it writable, then run this again: "
        "nothing is lost\n"
    )
    assert not (desk.course_dir / ".passerelle").exists()
    assert [one.state for one in run(desk)] == ["marked"] * len(HANDLES)


@pytest.mark.slow
def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(desk: Desk, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    within = in_a_world_of_its_own("tmpfs", "size=24m,mode=700", disk)
    done = said_by(*within, sys.executable, "-m", "tests.faults.full_disk", str(desk.course_dir), str(disk / "course"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    for name in ("full before the first run", "full in the middle", "full before the last run"):
        ended = told[name]
        assert ended["status"] in (1, 2), name
        lines = ended["said"].strip().splitlines()
        assert any("no space" in line.lower() or "disk is full" in line.lower() for line in lines), (name, lines)
        assert not any("Traceback" in line for line in lines), (name, lines)
    assert told["with room"]["status"] == 0, told
    assert told["attempts"] == {handle: [["marked", 2.0]] for handle in HANDLES}
    assert told["left"] == []
