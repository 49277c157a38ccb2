"""How long an export of a course directory takes, beside `nbgrader export` in the same run.

    python -m benchmarks.exports [--without-nbgrader]        `make bench-exports`

The gradebooks are nbgrader's own files, filled by SQL: 100 fellows, and 10,000, with 30 assignments of 10 cells each.
nbgrader reads the small one only: the time that it takes grows with the square of the fellows.
"""

import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ASSIGNMENTS, CELLS = 30, 10
START = datetime(2026, 9, 1, 9, tzinfo=UTC)
TIMES = 3
TIMES_FASTER, LONGEST_S, MOST_MB = 100, 20.0, 1000.0
"""What is asked of the CSV beside nbgrader's with 100 fellows; of all with 10,000, at most so many seconds and MB."""
_TABLES = {
    "student": 5, "assignment": 4, "notebook": 4, "base_cell": 4, "grade_cells": 3, "solution_cells": 1,
    "submitted_assignment": 5, "submitted_notebook": 5, "grade": 7,
}  # fmt: skip


def make_gradebook(course_dir: Path) -> Path:
    """Let nbgrader make an empty gradebook; return its path."""
    path = course_dir / "gradebook.db"
    course_dir.mkdir(parents=True, exist_ok=True)
    code = f"from nbgrader.api import Gradebook\nGradebook({f'sqlite:///{path}'!r}).close()"
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())
    return path


def fill(path: Path, fellows: int, assignments: int = ASSIGNMENTS, cells: int = CELLS, seed: int = 1) -> None:
    """Fill an empty gradebook: most have submitted most, some is waiting for a mark, some was never marked."""
    chance = random.Random(seed)
    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in _TABLES}
    for number in range(fellows):
        rows["student"].append((f"fellow-{number:05}", None, None, None, None))
    for number in range(assignments):
        name, book = f"a{number:02}", f"n{number:02}"
        due = None if number % 5 == 4 else _moment(START + timedelta(weeks=number + 1))
        rows["assignment"].append((name, f"unit-{number:02}", due, "default_course"))
        rows["notebook"].append((book, "work", name, "{}"))
        for cell in range(cells):
            key, by_hand = f"{book}-c{cell}", cell == cells - 1
            rows["base_cell"].append((key, f"cell-{cell}", book, "GradeCell"))
            rows["grade_cells"].append((key, 1.0 + cell % 3, "markdown" if by_hand else "code"))
            if by_hand:
                rows["base_cell"].append((f"{key}-s", f"cell-{cell}", book, "SolutionCell"))
                rows["solution_cells"].append((f"{key}-s",))
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("PRAGMA synchronous=OFF")
        _insert(connection, rows)
        for fellow in range(fellows):
            _insert(connection, _sent(chance, fellow, assignments, cells))
    connection.close()


def _sent(chance: random.Random, fellow: int, assignments: int, cells: int) -> dict[str, list[tuple[object, ...]]]:
    rows: dict[str, list[tuple[object, ...]]] = {"submitted_assignment": [], "submitted_notebook": [], "grade": []}
    for number in range(assignments):
        if chance.random() < 0.1:
            continue
        mine = f"{fellow:05}-{number:02}"
        came = START + timedelta(weeks=number, minutes=chance.randrange(20_000))
        extension = "1970-01-03 00:00:00.000000" if chance.random() < 0.05 else None
        rows["submitted_assignment"].append((mine, f"a{number:02}", f"fellow-{fellow:05}", _moment(came), extension))
        penalty = chance.choice([None, None, None, 0.5])
        rows["submitted_notebook"].append((f"b{mine}", mine, f"n{number:02}", False, penalty))
        is_marked = chance.random() > 0.02
        for cell in range(cells):
            most, by_hand = 1.0 + cell % 3, cell == cells - 1
            auto = None if by_hand or not is_marked else chance.choice([0.0, most / 3, most])
            manual = chance.choice([0.0, most]) if by_hand and is_marked and chance.random() < 0.8 else None
            extra = 0.5 if manual is not None and chance.random() < 0.1 else None
            needs = manual is None and (by_hand or not is_marked)
            rows["grade"].append((f"g{mine}-{cell}", f"b{mine}", f"n{number:02}-c{cell}", auto, manual, extra, needs))
    return rows


def _insert(connection: sqlite3.Connection, rows: dict[str, list[tuple[object, ...]]]) -> None:
    for table, values in rows.items():
        marks = ", ".join("?" * _TABLES[table])
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _environment() -> dict[str, str]:
    """Return ours, with nbgrader's programs in the path: it looks for alembic there."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def ours_s(course_dir: Path, kind: str, out: Path) -> tuple[float, float]:
    """Return how long `passerelle export --course-dir` takes as a process of its own, and its most memory in MB."""
    line = [sys.executable, "-m", "passerelle.cli", "export", "--course-dir", str(course_dir)]
    line += ["--format", kind, "--out", str(out)]
    began = time.perf_counter()
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, env={**_environment(), "PASSERELLE_DATA": str(out / "var")}
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the export of {kind} ended with {process.returncode}")
    return took, used.ru_maxrss / 1024


def nbgrader_s(course_dir: Path, to: Path) -> float:
    """Return how long `nbgrader export` takes as a process of its own."""
    line = [sys.executable, "-m", "nbgrader", "export", f"--to={to}", f"--CourseDirectory.root={course_dir}"]
    began = time.perf_counter()
    subprocess.run(line, check=True, capture_output=True, cwd=course_dir, env=_environment())
    return time.perf_counter() - began


_THEIRS = """
import time
from nbgrader.api import Gradebook
from nbgrader.plugins.export import CsvExportPlugin
with Gradebook({url!r}) as gradebook:
    plugin = CsvExportPlugin()
    plugin.to, plugin.student, plugin.assignment = {to!r}, [], []
    began = time.perf_counter()
    plugin.export(gradebook)
    print(time.perf_counter() - began)
"""
_OURS = """
import time
from datetime import UTC, datetime
from pathlib import Path
from passerelle.model.settings import Settings
from passerelle.progress import course_export, write_files
settings = Settings(data=Path({out!r}) / "var")
began = time.perf_counter()
made = course_export(Path({course!r}), settings, datetime.now(UTC))
write_files(Path({out!r}), made.files(["csv"]))
print(time.perf_counter() - began)
"""


def itself_s(code: str) -> float:
    """Return how long an export takes in a process that has imported all it needs."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=_environment())
    return float(done.stdout)


def beside_each_other(course: Path, root: Path) -> None:
    """Print the exports themselves, without the start of Python and of either program, one beside the other."""
    theirs = itself_s(_THEIRS.format(url=f"sqlite:///{course}/gradebook.db", to=str(root / "itself.csv")))
    ours = min(itself_s(_OURS.format(course=str(course), out=str(root / "itself"))) for _ in range(TIMES))
    print(f"| nbgrader's CSV export itself | 100 | {theirs:.2f} | |")
    print(f"| our CSV export itself | 100 | {ours:.3f} ({theirs / ours:.0f} times faster) | |", flush=True)


def main() -> int:
    """Print the figures as a Markdown table; the exit code says whether they are as they must be."""
    well = True
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        empty = make_gradebook(root / "empty").read_bytes()
        print("| export | fellows | seconds | most memory |\n|---|--:|--:|--:|", flush=True)
        theirs = 0.0
        for fellows in (100, 10_000):
            course = root / f"course-{fellows}"
            course.mkdir()
            (course / "gradebook.db").write_bytes(empty)
            fill(course / "gradebook.db", fellows)
            if fellows == 100 and "--without-nbgrader" not in sys.argv:
                theirs = nbgrader_s(course, root / "theirs.csv")
                print(f"| `nbgrader export` (CSV) | {fellows:,} | {theirs:.2f} | |", flush=True)
                beside_each_other(course, root)
            for kind in ("csv", "parquet", "json", "xlsx", *(("pdf",) if fellows > 300 else ())):
                out = root / f"out-{fellows}-{kind}"
                times = [ours_s(course, kind, out) for _ in range(TIMES if fellows == 100 else 1)]
                took, memory = min(times)
                beside = f" ({theirs / took:.0f} times faster)" if theirs and kind == "csv" and fellows == 100 else ""
                print(
                    f"| `passerelle export` ({kind}) | {fellows:,} | {took:.2f}{beside} | {memory:.0f} MB |", flush=True
                )
                well &= took < LONGEST_S and memory < MOST_MB and (not beside or theirs / took >= TIMES_FASTER)
    print(f"\nCores: {os.cpu_count()}. Our own most memory while filling: "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")  # fmt: skip
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
