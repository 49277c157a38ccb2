"""How often a password may be tried: after five in a row, waits that grow."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from passerelle.ledger.tables import SignInTries

FREE = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
KEPT = 10_000
"""Rows at most, so that made-up user names fill no disk; the oldest leave first."""


def wait_after(tries: int) -> timedelta:
    """Return how long nothing is looked at after so many tries in a row: 30 s after the fifth, then twice as long."""
    if tries < FREE:
        return timedelta(0)
    # The shift is bounded, or a day of tries would overflow it.
    return min(FIRST_WAIT * (1 << min(tries - FREE, 10)), LONGEST_WAIT)


def begin(session: Session, key: str, at: datetime) -> datetime | None:
    """Count a try before its password is looked at; return until when to wait, None where it may be looked at now.

    Counted first, so that a hundred tries at once are a hundred. A try during a wait is none: it makes nothing longer.
    """
    row = session.get(SignInTries, key)
    if row is not None and row.until is not None and row.until > at:
        return row.until
    if row is None or row.last < at - FORGOTTEN_AFTER:
        session.execute(delete(SignInTries).where(SignInTries.last < at - FORGOTTEN_AFTER))
        _make_room(session)
        row = SignInTries(key=key, tries=0, last=at, until=None)
        session.add(row)
    row.tries += 1
    row.last = at
    row.until = at + wait_after(row.tries) if row.tries >= FREE else None
    return None


def wait(session: Session, key: str, at: datetime) -> datetime | None:
    """Return until when to wait, None where nothing waits."""
    row = session.get(SignInTries, key)
    return row.until if row is not None and row.until is not None and row.until > at else None


def forget(session: Session, key: str) -> None:
    """Begin anew: the password was right."""
    session.execute(delete(SignInTries).where(SignInTries.key == key))


def _make_room(session: Session) -> None:
    over = (session.scalar(select(func.count()).select_from(SignInTries)) or 0) - KEPT + 1
    if over > 0:
        oldest = select(SignInTries.key).order_by(SignInTries.last).limit(over)
        session.execute(delete(SignInTries).where(SignInTries.key.in_(oldest)))
