"""What nbgrader's generate_assignment makes of a source notebook, without nbgrader.

nbgrader needs seconds to be imported and to start; what it then does to a notebook is little, and done here step by
step in its order, with the settings of a course of ours. A test holds both to the same bytes and rows.
"""

import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.validator import normalize

from passerelle.courses import STUB

_LANGUAGE = "python"
_AUTOTEST = "AUTOTEST"
_ID = re.compile(r"[a-zA-Z0-9_\-]*")
_ATTACHMENT = re.compile(r"!\[.*\]\(attachment:.+?\)")
_KINDS = {"GradeCell": "grade", "SolutionCell": "solution", "TaskCell": "task"}
_FLAGS = ("grade", "locked", "solution")
_KNOWN = {*_FLAGS, "schema_version", "task", "grade_id", "points", "checksum", "cell_type"}


class SourceFaultError(Exception):
    """Why nbgrader would make no release of a notebook; who asked for one says where and what to do."""


@dataclass(frozen=True)
class SourceCell:
    """A cell that nbgrader knows, as it goes into the gradebook: its solution is out, its hidden tests are in.

    `kinds` are nbgrader's own names: an answer that a person marks is a GradeCell and a SolutionCell.
    """

    name: str
    cell_type: str
    kinds: frozenset[str]
    locked: bool
    max_score: float | None
    source: str
    checksum: str | None


@dataclass(frozen=True)
class Handout:
    """A notebook as it is given out, and what of it goes into the gradebook."""

    text: str
    kernelspec: dict[str, Any]
    cells: tuple[SourceCell, ...]


def handout(source: str) -> Handout:
    """Return what fellows get of a source notebook: neutral stubs for solutions, no hidden tests, no outputs.

    Raises:
        SourceFaultError: nbgrader would refuse it.
    """
    with warnings.catch_warnings():
        # nbformat gives ids to cells that have none, and says so.
        warnings.simplefilter("ignore")
        notebook = normalize(nbformat.reads(source, as_version=4))[1]
    if any(cell.cell_type == "code" and _AUTOTEST in cell.source for cell in notebook.cells):
        raise SourceFaultError(f"a cell asks for nbgrader's {_AUTOTEST}, which units have not")
    language = notebook.metadata.get("kernelspec", {}).get("language", _LANGUAGE)
    if language != _LANGUAGE:
        raise SourceFaultError(f"its language is {language!r}; units are in Python")
    for cell in notebook.cells:
        _lock(cell)
        _clear_solution(cell)
        _clear_output(cell)
    notebook.metadata.pop("celltoolbar", None)
    check_metadata(notebook)
    for cell in notebook.cells:
        _sign(cell)
    cells = tuple(_source_cells(notebook))
    for cell in notebook.cells:
        _clear_region(cell, "HIDDEN TESTS", "grade")
        _clear_region(cell, "MARK SCHEME", "task")
        _sign(cell)
    try:
        nbformat.validate(notebook, relax_add_props=True)
    except nbformat.ValidationError as error:
        raise SourceFaultError(f"it is no valid notebook: {error}") from error
    text = nbformat.v4.writes(notebook).rstrip("\n") + "\n"
    return Handout(text, dict(notebook.metadata.get("kernelspec", {})), cells)


def check_metadata(notebook: NotebookNode) -> None:
    """Hold the cells' metadata to nbgrader's schema (version 3) and its rules.

    Raises:
        SourceFaultError: the first that does not.
    """
    seen = set()
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        _check_schema(meta)
        _check_kind(cell, meta)
        if any(meta[flag] for flag in _FLAGS):
            if meta["grade_id"] in seen:
                raise SourceFaultError(f"Duplicate grade id: {meta['grade_id']}")
            seen.add(meta["grade_id"])


def _check_schema(meta: dict[str, Any]) -> None:
    wrong = {name for name in (*_FLAGS, "task") if not isinstance(meta.get(name, name == "task"), bool)}
    points, checksum = meta.get("points", 0), meta.get("checksum", "0" * 32)
    wrong |= {name for name in _FLAGS if name not in meta} | (set(meta) - _KNOWN)
    if meta.get("schema_version") != 3:  # nbgrader's present one
        wrong.add("schema_version")
    if isinstance(points, bool) or not isinstance(points, int | float) or points < 0:
        wrong.add("points")
    if not isinstance(checksum, str) or len(checksum) != 32:  # MD5 in figures and letters
        wrong.add("checksum")
    if not isinstance(meta.get("grade_id", ""), str) or _ID.fullmatch(meta.get("grade_id", "")) is None:
        wrong.add("grade_id")
    if meta.get("cell_type", "code") not in {"raw", "code", "markdown"}:
        wrong.add("cell_type")
    if wrong:
        raise SourceFaultError(f"the nbgrader metadata of a cell may be corrupted: {', '.join(sorted(wrong))}")


def _check_kind(cell: NotebookNode, meta: dict[str, Any]) -> None:
    if any(meta[flag] for flag in _FLAGS) and not meta.get("grade_id"):
        raise SourceFaultError(f"nbgrader cell does not have a grade_id: {cell.source}")
    if meta["grade"] and "points" not in meta:
        raise SourceFaultError(f"nbgrader cell {meta['grade_id']!r} does not have points")
    if meta.get("task", False):
        if cell.cell_type != "markdown":
            raise SourceFaultError(f"Task cells have to be markdown: {cell.source}")
    elif cell.cell_type == "markdown" and meta["grade"] != meta["solution"]:
        raise SourceFaultError(f"Markdown cell {meta['grade_id']!r} has to be marked and a solution, or neither")


def _is(cell: NotebookNode, flag: str) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get(flag, False))


def _is_locked(cell: NotebookNode) -> bool:
    return not _is(cell, "solution") and (_is(cell, "grade") or _is(cell, "locked"))


def _lock(cell: NotebookNode) -> None:
    if _is(cell, "solution"):
        cell.metadata["deletable"] = False
    elif _is_locked(cell):
        cell.metadata["deletable"] = False
        cell.metadata["editable"] = False


def _clear_solution(cell: NotebookNode) -> None:
    replaced = _clear_region(cell, "SOLUTION", "solution", stub=STUB)
    if _is(cell, "solution") and not replaced:
        cell.source = STUB


def _clear_region(cell: NotebookNode, name: str, flag: str, stub: str | None = None) -> bool:
    """Take out what stands between BEGIN and END; say whether there was anything."""
    kept: list[str] = []
    inside = found = False
    for line in cell.source.split("\n"):
        if f"BEGIN {name}" in line:
            if inside:
                raise SourceFaultError(f"encountered nested begin {name.lower()} statements")
            inside = found = True
            if stub is not None:
                kept += [line[: len(line) - len(line.lstrip())] + part for part in stub.split("\n")]
        elif f"END {name}" in line:
            inside = False
        elif not inside:
            kept.append(line)
        elif flag == "task" and _ATTACHMENT.search(line):
            raise SourceFaultError("an attachment in a marking scheme would be given out: put the picture in the text")
    if inside:
        raise SourceFaultError(f"no end {name.lower()} statement found")
    if found and not _is(cell, flag):
        raise SourceFaultError(f"a {name.lower()} region is in a cell that nbgrader does not know as a {flag} cell")
    cell.source = "\n".join(kept)
    return found


def _clear_output(cell: NotebookNode) -> None:
    if cell.cell_type == "code":
        cell.outputs = []
        cell.execution_count = None
        for name in ("collapsed", "scrolled"):
            cell.metadata.pop(name, None)


def _sign(cell: NotebookNode) -> None:
    """Put nbgrader's checksum and the cell's type into what it marks or overwrites."""
    if _is(cell, "grade") or _is(cell, "solution") or _is_locked(cell):
        cell.metadata.nbgrader["checksum"] = _checksum(cell)
        cell.metadata.nbgrader["cell_type"] = cell.cell_type


def _checksum(cell: NotebookNode) -> str:
    parts = [cell.source, cell.cell_type, *(str(_is(cell, flag)) for flag in ("grade", "solution"))]
    parts += [str(_is_locked(cell)), cell.metadata.nbgrader["grade_id"]]
    if _is(cell, "grade"):
        parts.append(str(float(cell.metadata.nbgrader["points"])))
    # nbgrader's own hash: it tells an untouched answer from a changed one.
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _source_cells(notebook: NotebookNode) -> Iterator[SourceCell]:
    for cell in notebook.cells:
        kinds = frozenset(kind for kind, flag in _KINDS.items() if _is(cell, flag))
        if kinds or _is_locked(cell):
            meta = cell.metadata.nbgrader
            yield SourceCell(
                name=meta["grade_id"],
                cell_type=cell.cell_type,
                kinds=kinds,
                locked=_is_locked(cell),
                max_score=float(meta["points"]) if kinds & {"GradeCell", "TaskCell"} else None,
                source=cell.source,
                checksum=meta.get("checksum"),
            )
