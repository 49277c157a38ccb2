import hashlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.grading.gradebook import gradebook_path
from passerelle.hub import doctor, preflight
from passerelle.hub.backup import backup
from passerelle.hub.doctor import Finding, Level, files, installation, running
from passerelle.hub.processes import INSTANCE
from passerelle.ledger import queue, receipts
from passerelle.ledger.tables import ManualMark
from passerelle.model.settings import Settings
from tests.unit.grading.desk import MANUAL, TRACK, UNIT, Desk


@pytest.fixture
def well(desk: Desk, tmp_path: Path) -> Desk:
    """An installation in order: closed, backed up, one submission marked and recorded."""
    preflight.make_directories(desk.settings)
    gradebook_path(desk.course_dir).chmod(0o600)
    receipt = desk.submit(desk.files())
    verdict = desk.record(receipt)
    with ledger.session(desk.engine) as session:
        held = queue.lease(session, datetime.now(UTC), 60)
        assert held is not None
        queue.finish(session, held, verdict, datetime.now(UTC))
    desk.settings.home("acacia").mkdir(mode=0o700)
    backup(desk.settings, tmp_path / "backups", say=lambda _: None)
    desk.engine.dispose()
    return desk


def data_checks(settings: Settings) -> list[Finding]:
    """Look at the data alone; what is installed is another matter."""
    aside = {installation.environments, installation.wheels, installation.parts, installation.versions, running.hub}
    return [finding for check in doctor.CHECKS if check not in aside for finding in check(settings)]


def found(settings: Settings, level: Level) -> list[str]:
    return [f"{one.check}: {one.said}" for one in data_checks(settings) if one.level is level]


def test_an_installation_in_order_has_nothing_to_look_at(well: Desk) -> None:
    findings = data_checks(well.settings)

    assert [one for one in findings if one.level is not Level.OK] == []
    assert {"gradebook", "integrity", "queue", "backup", "rights", "schema"} <= {one.check for one in findings}


def state_of(root: Path) -> dict[str, object]:
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        )
        for path in sorted(root.rglob("*"))
    }


def test_looking_changes_nothing(well: Desk) -> None:
    before = state_of(well.settings.root)

    list(doctor.examine(well.settings))

    assert state_of(well.settings.root) == before


def others_may_look(desk: Desk) -> None:
    desk.settings.root.chmod(0o755)


def an_open_secret(desk: Desk) -> None:
    (desk.settings.secrets / "token").write_text("x")
    (desk.settings.secrets / "token").chmod(0o644)


def an_older_ledger(desk: Desk) -> None:
    in_ledger(desk, "UPDATE alembic_version SET version_num = '0001'")


def a_newer_ledger(desk: Desk) -> None:
    in_ledger(desk, "UPDATE alembic_version SET version_num = '9001'")


def a_damaged_gradebook(desk: Desk) -> None:
    path = gradebook_path(desk.course_dir)
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)


def a_loose_row(desk: Desk) -> None:
    in_ledger(desk, "INSERT INTO enrolment (handle, cohort, track, starts) VALUES ('gone', 'c', 't', '2026-01-01')")


def a_job_that_waits(desk: Desk) -> None:
    desk.submit(desk.files(words="more"), "basil")
    in_ledger(desk, "UPDATE job SET queued = '2024-01-01 00:00:00' WHERE state = 'queued'")


def a_job_that_met_a_fault_of_ours(desk: Desk) -> None:
    desk.submit(desk.files(words="more"), "basil")
    in_ledger(desk, "UPDATE job SET state = 'ours', reason = 'box: no room' WHERE state = 'queued'")


def a_receipt_from_the_future(desk: Desk) -> None:
    with ledger.session(desk.engine) as session:
        receipts.take(
            session, handle="basil", sender="basil", track=TRACK, unit=UNIT, parcel=b"", token="ahead-01",
            at=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip


def a_row_without_receipt(desk: Desk) -> None:
    in_gradebook(desk, "INSERT INTO student (id) VALUES ('dahlia')")
    in_gradebook(
        desk,
        "INSERT INTO submitted_assignment (id, assignment_id, student_id, timestamp)"
        " SELECT 'x', assignment_id, 'dahlia', timestamp FROM submitted_assignment LIMIT 1",
    )


def other_points(desk: Desk) -> None:
    in_gradebook(desk, "UPDATE grade SET auto_score = 0.5 WHERE auto_score IS NOT NULL")


def another_attempt_in_the_folder(desk: Desk) -> None:
    (desk.course_dir / "submitted/acacia" / UNIT / "timestamp.txt").write_text("2024-01-01 00:00:00.000000 UTC")


def a_mark_in_the_ledger_alone(desk: Desk) -> None:
    verdict = desk.attempts()[0].verdict
    assert verdict is not None
    with ledger.session(desk.engine) as session:
        session.add(
            ManualMark(
                handle="acacia", track=TRACK, unit=UNIT, check=MANUAL, answer=verdict.manual_answers[MANUAL] or "",
                points=1.0, marked=datetime.now(UTC),
            )
        )  # fmt: skip


def a_mark_in_the_gradebook_alone(desk: Desk) -> None:
    desk.mark_by_hand(1.0)


def a_home_of_nobody(desk: Desk) -> None:
    desk.settings.home("stranger").mkdir()


def a_backup_that_went(desk: Desk) -> None:
    shutil.rmtree(desk.settings.root.parent / "backups")


def a_restore_that_was_killed(desk: Desk) -> None:
    (desk.settings.root / preflight.UNFINISHED).write_text("/aside\n")


def a_file_from_the_future(desk: Desk) -> None:
    ahead = datetime.now(UTC).timestamp() + 3600
    os.utime(desk.settings.root / "ledger.db", (ahead, ahead))


def in_ledger(desk: Desk, statement: str) -> None:
    desk.engine.dispose()
    with closing(sqlite3.connect(desk.settings.root / "ledger.db")) as database, database:
        database.execute(statement)


def in_gradebook(desk: Desk, statement: str) -> None:
    with closing(sqlite3.connect(gradebook_path(desk.course_dir))) as database, database:
        database.execute(statement)


@pytest.mark.parametrize(
    ("happens", "level", "said"),
    [
        (others_may_look, Level.BROKEN, "rights: other accounts of this machine can look into"),
        (an_open_secret, Level.LOOK, "rights: secrets and databases are to be closed twice: secrets/token"),
        (an_older_ledger, Level.LOOK, "schema: the ledger's is older (0001)"),
        (a_newer_ledger, Level.BROKEN, "schema: the ledger's (9001) is of a newer Passerelle"),
        (a_damaged_gradebook, Level.BROKEN, "integrity: courses/demo/gradebook.db is damaged"),
        (a_loose_row, Level.BROKEN, "integrity: ledger.db: 2 rows of enrolment refer to rows that are not there"),
        (a_job_that_waits, Level.LOOK, "queue: waiting for marking: 1, the oldest since 20"),
        (a_job_that_met_a_fault_of_ours, Level.LOOK, "waits for us: box: no room"),
        (a_receipt_from_the_future, Level.LOOK, "clock: the last receipt is of"),
        (a_row_without_receipt, Level.BROKEN, "gradebook: demo: dahlia, mini: the gradebook has a submission"),
        (other_points, Level.LOOK, "gradebook: demo: acacia, mini: the gradebook has other automatic points"),
        (another_attempt_in_the_folder, Level.LOOK, "holds another attempt than 1"),
        (a_mark_in_the_ledger_alone, Level.BROKEN, "the mark for answer-words is in the ledger, and no longer"),
        (a_mark_in_the_gradebook_alone, Level.LOOK, "the mark for answer-words is not in the ledger yet"),
        (a_home_of_nobody, Level.LOOK, "homes: homes of nobody: stranger"),
        (a_backup_that_went, Level.LOOK, "is no longer there"),
        (a_restore_that_was_killed, Level.BROKEN, "restore: a restore did not come to its end"),
        (a_file_from_the_future, Level.LOOK, "files are newer: ledger.db"),
    ],
    ids=lambda value: value.__name__.replace("_", "-") if callable(value) else "",
)
def test_what_is_wrong_is_found_and_has_a_cure(
    well: Desk, happens: Callable[[Desk], None], level: Level, said: str
) -> None:
    happens(well)
    well.engine.dispose()

    findings = data_checks(well.settings)

    (one,) = [finding for finding in findings if said in f"{finding.check}: {finding.said}"]
    assert (one.level, bool(one.cure)) == (level, True)
    assert not any("Amina" in finding.said or "Bahar" in finding.said for finding in findings)


def test_an_old_backup_is_said(well: Desk) -> None:
    said = (well.settings.root / "last-backup.json").read_text()
    year = str(datetime.now(UTC).year)
    (well.settings.root / "last-backup.json").write_text(said.replace(f'"at": "{year}', '"at": "2020'))

    (finding,) = files.last_backup(well.settings)

    assert finding.level is Level.LOOK
    assert "days old" in finding.said


def test_a_port_that_somebody_else_has_is_said(well: Desk) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(data=well.settings.root, port=other.getsockname()[1])
        (finding,) = running.hub(settings)

    assert finding.level is Level.LOOK
    assert "another program has port" in finding.said


def test_what_an_earlier_run_has_left_is_said(well: Desk) -> None:
    # Of a shell that ends at once, so that it is nobody's here: what is below the one who looks is not left.
    started = subprocess.run(
        ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"],
        env={**os.environ, INSTANCE: str(well.settings.root)},
        capture_output=True,
        text=True,
        check=True,
    )
    pid = int(started.stdout)
    try:
        (finding,) = running.orphans(well.settings)
    finally:
        os.kill(pid, 9)

    assert finding.level is Level.LOOK
    assert finding.said == f"an earlier run has left {pid}"


def test_environments_are_compared_with_their_lock(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    for name, version in (("Alembic", "1.0"), ("nh3", "2.0")):
        (site / f"{name}-{version}.dist-info").mkdir(parents=True)
        (site / f"{name}-{version}.dist-info/METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    lines = [
        "alembic==1.0 \\",
        "    --hash=sha256:00",
        "nh3==2.1 ; python_version >= '3.11' \\",
        "gone==1",
        "winonly==1 ; sys_platform == 'win32'",
    ]
    (tmp_path / "lock.txt").write_text("\n".join(lines))

    findings = list(installation.environments(Settings(data=tmp_path, learner=tmp_path)))

    assert findings[-1].said == f"{tmp_path}: nh3 2.0, gone (missing) differ from the learner lock"


def test_a_look_that_stops_hides_no_other(well: Desk) -> None:
    shutil.rmtree(well.settings.secrets)
    well.engine.dispose()
    (well.settings.root / "ledger.db").write_bytes(b"this is no database" * 100)

    findings = list(doctor.examine(well.settings))

    assert any(one.check == "schemas" and "this look stopped" in one.said for one in findings)
    assert any(one.check == "backup" and one.level is Level.OK for one in findings)


def test_the_command_ends_with_1_where_something_is_broken(well: Desk) -> None:
    well.settings.root.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "passerelle.cli", "doctor"],
        env={**os.environ, "PASSERELLE_DATA": str(well.settings.root), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert f"        → chmod 0700 {well.settings.root}" in done.stdout.splitlines()
