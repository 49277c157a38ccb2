"""The proof of a unit, on the path that marks fellows: release, learner box, examiner."""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
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
from passerelle.grading import Marked
from passerelle.grading.examiner import has_hidden
from passerelle.grading.panel import ExaminerError
from passerelle.grading.release import generate
from passerelle.grading.seeds import EXAMPLE
from passerelle.model.errors import SubmissionError
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import Verdict
from passerelle.proof import accessible, readable, reading, released, right, seeds
from passerelle.proof.judging import Judge
from passerelle.proof.mutants import mutants_of
from passerelle.proof.planted import Marks, mark_planted, planted_faults
from passerelle.proof.result import PlantedCount, UnitProof
from passerelle.proof.submissions import Release, machine_points, reference_answers

JOBS = 2
"""Submissions marked at the same time, where nothing else is said."""


class Depth(StrEnum):
    """How much of a proof: what an author wants to know at once, or all."""

    FIRST = "first"
    ANSWERS = "answers"
    WHOLE = "whole"


def check(source: Path, *units: str, learner: Path, jobs: int = JOBS, depth: Depth = Depth.WHOLE) -> list[UnitProof]:
    """Prove units of the course at `source`; all of them where none is named.

    Nothing of a course directory in use is read or written: each unit is built and released anew, then the
    reference solution, the blank release, every other answer and every planted bug are marked as submissions.

    Args:
        source: the course's folder, with course.toml.
        units: names of units.
        learner: the environment that fellows' code runs in.
        jobs: how many submissions are marked at the same time.
        depth: FIRST reads the unit and marks the solution and the blank release, no more; ANSWERS marks the wrong and
            the other right answers, too, and plants no bugs.

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
    return [_prove(source, unit, learner, jobs, depth) for unit in units or names]


def _prove(source: Path, unit: str, learner: Path, jobs: int, depth: Depth) -> UnitProof:
    started = monotonic()
    try:
        folder = read_unit(source, unit)
        with tempfile.TemporaryDirectory(prefix="proof-") as scratch:
            proving = _Proving.of(source, folder, Path(scratch) / source.name, learner, jobs)
            faults = [*proving.read(), *proving.mark_first()]
            if depth is not Depth.FIRST:
                faults += proving.mark_answers()
            if depth is Depth.WHOLE:
                # A bug says nothing where the reference itself loses points.
                faults += proving.mark_planted() if proving.earns_all else []
    except CourseTextError as error:
        digest = released.digest(source / "units" / unit)
        return UnitProof(unit, error.faults, track=source.name, digest=digest, seconds=monotonic() - started)
    return replace(proving.proof(), faults=tuple(dict.fromkeys(faults)), seconds=monotonic() - started)


@dataclass
class _Proving:
    """One unit, built and released in a scratch course directory."""

    folder: UnitFolder
    course_dir: Path
    learner: Path
    jobs: int
    release: Release
    judge: Judge
    earns_all: bool = False
    answer_seconds: float = 0.0
    marks: Marks | None = None

    @classmethod
    def of(cls, source: Path, folder: UnitFolder, course_dir: Path, learner: Path, jobs: int) -> "_Proving":
        """Build and release a unit.

        Raises:
            CourseTextError: it cannot be built, or nbgrader makes no release of it.
        """
        card = build_course(source, course_dir, units=(folder.unit,)).unit(folder.unit).card
        release = Release.read(generate(course_dir, folder.unit))
        return cls(folder, course_dir, learner, jobs, release, Judge(card, machine_points(folder)))

    def read(self) -> list[Fault]:
        """Return what reading the unit shows."""
        folder, notebook = self.folder, unit_source(self.course_dir, self.folder.unit)
        return [
            *reading.translation_faults(folder),
            *reading.language_faults(notebook, folder.where("unit.md")),
            *reading.language_faults(self.release.notebook, folder.where("unit.md, released")),
            *reading.identity_faults(folder),
            *accessible.notebook_faults(notebook, folder.where("unit.md")),
            *accessible.page_faults(folder),
            *readable.sentence_faults(folder),
            *readable.sign_faults(folder),
            *reading.term_faults(folder),
            *reading.minute_faults(folder),
            *reading.message_faults(folder, self.judge.knows),
            *reading.wrong_answer_faults(folder),
            *right.right_answer_faults(folder),
            *released.size_faults(folder, self.release),
            *released.data_faults(folder),
            *released.secret_faults(folder, self.release),
            *seeds.seed_faults(folder),
        ]

    def mark_first(self) -> list[Fault]:
        """Return what marking the reference and the blank release shows."""
        full = machine_points(self.folder)
        blank = dict.fromkeys(full, 0.0) | self.folder.table.blank
        (solved, refused), (nothing, refused_too) = self._verdicts([reference_answers(self.folder), {}])
        faults = [*refused, *refused_too]
        where = self.folder.where("reference solution")
        if solved is not None:
            lost = self.judge.point_faults(solved.verdict, full, where)
            self.earns_all, self.answer_seconds = not lost, solved.verdict.seconds
            faults += lost
            faults += released.run_faults(solved, where)
        where = self.folder.where("blank release")
        if nothing is not None:
            faults += self.judge.point_faults(nothing.verdict, blank, where)
            faults += self._said_faults(nothing.verdict, where)
        return faults

    def mark_answers(self) -> list[Fault]:
        """Return what marking the wrong and the other right answers shows."""
        reference, full = reference_answers(self.folder), machine_points(self.folder)
        answers = [one.answers for one in self.folder.wrong] + [one.answers for one in self.folder.right]
        marked = self._verdicts([reference | one for one in answers])
        faults = []
        for wrong, (made, refused) in zip(self.folder.wrong, marked, strict=False):
            where = self.folder.where(f"wrong/{wrong.name}.toml")
            faults += refused
            if made is not None:
                faults += self.judge.point_faults(made.verdict, full | wrong.points, where)
                faults += self.judge.hint_faults(made.verdict, wrong.hints, where)
                faults += self._said_faults(made.verdict, where)
        for one, (made, refused) in zip(self.folder.right, marked[len(self.folder.wrong) :], strict=True):
            faults += refused
            if made is not None:
                where = self.folder.where(f"right/{one.name}.toml")
                faults += self.judge.point_faults(made.verdict, full, where)
        return faults

    def mark_planted(self) -> list[Fault]:
        """Return what marking the planted bugs shows."""
        planted = mutants_of(self.folder)
        files = self.release.submission(reference_answers(self.folder))
        try:
            self.marks = mark_planted(
                planted, self.course_dir, self.folder.unit, files, learner=self.learner, jobs=self.jobs
            )
        except ExaminerError as error:
            what, _, cure = str(error).rpartition("; ")
            return [Fault(self.folder.where("unit.md, planted bugs"), what, cure)]
        faults = planted_faults(self.folder, self.marks)
        hidden = released.Hidden.of(self.folder)
        secret = {cell.key for cell in self.folder.cells if has_hidden(cell.source)}
        for mutant in planted.mutants:
            tried = self.marks.tried.get(mutant.id)
            if tried is not None and tried.caught_by is not None:
                where = self.folder.where(f"unit.md, cell {tried.caught_by!r}")
                faults += hidden.said_faults(self.judge.said(tried.messages), where)
                faults += hidden.computed_faults(tried, where) if tried.caught_by in secret else []
        return faults

    def proof(self) -> UnitProof:
        """Return what is known of the unit, without its faults."""
        folder, points = self.folder, sum(machine_points(self.folder).values())
        return UnitProof(
            unit=folder.unit,
            track=folder.track,
            points=points,
            by_hand=sum(cell.points or 0.0 for cell in folder.cells if cell.is_marked) - points,
            wrong=len(folder.wrong),
            right=len(folder.right),
            languages=LANGUAGES,
            planted=_count(folder, self.marks) if self.marks is not None else None,
            readability=readable.readability(folder),
            minutes=folder.table.minutes,
            terms=len(folder.table.glossary),
            answer_seconds=self.answer_seconds,
            release_bytes=released.size(self.release),
            digest=released.digest(folder.path),
        )

    def _said_faults(self, verdict: Verdict, where: str) -> list[Fault]:
        said = self.judge.said(tuple(message for result in verdict.checks for message in result.messages))
        hidden = released.Hidden.of(self.folder)
        return [*self.judge.message_faults(verdict, where), *hidden.said_faults(said, where)]

    def _verdicts(self, answers: Sequence[Mapping[str, str]]) -> list[tuple[Marked | None, list[Fault]]]:
        """Return the verdicts on several submissions, or the reason why there is none."""
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(self._verdict, answers))

    def _verdict(self, answers: Mapping[str, str]) -> tuple[Marked | None, list[Fault]]:
        try:
            files = self.release.submission(answers)
            return self._marked(files), []
        except SubmissionError as error:
            return None, [Fault(self.folder.where("unit.md"), f"marking refuses it: {error}", "mend the unit")]
        except ExaminerError as error:
            # The same check stops at every submission: one place, one fault.
            what, _, cure = str(error).rpartition("; ")
            return None, [Fault(self.folder.where("unit.md"), what, cure)]

    def _marked(self, files: Mapping[str, bytes]) -> Marked:
        try:
            return grading.mark(self.course_dir, self.folder.unit, files, learner=self.learner, fellow=EXAMPLE)
        except SystemError:
            # Two threads that build syntax trees at one moment: Python 3.11 takes that for its own fault (gh-106905).
            return grading.mark(self.course_dir, self.folder.unit, files, learner=self.learner, fellow=EXAMPLE)


def _count(folder: UnitFolder, marks: Marks) -> PlantedCount:
    listed = {entry.id for entry in folder.equivalent}
    survivors = [mutant.id for mutant in marks.survivors]
    return PlantedCount(
        found=marks.planted.found,
        planted=len(marks.planted.mutants),
        caught=marks.caught,
        equivalent=sum(name in listed for name in survivors),
        errored=marks.errored,
        survived=tuple(name for name in survivors if name not in listed),
    )
