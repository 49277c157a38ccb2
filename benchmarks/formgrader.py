"""How long formgrader's lists take at 1,000 fellows and 30 assignments: nbgrader's own calls behind its pages.

    python -m benchmarks.formgrader [--postgresql]        `make bench-formgrader`

The gradebook is nbgrader's own, filled by SQL as for the exports; every submission that it knows has its folders, for
the lists look at those, too. Each list is asked for three times, each time by a gradebook that was just opened, as
formgrader's first page does: with nbgrader's tables as they are, with our four indexes, and by our formgrader.
"""

import logging
import math
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from traitlets.config import Config

from benchmarks.exports import ASSIGNMENTS, fill, make_gradebook
from passerelle.grading.book import INDEXES, add_ours
from passerelle.hub.formgrader_lists import change_lists

FELLOWS = 1_000
TIMES = 3
MOST_S = 2.0
NOBODY_WAITS_S = 8.0
"""What takes longer is asked for once."""
PATIENCE_S = 60.0
LISTS: dict[str, Callable[[Any], Any]] = {
    "Manage assignments": lambda api: api.get_assignments(),
    "Submissions of an assignment": lambda api: api.get_submissions("unit-07"),
    "Manual grading: the assignments' notebooks": lambda api: api.get_notebooks("unit-07"),
    "Manual grading: a notebook's submissions": lambda api: api.get_notebook_submissions("unit-07", "work"),
    "Manage students": lambda api: api.get_students(),
    "One student's submissions": lambda api: api.get_student_submissions("fellow-00500"),
    "One student's notebooks": lambda api: api.get_student_notebook_submissions("fellow-00500", "unit-07"),
}


def make_folders(course_dir: Path) -> None:
    """Give every unit a source and every submission its folders."""
    stamp = "2026-09-01 09:00:00.000000 UTC"
    for number in range(ASSIGNMENTS):
        (course_dir / "source" / f"unit-{number:02}").mkdir(parents=True)
    with sqlite3.connect(course_dir / "gradebook.db") as rows:
        query = (
            "SELECT student_id, name, timestamp FROM submitted_assignment s JOIN assignment a ON a.id = assignment_id"
        )
        sent = rows.execute(query).fetchall()
    for fellow, unit, moment in sent:
        for step in ("submitted", "autograded"):
            folder = course_dir / step / fellow / unit
            folder.mkdir(parents=True)
            (folder / "work.ipynb").touch()
            (folder / "timestamp.txt").write_text(f"{moment} UTC" if moment else stamp)


def asked_s(course_dir: Path, url: str, kind: type, ask: Callable[[Any], Any]) -> float:
    """Return how long a list takes whose gradebook was just opened."""
    config = Config()
    config.CourseDirectory.root = str(course_dir)
    config.CourseDirectory.db_url = url
    config.Exchange.root = str(course_dir / "exchange")
    api = kind(CourseDirectory(config=config), config=config)
    with api.gradebook as book:
        began = time.perf_counter()
        raw = book.db.connection().connection.driver_connection
        if isinstance(raw, sqlite3.Connection):
            raw.set_progress_handler(lambda: time.perf_counter() - began > PATIENCE_S, 100_000)
        else:
            book.db.execute(text(f"SET statement_timeout = '{PATIENCE_S:g}s'"))
        try:
            ask(api)
        except OperationalError:
            return math.inf
        return time.perf_counter() - began


@contextmanager
def on_postgresql(path: Path) -> Iterator[str]:
    """Copy a gradebook's file to a server of our own."""
    from tests import gradebooks, postgres  # noqa: PLC0415  the tests' server, only where it is asked for

    url = gradebooks.on_postgresql(path)
    postgres.say("VACUUM ANALYZE")
    yield url
    postgres.remove(url)


def change_indexes(url: str, *, there: bool) -> None:
    """Add our indexes, or take them away."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if there:
            add_ours(connection)
        else:
            for name in INDEXES:
                connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


@contextmanager
def our_lists() -> Iterator[None]:
    """Put our queries into nbgrader's gradebook, as our formgrader does, and take them away again."""
    names = ("__init__", "submission_dicts", "notebook_submission_dicts", "student_dicts")
    theirs = {name: getattr(Gradebook, name) for name in names}
    change_lists()
    try:
        yield
    finally:
        for name, method in theirs.items():
            setattr(Gradebook, name, method)


def measure(course_dir: Path, url: str, kind: type, ask: Callable[[Any], Any]) -> float:
    """Return the median seconds of a list; one look is enough where it takes longer than anybody waits."""
    first = asked_s(course_dir, url, kind, ask)
    if first > NOBODY_WAITS_S:
        return first
    return statistics.median([first, *(asked_s(course_dir, url, kind, ask) for _ in range(TIMES - 1))])


def show(kind: str, course_dir: Path, url: str, without: str) -> bool:
    """Print the table of one kind of database; say whether every list of ours is as quick as it must be."""
    from passerelle.hub.formgrader import QueueingAPI  # noqa: PLC0415  it loads the whole of formgrader

    change_indexes(without, there=False)
    change_indexes(url, there=True)
    print(f"| {kind} | nbgrader, s | our indexes, s | | our formgrader, s | |\n|---|--:|--:|--:|--:|--:|", flush=True)
    well = True
    for name, ask in LISTS.items():
        before = measure(course_dir, without, NbGraderAPI, ask)
        after = measure(course_dir, url, NbGraderAPI, ask)
        with our_lists():
            ours = measure(course_dir, url, QueueingAPI, ask)
        well &= ours <= MOST_S
        times = f"{_said(after)} | {_ratio(before, after)} | {_said(ours)} | {_ratio(before, ours)}"
        print(f"| {name} | {_said(before)} | {times} |", flush=True)
    print()
    return well


def _said(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < PATIENCE_S else f"over {PATIENCE_S:g}"


def _ratio(before: float, after: float) -> str:
    if after >= PATIENCE_S:
        return ""
    return f"{before / after:.1f} ×" if before < PATIENCE_S else f"over {PATIENCE_S / after:.0f} ×"


def main() -> int:
    """Print the figures as Markdown tables; the exit code says whether every list is there within MOST_S."""
    logging.disable(logging.WARNING)
    os.environ.setdefault("JUPYTER_NO_CONFIG", "1")
    with tempfile.TemporaryDirectory() as scratch:
        course_dir = Path(scratch) / "course"
        path = make_gradebook(course_dir)
        fill(path, FELLOWS)
        make_folders(course_dir)
        without = path.with_name("without.db")
        shutil.copy(path, without)
        cores = os.cpu_count()
        print(f"{FELLOWS:,} fellows, {ASSIGNMENTS} assignments, median of {TIMES}; cores: {cores}\n", flush=True)
        well = True
        if "--postgresql-alone" not in sys.argv:
            well = show("SQLite", course_dir, f"sqlite:///{path}", f"sqlite:///{without}")
        if {"--postgresql", "--postgresql-alone"} & {*sys.argv}:
            with on_postgresql(without) as url, on_postgresql(without) as bare:
                well &= show("PostgreSQL", course_dir, url, bare)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
