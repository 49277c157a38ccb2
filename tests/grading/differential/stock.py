"""What stock nbgrader gives: run anew, or read from `oracle.json`, where each result lies with what it is of."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tests.grading.differential.making import nbgrader
from tests.grading.differential.submissions import Submission

ORACLE = Path(__file__).with_name("oracle.json")
_AT_ONCE = 2

_QUERY = """
select student.id, assignment.name, notebook.name, base_cell.name, grade.auto_score,
    coalesce(grade_cells.max_score, task_cells.max_score), grade.needs_manual_grade, grade.extra_credit
from grade
join submitted_notebook on grade.notebook_id = submitted_notebook.id
join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
join student on submitted_assignment.student_id = student.id
join notebook on submitted_notebook.notebook_id = notebook.id
join assignment on notebook.assignment_id = assignment.id
join base_cell on grade.cell_id = base_cell.id
left join grade_cells on grade_cells.id = base_cell.id
left join task_cells on task_cells.id = base_cell.id
"""


class Grade(NamedTuple):
    """A row of nbgrader's gradebook."""

    auto: float | None
    most: float
    waits: bool
    extra: float | None


Grades = Mapping[str, Grade]
"""By notebook and cell; none where a submission could not be marked at all."""


def grades(course: Path, places: Iterable[Submission]) -> dict[str, dict[str, Grade]]:
    """Read a gradebook, by submission; what has no folder in `autograded/` was not marked."""
    found: dict[str, dict[str, Grade]] = {one.place: {} for one in places}
    with closing(sqlite3.connect(course / "gradebook.db")) as book:
        rows = book.execute(_QUERY).fetchall()
    for student, assignment, notebook, cell, auto, most, waits, extra in rows:
        place = f"{assignment}/{student}"
        if place in found and (course / "autograded" / student / assignment).is_dir():
            found[place][f"{notebook}/{cell}"] = Grade(auto, most, bool(waits), extra)
    return {place: dict(sorted(cells.items())) for place, cells in found.items()}


def run(course: Path, sent: Sequence[Submission]) -> dict[str, dict[str, Grade]]:
    """Let `nbgrader autograde` mark them, in a copy of a released course; those of one assignment in one call."""
    with tempfile.TemporaryDirectory(prefix="stock-") as made:
        root = Path(made)
        for name in ("source", "release"):
            shutil.copytree(course / name, root / name)
        for name in ("gradebook.db", "nbgrader_config.py"):
            shutil.copy(course / name, root / name)
        for one in sent:
            one.lay(root)
        for assignment in dict.fromkeys(one.assignment for one in sent):
            waiting = [one.name for one in sent if one.assignment == assignment]
            while waiting:
                # What stops nbgrader is a submission that it does not mark: the exit code says no more.
                nbgrader(root, "autograde", assignment)
                left = [name for name in waiting if not (root / "autograded" / name / assignment).is_dir()]
                # The first may have stopped the whole batch: the others are tried again without it.
                waiting = sorted(left, key=lambda name: f"{name}/")[1:]
                for name in set(left) - set(waiting):
                    shutil.rmtree(root / "submitted" / name / assignment)
        return grades(root, sent)


# The file


def cached(course: Path, sent: Sequence[Submission]) -> dict[str, dict[str, Grade]]:
    """Return what the file has of these; what it has not, or of something else, is left out."""
    known = json.loads(ORACLE.read_text("utf-8")) if ORACLE.is_file() else {}
    if known.get("nbgrader") != version("nbgrader"):
        return {}
    found = {}
    for one in sent:
        entry = known["submissions"].get(one.place)
        if entry is not None and entry["of"] == one.digest(course):
            found[one.place] = {cell: Grade(*grade) for cell, grade in entry["grades"].items()}
    return found


def renewed(course: Path, sent: Sequence[Submission], told: Callable[[str], object]) -> dict[str, dict[str, Grade]]:
    """Return what nbgrader gives: from the file, and what that has not, marked by nbgrader now."""
    known = cached(course, sent)
    waiting: dict[str, list[Submission]] = {}
    for one in sent:
        if one.place not in known:
            waiting.setdefault(one.assignment, []).append(one)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for found in pool.map(lambda some: run(course, some), waiting.values()):
            known |= found
            told(f"{len(known)} of {len(sent)} submissions marked by nbgrader\n")
    return known


def as_text(course: Path, sent: Sequence[Submission], known: Mapping[str, Grades]) -> str:
    """Return the file's text: a line a submission."""
    lines = [
        f"  {json.dumps(one.place)}: {json.dumps({'of': one.digest(course), 'grades': known[one.place]})}"
        for one in sent
    ]
    head = f'{{\n "nbgrader": {json.dumps(version("nbgrader"))},\n "submissions": {{\n'
    return head + ",\n".join(lines) + "\n }\n}\n"
