"""Every export that left, written down: by whom, of what, for whom; and each fellow in it can read that it did."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import ExportRecord

INSIDE, OUTSIDE, IDENTIFIED = "export", "export-outside", "export-identified"
"""What the access log calls an export for the programme, for somebody outside, and one that says who is who."""


def record_export(
    session: Session,
    *,
    by: str,
    what: str,
    recipient: str,
    fellows: Iterable[str],
    at: datetime,
    outside: bool = False,
    identified: bool = False,
    reason: str | None = None,
) -> ExportRecord:
    """Write down an export, before it is made; `fellows` are the handles of those in it.

    Raises:
        ValueError: it says who is who, and nobody says why.
    """
    if identified and not (reason or "").strip():
        raise ValueError("an identified export needs a reason")
    added = ExportRecord(at=at, by=by, what=what, recipient=recipient, identified=identified, reason=reason)
    session.add(added)
    kind = IDENTIFIED if identified else OUTSIDE if outside else INSIDE
    for handle in sorted(fellows):
        people.log_access(session, by, handle, kind, at)
    session.flush()
    return added


def last_exports(session: Session, most: int) -> list[ExportRecord]:
    """Return the exports that left last, the newest first."""
    query = select(ExportRecord).order_by(ExportRecord.at.desc(), ExportRecord.id.desc())
    return list(session.scalars(query.limit(most)))
