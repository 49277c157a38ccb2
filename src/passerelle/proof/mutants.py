"""Planted bugs: the reference answers of a unit, changed in one place at a time.

What is changed is the part of an answer that its author marked as the solution. The order is that of the text, the
same in every run; what gives the same code twice is planted once.
"""

import ast
import difflib
import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from passerelle.courses import Kind, UnitFolder
from passerelle.proof import mutate_html, mutate_library, mutate_python
from passerelle.proof.mutate_python import Surroundings
from passerelle.proof.submissions import is_marker

MOST = 400
"""Planted in one unit; of more, a sample whose seed is the unit's name."""

_FILE_CELL = re.compile(r"%%(?:writefile|file)\s+(?:-\w+\s+)*(?P<name>\S+)")


@dataclass(frozen=True)
class Mutant:
    """One planted bug. `text` is the whole cell with it; `change` is what is other, as lines with - and +.

    `number` counts the places of a cell where the very same change was made.
    """

    key: str
    operator: str
    text: str
    change: str
    number: int = 1

    @property
    def id(self) -> str:
        """Return a name that stays while the change is the same: `answer-mean/swap-arguments/1a2b3c4d`."""
        digest = hashlib.sha256(f"{self.key}\n{self.change}".encode()).hexdigest()
        again = f"-{self.number}" if self.number > 1 else ""
        return f"{self.key}/{self.operator}/{digest[:8]}{again}"

    @property
    def on_one_line(self) -> str:
        """Return the change as one line."""
        removed = [line[1:].strip() for line in self.change.split("\n") if line.startswith("-")]
        added = [line[1:].strip() for line in self.change.split("\n") if line.startswith("+")]
        return f"«{' '.join(removed)}» became «{' '.join(added)}»"


@dataclass(frozen=True)
class Planted:
    """The bugs of a unit; `found` is how many there are, more than `mutants` where it is a sample."""

    mutants: tuple[Mutant, ...]
    found: int
    barren: tuple[str, ...] = ()

    @property
    def is_sample(self) -> bool:
        """Say whether there were too many to plant all."""
        return self.found > len(self.mutants)


def mutants_of(folder: UnitFolder, most: int = MOST) -> Planted:
    """Return the bugs that can be planted in a unit's counted answers.

    Args:
        folder: the unit.
        most: how many at most; more are sampled, by the unit's name.
    """
    checked = {cell.task for cell in folder.cells if cell.kind is Kind.CHECK}
    answers = [cell for cell in folder.cells if cell.kind is Kind.ANSWER and cell.task in checked]
    found: list[Mutant] = []
    barren = []
    names: tuple[str, ...] = ()
    for cell in answers:
        text, solution = solution_of(cell.source)
        made = list(_mutants(cell.key, text, solution, Surroundings(columns_of(folder), names)))
        if not made:
            barren.append(cell.key)
        found += made
        names += tuple(name for name in mutate_python.assigned(text) if name not in names)
    chosen = found
    if len(found) > most:
        places = sorted(random.Random(folder.unit).sample(range(len(found)), most))  # noqa: S311  no secret
        chosen = [found[place] for place in places]
    return Planted(tuple(chosen), len(found), tuple(barren))


def solution_of(source: str) -> tuple[str, frozenset[int]]:
    """Return a cell without its markers, and the numbers (from 1) of the lines that are the solution."""
    kept: list[str] = []
    solution: set[int] = set()
    inside, marked = False, "BEGIN SOLUTION" in source
    for line in source.split("\n"):
        if is_marker(line):
            inside = "BEGIN SOLUTION" in line
            continue
        kept.append(line)
        if inside or not marked:
            solution.add(len(kept))
    return "\n".join(kept), frozenset(solution)


def columns_of(folder: UnitFolder) -> tuple[str, ...]:
    """Return the names of the columns of the unit's CSV files, in order."""
    columns: dict[str, None] = {}
    for name, content in folder.data.items():
        if name.endswith(".csv"):
            first = content.decode("utf-8-sig", "replace").partition("\n")[0].strip()
            columns |= dict.fromkeys(column.strip('" ') for column in re.split(r"[,;\t]", first))
    return tuple(column for column in columns if column)


def _mutants(key: str, text: str, solution: frozenset[int], around: Surroundings) -> Iterator[Mutant]:
    seen = {_same(text)}
    changes: dict[tuple[str, str], int] = {}
    for operator, changed in _changed(text, solution, around):
        if _same(changed) in seen:
            continue
        seen.add(_same(changed))
        change = _change(text, changed)
        number = changes[operator, change] = changes.get((operator, change), 0) + 1
        yield Mutant(key, operator, changed, change, number)


def _changed(text: str, solution: frozenset[int], around: Surroundings) -> Iterator[tuple[str, str]]:
    head, _, body = text.partition("\n")
    found = _FILE_CELL.match(head.strip())
    if found is None:
        yield from _python(text, solution, around)
        return
    below = frozenset(number - 1 for number in solution if number > 1)
    name = found["name"].strip("'\"")
    if name.endswith((".html", ".htm")):
        made = mutate_html.mutations(body, below)
    elif name.endswith(".py"):
        made = _python(body, below, around)
    else:
        made = mutate_html.dropped_lines(body, below)
    for operator, changed in made:
        yield operator, f"{head}\n{changed}"


def _python(text: str, solution: frozenset[int], around: Surroundings) -> Iterator[tuple[str, str]]:
    try:
        ast.parse(text)
    except SyntaxError:  # magics, or no Python at all
        return
    yield from mutate_library.mutations(text, solution)
    yield from mutate_python.mutations(text, solution, around)


def _same(text: str) -> str:
    """Return what two texts share that are the same code."""
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return text


def _change(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0)
    return "\n".join(line for line in lines if line[:3] not in ("---", "+++", "@@ "))
