"""Words to write small assignments of plain asserts with, and stock nbgrader to release them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "differential"
c.Execute.timeout = 15
"""


@dataclass(frozen=True)
class Part:
    """One cell of a source; `others` are answers that somebody may give instead, by a word for each."""

    kind: str
    key: str
    text: str
    points: float | None = None
    cell_type: str = "code"
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """One assignment: its notebooks by name, and the files beside them."""

    name: str
    notebooks: Mapping[str, Sequence[Part]]
    files: Mapping[str, str] = field(default_factory=dict)

    def parts(self, kind: str | None = None) -> Iterator[Part]:
        """Yield the parts of all notebooks, or those of a kind."""
        for parts in self.notebooks.values():
            yield from (part for part in parts if kind in (None, part.kind))


def one(name: str, *parts: Part, files: Mapping[str, str] | None = None) -> Assignment:
    """Return an assignment of one notebook."""
    return Assignment(name, {name: parts}, files or {})


def prose(text: str) -> Part:
    return Part("prose", "", text, cell_type="markdown")


def free(text: str) -> Part:
    """Return a code cell that nbgrader knows nothing of."""
    return Part("free", "", text)


def given(key: str, text: str) -> Part:
    """Return a code cell that is read-only."""
    return Part("given", key, text)


def answer(key: str, right: str, **others: str) -> Part:
    return Part("answer", key, right, others=others)


def check(key: str, points: float, text: str) -> Part:
    return Part("check", key, text, points)


def manual(key: str, points: float, right: str, *, code: bool = False, **others: str) -> Part:
    """Return an answer that a person marks."""
    return Part("manual", key, right, points, "code" if code else "markdown", others)


def task(key: str, points: float, text: str) -> Part:
    return Part("task", key, text, points, "markdown")


# Making the course


def make_course(root: Path, assignments: Sequence[Assignment]) -> Path:
    """Write a course directory, and let stock nbgrader release all of it."""
    write_course(root, assignments)
    done = nbgrader(root, "generate_assignment", "*", "--force")
    assert done.returncode == 0, done.stderr
    return root


def write_course(root: Path, assignments: Sequence[Assignment]) -> None:
    """Write a course directory: its sources and nbgrader's configuration."""
    (root / "nbgrader_config.py").write_text(CONFIG)
    for assignment in assignments:
        folder = root / "source" / assignment.name
        for name, parts in assignment.notebooks.items():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.ipynb").write_text(nbformat.writes(_notebook(parts)), "utf-8")
        for path, content in assignment.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, "utf-8")


def nbgrader(root: Path, *arguments: str, timeout_s: float = 7200) -> subprocess.CompletedProcess[str]:
    """Run stock nbgrader there."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_NO_CONFIG": "1",
        "HOME": str(root),
        "IPYTHONDIR": str(root / ".ipython"),
        "PYTHONHASHSEED": "0",
    }
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


def _notebook(parts: Sequence[Part]) -> NotebookNode:
    cells = []
    for number, part in enumerate(parts):
        text = part.text
        if part.kind in ("answer", "manual"):
            text = f"### BEGIN SOLUTION\n{text}\n### END SOLUTION"
        new: Any = nbformat.v4.new_code_cell if part.cell_type == "code" else nbformat.v4.new_markdown_cell
        cell = new(text, id=part.key or f"cell-{number}")
        if part.key:
            cell.metadata["nbgrader"] = nbformat.from_dict(_flags(part))
        cells.append(cell)
    made: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": dict(KERNEL)})
    made.nbformat_minor = 5
    return made


def _flags(part: Part) -> dict[str, object]:
    flags: dict[str, object] = {
        "schema_version": 3,
        "grade_id": part.key,
        "grade": part.kind in ("check", "manual"),
        "solution": part.kind in ("answer", "manual"),
        "locked": part.kind in ("check", "given", "task"),
        "task": part.kind == "task",
    }
    if part.points is not None:
        flags["points"] = part.points
    return flags
