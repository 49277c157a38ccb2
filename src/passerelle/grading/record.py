"""Record a verdict into nbgrader's gradebook, `submitted/` and `autograded/`: the one automatic writer.

What it leaves behind is what `nbgrader autograde` leaves behind, so formgrader, manual marks and nbgrader's
feedback go on working. Running it again for the same attempt changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    GradeCell,
    SolutionCell,
    SourceCell,
    Student,
    SubmittedAssignment,
    TaskCell,
)
from nbgrader.api import SubmittedNotebook as SubmittedNotebookRow
from nbgrader.utils import compute_checksum, parse_utc
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.courses import put_in_place
from passerelle.grading.gradebook import (
    UnitNotReleasedError,
    find_notebooks,
    gradebook,
    labels,
    marked_cells,
    naive_utc,
    nbgrader_timestamp,
)
from passerelle.grading.late import assign_late_penalties
from passerelle.grading.layout import layout_of
from passerelle.grading.manual import answer_of, copy_marks, marks_of
from passerelle.grading.marking import Marked
from passerelle.grading.trees import READ_ONLY, scratch, write_tree
from passerelle.ledger.tables import ManualMark, Receipt, VerdictRow
from passerelle.model.verdict import CheckResult, CheckState, Verdict, place_of

NO_RESPONSE = "No response."  # nbgrader's own words for an answer left as it was released


@dataclass(frozen=True)
class _Attempt:
    """What is being recorded, beside what stood there before (`former` is its verdict where it is known)."""

    verdict: Verdict
    notebooks: Mapping[str, Any]
    marks: Mapping[str, ManualMark]
    former: Verdict | None
    same: bool

    def is_another_answer(self, check: str) -> bool:
        """Tell whether a mark that stands at a check was given for something else."""
        if self.same:
            return False
        return self.former is None or answer_of(self.former, check) != answer_of(self.verdict, check)


def record(
    course_dir: Path,
    handle: str,
    received: datetime,
    number: int,
    files: Mapping[str, bytes],
    marked: Marked,
    *,
    ledger_engine: Engine,
    track: str | None = None,
) -> None:
    """Put a marked attempt into nbgrader's course directory, in the place of what stood there.

    Marks that a trainer gave to what stood there are in the ledger before it goes. The folders come before
    the rows: until the rows are in, formgrader says that the submission is still to be marked, and so it is.

    Args:
        course_dir: nbgrader's course directory; its name is the track unless one is given.
        handle: whose attempt it is.
        received: by the exchange's clock.
        number: of the attempt, from 1.
        files: the submission as it came.
        marked: the verdict and the executed notebook.
        ledger_engine: the ledger that has the attempt and the manual marks.
        track: nbgrader's course id.

    Raises:
        GradebookUnusableError: where the gradebook is missing, or held by somebody for too long.
        UnitNotReleasedError: where the gradebook does not know the unit, or knows another version of it.
    """
    unit, track = marked.verdict.unit, track or course_dir.name
    layout = layout_of(course_dir)
    stamp = {"timestamp.txt": nbgrader_timestamp(received).encode()}
    beside = {name: content for name, content in files.items() if not name.endswith(".ipynb")}
    executed = {f"{name}.ipynb": _bytes(made, number, marked.verdict.key) for name, made in marked.notebooks.items()}
    ours = {**layout.files(unit), **executed, **stamp}
    with scratch(course_dir) as folder:
        # Ours first and last: no folder of hers takes the place of a file, and none of her files its content.
        submitted = write_tree(folder / "submitted", {**stamp, **files, **stamp})
        autograded = write_tree(folder / "autograded", {**ours, **beside, **ours}, mode=READ_ONLY)
        with gradebook(course_dir, write=True) as rows:
            notebooks = find_notebooks(rows, course_dir, unit)
            _refuse_another_version(course_dir, notebooks, marked.verdict)
            submission = _submission(rows, next(iter(notebooks.values())).assignment_id, handle)
            same = submission.timestamp == naive_utc(received)
            former, marks = _marks_before_and_after(rows, ledger_engine, track, handle, marked.verdict, submission)
            attempt = _Attempt(marked.verdict, marked.notebooks, marks, former, same)
            submission.timestamp = naive_utc(received)
            for name, notebook in notebooks.items():
                _write_rows(rows, name if len(notebooks) > 1 else "", notebook, submission, attempt)
            rows.flush()
            assign_late_penalties(rows, layout, submission, marked.notebooks)
            # In this order: half of it, and formgrader says that the submission is still to be marked.
            places = {submitted: layout.submitted(handle, unit), autograded: layout.autograded(handle, unit)}
            if _holds(places[submitted], received):
                del places[submitted]
            for made, place in places.items():
                place.parent.mkdir(parents=True, exist_ok=True)
                put_in_place(made, place)


def stands(course_dir: Path, handle: str, received: datetime, verdict: Verdict) -> bool:
    """Tell whether an attempt is recorded, wholly: rows, folders, and the notebooks of this verdict.

    Raises:
        GradebookUnusableError: where the gradebook is missing, or held by somebody for too long.
    """
    if not folders_stand(course_dir, handle, received, verdict):
        return False
    with gradebook(course_dir) as rows:
        label = labels(rows)
        query = (
            select(SubmittedNotebookRow.notebook_id, BaseCell.name, Grade.auto_score)
            .join(Grade, Grade.cell_id == BaseCell.id)
            .join(SubmittedNotebookRow, SubmittedNotebookRow.id == Grade.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebookRow.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(SubmittedAssignment.student_id == handle, Assignment.name == verdict.unit)
            .where(SubmittedAssignment.timestamp == naive_utc(received))
        )
        scores = {place_of(label[notebook], name): score for notebook, name, score in rows.execute(query)}
    return scores == {result.place: automatic_points(result, verdict) for result in verdict.checks}


def folders_stand(course_dir: Path, handle: str, received: datetime, verdict: Verdict) -> bool:
    """Tell whether nbgrader's folders hold an attempt, with the notebooks of this verdict."""
    layout = layout_of(course_dir)
    autograded = layout.autograded(handle, verdict.unit)
    if not all(_is_of(place, received) for place in (layout.submitted(handle, verdict.unit), autograded)):
        return False
    executed = [*autograded.glob("*.ipynb")]
    # In a course from elsewhere a submission without any notebook leaves none behind.
    return bool(executed or not layout.is_ours) and all(verdict_in(one) == verdict.key for one in executed)


def _is_of(place: Path, received: datetime) -> bool:
    """Tell whether a folder's own time is that of an attempt; a collected one may be written in another zone."""
    try:
        stamp = parse_utc((place / "timestamp.txt").read_text().strip())
    except (OSError, ValueError, OverflowError):
        return False
    return bool(stamp == naive_utc(received))


def _holds(place: Path, received: datetime) -> bool:
    """Tell whether a folder is an attempt as it was collected; one with links in it is not to be left so."""
    return _is_of(place, received) and not any(path.is_symlink() for path in (place, *place.rglob("*")))


def verdict_in(executed: Path) -> str | None:
    """Return the key of the verdict that an executed notebook is of; None where it does not say."""
    try:
        found = json.loads(executed.read_bytes())["metadata"]["passerelle"]["verdict"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found)


def _refuse_another_version(course_dir: Path, notebooks: Mapping[str, Any], verdict: Verdict) -> None:
    known = {
        place_of(name if len(notebooks) > 1 else "", cell.name)
        for name, notebook in notebooks.items()
        for cell in [*notebook.grade_cells, *notebook.task_cells]
    }
    differing = known ^ {result.place for result in verdict.checks}
    if differing:
        raise UnitNotReleasedError.differing(course_dir, verdict.unit, differing)


def _bytes(executed: Any, number: int, key: str) -> bytes:
    notebook = nbformat.from_dict(executed)
    ours = notebook.metadata.setdefault("passerelle", {})
    ours.update({"attempt": number, "verdict": key})
    return str(nbformat.writes(notebook)).encode()


def _submission(rows: Session, assignment: str, handle: str) -> Any:
    if rows.get(Student, handle) is None:
        rows.add(Student(id=handle))
    found = rows.scalar(
        select(SubmittedAssignment).where(
            SubmittedAssignment.assignment_id == assignment, SubmittedAssignment.student_id == handle
        )
    )
    if found is None:
        found = SubmittedAssignment(assignment_id=assignment, student_id=handle)
        rows.add(found)
    rows.flush()
    return found


def _marks_before_and_after(
    rows: Session, ledger_engine: Engine, track: str, handle: str, verdict: Verdict, submission: Any
) -> tuple[Verdict | None, Mapping[str, ManualMark]]:
    """Bring what a trainer has just written into the ledger; return the former verdict, and the new one's marks."""
    with ledger.session(ledger_engine) as session:
        copy_marks(session, track, marked_cells(rows, handle, verdict.unit))
        former = session.execute(
            select(VerdictRow.record, Receipt.received)
            .join(Receipt, Receipt.verdict_key == VerdictRow.key)
            .where(Receipt.handle == handle, Receipt.track == track, Receipt.unit == verdict.unit)
            .where(VerdictRow.erased.is_(None))
        )
        stood = [record for record, received in former if naive_utc(received) == submission.timestamp]
        return Verdict.model_validate(stood[0]) if stood else None, marks_of(session, track, handle, verdict)


def _write_rows(rows: Session, label: str, notebook: Any, submission: Any, attempt: _Attempt) -> None:
    held = rows.scalar(
        select(SubmittedNotebookRow).where(
            SubmittedNotebookRow.notebook_id == notebook.id, SubmittedNotebookRow.assignment_id == submission.id
        )
    )
    if held is None:
        held = SubmittedNotebookRow(notebook_id=notebook.id, assignment_id=submission.id)
        rows.add(held)
        rows.flush()
    held.late_submission_penalty = None
    results = {result.key: result for result in attempt.verdict.checks if result.notebook == label}
    grades = {grade.cell_id: grade for grade in rows.scalars(select(Grade).where(Grade.notebook_id == held.id))}
    comments = {said.cell_id: said for said in rows.scalars(select(Comment).where(Comment.notebook_id == held.id))}
    graded = [*notebook.grade_cells, *notebook.task_cells]
    for cell in graded:
        _write_grade(rows, held.id, cell, grades.get(cell.id), results[cell.name], attempt)
    executed = attempt.notebooks.get(notebook.name)
    blank = _blank_cells(rows, notebook, executed) if executed is not None else set()
    for cell in [*notebook.solution_cells, *notebook.task_cells]:
        _write_comment(rows, label, held.id, cell, comments.get(cell.id), attempt, blank=cell.name in blank)


def _write_grade(
    rows: Session,
    notebook_id: str,
    cell: GradeCell | TaskCell,
    grade: Any,
    result: CheckResult,
    attempt: _Attempt,
) -> None:
    if grade is not None and attempt.is_another_answer(result.place):
        # A new row, not the old one changed: formgrader may still show the old answer somewhere, and a mark
        # saved from there must meet nothing rather than this answer.
        rows.delete(grade)
        rows.flush()
        grade = None
    if grade is None:
        grade = Grade(cell_id=cell.id, notebook_id=notebook_id)
        rows.add(grade)
    before = grade.auto_score
    grade.auto_score = automatic_points(result, attempt.verdict)
    mark = attempt.marks.get(result.place)
    if mark is not None and mark.points != _score(grade):
        most = float(cell.max_score)
        grade.manual_score = min(mark.points, most)
        grade.extra_credit = mark.points - most if mark.points > most else None
    by_hand = grade.auto_score is None
    # nbgrader's rule: a mark over an automatic score that has changed since is to be looked at again.
    overtaken = grade.manual_score is not None and not by_hand and before is not None and before != grade.auto_score
    grade.needs_manual_grade = overtaken or (by_hand and grade.manual_score is None)


def automatic_points(result: CheckResult, verdict: Verdict) -> float | None:
    """Return nbgrader's auto_score: none for what a person has to mark, 0 for a manual answer left blank."""
    if result.state is CheckState.BY_HAND:
        return None if verdict.manual_answers.get(result.place) is not None else 0.0
    return result.points


def _score(grade: Any) -> float | None:
    if grade.manual_score is None and not grade.extra_credit:
        return None
    base = grade.manual_score if grade.manual_score is not None else grade.auto_score or 0.0
    return float(base + (grade.extra_credit or 0.0))


def _blank_cells(rows: Session, notebook: Any, executed: Any) -> set[str]:
    """Return the answer cells that are still as released, by nbgrader's checksums."""
    query = select(SourceCell.name, SourceCell.checksum).where(SourceCell.notebook_id == notebook.id)
    released: dict[str, str | None] = {name: checksum for name, checksum in rows.execute(query)}  # noqa: C416  # rows
    return {
        cell.metadata.nbgrader.grade_id
        for cell in nbformat.from_dict(executed).cells
        if "nbgrader" in cell.metadata
        and cell.metadata.nbgrader.get("solution")
        and released.get(cell.metadata.nbgrader.grade_id) == compute_checksum(cell)
    }


def _write_comment(
    rows: Session,
    label: str,
    notebook_id: str,
    cell: SolutionCell | TaskCell,
    comment: Any,
    attempt: _Attempt,
    *,
    blank: bool,
) -> None:
    place = place_of(label, cell.name)
    if comment is None:
        comment = Comment(cell_id=cell.id, notebook_id=notebook_id)
        rows.add(comment)
    mark = attempt.marks.get(place)
    read_by_hand = attempt.former is not None and place in attempt.former.manual_answers
    if read_by_hand and attempt.is_another_answer(place):
        # Her comment on the former answer is in the ledger with its mark.
        comment.manual_comment = mark.comment if mark is not None else None
    elif mark is not None and mark.comment is not None and not comment.manual_comment:
        comment.manual_comment = mark.comment
    comment.auto_comment = NO_RESPONSE if blank and not isinstance(cell, TaskCell) else None
