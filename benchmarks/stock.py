"""Stock nbgrader beside ours: what it takes to mark the same answers, and the points it gives."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import nbformat

from benchmarks import sample
from benchmarks.watched import Ran, ran
from passerelle import courses

FEW = 2
"""The smaller of the two runs."""


@dataclass(frozen=True)
class Stock:
    """Stock nbgrader: seconds to start, and then a submission; the points it gave."""

    sample: int
    start_s: float
    each_s: float
    cpu_each_s: float
    points: dict[int, dict[str, float]]

    def wall_s(self, count: int) -> float:
        """Return what as many submissions would take, one after another as nbgrader does."""
        return self.start_s + count * self.each_s


def nbgrader(course: Path, *arguments: str) -> Ran:
    """Run stock nbgrader in a course directory."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_NO_CONFIG": "1",
        "IPYTHONDIR": str(course / ".ipython"),
    }
    done = ran([sys.executable, "-m", "nbgrader", *arguments], env=environment, cwd=course)
    if done.code != 0:
        sys.exit(f"nbgrader {' '.join(arguments)}: {done.errors[-2000:]}")
    return done


def measured_stock(place: Path, built: Path, count: int) -> Stock:
    """Let stock nbgrader mark two submissions, then `count` others."""
    twin = sample.plain_twin(courses.unit_source(built, sample.UNIT))
    course = place / sample.TRACK
    folder = course / "source" / sample.UNIT
    folder.mkdir(parents=True)
    nbformat.write(twin, folder / f"{sample.UNIT}.ipynb")
    shutil.copy(built / "nbgrader_config.py", course)
    nbgrader(course, "generate_assignment", sample.UNIT)
    runs = []
    for first, last in ((1, FEW), (FEW + 1, FEW + count)):
        for number in range(first, last + 1):
            sample.lay(
                course, sample.UNIT, sample.submission(course / "release" / sample.UNIT, number), f"fellow{number:04}"
            )
        # Those of the first run have been marked already: nbgrader passes them over in milliseconds.
        runs.append(nbgrader(course, "autograde", sample.UNIT))
    start, each = split(runs, count)
    cpu = split(runs, count, of=lambda one: one.cpu_s)[1]
    return Stock(count, start, each, cpu, gradebook_points(course))


def split(runs: Sequence[Ran], many: int, of: Callable[[Ran], float] = lambda one: one.wall_s) -> tuple[float, float]:
    """Return what starting takes, and what each takes: the second run has as many as `many`, the first one `FEW`."""
    each = (of(runs[1]) - of(runs[0])) / (many - FEW)
    return max(0.0, of(runs[0]) - FEW * each), each


def gradebook_points(course: Path) -> dict[int, dict[str, float]]:
    """Return the automatic points in a gradebook, by submission and check."""
    query = (
        "select student_id, base_cell.name, auto_score from grade join base_cell on base_cell.id = cell_id"
        " join submitted_notebook on submitted_notebook.id = grade.notebook_id"
        " join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id"
    )
    found: dict[int, dict[str, float]] = {}
    with closing(sqlite3.connect(course / "gradebook.db")) as book:
        for handle, check, points in book.execute(query):
            found.setdefault(int(handle[len("fellow") :]), {})[check] = points
    return found
