"""A course to measure with: one notebook of pandas and scikit-learn, its twin of plain asserts, and submissions.

The cells do what a data-science unit asks for and need some 0.2 s of processor in a warm Python. No two submissions
have an answer in common: each cell holds the submission's number. Every third one has wrong answers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from passerelle.courses import build_course
from passerelle.courses.trees import read_tree

TRACK, UNIT = "bench", "m1-late-books"
GIVEN = """\
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

_draw = np.random.default_rng(7)
_size = 100_000
loans = pd.DataFrame(
    {
        "library": _draw.integers(0, 40, _size),
        "age": _draw.integers(6, 90, _size),
        "days": _draw.integers(1, 60, _size),
        "pages": _draw.integers(40, 900, _size),
    }
)
_risk = 0.05 * loans["days"] - 0.02 * loans["age"] + 0.001 * loans["pages"]
loans["late"] = (_risk + _draw.normal(0, 1, _size) > 1).astype(int)"""


@dataclass(frozen=True)
class Task:
    """A task: the cell she fills, a wrong answer, and its check twice; the lines of `hidden` are not given out."""

    name: str
    answer: str
    wrong: str
    expect: str
    asserts: str
    hidden_expect: str = ""
    hidden_asserts: str = ""


SMALL = """\
_small = pd.DataFrame({"library": [1, 1, 2], "age": [8, 40, 70], "days": [3, 5, 20], "pages": [90, 80, 70]})"""
TASKS = (
    Task(
        "rows",
        "rows = len(loans)\nmean_days = loans['days'].mean()",
        "rows = loans.size\nmean_days = loans['days'].mean()",
        'expect("rows").equals(100_000)\nexpect("mean_days").between(29, 31)',
        "assert rows == 100_000\nassert 29 < mean_days < 31",
    ),
    Task(
        "libraries",
        "libraries = loans.groupby('library').agg(loans=('days', 'size'), days=('days', 'mean'))",
        "libraries = loans.groupby('age').agg(loans=('days', 'size'), days=('days', 'mean'))",
        'expect("libraries").frame(columns=["loans", "days"], rows=40)',
        'assert list(libraries.columns) == ["loans", "days"]\nassert len(libraries) == 40',
        'expect("libraries").column("loans").numbers()',
        "assert libraries['loans'].sum() == 100_000",
    ),
    Task(
        "decades",
        "decades = loans.assign(decade=loans['age'] // 10 * 10).groupby('decade')['late'].mean().sort_index()",
        "decades = loans.assign(decade=loans['age'] // 20 * 20).groupby('decade')['late'].mean().sort_index()",
        'expect("decades").series(rows=9)',
        "assert len(decades) == 9",
    ),
    Task(
        "longest",
        "def longest(table, count):\n    return table.nlargest(count, 'days')\n\nlongest(loans, 5)",
        "def longest(table, count):\n    return table.nsmallest(count, 'days')\n\nlongest(loans, 5)",
        f'import pandas as pd\n{SMALL}\nexpect.call("longest", _small, 2).frame(rows=2)',
        f"import pandas as pd\n{SMALL}\nassert len(longest(_small, 2)) == 2",
        'expect.call("longest", _small, 2).equals(_small[_small["days"] > 3])',
        'assert set(longest(_small, 2)["days"]) == {5, 20}',
    ),
    Task(
        "split",
        "columns = ['age', 'days', 'pages']\ntrain, test = loans.iloc[:6000], loans.iloc[6000:9000]",
        "columns = ['age', 'days', 'pages']\ntrain, test = loans.iloc[:6000], loans.iloc[:3000]",
        'expect("train").length(6000)\nexpect("test").length(3000)\nexpect("columns").length(3)',
        "assert len(train) == 6000 and len(test) == 3000 and len(columns) == 3",
        'expect("test").satisfies(lambda table: table.index[0] == 6000, else_="again")',
        "assert test.index[0] == 6000",
    ),
    Task(
        "model",
        "model = LogisticRegression(max_iter=500).fit(train[columns].to_numpy(), train['late'])",
        "model = LogisticRegression(max_iter=400).fit(train[columns].to_numpy(), train['late'])",
        'expect("model").attribute("max_iter").equals(500)',
        "assert model.max_iter == 500",
        'expect("model").call("predict", [[80, 1, 50], [10, 59, 800]]).array(shape=(2,))',
        "assert model.predict([[80, 1, 50], [10, 59, 800]]).shape == (2,)",
    ),
    Task(
        "score",
        "score = model.score(test[columns].to_numpy(), test['late'])",
        "score = train['late'].mean()",
        'expect("score").between(0.7, 1)',
        "assert 0.7 < score < 1",
    ),
    Task(
        "forest",
        "forest = RandomForestClassifier(n_estimators=60, max_depth=6, random_state=0)\n"
        "forest.fit(train[columns].to_numpy(), train['late'])\n"
        "important = columns[forest.feature_importances_.argmax()]",
        "forest = RandomForestClassifier(n_estimators=60, max_depth=6, random_state=0)\n"
        "forest.fit(train[columns].to_numpy(), train['late'])\n"
        "important = columns[forest.feature_importances_.argmin()]",
        'expect("important").equals("days")',
        'assert important == "days"',
    ),
)
POINTS = 2.0
EXTRA = "finding = f'{score:.2f} of the loans of the test are foretold; {important} says most.'"
"""A ninth answer, which nobody asks for."""


def marked(name: str) -> str:
    """Return the key of a task's check."""
    return f"check-{name}"


def answers(number: int) -> tuple[dict[str, str], dict[str, float]]:
    """Return the texts of one submission's answers by key, and what each check earns."""
    wrong = {number % len(TASKS), number // 3 % len(TASKS)} if number % 3 == 0 else set()
    texts, points = {}, {}
    for place, task in enumerate(TASKS):
        is_wrong = place in wrong
        texts[f"answer-{task.name}"] = f"{task.wrong if is_wrong else task.answer}\nnumber_{task.name} = {number}"
        points[marked(task.name)] = 0.0 if is_wrong else POINTS
    texts["answer-finding"] = f"{EXTRA}\nnumber_of_finding = {number}"
    return texts, points


def write_course(place: Path) -> Path:
    """Write the course's text; return its folder."""
    course = place / "text" / TRACK
    unit = course / "units" / UNIT
    unit.mkdir(parents=True)
    table = 'weeks = 26\nmastery = 0.8\n\n[title]\nen = "Bench"\nfr = "Bench"\n\n'
    table += f'[skills.tables]\nen = "read a table"\nfr = "lire"\n\n[[units]]\nunit = "{UNIT}"\nweeks = [1, 2]\n'
    (course / "course.toml").write_text(table)
    tasks = "".join(f'{task.name} = "{task.name}"\n' for task in TASKS) + 'finding = "finding"\n'
    (unit / "unit.toml").write_text(
        'title = "Late books"\nsummary = "Tables and models."\nminutes = 60\nskills = { tables = 1.0 }\n\n'
        f'[tasks]\n{tasks}\n[messages]\nagain = "Look again."\n\n'
        '[staff]\nmeans = "she can fit a model"\nask = "what it says"\n'
    )
    for name in ("mentor.md", "trainer.md"):
        (unit / name).write_text("Look at the model.\n")
    (unit / "unit.md").write_text("\n\n".join(_blocks()) + "\n")
    (unit / "fr.po").write_text(
        'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    )
    return course


def _blocks() -> Iterator[str]:
    yield '+++ {"key": "intro"}\n\n# Late books'
    yield _block("given-loans", "given", GIVEN)
    for task in TASKS:
        yield f'+++ {{"key": "task-{task.name}"}}\n\n## {task.name}\n\nMake it.'
        solution = f"### BEGIN SOLUTION\n{task.answer}\n### END SOLUTION"
        yield _block(f"answer-{task.name}", "answer", solution, f"task: {task.name}")
        about = (f"task: {task.name}", f"points: {POINTS:g}", f"title: {task.name}")
        yield _block(marked(task.name), "check", _check(task, is_plain=False), *about)
    yield _block("answer-finding", "answer", f"### BEGIN SOLUTION\n{EXTRA}\n### END SOLUTION", "task: finding")


def _block(key: str, kind: str, source: str, *about: str) -> str:
    head = "\n".join((f"key: {key}", f"kind: {kind}", *about))
    return f"```{{code-cell}}\n---\n{head}\n---\n{source}\n```"


def _check(task: Task, *, is_plain: bool) -> str:
    lines = task.asserts if is_plain else f"from autograders import expect\n\n{task.expect}"
    hidden = task.hidden_asserts if is_plain else task.hidden_expect
    return f"{lines}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else lines


def plain_twin(source: NotebookNode) -> NotebookNode:
    """Return a built source with plain asserts in its checks, for stock nbgrader."""
    checks = {marked(task.name): _check(task, is_plain=True) for task in TASKS}
    for cell in source.cells:
        cell.source = checks.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return source


def submission(release: Path, number: int) -> dict[str, bytes]:
    """Return the files of one submission to a release in a folder."""
    texts, _ = answers(number)
    notebook = nbformat.read(release / f"{release.name}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = texts.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return {**read_tree(release), f"{release.name}.ipynb": json.dumps(notebook).encode()}


def lay(course_dir: Path, unit: str, files: Mapping[str, bytes], handle: str) -> None:
    """Lay a submission where nbgrader looks for it."""
    for name, content in files.items():
        path = course_dir / "submitted" / handle / unit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def cell_texts(source: NotebookNode, number: int) -> list[str]:
    """Return the code that a submission runs before it is checked, in order."""
    texts, _ = answers(number)
    cells = [cell for cell in source.cells if cell.cell_type == "code" and not _is_check(cell)]
    return [texts.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source) for cell in cells]


def _is_check(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade")) and not cell.metadata["nbgrader"]["solution"]


def build(place: Path) -> Path:
    """Build the course below a place; return its course directory."""
    build_course(write_course(place), place / TRACK)
    return place / TRACK
