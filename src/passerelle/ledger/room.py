"""How many submissions of one fellow the ledger takes at a time, so that a loop in her notebook fills no queue."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from passerelle.ledger.queue import DONE
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.errors import SubmissionError

MAX_WAITING = 20
MAX_SENDS = 30
SENDS_WITHIN = timedelta(minutes=10)
ASK_AGAIN = timedelta(minutes=1)


class NoRoomError(SubmissionError):
    """A fellow sent more than is marked, or more often than work is done. `fault` and `facts` say which."""

    fault: str
    facts: Mapping[str, Any]
    wait: timedelta

    @classmethod
    def of(cls, fault: str, wait: timedelta, **facts: Any) -> Self:
        """Build the error from what there is too much of, and when to ask again."""
        error = cls(f"{fault}: {facts}; send again in {wait}")
        error.fault, error.facts, error.wait = fault, facts, wait
        return error


def must_have_room(session: Session, handle: str, at: datetime) -> None:
    """Refuse one submission more of a fellow who has many on their way; hers are counted one after another.

    What is marked again (a corrected check) does not count, nor what came by a clock that has gone back since.

    Raises:
        NoRoomError: too many without a verdict, or too many in the last minutes.
    """
    waiting = session.scalar(
        select(func.count(Receipt.id))
        .join(Job, Job.receipt == Receipt.id)
        .where(Receipt.handle == handle, Receipt.verdict_key.is_(None), Receipt.erased.is_(None), Job.state != DONE)
    )
    if (waiting or 0) >= MAX_WAITING:
        raise NoRoomError.of("too-many-waiting", ASK_AGAIN, count=waiting)
    recent = session.scalars(
        select(Receipt.received)
        .where(Receipt.handle == handle, Receipt.received > at - SENDS_WITHIN, Receipt.received <= at)
        .order_by(Receipt.received.desc())
        .limit(MAX_SENDS)
    ).all()
    if len(recent) == MAX_SENDS:
        wait = recent[-1] + SENDS_WITHIN - at
        minutes = SENDS_WITHIN // timedelta(minutes=1)
        in_minutes = -(-wait // timedelta(minutes=1))
        raise NoRoomError.of("too-many-sends", wait, count=MAX_SENDS, minutes=minutes, again=in_minutes)
