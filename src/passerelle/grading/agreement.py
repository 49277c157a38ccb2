"""Does a course's gradebook say what the ledger says? Looks, and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.grading.gradebook import given_by_hand, gradebook, labels, submitted_cells
from passerelle.grading.manual import answer_of
from passerelle.grading.record import automatic_points, folders_stand
from passerelle.grading.standing import standing_attempt
from passerelle.ledger import queue, receipts
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import ManualMark
from passerelle.model.verdict import Verdict, place_of

Place = tuple[str, str]
"""handle, unit"""


@dataclass(frozen=True)
class Disagreement:
    """Where gradebook and ledger differ; `mends` says whether the marking process puts it right at its next start."""

    handle: str
    unit: str
    what: str
    mends: bool


@dataclass
class _Row:
    """One submission as the gradebook has it."""

    received: datetime
    automatic: dict[str, float | None] = field(default_factory=dict)
    by_hand: dict[str, float] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """Return nbgrader's score."""
        return sum(self.by_hand.get(cell, auto or 0.0) for cell, auto in self.automatic.items())


def disagreements(course_dir: Path, session: Session, track: str) -> list[Disagreement]:
    """Compare a course's gradebook and folders with the ledger.

    While marking goes on, what is just being recorded may be in the list: look twice.

    Args:
        course_dir: nbgrader's course directory.
        session: the ledger's transaction, begun after this is called or before.
        track: nbgrader's course id.

    Raises:
        GradebookUnusableError: where the gradebook cannot be read.
    """
    rows = _rows(course_dir)
    attempts: dict[Place, list[AttemptRow]] = {}
    for attempt in receipts.attempts_of_track(session, track):
        attempts.setdefault((attempt.handle, attempt.unit), []).append(attempt)
    marks = _marks(session, track)
    found = []
    for place in sorted(rows.keys() | attempts.keys()):
        chosen = standing_attempt(attempts.get(place, ()))
        verdict = queue.cached_verdict(session, chosen.verdict.key) if chosen and chosen.verdict else None
        if chosen is None or verdict is None:
            if place in rows:
                # Nobody records anything here, so nobody puts it right.
                found.append(
                    Disagreement(*place, "the gradebook has a submission, the ledger no marked receipt", False)
                )
            continue
        for what, mends in _differences(course_dir, rows.get(place), chosen, verdict, marks):
            found.append(Disagreement(*place, what, mends))
    return found


def _differences(
    course_dir: Path,
    row: _Row | None,
    chosen: AttemptRow,
    verdict: Verdict,
    marks: Mapping[tuple[str, str, str, str], float],
) -> list[tuple[str, bool]]:
    """Return what differs at one place, and whether the marking process mends it."""
    wanted = {one.place: automatic_points(one, verdict) for one in verdict.checks}
    if row is None or row.received != chosen.received:
        return [(f"attempt {chosen.number} counts and is not in the gradebook", True)]
    if row.automatic != wanted:
        return [(f"the gradebook has other automatic points than attempt {chosen.number}", True)]
    if not folders_stand(course_dir, chosen.handle, chosen.received, verdict):
        return [(f"submitted/ or autograded/ holds another attempt than {chosen.number}", True)]
    found = []
    for check in wanted:
        answer = answer_of(verdict, check)
        known = marks.get((chosen.handle, chosen.unit, check, answer or ""))
        given = row.by_hand.get(check)
        if known is not None and given is None:
            # A mark that is not there counts as taken back.
            found.append((f"the mark for {check} is in the ledger, and no longer in the gradebook", False))
        elif given is not None and known != given:
            found.append((f"the mark for {check} is not in the ledger yet", True))
    if not found and abs(row.points - (chosen.points or 0.0)) > 1e-9:
        found.append((f"{row.points:g} points in the gradebook, {chosen.points:g} in the ledger", False))
    return found


def _rows(course_dir: Path) -> dict[Place, _Row]:
    """Return the gradebook's submissions."""
    rows: dict[Place, _Row] = {}
    with gradebook(course_dir) as opened:
        label = labels(opened)
        for _, handle, unit, stamp, notebook, name, auto, manual, extra in opened.execute(submitted_cells()):
            row = rows.setdefault((handle, unit), _Row(stamp.replace(tzinfo=UTC)))
            if name is not None:
                cell = place_of(label[notebook], name)
                row.automatic[cell] = auto
                points = given_by_hand(auto, manual, extra)
                if points is not None:
                    row.by_hand[cell] = points
    return rows


def _marks(session: Session, track: str) -> dict[tuple[str, str, str, str], float]:
    """Return the newest mark of every answer."""
    query = select(ManualMark).where(ManualMark.track == track).order_by(ManualMark.marked, ManualMark.id)
    return {(mark.handle, mark.unit, mark.check, mark.answer): mark.points for mark in session.scalars(query)}
