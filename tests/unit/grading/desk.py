"""A course directory with its ledger, and submissions whose verdict is read off their text: no box, no kernel.

The real marking path is in tests/grading; here it is about what happens to a verdict.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from sqlalchemy import Engine

from passerelle import ledger
from passerelle.courses import build_course, unit_source
from passerelle.grading.gradebook import OwnWrite
from passerelle.grading.layout import gradebook_url
from passerelle.grading.marking import Marked
from passerelle.grading.record import record
from passerelle.grading.release import generate
from passerelle.grading.worker import Marking
from passerelle.ledger import people, queue, receipts
from passerelle.ledger.tables import Receipt
from passerelle.model.parcel import pack, unpack
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict
from tests.ledgers import new_ledger
from tests.unit.courses.example import write_example

TRACK, UNIT = "demo", "mini"
VERSION = "1"
CHECK, MANUAL, ANSWER = "check-mean", "answer-words", "answer-mean"
MORNING = datetime(2024, 11, 26, 9, 30, 0, 123456, tzinfo=UTC)
RIGHT = "def mean(numbers):\n    return sum(numbers) / len(numbers)"
HALF = "def mean(numbers):\n    return sum(numbers) // len(numbers)  # half"
SUM = "def mean(numbers):\n    return sum(numbers)"


def make_course(root: Path) -> Path:
    """Build and release the example course; returns its course directory."""
    course_dir = root / "courses" / TRACK
    build_course(write_example(root / "text"), course_dir)
    generate(course_dir, UNIT)
    return course_dir


def notebook(course_dir: Path, answer: str = RIGHT, words: str = "An outlier pulls it.") -> nbformat.NotebookNode:
    """Return a fellow's notebook: the release with her answers."""
    made = nbformat.read(course_dir / "release" / UNIT / f"{UNIT}.ipynb", as_version=4)
    for cell in made.cells:
        key = cell.metadata.get("nbgrader", {}).get("grade_id")
        if key == ANSWER:
            cell.source = answer
        elif key == MANUAL:
            cell.source = words
    return made


def files_of(made: nbformat.NotebookNode, **others: bytes) -> dict[str, bytes]:
    """Return a submission's files."""
    return {f"{UNIT}.ipynb": nbformat.writes(made).encode(), **others}


def marking_by_text(
    course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = ""
) -> Marked:
    """Mark by what stands in the answers."""
    sent = nbformat.reads(files[f"{unit}.ipynb"].decode(), as_version=4)
    answers = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in sent.cells}
    points = 2.0 if answers[ANSWER].source == RIGHT else 1.0 if "half" in answers[ANSWER].source else 0.0
    said = answers[MANUAL].source
    blank = said == "..."
    executed = unit_source(course_dir, unit)
    for cell in executed.cells:
        key = cell.metadata.get("nbgrader", {}).get("grade_id")
        if key in (ANSWER, MANUAL):
            cell.source = answers[key].source
            if key == ANSWER and "outputs" in answers[key]:
                cell.outputs = answers[key].outputs
    state = CheckState.PASSED if points == 2 else CheckState.PARTIAL if points else CheckState.MISSED
    verdict = Verdict(
        key=hashlib.sha256(f"{answers[ANSWER].source}\0{said}\0{VERSION}".encode()).hexdigest(),
        unit=unit,
        version=VERSION,
        engine="by-text",
        outcome=Outcome.MARKED,
        checks=(
            CheckResult(key=CHECK, points=points, max_points=2, state=state),
            CheckResult(key=MANUAL, points=0, max_points=1, state=CheckState.BY_HAND),
        ),
        manual_answers={MANUAL: None if blank else hashlib.sha256(said.encode()).hexdigest()},
    )
    return Marked(verdict=verdict, notebooks={unit: executed})


def key_by_text(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> str:
    """Return the key that the verdict will have."""
    return marking_by_text(course_dir, unit, files, learner=learner).verdict.key


BY_TEXT = Marking(marking_by_text, key_by_text)


@dataclass
class Desk:
    """One installation with one course and two fellows; `hour` moves on with every submission."""

    settings: Settings
    engine: Engine
    clock: datetime = field(default=MORNING)
    own: OwnWrite = field(default_factory=OwnWrite)  # what the last record made of the gradebook

    @classmethod
    def open(cls, root: Path, course_dir: Path, database: str = "") -> "Desk":
        """Copy a built course into an installation of its own."""
        # One worker: several have tests of their own.
        settings = Settings(data=root, database=database, marking_workers=1)
        shutil.copytree(course_dir, settings.courses / TRACK)
        new_ledger(settings.database_url)
        desk = cls(settings, ledger.engine(settings.database_url))
        with ledger.session(desk.engine) as session:
            people.add_person(session, "acacia", Role.FELLOW, "Amina", language="fr")
            people.add_person(session, "basil", Role.FELLOW, "Bahar", language="en")
        return desk

    @property
    def course_dir(self) -> Path:
        return self.settings.courses / TRACK

    def files(self, answer: str = RIGHT, words: str = "An outlier pulls it.", **others: bytes) -> dict[str, bytes]:
        return files_of(notebook(self.course_dir, answer, words), **others)

    def submit(self, files: Mapping[str, bytes], handle: str = "acacia") -> Receipt:
        """Take a submission; it waits for marking."""
        self.clock += timedelta(minutes=1)
        with ledger.session(self.engine) as session:
            return receipts.take(
                session, handle=handle, sender=handle, track=TRACK, unit=UNIT,
                parcel=pack(files), token=self.clock.isoformat(), at=self.clock,
            )  # fmt: skip

    def record(self, receipt: Receipt) -> Verdict:
        """Mark a submission by its text and record it, whatever stands there."""
        with ledger.reading(self.engine) as session:
            files = unpack(receipts.parcel_of(session, receipt.id) or b"")
        marked = marking_by_text(self.course_dir, UNIT, files, learner=self.settings.learner)
        with ledger.session(self.engine) as session:
            queue.keep_verdict(session, TRACK, marked.verdict, self.clock)
            session.get_one(Receipt, receipt.id).verdict_key = marked.verdict.key
        self.own = record(
            self.course_dir, receipt.handle, receipt.received, receipt.number, files, marked, ledger_engine=self.engine
        )
        return marked.verdict

    def book(self) -> Gradebook:
        """Open nbgrader's own gradebook."""
        return Gradebook(gradebook_url(self.course_dir), TRACK)

    def grade(self, check: str, handle: str = "acacia") -> dict[str, Any]:
        """Return a grade as formgrader gets it."""
        with self.book() as book:
            found = book.find_grade(check, UNIT, UNIT, handle)
            return {**found.to_dict(), "score": found.score}

    def mark_by_hand(
        self, points: float | None, check: str = MANUAL, handle: str = "acacia", comment: str | None = None
    ) -> None:
        """Save a mark as formgrader's handlers do."""
        with self.book() as book:
            grade = book.find_grade(check, UNIT, UNIT, handle)
            grade.manual_score = points
            grade.needs_manual_grade = points is None and grade.auto_score is None
            if comment is not None:
                book.find_comment(check, UNIT, UNIT, handle).manual_comment = comment
            book.db.commit()

    def attempts(self, handle: str = "acacia") -> list[receipts.AttemptRow]:
        with ledger.reading(self.engine) as session:
            return receipts.attempts(session, handle, TRACK, UNIT)
