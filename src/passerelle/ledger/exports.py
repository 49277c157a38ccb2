"""Which exports left, by whom and for whom; names leave with a reason alone."""

from datetime import UTC, datetime
from typing import Self

from sqlalchemy.orm import Session

from passerelle.ledger.mentoring_tables import ExportRecord
from passerelle.model.errors import ServiceError

SHORTEST_REASON = 10
"""Characters: less explains nothing to who reads it in a year."""


class NoReasonError(ServiceError):
    """An export with names was asked for without saying why."""

    @classmethod
    def of(cls, reason: str | None) -> Self:
        """Build the error from what was said."""
        return cls(
            f"an export with names needs a reason ({(reason or '').strip()!r} says too little): say for whom and what "
            "for, in some words; it is kept"
        )


def record_export(
    session: Session,
    *,
    by: str,
    what: str,
    recipient: str,
    identified: bool = False,
    reason: str | None = None,
    at: datetime | None = None,
) -> ExportRecord:
    """Write an export down, before it is handed out.

    Raises:
        NoReasonError: there are names in it, and no reason for that.
    """
    said = (reason or "").strip()
    if identified and len(said) < SHORTEST_REASON:
        raise NoReasonError.of(reason)
    made = ExportRecord(
        at=at or datetime.now(UTC), by=by, what=what, recipient=recipient, identified=identified, reason=said or None
    )
    session.add(made)
    session.flush()
    return made
