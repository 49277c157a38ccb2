"""What a whole track waits for, by SQL: only the attempts where something may wait are read."""

from collections.abc import Collection, Container, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from passerelle.ledger.mentoring_tables import VerdictCheck
from passerelle.ledger.tables import ManualMark, Receipt
from passerelle.model.attempts import counted_attempt
from passerelle.model.course import Course
from passerelle.progress.facts import Sent, attempts_at
from passerelle.progress.model import Waiting
from passerelle.progress.reading import waits

# Some databases take so many values in one statement and no more.
_AT_ONCE = 500


def waiting_at(
    session: Session,
    course: Course,
    before: datetime,
    fellows: Container[str],
    only: Collection[str] | None = None,
) -> Iterator[tuple[str, str, list[tuple[Waiting, Sent]]]]:
    """Yield fellow, unit and what waits for us there, with the attempt that holds it.

    It is what the read model says of each fellow (`UnitProgress.waiting`). Units of which no attempt that came until
    `before` waits are left out; of the others all that waits is told. `only` are a few fellows, where not all are asked
    about.
    """
    units = {one.card.unit for one in course.units}
    theirs = [] if only is None else [Receipt.handle.in_(only)]
    candidates = _unmarked(session, course.track, before, theirs) | _unread(session, course.track, before, theirs)
    places = sorted((handle, unit) for handle, unit in candidates if handle in fellows and unit in units)
    for first in range(0, len(places), _AT_ONCE):
        for (handle, unit), rows in attempts_at(session, course, places[first : first + _AT_ONCE]).items():
            by_number = {row.number: row for row in rows}
            found = [(one, by_number[one.attempt]) for one in waits(rows, counted_attempt(rows))]
            if found:
                yield handle, unit, found


def _unmarked(
    session: Session, track: str, before: datetime, theirs: Sequence[ColumnElement[bool]]
) -> set[tuple[str, str]]:
    """Return whose attempts, at which unit, have waited for a machine since before a moment."""
    query = select(Receipt.handle, Receipt.unit).where(Receipt.verdict_key.is_(None), Receipt.track == track)
    query = query.where(Receipt.received <= before, *theirs)
    return {(handle, unit) for handle, unit in session.execute(query.distinct())}


def _unread(
    session: Session, track: str, before: datetime, theirs: Sequence[ColumnElement[bool]]
) -> set[tuple[str, str]]:
    """Return whose attempts hold an answer that nobody has marked since before a moment; some are superseded."""
    whose = and_(ManualMark.handle == Receipt.handle, ManualMark.track == Receipt.track)
    where = and_(ManualMark.unit == Receipt.unit, ManualMark.check == VerdictCheck.check)
    mark = select(ManualMark.id).where(whose, where, ManualMark.answer == VerdictCheck.answer)
    query = (
        select(Receipt.handle, Receipt.unit)
        .join(VerdictCheck, VerdictCheck.verdict == Receipt.verdict_key)
        .where(Receipt.track == track, Receipt.received <= before, *theirs)
        .where(VerdictCheck.manual.is_(True), VerdictCheck.answer.is_not(None), ~mark.exists())
    )
    # Not DISTINCT: SQLite would go through everybody's receipts in that order, and few rows come anyway.
    return {(handle, unit) for handle, unit in session.execute(query)}
