"""Units as fellows get them, and nbgrader's feedback pages as they get those."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from passerelle.ledger.tables import Feedback, Release


def put_release(
    session: Session,
    track: str,
    unit: str,
    version: str,
    parcel: bytes,
    *,
    title: Mapping[str, str] | None = None,
    sender: str = "",
    at: datetime | None = None,
) -> Release:
    """Release a version of a unit; one that is already the newest stays as it is."""
    sha256 = hashlib.sha256(parcel).hexdigest()
    newest = newest_release(session, track, unit)
    if newest is not None and (newest.version, newest.sha256) == (version, sha256):
        return newest
    added = Release(
        track=track,
        unit=unit,
        version=version,
        title=dict(title or {"en": unit}),
        sender=sender,
        released=at or datetime.now(UTC),
        sha256=sha256,
        files=parcel,
    )
    session.add(added)
    session.flush()
    return added


def newest_release(session: Session, track: str, unit: str) -> Release | None:
    """Return what is fetched of a unit (its `files` are loaded when asked for), None where it is not released."""
    query = select(Release).where(Release.track == track, Release.unit == unit).order_by(Release.id.desc()).limit(1)
    newest = session.scalar(query)
    return newest if newest is not None and newest.withdrawn is None else None


def releases_of(session: Session, track: str) -> list[Release]:
    """Return the newest release of each unit of a track, in the order of their first release."""
    latest = (
        select(func.max(Release.id).label("newest"), func.min(Release.id).label("first"))
        .where(Release.track == track)
        .group_by(Release.unit)
        .subquery()
    )
    query = select(Release).join(latest, Release.id == latest.c.newest).order_by(latest.c.first)
    return [release for release in session.scalars(query) if release.withdrawn is None]


def withdraw_release(session: Session, track: str, unit: str, at: datetime | None = None) -> bool:
    """Let a unit no longer be fetched; tell whether it was released. What was submitted stays."""
    newest = newest_release(session, track, unit)
    if newest is None:
        return False
    newest.withdrawn = at or datetime.now(UTC)
    return True


def put_feedback(
    session: Session,
    *,
    handle: str,
    track: str,
    unit: str,
    timestamp: str,
    parcel: bytes,
    at: datetime | None = None,
) -> Feedback:
    """Release nbgrader's feedback pages for a submission; the newest of a timestamp is the one that is fetched."""
    added = Feedback(
        handle=handle,
        track=track,
        unit=unit,
        timestamp=timestamp,
        released=at or datetime.now(UTC),
        content=parcel,
    )
    session.add(added)
    session.flush()
    return added


def feedback_of(session: Session, handle: str, track: str, unit: str) -> list[Feedback]:
    """Return the newest feedback for each submission of a fellow at a unit (`content` is loaded when asked for)."""
    query = (
        select(Feedback)
        .where(Feedback.handle == handle, Feedback.track == track, Feedback.unit == unit, Feedback.erased.is_(None))
        .order_by(Feedback.id)
    )
    return list({feedback.timestamp: feedback for feedback in session.scalars(query)}.values())


def feedback_released(
    session: Session, track: str, unit: str | None = None, handle: str | None = None
) -> dict[tuple[str, str, str], datetime]:
    """Return when feedback was last released, by fellow, unit and the submission's timestamp; in one query."""
    query = (
        select(Feedback.handle, Feedback.unit, Feedback.timestamp, func.max(Feedback.released))
        .where(Feedback.track == track, Feedback.erased.is_(None))
        .group_by(Feedback.handle, Feedback.unit, Feedback.timestamp)
    )
    if unit is not None:
        query = query.where(Feedback.unit == unit)
    if handle is not None:
        query = query.where(Feedback.handle == handle)
    return {(whose, of, stamp): released for whose, of, stamp, released in session.execute(query)}
