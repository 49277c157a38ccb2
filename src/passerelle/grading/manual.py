"""Marks that a trainer gives in formgrader, carried from nbgrader's gradebook into the ledger.

A mark belongs to the answer it was given for. For a cell marked by hand that is the hash of the answer; for
a check that has points without a person (an automatic one, a blank answer) it is the key of the verdict
that a trainer overrides.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from passerelle.grading.gradebook import MarkedCell, gradebook, marked_cells
from passerelle.ledger.manual import marks_given, put_manual_mark
from passerelle.ledger.mentoring_tables import RubricMark
from passerelle.ledger.tables import ManualMark, Receipt, VerdictRow
from passerelle.model.verdict import Verdict

Submission = tuple[str, str]
"""handle, unit"""


def answer_of(verdict: Verdict, check: str) -> str | None:
    """Return what a mark at a check belongs to; None for a check that the verdict does not know."""
    answer = verdict.manual_answers.get(check)
    if answer is not None:
        return answer
    # An automatic check, or a manual answer left blank (0 points without anybody reading it): who marks
    # these goes over what the verdict says.
    return verdict.key if any(result.place == check for result in verdict.checks) else None


def marks_of(session: Session, track: str, handle: str, verdict: Verdict) -> dict[str, ManualMark]:
    """Return the marks that people gave to the answers of a verdict, by check."""
    given = marks_given(session, handle, track, verdict.unit)
    places = {check.place: answer_of(verdict, check.place) for check in verdict.checks}
    return {place: given[place, answer] for place, answer in places.items() if answer and (place, answer) in given}


def sync_manual_marks(course_dir: Path, session: Session, *, track: str | None = None) -> set[Submission]:
    """Copy the marks of a course's gradebook into the ledger; return whose changed.

    A mark that a trainer takes back in formgrader is taken back here too.

    Args:
        course_dir: nbgrader's course directory; its name is the track unless one is given.
        session: the ledger's transaction.
        track: nbgrader's course id.

    Raises:
        GradebookUnusableError: where the gradebook cannot be read.
    """
    with gradebook(course_dir) as opened:
        cells = marked_cells(opened)
    return copy_marks(session, track or course_dir.name, cells)


def copy_marks(session: Session, track: str, cells: Iterable[MarkedCell]) -> set[Submission]:
    """Copy the marks of some cells into the ledger; return whose changed."""
    marks = select(ManualMark.handle, ManualMark.unit, ManualMark.check, ManualMark.answer)
    known = {tuple(mark) for mark in session.execute(marks.where(ManualMark.track == track))}
    concerned = list(cells)
    handles = {cell.handle for cell in concerned} & (
        {cell.handle for cell in concerned if cell.points is not None} | {mark[0] for mark in known}
    )
    verdicts = _verdicts(session, track, handles)
    changed: set[Submission] = set()
    for cell in concerned:
        verdict = verdicts.get((cell.handle, cell.unit, cell.received))
        answer = answer_of(verdict, cell.check) if verdict is not None else None
        if answer is None:
            continue
        if cell.points is not None:
            news = _put(session, track, cell, cell.points, answer)
        else:
            news = (cell.handle, cell.unit, cell.check, answer) in known
            if news:
                _take_back(session, track, cell, answer)
        if news:
            changed.add((cell.handle, cell.unit))
    return changed


def _verdicts(session: Session, track: str, handles: set[str]) -> Mapping[tuple[str, str, datetime], Verdict]:
    query = (
        select(Receipt.handle, Receipt.unit, Receipt.received, VerdictRow.record)
        .join(VerdictRow, VerdictRow.key == Receipt.verdict_key)
        .where(Receipt.track == track, Receipt.handle.in_(handles), VerdictRow.erased.is_(None))
    )
    return {
        (handle, unit, received): Verdict.model_validate(record)
        for handle, unit, received, record in session.execute(query)
    }


def _put(session: Session, track: str, cell: MarkedCell, points: float, answer: str) -> bool:
    return put_manual_mark(
        session,
        handle=cell.handle,
        track=track,
        unit=cell.unit,
        check=cell.check,
        answer=answer,
        points=points,
        comment=cell.comment,
    )


def _take_back(session: Session, track: str, cell: MarkedCell, answer: str) -> None:
    gone = select(ManualMark.id).where(
        ManualMark.handle == cell.handle,
        ManualMark.track == track,
        ManualMark.unit == cell.unit,
        ManualMark.check == cell.check,
        ManualMark.answer == answer,
    )
    session.execute(delete(RubricMark).where(RubricMark.mark.in_(gone)))
    session.execute(delete(ManualMark).where(ManualMark.id.in_(gone)))
