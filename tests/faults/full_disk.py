"""Fills a disk under `passerelle mark`; says as JSON what it said each time, and what there is in the end."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from passerelle import ledger
from passerelle.grading.assignment import LEDGER
from passerelle.ledger.receipts import attempts_of_track
from tests.faults.outcome import marked
from tests.unit.grading.desk import UNIT

Told = dict[str, object]


def fill(disk: Path) -> None:
    """Leave not a byte."""
    with (disk / "ballast").open("ab", buffering=0) as file:
        for piece in (b"\0" * 100_000, b"\0" * 100, b"\0"):
            try:
                while True:
                    file.write(piece)
            except OSError:
                continue
    assert shutil.disk_usage(disk).free == 0


def started(course: Path) -> "subprocess.Popen[str]":
    """Start the command."""
    command = [sys.executable, "-m", "passerelle.cli", "mark", UNIT, "--course-dir", str(course)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(run: "subprocess.Popen[str]") -> Told:
    """Wait for its end."""
    said, _ = run.communicate(timeout=120)
    return {"status": run.returncode, "said": said}


def main() -> None:
    """Copy a course to a disk, fill it at three moments, make room, look."""
    source, course = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.copytree(source, course)
    ballast = course.parent / "ballast"
    told: Told = {}
    fill(course.parent)
    told["full before the first run"] = ended(started(course))
    ballast.unlink()
    run, until = started(course), time.monotonic() + 60
    while not marked(course) and run.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    fill(course.parent)
    told["full in the middle"] = ended(run)
    told["full before the last run"] = ended(started(course))
    ballast.unlink()
    told["with room"] = ended(started(course))
    engine = ledger.engine(f"sqlite:///{course / LEDGER}")
    with ledger.reading(engine) as session:
        attempts = attempts_of_track(session, "demo", UNIT)
    engine.dispose()
    by_handle: dict[str, list[tuple[str, float | None]]] = {}
    for one in attempts:
        by_handle.setdefault(one.handle, []).append((one.state, one.auto))
    told["attempts"] = by_handle
    told["left"] = [path.name for path in (course / ".passerelle").glob("scratch/*")]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
