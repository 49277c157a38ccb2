"""unit.md: the cells of a unit, by key."""

import ast
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nbformat import NotebookNode, ValidationError

from passerelle.courses.faults import CourseTextError, Fault
from passerelle.courses.schema import KEY_PATTERN, UnitTable


class Kind(StrEnum):
    """What a cell is for."""

    PROSE = "prose"
    RECALL = "recall"
    EXAMPLE = "example"
    GIVEN = "given"
    PRACTISE = "practise"
    HINTS = "hints"
    ANSWER = "answer"
    CHECK = "check"
    MANUAL = "manual"


_MARKDOWN = frozenset({Kind.PROSE, Kind.RECALL, Kind.MANUAL})
_CODE = frozenset(Kind) - {Kind.PROSE}
_SOLUTIONS = frozenset({Kind.ANSWER, Kind.MANUAL, Kind.PRACTISE, Kind.RECALL})
_MARKED = frozenset({Kind.CHECK, Kind.MANUAL})
_NEED_TASK = frozenset({Kind.ANSWER, Kind.CHECK, Kind.MANUAL, Kind.HINTS})
_MAY_HAVE_TASK = _NEED_TASK | {Kind.PRACTISE, Kind.RECALL}

SOLUTION = "SOLUTION"
HIDDEN_TESTS = "HIDDEN TESTS"


@dataclass(frozen=True)
class Cell:
    """One cell of unit.md. `points` and `title` are set for marked cells; `line` is where it starts."""

    key: str
    kind: Kind
    cell_type: str
    source: str
    line: int
    task: str | None = None
    points: float | None = None
    title: str | None = None

    @property
    def is_prose(self) -> bool:
        """Say whether the cell is read, not answered: its text is translated."""
        return self.cell_type == "markdown" and self.kind is not Kind.MANUAL

    @property
    def is_solution(self) -> bool:
        """Say whether the fellow writes in it and its solution is taken out of the release."""
        if self.kind in {Kind.ANSWER, Kind.MANUAL}:
            return True
        return not self.is_prose and self.kind in _SOLUTIONS and f"BEGIN {SOLUTION}" in self.source

    @property
    def is_marked(self) -> bool:
        """Say whether it carries points."""
        return self.kind in _MARKED


def read_cells(text: str, where: str) -> tuple[Cell, ...]:
    """Return the cells of a unit's MyST text.

    Raises:
        CourseTextError: naming every cell that cannot be built, with its line, and the cure.
    """
    # It brings Jupyter's server along, which marking and releases need not wait for.
    from jupytext.myst import MystMetadataParsingError, myst_to_notebook  # noqa: PLC0415  see above

    try:
        notebook = myst_to_notebook(text, add_source_map=True)
    except (MystMetadataParsingError, ValidationError) as error:
        cure = 'a Markdown cell starts with +++ {"key": "…"}, a code cell with a YAML block between ---'
        raise CourseTextError.at(where, " ".join(str(error).split()), cure) from error
    nodes = list(zip(notebook.metadata["source_map"], notebook.cells, strict=True))
    # Shift+Enter in the last cell adds an empty one below it in JupyterLab, and saving writes it: nothing was meant.
    while nodes and _is_empty(nodes[-1][1]):
        nodes.pop()
    cells: list[Cell] = []
    faults: list[Fault] = []
    for line, node in nodes:
        # jupytext counts from 0 to the first line inside a cell: from 1, that is the cell's own first line.
        found = _Reader(where, max(line, 1), node.cell_type, dict(node.metadata), node.source)
        cell = found.cell()
        faults.extend(found.faults)
        if cell is not None:
            cells.append(cell)
    faults.extend(_repeated(cells, where))
    if not cells and not faults:
        faults.append(Fault(where, "there is no cell", 'start with a line +++ {"key": "intro"}'))
    if faults:
        raise CourseTextError.of(faults)
    return tuple(cells)


def check_cells(cells: tuple[Cell, ...], table: UnitTable, where: str) -> list[Fault]:
    """Return what in the cells does not fit unit.toml."""
    faults = []
    for cell in cells:
        place = f"{where} line {cell.line}, cell {cell.key!r}"
        if cell.task is not None and cell.task not in table.tasks:
            faults.append(Fault(place, f"the task {cell.task!r} is not in unit.toml", "add it to [tasks]"))
        elif cell.kind is Kind.HINTS and cell.task not in table.hints:
            faults.append(Fault(place, "unit.toml has no hints for this task", f"write [hints.{cell.task}]"))
    faults += _rubric_faults(cells, table)
    checks = {cell.key for cell in cells if cell.kind is Kind.CHECK}
    for key in sorted(set(table.blank) - checks):
        faults.append(Fault("unit.toml, blank", f"there is no check {key!r}", "take it out, or mend its name"))
    return faults


def _rubric_faults(cells: tuple[Cell, ...], table: UnitTable) -> list[Fault]:
    """Return where a rubric belongs to no manual cell, or does not add up to its points."""
    manual = {cell.key: cell.points or 0.0 for cell in cells if cell.kind is Kind.MANUAL}
    faults = []
    for key, criteria in table.rubric.items():
        place = f"unit.toml, rubric.{key}"
        most = sum(max(level.points for level in one.levels.values()) for one in criteria.values())
        if key not in manual:
            faults.append(Fault(place, f"there is no manual cell {key!r}", "take it out, or mend its name"))
        elif abs(most - manual[key]) > 1e-9:
            cure = "change a level's points, or the cell's"
            faults.append(Fault(place, f"its best levels give {most:g} points, the cell {manual[key]:g}", cure))
    return faults


def _is_empty(node: NotebookNode) -> bool:
    """Say whether a cell has neither a field nor a text."""
    return not node.metadata and not node.source.strip()


def _repeated(cells: list[Cell], where: str) -> list[Fault]:
    """Return a fault for every key that two cells share: nbgrader would overwrite one by the other."""
    first: dict[str, Cell] = {}
    faults = []
    for cell in cells:
        if cell.key in first:
            place = f"{where} line {cell.line}, cell {cell.key!r}"
            faults.append(Fault(place, f"line {first[cell.key].line} has the same key", "rename one"))
        first.setdefault(cell.key, cell)
    return faults


class _Reader:
    """Reads one cell and collects what is to mend in it."""

    def __init__(self, where: str, line: int, cell_type: str, fields: dict[str, Any], source: str) -> None:
        self.line, self.cell_type, self.fields, self.source = line, cell_type, fields, source
        key = fields.pop("key", None)
        self.key = key if isinstance(key, str) else None
        self.place = f"{where} line {line}" + (f", cell {key!r}" if key else "")
        self.faults: list[Fault] = []

    def cell(self) -> Cell | None:
        """Return the cell, or None where it has a fault."""
        if self.key is None and not self.source.strip():
            self._fault("the cell is empty and has no key", "take it out, or give it a key and a text")
            return None
        self._key()
        kind = self._kind()
        if kind is None:
            return None
        task = self._task(kind)
        points, title = self._marks(kind)
        for field in self.fields:
            self._fault(f"a cell of kind {kind} has no field {field!r}", "take it out, or mend its name")
        self._regions(kind)
        if self.faults or self.key is None:
            return None
        return Cell(self.key, kind, self.cell_type, self.source, self.line, task, points, title)

    def _fault(self, what: str, cure: str) -> None:
        self.faults.append(Fault(self.place, what, cure))

    def _key(self) -> None:
        if self.key is None:
            cure = '+++ {"key": "…"} above it' if self.cell_type == "markdown" else "key: … in its YAML block"
            self._fault(f"the cell has no key ({self.source.strip()[:30]!r})", f"write {cure}")
        elif not re.fullmatch(KEY_PATTERN, self.key):
            self._fault("this is not a key", "use lower case letters, digits and hyphens, a letter first")

    def _kind(self) -> Kind | None:
        default = Kind.PROSE if self.cell_type == "markdown" else None
        name = self.fields.pop("kind", default)
        if name is None:
            self._fault("the code cell has no kind", "write kind: example, given, practise, hints, answer or check")
            return None
        if name not in list(Kind):
            self._fault(f"there is no kind {name!r}", f"use one of: {', '.join(Kind)}")
            return None
        kind = Kind(name)
        if kind not in (_MARKDOWN if self.cell_type == "markdown" else _CODE):
            self._fault(f"a {self.cell_type} cell cannot be of kind {kind}", "change its kind, or the cell")
            return None
        return kind

    def _task(self, kind: Kind) -> str | None:
        if kind not in _MAY_HAVE_TASK:
            return None
        task = self.fields.pop("task", None)
        if task is None and kind in _NEED_TASK:
            self._fault("it belongs to no task", "write its task, as named in unit.toml [tasks]")
        return None if task is None else str(task)

    def _marks(self, kind: Kind) -> tuple[float | None, str | None]:
        if kind not in _MARKED:
            return None, None
        points, title = self.fields.pop("points", None), self.fields.pop("title", None)
        if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
            self._fault("it has no points", "write points: a number above 0")
            points = 0
        if not isinstance(title, str) or not title.strip():
            self._fault("it has no title", "write its title: feedback and formgrader show it")
            title = ""
        return float(points), title

    def _regions(self, kind: Kind) -> None:
        prose = self.cell_type == "markdown" and kind is not Kind.MANUAL
        for name, allowed in ((SOLUTION, kind in _SOLUTIONS and not prose), (HIDDEN_TESTS, kind is Kind.CHECK)):
            depth = _balance(self.source, name)
            if depth is None:
                self._fault(f"BEGIN and END {name} do not pair", "put each BEGIN before its END, none inside another")
            elif depth and not allowed:
                self._fault(f"a cell of kind {kind} cannot hold {name}", "move it, or change the kind")
        if kind is Kind.CHECK:
            self._check()

    def _check(self) -> None:
        visible = [line for line in outside(self.source, HIDDEN_TESTS).split("\n") if line.strip()]
        if all(line.lstrip().startswith("#") for line in visible):
            self._fault("nothing of the check is visible", "keep one line of code outside the hidden tests")
        try:
            ast.parse(self.source)
        except SyntaxError as error:
            self._fault(f"the check is not Python ({error.msg}, its line {error.lineno})", "mend that line")


def outside(source: str, region: str) -> str:
    """Return the text without its regions of a name, markers included."""
    kept, inside = [], False
    for line in source.split("\n"):
        if f"BEGIN {region}" in line:
            inside = True
        elif f"END {region}" in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def _balance(source: str, region: str) -> int | None:
    """Return how many regions there are, or None where the markers do not pair."""
    count, inside = 0, False
    for line in source.split("\n"):
        begins, ends = f"BEGIN {region}" in line, f"END {region}" in line
        if (begins and inside) or (ends and not inside and not begins):
            return None
        inside = begins or (inside and not ends)
        count += begins
    return None if inside else count
