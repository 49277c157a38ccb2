"""Record a verdict into nbgrader's gradebook, `submitted/` and `autograded/`: the one automatic writer.

What it leaves behind is what `nbgrader autograde` leaves behind, so formgrader, manual marks and nbgrader's
feedback go on working. Running it again for the same attempt changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum, parse_utc
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.courses import put_in_place
from passerelle.grading.gradebook import (
    OwnWrite,
    UnitNotReleasedError,
    gradebook,
    marked_cells,
    naive_utc,
    nbgrader_timestamp,
)
from passerelle.grading.late import assign_late_penalties
from passerelle.grading.layout import layout_of
from passerelle.grading.manual import answer_of, copy_marks, marks_of
from passerelle.grading.marking import Marked
from passerelle.grading.notebook_text import notebook_text
from passerelle.grading.place_rows import (
    Cell,
    CommentRow,
    GradeRow,
    Submission,
    UnitNotebook,
    comments_of,
    grades_of,
    held_notebooks,
    put_comments,
    put_grades,
    say_when,
    standing_scores,
    submission_of,
    unit_notebooks,
)
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
) -> OwnWrite:
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

    Returns:
        What this write made of the gradebook: who had seen all that was in it before has seen all that is.

    Raises:
        GradebookUnusableError: where the gradebook is missing, or held by somebody for too long.
        UnitNotReleasedError: where the gradebook does not know the unit, or knows another version of it.
    """
    unit, track = marked.verdict.unit, track or course_dir.name
    layout = layout_of(course_dir)
    at, own = naive_utc(received), OwnWrite()
    stamp = {"timestamp.txt": nbgrader_timestamp(received).encode()}
    beside = {name: content for name, content in files.items() if not name.endswith(".ipynb")}
    executed = {f"{name}.ipynb": _bytes(made, number, marked.verdict.key) for name, made in marked.notebooks.items()}
    ours = {**layout.files(unit), **executed, **stamp}
    with scratch(course_dir) as folder:
        # Ours first and last: no folder of hers takes the place of a file, and none of her files its content.
        submitted = write_tree(folder / "submitted", {**stamp, **files, **stamp})
        autograded = write_tree(folder / "autograded", {**ours, **beside, **ours}, mode=READ_ONLY)
        with gradebook(course_dir, write=True, own=own) as rows:
            notebooks = unit_notebooks(rows, course_dir, unit)
            _refuse_another_version(course_dir, notebooks, marked.verdict)
            submission = submission_of(rows, next(iter(notebooks.values())).assignment, handle)
            former, marks = _marks_before_and_after(rows, ledger_engine, track, handle, marked.verdict, submission)
            attempt = _Attempt(marked.verdict, marked.notebooks, marks, former, submission.stood == at)
            say_when(rows, submission, at)
            held = held_notebooks(rows, submission, notebooks.values())
            for name, notebook in notebooks.items():
                _write_rows(rows, name if len(notebooks) > 1 else "", notebook, held[notebook.id], attempt)
            assign_late_penalties(rows, layout, submission.id, marked.notebooks)
            # In this order: half of it, and formgrader says that the submission is still to be marked.
            places = {submitted: layout.submitted(handle, unit), autograded: layout.autograded(handle, unit)}
            if _holds(places[submitted], received):
                del places[submitted]
            for made, place in places.items():
                place.parent.mkdir(parents=True, exist_ok=True)
                put_in_place(made, place)
    return own


def stands(course_dir: Path, handle: str, received: datetime, verdict: Verdict) -> bool:
    """Tell whether an attempt is recorded, wholly: rows, folders, and the notebooks of this verdict.

    Raises:
        GradebookUnusableError: where the gradebook is missing, or held by somebody for too long.
    """
    if not folders_stand(course_dir, handle, received, verdict):
        return False
    with gradebook(course_dir) as rows:
        scores = standing_scores(rows, handle, verdict.unit, naive_utc(received))
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
        said = (place / "timestamp.txt").read_text().strip()
        return said == nbgrader_timestamp(received) or bool(parse_utc(said) == naive_utc(received))
    except (OSError, ValueError, OverflowError):
        return False


def _holds(place: Path, received: datetime) -> bool:
    """Tell whether a folder is an attempt as it was collected; one with links in it is not to be left so."""
    return _is_of(place, received) and not any(path.is_symlink() for path in (place, *place.rglob("*")))


def verdict_in(executed: Path) -> str | None:
    """Return the key of the verdict that an executed notebook is of; None where it does not say."""
    raw = executed.read_bytes()
    # What we write has its metadata behind the cells, in a line of its own: no text has a line of its own in JSON.
    for part in (b"{" + raw[max(raw.rfind(b'\n "metadata": {'), 0) :], raw):
        try:
            return str(json.loads(part)["metadata"]["passerelle"]["verdict"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _refuse_another_version(course_dir: Path, notebooks: Mapping[str, UnitNotebook], verdict: Verdict) -> None:
    known = {
        place_of(name if len(notebooks) > 1 else "", cell.name)
        for name, notebook in notebooks.items()
        for cell in notebook.graded
    }
    differing = known ^ {result.place for result in verdict.checks}
    if differing:
        raise UnitNotReleasedError.differing(course_dir, verdict.unit, differing)


def _bytes(executed: Mapping[str, Any], number: int, key: str) -> bytes:
    ours = executed["metadata"].get("passerelle", {})
    metadata = {**executed["metadata"], "passerelle": {**ours, "attempt": number, "verdict": key}}
    return notebook_text({**executed, "metadata": metadata}).encode()


def _marks_before_and_after(
    rows: Session, ledger_engine: Engine, track: str, handle: str, verdict: Verdict, submission: Submission
) -> tuple[Verdict | None, Mapping[str, ManualMark]]:
    """Bring what a trainer has just written into the ledger; return the former verdict, and the new one's marks."""
    # A new place has nothing to bring: then the ledger's lock is left to who submits.
    stood = submission.stood
    opened = ledger.session if stood is not None else ledger.reading
    with opened(ledger_engine) as session:
        if stood is None:
            return None, marks_of(session, track, handle, verdict)
        copy_marks(session, track, marked_cells(rows, handle, verdict.unit))
        former = session.scalars(
            select(VerdictRow.record)
            .join(Receipt, Receipt.verdict_key == VerdictRow.key)
            .where(Receipt.handle == handle, Receipt.track == track, Receipt.unit == verdict.unit)
            .where(VerdictRow.erased.is_(None), Receipt.received == stood.replace(tzinfo=UTC))
        ).first()
        return Verdict.model_validate(former) if former else None, marks_of(session, track, handle, verdict)


def _write_rows(rows: Session, label: str, notebook: UnitNotebook, held: str, attempt: _Attempt) -> None:
    results = {result.key: result for result in attempt.verdict.checks if result.notebook == label}
    grades = grades_of(rows, held, notebook.graded)
    after = {cell.id: _grade(cell, grades.get(cell.id), results[cell.name], attempt) for cell in notebook.graded}
    put_grades(rows, held, grades, after)
    executed = attempt.notebooks.get(notebook.name)
    blank = _blank_cells(notebook, executed) if executed is not None else set()
    comments = comments_of(rows, held, notebook.commented)
    said = {
        cell.id: _comment(place_of(label, cell.name), comments.get(cell.id), attempt, blank=cell.id in blank)
        for cell in notebook.commented
    }
    put_comments(rows, held, comments, said)


def _grade(cell: Cell, stood: GradeRow | None, result: CheckResult, attempt: _Attempt) -> GradeRow:
    """Return the grade of a cell as it is to stand."""
    # A new row, not the old one changed: formgrader may still show the old answer somewhere, and a mark
    # saved from there must meet nothing rather than this answer.
    grade = GradeRow() if stood is None or attempt.is_another_answer(result.place) else replace(stood)
    before = grade.auto_score
    grade.auto_score = automatic_points(result, attempt.verdict)
    mark = attempt.marks.get(result.place)
    if mark is not None and mark.points != grade.given:
        most = float(cell.most or 0.0)
        grade.manual_score = min(mark.points, most)
        grade.extra_credit = mark.points - most if mark.points > most else None
    by_hand = grade.auto_score is None
    # nbgrader's rule: a mark over an automatic score that has changed since is to be looked at again.
    overtaken = grade.manual_score is not None and not by_hand and before is not None and before != grade.auto_score
    grade.needs_manual_grade = overtaken or (by_hand and grade.manual_score is None)
    return grade


def automatic_points(result: CheckResult, verdict: Verdict) -> float | None:
    """Return nbgrader's auto_score: none for what a person has to mark, 0 for a manual answer left blank."""
    if result.state is CheckState.BY_HAND:
        return None if verdict.manual_answers.get(result.place) is not None else 0.0
    return result.points


def _blank_cells(notebook: UnitNotebook, executed: NotebookNode) -> set[str]:
    """Return the ids of the answer cells that are still as released, by nbgrader's checksums."""
    answers = {cell.name: cell.id for cell in notebook.commented if cell.type == "SolutionCell"}
    return {
        answers[marking.grade_id]
        for cell in executed.cells
        if (marking := cell.metadata.get("nbgrader")) and marking.get("solution") and marking.grade_id in answers
        if notebook.released.get(marking.grade_id) == compute_checksum(cell)
    }


def _comment(place: str, stood: CommentRow | None, attempt: _Attempt, *, blank: bool) -> CommentRow:
    """Return the comment on a cell as it is to stand."""
    comment = replace(stood) if stood is not None else CommentRow()
    mark = attempt.marks.get(place)
    read_by_hand = attempt.former is not None and place in attempt.former.manual_answers
    if read_by_hand and attempt.is_another_answer(place):
        # Her comment on the former answer is in the ledger with its mark.
        comment.manual_comment = mark.comment if mark is not None else None
    elif mark is not None and mark.comment is not None and not comment.manual_comment:
        comment.manual_comment = mark.comment
    comment.auto_comment = NO_RESPONSE if blank else None
    return comment
