"""More time for one fellow at one unit."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger import people
from passerelle.ledger.tables import Extension


def extend(
    session: Session, handle: str, track: str, unit: str, *, until: datetime, given_by: str, at: datetime | None = None
) -> Extension:
    """Give a fellow until a moment for a unit; the newest counts. She can read in the access log that it was given."""
    moment = at or datetime.now(UTC)
    added = Extension(handle=handle, track=track, unit=unit, until=until, given_by=given_by, at=moment)
    session.add(added)
    people.log_access(session, given_by, handle, "extension", moment)
    return added


def extensions_of_track(
    session: Session, track: str, handles: Collection[str] | None = None
) -> dict[tuple[str, str], Extension]:
    """Return the newest of each, by handle and unit; of some fellows where `handles` says so."""
    query = select(Extension).where(Extension.track == track).order_by(Extension.at, Extension.id)
    if handles is not None:
        query = query.where(Extension.handle.in_(handles))
    return {(row.handle, row.unit): row for row in session.scalars(query)}
