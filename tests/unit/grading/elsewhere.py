"""A tiny course made with stock nbgrader: two notebooks, every kind of cell, a late penalty; and submissions to it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

PS = "ps1"
ONE, TWO = "numbers", "words"
DUE = datetime(2025, 3, 10, 12)
IN_TIME, LATE = "2025-03-10 11:00:00 UTC", "2025-03-10 14:30:00 UTC"

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "elsewhere101"
c.ClearSolutions.begin_solution_delimeter = "# <answer>"
c.ClearSolutions.end_solution_delimeter = "# </answer>"
c.ClearHiddenTests.begin_test_delimeter = "# <hidden>"
c.ClearHiddenTests.end_test_delimeter = "# </hidden>"
c.AssignLatePenalties.plugin_class = "late.SubMarks"
"""
PLUGIN = '''\
from nbgrader.plugins import BasePlugin


class SubMarks(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        """One point an hour, as nbgrader's documentation has it."""
        return round(total_seconds_late / 3600, 0)
'''
SQUARE = "def square(number):\n    return number * number"
HALVES = "def halves(rows):\n    return [row / 2 for row in rows]"
WHY = "Because it is symmetric."
RIGHT = {"square": SQUARE, "halves": HALVES, "why": WHY, "shout": "def shout(text):\n    return text.upper()"}


def make_course(root: Path) -> Path:
    """Write the course, and let stock nbgrader put its assignment into a gradebook."""
    folder = root / "source" / PS
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "rows.txt").write_text("2\n4\n")
    (folder / f"{ONE}.ipynb").write_text(nbformat.writes(numbers()), "utf-8")
    (folder / f"{TWO}.ipynb").write_text(nbformat.writes(words()), "utf-8")
    (root / "nbgrader_config.py").write_text(CONFIG)
    (root / "late.py").write_text(PLUGIN)
    generate(root)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        book.update_or_create_assignment(PS, duedate=DUE)
    return root


def generate(root: Path) -> None:
    done = nbgrader(root, "generate_assignment", PS, "--force")
    assert done.returncode == 0, done.stderr


def numbers() -> NotebookNode:
    return _notebook(
        _markdown("# Numbers"),
        _code("rows = [int(line) for line in open('data/rows.txt')]", "rows", locked=True),
        _code("# <answer>\n" + SQUARE + "\n# </answer>", "square", solution=True),
        _code("assert square(2) == 4\n# <hidden>\nassert square(-3) == 9\n# </hidden>", "test-square", points=2),
        _code("# <answer>\n" + HALVES + "\n# </answer>", "halves", solution=True),
        _code(
            "right = halves(rows) == [1, 2]\n3 if right else 1.5 if len(halves(rows)) == 2 else 0",
            "test-halves",
            points=3,
        ),
        _code("print('a free cell')"),
    )


def words() -> NotebookNode:
    return _notebook(
        _markdown("# <answer>\n" + WHY + "\n# </answer>", "why", solution=True, points=2),
        _code("# <answer>\n" + RIGHT["shout"] + "\n# </answer>", "shout", solution=True, points=4),
        _markdown("Describe it.", "describe", task=True, points=1),
        _code("assert shout('a') == 'A'", "test-shout", points=1),
    )


def submission(
    root: Path, answers: Mapping[str, str | None] | None = None, *, names: tuple[str, ...] = (ONE, TWO)
) -> dict[str, NotebookNode]:
    """Return the release's notebooks with these answers, the others right; one left out (None) stays as released."""
    given: dict[str, str | None] = {**RIGHT, **(answers or {})}
    found = {}
    for name in names:
        notebook = nbformat.read(root / "release" / PS / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            key = cell.metadata.get("nbgrader", {}).get("grade_id")
            if key in given and given[key] is not None:
                cell.source = given[key]
        found[name] = notebook
    return found


def hand_in(
    root: Path, handle: str, notebooks: Mapping[str, NotebookNode], stamp: str | None = IN_TIME, **files: bytes
) -> Path:
    """Lay a submission where `nbgrader collect` lays it."""
    folder = root / "submitted" / handle / PS
    folder.mkdir(parents=True, exist_ok=True)
    for name, notebook in notebooks.items():
        (folder / f"{name}.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if stamp is not None:
        (folder / "timestamp.txt").write_text(stamp)
    return folder


def grades(root: Path, handle: str) -> dict[str, tuple[float | None, bool]]:
    """Return nbgrader's own reading of a submission: automatic score, and whether a person has to look, by place."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        return {
            f"{notebook.name}/{grade.name}": (grade.auto_score, grade.needs_manual_grade)
            for notebook in book.find_submission(PS, handle).notebooks
            for grade in notebook.grades
        }


def penalties(root: Path, handle: str) -> dict[str, float | None]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        return {one.name: one.late_submission_penalty for one in book.find_submission(PS, handle).notebooks}


def comments(root: Path, handle: str) -> dict[str, str | None]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        return {
            f"{notebook.name}/{comment.name}": comment.auto_comment
            for notebook in book.find_submission(PS, handle).notebooks
            for comment in notebook.comments
        }


def nbgrader(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run stock nbgrader there."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_NO_CONFIG": "1",
        "HOME": str(root),
        "IPYTHONDIR": str(root / ".ipython"),
    }
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def _notebook(*cells: NotebookNode) -> NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made: NotebookNode = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})
    made.nbformat_minor = 5
    return made


def _code(source: str, key: str | None = None, **flags: object) -> NotebookNode:
    return _marked(nbformat.v4.new_code_cell(source), key, flags)


def _markdown(source: str, key: str | None = None, **flags: object) -> NotebookNode:
    return _marked(nbformat.v4.new_markdown_cell(source), key, flags)


def _marked(cell: NotebookNode, key: str | None, flags: Mapping[str, object]) -> NotebookNode:
    if key is not None:
        cell.id = key
        points, task = flags.get("points"), bool(flags.get("task"))
        solution = bool(flags.get("solution"))
        cell.metadata["nbgrader"] = nbformat.from_dict(
            {
                "schema_version": 3,
                "grade_id": key,
                "grade": points is not None and not task,
                "solution": solution,
                "locked": bool(flags.get("locked")) or (points is not None and not solution),
                "task": task,
                "cell_type": cell.cell_type,
                **({"points": points} if points is not None else {}),
            }
        )
    return cell
