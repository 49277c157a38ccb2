"""Marks that people gave to answers."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger.tables import ManualMark


def put_manual_mark(
    session: Session,
    *,
    handle: str,
    track: str,
    unit: str,
    check: str,
    answer: str,
    points: float,
    comment: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Add a mark for an answer (its hash); tell whether it is news. The newest of an answer counts."""
    newest = manual_mark(session, handle, track, unit, check, answer)
    if newest is not None and (newest.points, newest.comment) == (points, comment):
        return False
    session.add(
        ManualMark(
            handle=handle,
            track=track,
            unit=unit,
            check=check,
            answer=answer,
            points=points,
            comment=comment,
            marked=at or datetime.now(UTC),
        )
    )
    session.flush()
    return True


def manual_mark(session: Session, handle: str, track: str, unit: str, check: str, answer: str) -> ManualMark | None:
    """Return the mark that counts for an answer, None where nobody has given one."""
    query = (
        select(ManualMark)
        .where(ManualMark.handle == handle, ManualMark.track == track, ManualMark.unit == unit)
        .where(ManualMark.check == check, ManualMark.answer == answer)
        .order_by(ManualMark.id.desc())  # not by time: a clock may go back
        .limit(1)
    )
    return session.scalar(query)
