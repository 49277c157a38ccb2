"""A notebook of plain asserts made elsewhere, put together from texts, and submissions to it (real box, real examiner)."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from passerelle.grading.asserts import PlainChecks
from passerelle.grading.box import Box
from passerelle.grading.calibrate import route_of
from passerelle.grading.keeper import Keeper
from passerelle.grading.panel import Examiner
from passerelle.grading.rebuild import nothing_of
from passerelle.grading.walls import Limits

LEARNER = Path(sys.prefix)
QUICK = Limits(cell_s=3, call_s=2, total_s=60)


def notebook(solution: str, checks: Sequence[str], given: str = "") -> NotebookNode:
    """Return a source notebook: a given cell, an answer with its solution, and checks of one point each."""
    cells = [cell("given", given, grade=False, solution=False)] if given else []
    cells.append(cell("answer", f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION", grade=False, solution=True))
    cells += [cell(f"check-{number}", text, grade=True, solution=False) for number, text in enumerate(checks)]
    return new_notebook(cells=cells)


def cell(key: str, text: str, *, grade: bool, solution: bool) -> NotebookNode:
    """Return a cell of one point, a check or an answer."""
    made = new_code_cell(text)
    meta: dict[str, Any] = {"grade_id": key, "grade": grade, "solution": solution, "locked": not solution}
    made.metadata["nbgrader"] = {**meta, "schema_version": 3, "task": False, **({"points": 1} if grade else {})}
    return made


@dataclass
class Room:
    """One examiner, and one box of which each answer is run in a fork of its own."""

    examiner: Examiner
    box: Box
    fresh: Keeper
    tampering: list[str] = field(default_factory=list)

    def told(
        self, answer: str, check: str | Sequence[str], *, solution: str | None = None, given: str = ""
    ) -> list[dict[str, Any]]:
        """Examine an answer with checks; the solution is the answer itself where none is given."""
        checks = [check] if isinstance(check, str) else check
        source = notebook(answer if solution is None else solution, checks, given)
        cells = [cell for cell in nothing_of(source).cells if cell.is_check]
        plain = PlainChecks(source, self.examiner)
        if solution is not None:
            with self._after(given, solution) as keeper:
                plain.take_routes({cell.key: route_of(plain, cell, keeper) for cell in cells})
        with self._after(given, answer) as keeper:
            told = [plain.examine(cell, keeper, "died", hidden=True) for cell in cells]
            plain.settle(lambda: self._keepers(given, answer, keys=[cell.key for cell in cells]))
        self.tampering = [message.id for message in plain.tampering]
        return told

    @contextmanager
    def _after(self, *texts: str) -> Iterator[Keeper]:
        """Give the state after these cells."""
        keeper = self.fresh.again()
        try:
            for text in texts:
                keeper.ask({"ask": "run", "source": text})
            yield keeper
        finally:
            keeper.close()

    @contextmanager
    def _keepers(self, *texts: str, keys: Sequence[str]) -> Iterator[dict[str, Keeper | None]]:
        with self._after(*texts) as keeper:
            yield dict.fromkeys(keys, keeper)

    def passes(self, answer: str, check: str, **more: Any) -> bool:
        """Say whether an answer gets the point over stand-ins."""
        (told,) = self.told(answer, check, **more)
        assert not told["unsupported"], told
        return bool(told["points"] == 1.0)


@contextmanager
def room(folder: Path) -> Iterator[Room]:
    """Open a room."""
    with Box(LEARNER, {}, QUICK, modules=["pandas"]) as box, Examiner(folder, modules=["pandas"]) as examiner:
        box.wait()
        keeper = box.keep()
        assert keeper is not None
        yield Room(examiner, box, keeper)


def points(told: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the points of each check."""
    return [float(one["points"]) for one in told]
