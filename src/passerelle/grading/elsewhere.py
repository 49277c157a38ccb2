"""An assignment of a course made elsewhere, as nbgrader knows it, and a submission rebuilt by nbgrader's rules.

What counts of the unit is what `nbgrader generate_assignment` put into the gradebook: locked cells, tests, points.
`source/` adds the reference solutions. docs/marking.md has the rules, and where ours differ on purpose.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import nbformat
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum

from passerelle.courses import NotBuiltError
from passerelle.grading.gradebook import find_notebooks, gradebook
from passerelle.grading.layout import Layout
from passerelle.grading.rebuild import (
    Origin,
    Rebuilt,
    RebuiltCell,
    key_of,
    kind_of,
    lines_of,
    read_notebook,
    text_of,
    without_hidden_tests,
)
from passerelle.model.errors import ContentError
from passerelle.model.verdict import Message

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_ADDED_BACK = "This cell (id:{cell_id}) was missing from the submission. It was added back by nbgrader.\n\n"


class UnreadableSourceError(ContentError):
    """A source notebook of a course from elsewhere cannot be used."""

    @classmethod
    def of(cls, path: Path, what: str) -> Self:
        """Build the error from the file and what is the matter."""
        return cls(f"{path}: {what}; mend it and run «nbgrader generate_assignment» again")

    @classmethod
    def in_another_language(cls, path: Path, language: str) -> Self:
        """Build the error from a notebook that is not for Python."""
        return cls(f"{path}: the notebook is for {language}; only Python notebooks can be marked here")


@dataclass(frozen=True)
class SourceNotebook:
    """One notebook of an assignment.

    `cells` are those that the gradebook knows, in the order of the source; `solution` is the author's notebook,
    with the course's header and footer as in the release.
    """

    name: str
    cells: tuple[NotebookNode, ...]
    solution: NotebookNode


def source_notebooks(layout: Layout, unit: str) -> tuple[SourceNotebook, ...]:
    """Return the notebooks of an assignment.

    Raises:
        GradebookUnusableError: there is no gradebook, or it cannot be read.
        UnitNotReleasedError: the gradebook does not know the assignment.
        ContentError: a source notebook cannot be read, or is not for Python.
    """
    folder = layout.source(unit)
    if not folder.is_dir():
        raise NotBuiltError.missing(folder)
    with gradebook(layout.root) as rows:
        found = []
        for name, row in find_notebooks(rows, layout.root, unit).items():
            path = folder / f"{name}.ipynb"
            solution = _solution(layout, path)
            language = json.loads(row.kernelspec or "{}").get("language") or "python"
            if language.lower() != "python":
                raise UnreadableSourceError.in_another_language(path, language)
            found.append(SourceNotebook(name, _cells(layout, row, solution), solution))
    return tuple(found)


def _solution(layout: Layout, path: Path) -> NotebookNode:
    notebook = _read(path)
    for where, setting in ((0, "header"), (None, "footer")):
        beside = layout.setting("IncludeHeaderFooter", setting, "")
        if beside:
            cells = _read(layout.root / beside).cells
            notebook.cells = [*cells, *notebook.cells] if where == 0 else [*notebook.cells, *cells]
    for cell in notebook.cells:
        cell.source = _plain_delimiters(layout, cell.source)
    return notebook


def _read(path: Path) -> NotebookNode:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ids of cells that are missing or there twice, which nbformat mends
            notebook: NotebookNode = nbformat.reads(path.read_text("utf-8"), as_version=4)
    except FileNotFoundError as error:
        raise NotBuiltError.missing(path) from error
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise UnreadableSourceError.of(path, f"not readable as a notebook ({type(error).__name__})") from error
    # What an older nbgrader wrote is read as «nbgrader update» would write it.
    return MetadataValidator().upgrade_notebook_metadata(notebook)  # type: ignore[no-any-return]


def _cells(layout: Layout, notebook: Any, solution: NotebookNode) -> tuple[NotebookNode, ...]:
    """Return the gradebook's cells as notebook cells, with all of nbgrader's metadata."""
    points = {cell.name: float(cell.max_score) for cell in [*notebook.grade_cells, *notebook.task_cells]}
    graded, tasks, solutions = (
        {cell.name for cell in cells} for cells in (notebook.grade_cells, notebook.task_cells, notebook.solution_cells)
    )
    authors = {key_of(cell): cell for cell in solution.cells if key_of(cell)}
    order = {key: place for place, key in enumerate(authors)}
    made = []
    for row in notebook.source_cells:
        meta = {
            "schema_version": 3,
            "grade_id": row.name,
            "cell_type": row.cell_type,
            "grade": row.name in graded,
            "solution": row.name in solutions,
            "locked": bool(row.locked),
            "task": row.name in tasks,
            "checksum": row.checksum,
        }
        if row.name in points:
            meta["points"] = points[row.name]
        author = authors.get(row.name)
        new: Any = nbformat.v4.new_code_cell if row.cell_type == "code" else nbformat.v4.new_markdown_cell
        cell = new(source=_plain_delimiters(layout, row.source or ""))
        cell.metadata = nbformat.from_dict({**(author.metadata if author is not None else {}), "nbgrader": meta})
        cell.id = (author.get("id") if author is not None else None) or row.id[:12]
        made.append(cell)
    return tuple(sorted(made, key=lambda cell: order.get(key_of(cell), len(order))))


def _plain_delimiters(layout: Layout, text: str) -> str:
    """Return a cell with its hidden tests between the marks that the examiner knows, line for line."""
    begin = layout.setting("ClearHiddenTests", "begin_test_delimeter", "BEGIN HIDDEN TESTS")
    end = layout.setting("ClearHiddenTests", "end_test_delimeter", "END HIDDEN TESTS")
    if begin not in text:
        return text
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(f"{indent}{BEGIN}" if begin in line else f"{indent}{END}" if end in line else line)
    return "\n".join(lines)


# A submission


def rebuild_elsewhere(source: SourceNotebook, submitted: bytes, *, add_missing: bool) -> Rebuilt:
    """Rebuild a notebook by nbgrader's rules: the submission's own order, the last of two cells with one id.

    Args:
        source: the notebook as the gradebook knows it.
        submitted: the submitted file.
        add_missing: put graded cells back that are not there (nbgrader's `OverwriteCells.add_missing_cells`).

    Raises:
        UnreadableSubmissionError: the file is no notebook, or larger than any honest one.
    """
    known = {key_of(made): made for made in source.cells}
    sent = read_notebook(submitted)["cells"]
    last = {key_of(cell): place for place, cell in enumerate(sent) if key_of(cell) in known}
    cells: list[RebuiltCell] = []
    copies, changed = set[str](), 0
    for place, cell in enumerate(sent):
        key, text, cell_type = key_of(cell), text_of(cell), str(cell.get("cell_type"))
        if last.get(key) == place:
            made = known[key]
            cells.append(_rebuilt(made, text))
            changed += made.metadata.nbgrader.locked and lines_of(text) not in _releases(made)
            continue
        if key in known:
            copies.add(key)
        if cell_type in ("code", "markdown"):
            cells.append(RebuiltCell("", "added", None, cell_type, text, Origin.ADDED))
    notices = [Message(id="notice-copied", args={"title": key}) for key in sorted(copies)]
    notices += _put_back(cells, known, last, add_missing=add_missing)
    if changed:
        notices.append(Message(id="notice-restored", args={"count": int(changed)}))
    return Rebuilt(tuple(cells), _answers(cells), tuple(notices))


def nothing_of_elsewhere(source: SourceNotebook) -> Rebuilt:
    """Return the rebuilt notebook of one that was not sent or cannot be read: as it was released, 0 for everything."""
    cells = tuple(RebuiltCell(key_of(made), kind_of(made), None, made.cell_type, made.source, Origin.SOURCE, made)
                  for made in source.cells)  # fmt: skip
    return Rebuilt(cells, {cell.key: None for cell in cells})


def _rebuilt(made: NotebookNode, text: str) -> RebuiltCell:
    kept = bool(made.metadata.nbgrader.locked)
    origin = Origin.SOURCE if kept else Origin.ANSWER
    return RebuiltCell(key_of(made), kind_of(made), None, made.cell_type, made.source if kept else text, origin, made)


def _releases(made: NotebookNode) -> tuple[list[str], list[str]]:
    return lines_of(without_hidden_tests(made.source)), lines_of(made.source)


def _put_back(
    cells: list[RebuiltCell], known: Mapping[str, NotebookNode], sent: Mapping[str, int], *, add_missing: bool
) -> list[Message]:
    """Add what is missing of the graded cells: as cells to run, or as what a person has to look at."""
    notices, before = [], ""
    for key, made in known.items():
        meta = made.metadata.nbgrader
        if key not in sent and (meta.grade or meta.task):
            notices.append(Message(id="notice-absent", args={"title": key}))
            after = next((place for place, cell in enumerate(cells, 1) if before and cell.key == before), 0)
            cells.insert(len(cells) if meta.task or not add_missing else after, _missing(made, add_missing=add_missing))
        before = key
    return notices


def _missing(made: NotebookNode, *, add_missing: bool) -> RebuiltCell:
    if not add_missing:
        # nbgrader has no automatic points for it and asks a person; it is not in the notebook.
        return RebuiltCell(key_of(made), "missing", None, made.cell_type, "", Origin.MISSING, made)
    said = _ADDED_BACK.format(cell_id=key_of(made))
    return _rebuilt(made, ("# " if made.cell_type == "code" else "") + said + made.source)


def _answers(cells: list[RebuiltCell]) -> dict[str, str | None]:
    """Return what she wrote, by key: None where a cell is as it was released, by nbgrader's checksum."""
    hers = "\0".join(cell.text for cell in cells if cell.origin in (Origin.ANSWER, Origin.ADDED))
    answers: dict[str, str | None] = {}
    for cell in cells:
        if cell.made is None:
            continue
        meta = cell.made.metadata.nbgrader
        if meta.task:
            # The answer to a task may stand anywhere.
            answers[cell.key] = hers
        elif cell.origin is Origin.MISSING:
            answers[cell.key] = ""
        elif meta.solution:
            written = nbformat.from_dict({**cell.made, "source": cell.text})
            answers[cell.key] = None if compute_checksum(written) == meta.checksum else cell.text
    return answers
