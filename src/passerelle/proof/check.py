"""The proof of a unit, on the path that marks fellows: release, learner box, examiner."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from passerelle import grading
from passerelle.courses import (
    CourseTextError,
    Fault,
    UnitFolder,
    build_course,
    read_course_table,
    read_unit,
    unit_source,
)
from passerelle.grading.panel import ExaminerError
from passerelle.grading.release import generate
from passerelle.model.errors import SubmissionError
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import Verdict
from passerelle.proof.judging import Judge
from passerelle.proof.reading import (
    accessibility_faults,
    language_faults,
    message_faults,
    page_faults,
    term_faults,
    translation_faults,
    wrong_answer_faults,
)
from passerelle.proof.result import UnitProof
from passerelle.proof.submissions import Release, machine_points, reference_answers


def check(source: Path, *units: str, learner: Path) -> list[UnitProof]:
    """Prove units of the course at `source`; all of them where none is named.

    Nothing of a course directory in use is read or written: each unit is built and released anew, then the
    reference solution, the blank release and every wrong answer are marked as submissions.

    Args:
        source: the course's folder, with course.toml.
        units: names of units.
        learner: the environment that fellows' code runs in.

    Raises:
        CourseTextError: course.toml cannot be read, or names no such unit.
        ServiceError: there can be no marking here.
    """
    source = source.resolve()
    names = [place.unit for place in read_course_table(source).units]
    for unit in units:
        if unit not in names:
            raise CourseTextError.at(
                f"{source.name}/course.toml", f"there is no unit {unit!r}", f"name one of: {', '.join(names)}"
            )
    return [_prove(source, unit, learner) for unit in units or names]


def _prove(source: Path, unit: str, learner: Path) -> UnitProof:
    started = monotonic()
    try:
        folder = read_unit(source, unit)
        with tempfile.TemporaryDirectory(prefix="proof-") as scratch:
            course_dir = Path(scratch) / source.name
            proving = _Proving.of(source, folder, course_dir, learner)
            faults = [*proving.read(), *proving.mark()]
    except CourseTextError as error:
        return UnitProof(unit, error.faults, seconds=monotonic() - started)
    return UnitProof(
        unit=unit,
        faults=tuple(dict.fromkeys(faults)),
        points=sum(machine_points(folder).values()),
        by_hand=sum(cell.points or 0.0 for cell in folder.cells if cell.is_marked)
        - sum(machine_points(folder).values()),
        wrong=len(folder.wrong),
        languages=LANGUAGES,
        seconds=monotonic() - started,
    )


@dataclass(frozen=True)
class _Proving:
    """One unit, built and released in a scratch course directory."""

    folder: UnitFolder
    course_dir: Path
    learner: Path
    release: Release
    judge: Judge

    @classmethod
    def of(cls, source: Path, folder: UnitFolder, course_dir: Path, learner: Path) -> "_Proving":
        """Build and release a unit.

        Raises:
            CourseTextError: it cannot be built, or nbgrader makes no release of it.
        """
        card = build_course(source, course_dir, units=(folder.unit,)).unit(folder.unit).card
        release = Release.read(generate(course_dir, folder.unit))
        return cls(folder, course_dir, learner, release, Judge(card, machine_points(folder)))

    def read(self) -> list[Fault]:
        """Return what reading the unit shows."""
        folder, notebook = self.folder, unit_source(self.course_dir, self.folder.unit)
        return [
            *translation_faults(folder),
            *language_faults(notebook, folder.where("unit.md")),
            *language_faults(self.release.notebook, folder.where("unit.md, released")),
            *accessibility_faults(notebook, folder.where("unit.md")),
            *page_faults(folder),
            *term_faults(folder),
            *message_faults(folder, self.judge.knows),
            *wrong_answer_faults(folder),
        ]

    def mark(self) -> list[Fault]:
        """Return what marking the reference, the blank release and the wrong answers shows."""
        reference, full = reference_answers(self.folder), machine_points(self.folder)
        faults = []

        where = self.folder.where("reference solution")
        verdict, refused = self._verdict(reference, where)
        faults += refused
        if verdict is not None:
            faults += self.judge.point_faults(verdict, full, where)

        where = self.folder.where("blank release")
        verdict, refused = self._verdict({}, where)
        faults += refused
        if verdict is not None:
            faults += self.judge.point_faults(verdict, dict.fromkeys(full, 0.0) | self.folder.table.blank, where)
            faults += self.judge.message_faults(verdict, where)

        for wrong in self.folder.wrong:
            where = self.folder.where(f"wrong/{wrong.name}.toml")
            verdict, refused = self._verdict(reference | wrong.answers, where)
            faults += refused
            if verdict is not None:
                faults += self.judge.point_faults(verdict, full | wrong.points, where)
                faults += self.judge.hint_faults(verdict, wrong.hints, where)
                faults += self.judge.message_faults(verdict, where)
        return faults

    def _verdict(self, answers: Mapping[str, str], where: str) -> tuple[Verdict | None, list[Fault]]:
        """Return the verdict on these answers, or the reason why there is none."""
        try:
            files = self.release.submission(answers)
            return grading.mark(self.course_dir, self.folder.unit, files, learner=self.learner).verdict, []
        except SubmissionError as error:
            return None, [Fault(where, f"marking refuses it: {error}", "mend the unit")]
        except ExaminerError as error:
            # The same check stops at every submission: one place, one fault.
            what, _, cure = str(error).rpartition("; ")
            return None, [Fault(self.folder.where("unit.md"), what, cure)]
