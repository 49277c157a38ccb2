"""A unit of four tasks, built by hand, and submissions to it, for tests of marking (real box, real examiner)."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from passerelle.grading.marking import Marked, mark
from passerelle.grading.walls import Limits
from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Unit
from passerelle.model.verdict import CheckResult

UNIT = "trial"
LEARNER = Path(sys.prefix)
QUICK = Limits(cell_s=1.5, call_s=1.0, total_s=12)
SECRET = 7919
HIDDEN_NAME = "Zaz-hidden"

ANSWERS = {
    "answer-mean": "mean_price = sum(prices) / len(prices)",
    "answer-double": "def double(number):\n    return number * 2",
    "answer-large": "def large(rows, least):\n    return rows[rows['people'] >= least]",
    "answer-words": "One very large number pulls the mean up.",
}

RIGHT = {key: text for key, text in ANSWERS.items() if key != "answer-large"}

_CHECKS = {
    "check-mean": (
        1,
        """\
from autograders import expect

expect("mean_price").equals(4, look="look-mean")
""",
    ),
    "check-double": (
        2,
        f"""\
from autograders import expect

with expect.part(1, "part-whole"):
    expect.call("double", 4).equals(8)
with expect.part(1, "part-unseen"):
    expect.call("double", 3).is_a("number")
    ### BEGIN HIDDEN TESTS
    expect.call("double", {SECRET}).equals({2 * SECRET}, else_="double-unseen")
    ### END HIDDEN TESTS
expect.points()
""",
    ),
    "check-large": (
        2,
        f"""\
import pandas as pd
from autograders import expect

_few = pd.DataFrame({{"town": ["Gap", "Laon"], "people": [40, 20]}}, index=[4, 9])
expect.call("large", _few, 30).frame(columns=["town", "people"], rows=1)
### BEGIN HIDDEN TESTS
_unseen = pd.DataFrame({{"town": ["A", "{HIDDEN_NAME}", "C"], "people": [1, {SECRET}, 3]}})
expect.call("large", _unseen, 3).equals(_unseen[_unseen["people"] >= 3])
### END HIDDEN TESTS
""",
    ),
}
CARDS = (
    CheckCard(key="check-mean", task="mean", points=1, title={"en": "Mean"}),
    CheckCard(key="check-double", task="double", points=2, title={"en": "Double"}),
    CheckCard(key="check-large", task="large", points=2, title={"en": "Large"}),
    CheckCard(key="answer-words", task="words", points=1, manual=True, title={"en": "Words"}),
)
CARD = Unit(
    unit=UNIT,
    track="demo",
    version="1",
    title={"en": "Trial"},
    summary={"en": "A trial."},
    minutes=5,
    checks=CARDS,
    tasks={"mean": {"en": "The mean"}, "double": {"en": "The double"}},
    messages={"double-unseen": {"en": "Another number gave another result."}, "look-mean": {"en": "the sum"}},
)


def make_course(root: Path, *, tables: bool = False) -> Path:
    """Write a built course directory; the source folder holds the truth beside the public data.

    `tables` adds the task with a DataFrame: pandas costs a second a submission.
    """
    folder = root / "demo" / "source" / UNIT
    (folder / "data").mkdir(parents=True)
    (folder / "truth").mkdir()
    (folder / "data" / "prices.txt").write_text("2\n4\n6\n")
    (folder / "truth" / "truth.txt").write_text(HIDDEN_NAME)
    (folder / f"{UNIT}.ipynb").write_text(nbformat.writes(source(tables=tables)), "utf-8")
    card = CARD.model_copy(update={"checks": tuple(one for one in CARDS if tables or one.task != "large")})
    (folder / "unit.json").write_text(card.model_dump_json(), "utf-8")
    note = {"en": "x"}
    notes = StaffNotes(means=note, ask=note, mentor=note, trainer=note)
    course = Course(
        track="demo", title={"en": "Demo"}, weeks=1, units=(CourseUnit(card=card, notes=notes, weeks=(1, 1)),)
    )
    (root / "demo" / "course.json").write_text(course.model_dump_json(), "utf-8")
    return root / "demo"


def source(*, tables: bool = False) -> NotebookNode:
    """Return the source notebook."""
    cells = [
        _prose("intro", "# A trial"),
        _code("given-prices", "given", "prices = [int(line) for line in open('data/prices.txt')]", locked=True),
        _code("example-free", "example", "prices[0]"),
    ]
    for task in ("mean", "double", *(["large"] if tables else [])):
        cells.append(_answer(f"answer-{task}", task))
        points, check = _CHECKS[f"check-{task}"]
        cells.append(_code(f"check-{task}", "check", check.rstrip("\n"), task=task, points=points, locked=True))
    words = new_markdown_cell(_solution(ANSWERS["answer-words"]), id="answer-words")
    words.metadata = _metadata("answer-words", "manual", "words", solution=True, grade=True, points=1)
    notebook = new_notebook(cells=[*cells, words])
    notebook.nbformat_minor = 5
    return notebook


def release(answers: Mapping[str, str] | None = None) -> NotebookNode:
    """Return the notebook as released, with these answers in place of `...`; the table task is there if it is answered."""
    notebook = source(tables="answer-large" in (answers or {}))
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = (answers or {}).get(cell.id, "...")
        elif "HIDDEN" in cell.source:
            lines, hidden = [], False
            for line in cell.source.splitlines():
                hidden = hidden or "BEGIN HIDDEN" in line
                lines += [] if hidden else [line]
                hidden = hidden and "END HIDDEN" not in line
            cell.source = "\n".join(lines)
    return notebook


def submission(answers: Mapping[str, str] | None = None, **more: bytes) -> dict[str, bytes]:
    """Return a submission with the right answers, these ones excepted; with the table task where it is answered."""
    return sent(release({**RIGHT, **(answers or {})}), **more)


def sent(notebook: NotebookNode, **more: bytes) -> dict[str, bytes]:
    """Return a submission of a notebook."""
    return {f"{UNIT}.ipynb": json.dumps(notebook).encode(), **more}


def marked(
    course_dir: Path, answers: Mapping[str, str] | None = None, *, limits: Limits = QUICK, **more: bytes
) -> Marked:
    """Mark a submission with the right answers, these ones excepted."""
    return mark(course_dir, UNIT, submission(answers, **more), learner=LEARNER, limits=limits)


def results(outcome: Marked) -> dict[str, CheckResult]:
    """Return a verdict's checks by key."""
    return {result.key: result for result in outcome.verdict.checks}


def points(outcome: Marked) -> dict[str, float]:
    """Return the points of a verdict by task, manual ones left out."""
    return {key.removeprefix("check-"): one.points for key, one in results(outcome).items() if key.startswith("check-")}


def everything_said(outcome: Marked) -> str:
    """Return all that a verdict and its notebook's outputs say."""
    outputs = [cell.get("outputs", []) for cell in outcome.notebook.cells]
    return outcome.verdict.model_dump_json() + json.dumps(outputs)


def _solution(text: str) -> str:
    return f"### BEGIN SOLUTION\n{text}\n### END SOLUTION"


def _prose(key: str, text: str) -> NotebookNode:
    made = new_markdown_cell(text, id=key)
    made.metadata["passerelle"] = {"key": key, "kind": "prose", "text": {"en": text, "fr": "# Un essai"}}
    return made


def _answer(key: str, task: str) -> NotebookNode:
    made = new_code_cell(_solution(ANSWERS[key]), id=key)
    made.metadata = _metadata(key, "answer", task, solution=True)
    return made


def _code(
    key: str, kind: str, text: str, *, task: str | None = None, points: float | None = None, locked: bool = False
) -> NotebookNode:
    made = new_code_cell(text, id=key)
    made.metadata = _metadata(key, kind, task, grade=points is not None, points=points, locked=locked)
    return made


def _metadata(
    key: str,
    kind: str,
    task: str | None,
    *,
    solution: bool = False,
    grade: bool = False,
    points: float | None = None,
    locked: bool = False,
) -> NotebookNode:
    found = {"passerelle": {"key": key, "kind": kind, **({"task": task} if task else {})}}
    if solution or grade or locked:
        found["nbgrader"] = {
            "schema_version": 3,
            "grade_id": key,
            "cell_type": "code",
            "grade": grade,
            "solution": solution,
            "locked": locked,
            "task": False,
            **({"points": points} if points is not None else {}),
        }
    return nbformat.from_dict(found)
