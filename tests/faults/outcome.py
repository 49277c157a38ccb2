"""What a marked course directory holds, without what differs from run to run: seconds, moments and numbers of rows."""

import hashlib
import itertools
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

LEDGER = Path(".passerelle") / "ledger.db"
_VERDICTS = (
    "SELECT handle, receipt.unit, number, verdict_key, record FROM receipt LEFT JOIN verdict ON key = verdict_key"
)
_JOBS = "SELECT handle, unit, state, reason FROM job JOIN receipt ON receipt.id = job.receipt"
_GRADES = """
    SELECT student_id, assignment.name, submitted_assignment.timestamp, notebook.name, base_cell.name,
        auto_score, manual_score, extra_credit, needs_manual_grade, late_submission_penalty
    FROM submitted_assignment
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    LEFT JOIN submitted_notebook ON submitted_notebook.assignment_id = submitted_assignment.id
    LEFT JOIN notebook ON notebook.id = submitted_notebook.notebook_id
    LEFT JOIN grade ON grade.notebook_id = submitted_notebook.id
    LEFT JOIN base_cell ON base_cell.id = grade.cell_id
"""
_COMMENTS = """
    SELECT student_id, notebook.name, base_cell.name, auto_comment, manual_comment FROM comment
    JOIN submitted_notebook ON submitted_notebook.id = comment.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN notebook ON notebook.id = submitted_notebook.notebook_id
    JOIN base_cell ON base_cell.id = comment.cell_id
"""
Facts = dict[str, list[Any]]
"""By fellow, or by what is counted: what is there, sorted."""


def marked(course: Path) -> set[str]:
    """Return who has a verdict by now."""
    if not (course / LEDGER).is_file():
        return set()
    try:
        with closing(_opened(course / LEDGER)) as ledger:
            return {handle for (handle,) in ledger.execute("SELECT handle FROM receipt WHERE verdict_key IS NOT NULL")}
    except sqlite3.OperationalError:  # its tables are being made
        return set()


def outcome(course: Path) -> Facts:
    """Return all that a run has left in a course directory: ledger, gradebook, folders."""
    facts: Facts = {}
    with closing(_opened(course / LEDGER)) as ledger:
        for handle, *rest, record in ledger.execute(_VERDICTS):
            verdict = json.loads(record or "{}")
            verdict.pop("seconds", None)
            facts.setdefault(handle, []).append(("verdict", *rest, json.dumps(verdict, sort_keys=True)))
        for handle, *rest in ledger.execute(_JOBS):
            facts.setdefault(handle, []).append(("job", *rest))
        facts["rows of the ledger"] = _rows(ledger)
    with closing(_opened(course / "gradebook.db")) as gradebook:
        for name, query in (("grade", _GRADES), ("comment", _COMMENTS)):
            for handle, *rest in gradebook.execute(query):
                facts.setdefault(handle, []).append((name, *map(str, rest)))
        facts["rows of the gradebook"] = _rows(gradebook)
    for step in ("submitted", "autograded", "feedback"):
        for path in sorted((course / step).rglob("*")):
            handle = path.relative_to(course / step).parts[0]
            if path.is_file() or not any(path.iterdir()):
                facts.setdefault(handle, []).append((step, path.relative_to(course).as_posix(), _content(path)))
    facts["beside"] = [path.name for path in course.iterdir()]
    facts["scratch"] = [path.name for path in (course / ".passerelle").glob("scratch/*")]
    return {name: sorted(map(str, found)) for name, found in facts.items()}


def differing(found: Facts, undisturbed: Facts) -> dict[str, str]:
    """Say what is not as after an undisturbed run, by fellow or by what is counted."""
    said = {}
    for name in sorted({*found, *undisturbed}):
        mine, right = found.get(name, []), undisturbed.get(name, [])
        if mine != right:
            more = [one for one in mine if one not in right] or [one for one in mine if mine.count(one) > 1]
            less = [one for one in right if one not in mine]
            said[name] = _beside(more, less)
    return said


def _beside(more: list[str], less: list[str]) -> str:
    """Return what there is and what there should be, from where the two differ."""
    said = []
    for mine, right in itertools.zip_longest(more, less, fillvalue="nothing"):
        same = next((at for at, both in enumerate(zip(mine, right, strict=False)) if both[0] != both[1]), 0)
        place = max(0, same - 60)
        said.append(f"there is «{mine[place : place + 260]}» where there should be «{right[place : place + 260]}»")
    return "; ".join(said[-2:])


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)


def _rows(database: sqlite3.Connection) -> list[Any]:
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [(name, *database.execute(f'SELECT count(*) FROM "{name}"').fetchone()) for name in names]  # our own


def _content(path: Path) -> str:
    if not path.is_file():
        return "an empty folder"
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]
