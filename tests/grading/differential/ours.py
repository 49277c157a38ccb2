"""What our marking gives, by the way of `passerelle mark`, and where it is not what nbgrader gives."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from passerelle.grading.assignment import mark_assignment
from passerelle.grading.marking import mark
from passerelle.grading.report import MarkRecord
from passerelle.grading.walls import Limits
from passerelle.grading.worker import Marking
from passerelle.model.settings import Settings
from tests.grading.differential.stock import Grade, Grades, grades
from tests.grading.differential.submissions import Submission

LIMITS = Limits(cell_s=3, call_s=3, total_s=20)
"""Endless loops end soon; the others need a hundredth of it."""


@dataclass(frozen=True)
class Difference:
    """One cell that has not the same grade; `ours` and `theirs` are None where it was not marked."""

    submission: str
    cell: str
    theirs: Grade | None
    ours: Grade | None

    @property
    def place(self) -> str:
        return f"{self.submission}/{self.cell}"

    def __str__(self) -> str:
        return f"{self.place}: nbgrader {_words(self.theirs)}, ours {_words(self.ours)}"


def run(
    course: Path, root: Path, sent: Sequence[Submission], *, learner: Path | None = None, workers: int = 1
) -> tuple[dict[str, dict[str, Grade]], dict[str, MarkRecord]]:
    """Mark submissions in a copy of a released course; return what its gradebook has then, and the records."""
    for name in ("source", "release"):
        shutil.copytree(course / name, root / name)
    for name in ("gradebook.db", "nbgrader_config.py"):
        shutil.copy(course / name, root / name)
    for one in sent:
        one.lay(root)
    records: dict[str, MarkRecord] = {}
    marking = Marking(mark=partial(mark, limits=LIMITS))
    for assignment in dict.fromkeys(one.assignment for one in sent):
        marked = mark_assignment(
            root, assignment, learner=learner or Settings().learner, workers=workers, marking=marking
        )
        records |= {f"{assignment}/{record.fellow}": record for record in marked}
        sys.stderr.write(f"{assignment}: {len(marked)} submissions marked by us\n")
    return grades(root, sent), records


def differences(theirs: Mapping[str, Grades], ours: Mapping[str, Grades]) -> Iterator[Difference]:
    """Yield where two gradebooks differ, cell by cell; a submission that nbgrader could not mark has one difference."""
    for submission, cells in theirs.items():
        hers = ours[submission]
        if not cells and hers:
            yield Difference(submission, "*", None, next(iter(hers.values())))
            continue
        for cell in sorted(cells.keys() | hers.keys()):
            if not _same(cells.get(cell), hers.get(cell)):
                yield Difference(submission, cell, cells.get(cell), hers.get(cell))


def _same(theirs: Grade | None, ours: Grade | None) -> bool:
    """Compare two grades; ours are kept to a millionth of a point."""
    if theirs is None or ours is None or theirs.auto is None or ours.auto is None:
        return theirs == ours
    return abs(theirs.auto - ours.auto) < 1e-5 and theirs[1:] == ours[1:]


def _words(grade: Grade | None) -> str:
    if grade is None:
        return "not marked"
    points = "—" if grade.auto is None else f"{grade.auto:g}"
    return f"{points} of {grade.most:g}{', waits' if grade.waits else ''}"
