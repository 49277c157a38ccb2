"""Marks that a trainer gives in formgrader, carried from nbgrader's gradebook into the ledger.

A mark belongs to the answer it was given for. For a cell marked by hand that is the hash of the answer; for
a check that has points without a person (an automatic one, a blank answer) it is the key of the verdict
that a trainer overrides.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from passerelle.grading.gradebook import MarkedCell, cells_given_by_hand, gradebook, marked_cells
from passerelle.ledger.manual import marks_given, put_manual_mark
from passerelle.ledger.mentoring_tables import RubricMark
from passerelle.ledger.tables import ManualMark, Receipt, VerdictRow
from passerelle.model.verdict import Verdict

Submission = tuple[str, str]
"""handle, unit"""
FEW = 200
"""People by whom the ledger is asked; for more, it is read whole."""


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


def sync_changed_marks(
    course_dir: Path,
    session: Session,
    before: frozenset[MarkedCell] | None,
    also: Collection[Submission] = (),
    *,
    track: str,
) -> tuple[set[Submission], frozenset[MarkedCell]]:
    """Do the same where the marks were read before: only what differs since is looked at.

    Args:
        course_dir: nbgrader's course directory.
        session: the ledger's transaction.
        before: what this returned the last time, once the ledger had it; None at first, when everything is looked at.
        also: whose marks are looked at in any case: those that came into the ledger on another way.
        track: nbgrader's course id.

    Returns:
        Whose marks changed, and the marks that the gradebook has.

    Raises:
        GradebookUnusableError: where the gradebook cannot be read.
    """
    with gradebook(course_dir) as opened:
        given = frozenset(cells_given_by_hand(opened))
        if before is None:
            cells = marked_cells(opened)
        else:
            places = sorted({(cell.handle, cell.unit) for cell in given ^ before} | {*also})
            cells = [cell for place in places for cell in marked_cells(opened, *place)]
    changed, waiting = _copy(session, track, cells)
    # What belongs to no answer that the ledger knows is looked at again the next time.
    return changed, given - waiting


def copy_marks(session: Session, track: str, cells: Iterable[MarkedCell]) -> set[Submission]:
    """Copy the marks of some cells into the ledger; return whose changed."""
    return _copy(session, track, cells)[0]


def _copy(session: Session, track: str, cells: Iterable[MarkedCell]) -> tuple[set[Submission], set[MarkedCell]]:
    """Copy the marks of some cells; return whose changed, and those of answers that the ledger does not know."""
    cells = list(cells)
    known = _known(session, track, {cell.handle for cell in cells}, {cell.unit for cell in cells})
    places = {mark[:3] for mark in known}
    concerned = [cell for cell in cells if cell.points is not None or (cell.handle, cell.unit, cell.check) in places]
    verdicts = _verdicts(session, track, {cell.handle for cell in concerned}, {cell.unit for cell in concerned})
    changed, waiting = set[Submission](), set[MarkedCell]()
    for cell in concerned:
        verdict = verdicts.get((cell.handle, cell.unit, cell.received))
        answer = answer_of(verdict, cell.check) if verdict is not None else None
        if answer is None:
            waiting.add(cell)
            continue
        if cell.points is not None:
            news = _put(session, track, cell, cell.points, answer)
        else:
            news = (cell.handle, cell.unit, cell.check, answer) in known
            if news:
                _take_back(session, track, cell, answer)
        if news:
            changed.add((cell.handle, cell.unit))
    return changed, waiting


def _known(session: Session, track: str, handles: set[str], units: set[str]) -> set[tuple[str, str, str, str]]:
    """Return handle, unit, check and answer of the marks that the ledger has."""
    marks = select(ManualMark.handle, ManualMark.unit, ManualMark.check, ManualMark.answer)
    marks = marks.where(ManualMark.track == track, ManualMark.unit.in_(units))
    if len(handles) <= FEW:
        marks = marks.where(ManualMark.handle.in_(handles))
    return {(handle, unit, check, answer) for handle, unit, check, answer in session.execute(marks)}


def _verdicts(
    session: Session, track: str, handles: set[str], units: set[str]
) -> Mapping[tuple[str, str, datetime], Verdict]:
    query = (
        select(Receipt.handle, Receipt.unit, Receipt.received, VerdictRow.record)
        .join(VerdictRow, VerdictRow.key == Receipt.verdict_key)
        .where(Receipt.track == track, Receipt.handle.in_(handles), Receipt.unit.in_(units))
        .where(VerdictRow.erased.is_(None))
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
