"""A tiny unit, written twice: with the words of `autograders`, and with plain asserts for stock nbgrader.

Its plain asserts go every way there is: values and calls over stand-ins (mean, double), an object's own `==` (money),
and, since stand-ins cannot give an object of the check's own class to her code, in the box beside it (total).
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Unit

UNIT = "tiny"
EXPECT, PLAIN = "expect", "plain"
KINDS = (EXPECT, PLAIN)
SECRET = 7_919_047
TRUTH = "truth-of-the-tiny-unit-88061"
SECRETS = (str(SECRET), str(SECRET * 2), str(SECRET + 4), str(SECRET + 1), TRUTH)
POINTS = {"mean": 1.0, "double": 2.0, "total": 2.0, "money": 1.0}
TASKS = tuple(POINTS)
RIGHT = {
    "mean": "mean_price = sum(prices) / len(prices)",
    "double": "def double(number):\n    return number * 2",
    "total": "def total(rows):\n    return sum(row['price'] for row in rows)",
    "money": (
        "class Money:\n"
        "    def __init__(self, amount):\n        self.amount = amount\n"
        "    def plus(self, more):\n        return self.amount + more\n"
        "    def __add__(self, other):\n        return Money(self.amount + other.amount)\n"
        "    def __eq__(self, other):\n        return isinstance(other, Money) and self.amount == other.amount"
    ),
}
WORDS = "One very large number pulls the mean up."
GIVEN = (
    "prices = [int(line) for line in open('data/prices.txt')]\n\n\n"
    "def close(found, wanted):\n    return abs(found - wanted) < 1e-9"
)
_HIDE, _SHOW = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"

_PLAIN = {
    "mean": "assert close(mean_price, 4)\nassert mean_price > 3",
    "double": f"assert double(4) == 8\nassert double(3) == 6\n{_HIDE}\nassert double({SECRET}) == {2 * SECRET}\n{_SHOW}",
    "total": (
        "class Row(dict):\n    pass\n\n\n"
        "assert total([Row(price=2), Row(price=5)]) == 7\n"
        f"{_HIDE}\nassert total([Row(price={SECRET}), Row(price=4)]) == {SECRET + 4}\n{_SHOW}"
    ),
    "money": f"assert Money(2) + Money(3) == Money(5)\n{_HIDE}\nassert Money(1) + Money({SECRET}) == Money({SECRET + 1})\n{_SHOW}",
}
_EXPECT = {
    "mean": 'expect("mean_price").equals(4)',
    "double": (
        f'expect.call("double", 4).equals(8)\nexpect.call("double", 3).equals(6)\n{_HIDE}\n'
        f'assert open("truth/truth.txt").read() == "{TRUTH}"\nexpect.call("double", {SECRET}).equals({2 * SECRET})\n{_SHOW}'
    ),
    "total": (
        'expect.call("total", [{"price": 2}, {"price": 5}]).equals(7)\n'
        f'{_HIDE}\nexpect.call("total", [{{"price": {SECRET}}}, {{"price": 4}}]).equals({SECRET + 4})\n{_SHOW}'
    ),
    "money": (
        'expect.call("Money", 5).attribute("amount").equals(5)\n'
        f'{_HIDE}\nexpect.call("Money", {SECRET}).call("plus", 4).equals({SECRET + 4})\n{_SHOW}'
    ),
}


def make_courses(root: Path) -> dict[str, Path]:
    """Write the unit of each kind; return the course directories."""
    return {EXPECT: _make_expect(root / EXPECT), PLAIN: _make_plain(root / PLAIN)}


def source(kind: str) -> NotebookNode:
    """Return the source notebook of a kind."""
    cells = [_cell(new_markdown_cell("# A tiny unit"), "intro", "prose")]
    cells += [_cell(new_code_cell(GIVEN), "given", "given", locked=True)]
    for task in TASKS:
        answer = new_code_cell(f"### BEGIN SOLUTION\n{RIGHT[task]}\n### END SOLUTION")
        cells.append(_cell(answer, f"answer-{task}", "answer", task=task, solution=True))
        check = new_code_cell(_PLAIN[task] if kind == PLAIN else f"from autograders import expect\n\n{_EXPECT[task]}")
        cells.append(_cell(check, f"check-{task}", "check", task=task, grade=True, points=POINTS[task], locked=True))
    words = new_markdown_cell(f"### BEGIN SOLUTION\n{WORDS}\n### END SOLUTION")
    cells.append(_cell(words, "answer-words", "manual", task="words", solution=True, grade=True, points=1.0))
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    made.nbformat_minor = 5
    return made


def release(kind: str, answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the released notebook with these answers, as plain JSON."""
    notebook = source(kind)
    for cell in notebook.cells:
        key = cell.metadata["nbgrader"]["grade_id"] if "nbgrader" in cell.metadata else ""
        if key.startswith("answer-"):
            stub = "# YOUR CODE HERE\nraise NotImplementedError()" if cell.cell_type == "code" else "YOUR ANSWER HERE"
            cell.source = answers.get(key.removeprefix("answer-"), stub)
        else:
            shown, _, rest = cell.source.partition(f"{_HIDE}\n")
            cell.source = (shown + rest.partition(f"{_SHOW}")[2].lstrip("\n")).rstrip("\n")
    found: dict[str, Any] = json.loads(json.dumps(notebook))
    return found


def _cell(made: NotebookNode, key: str, kind: str, task: str = "", **flags: Any) -> NotebookNode:
    made.id = key
    made.metadata["passerelle"] = {"key": key, "kind": kind, **({"task": task} if task else {})}
    if flags:
        facts = {"grade": False, "solution": False, "locked": False, "task": False, **flags}
        meta = {"schema_version": 3, "grade_id": key, "cell_type": made.cell_type, **facts}
        made.metadata["nbgrader"] = nbformat.from_dict(meta)
    return made


def _make_expect(root: Path) -> Path:
    folder = _beside(root / "source" / UNIT)
    (folder / "truth").mkdir()
    (folder / "truth" / "truth.txt").write_text(TRUTH)
    (folder / f"{UNIT}.ipynb").write_text(nbformat.writes(source(EXPECT)), "utf-8")
    cards = [
        CheckCard(key=f"check-{task}", task=task, points=most, title={"en": task}) for task, most in POINTS.items()
    ]
    cards.append(CheckCard(key="answer-words", task="words", points=1, manual=True, title={"en": "Words"}))
    tasks = {task: {"en": task} for task in (*TASKS, "words")}
    words = {"en": "Tiny"}
    card = Unit(
        unit=UNIT, track=root.name, version="1", title=words, summary=words, minutes=5, checks=tuple(cards), tasks=tasks
    )
    (folder / "unit.json").write_text(card.model_dump_json(), "utf-8")
    notes = StaffNotes(means=words, ask=words, mentor=words, trainer=words)
    unit = CourseUnit(card=card, notes=notes, weeks=(1, 1))
    course = Course(track=root.name, title=words, weeks=1, units=(unit,))
    (root / "course.json").write_text(course.model_dump_json(), "utf-8")
    return root


def _make_plain(root: Path) -> Path:
    folder = _beside(root / "source" / UNIT)
    (folder / f"{UNIT}.ipynb").write_text(nbformat.writes(source(PLAIN)), "utf-8")
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.ExecutePreprocessor.timeout = 20\nc.Execute.timeout = 20\n"
    )
    environment = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": str(root), "JUPYTER_NO_CONFIG": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", UNIT, "--force"],
        cwd=root, env={**environment, "LANG": os.environ.get("LANG", "C.UTF-8")}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root


def _beside(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "prices.txt").write_text("2\n4\n6\n")
    return folder
