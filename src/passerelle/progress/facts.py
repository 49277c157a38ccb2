"""What the ledger holds about a track, in a fixed number of queries, however many fellows there are."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger import extensions, receipts, releases
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import Cohort, Enrolment, Person
from passerelle.model.people import Role


@dataclass(frozen=True)
class Enrolled:
    """A fellow's place in a track."""

    handle: str
    cohort: str
    starts: datetime
    ends: datetime | None


@dataclass(frozen=True)
class Facts:
    """All that the read model of a track is made of; attempts by handle and unit, the first one first.

    `extended` says until when somebody was given more time, by handle and unit.
    """

    enrolled: list[Enrolled]
    attempts: dict[tuple[str, str], list[AttemptRow]]
    released: dict[str, datetime]
    extended: dict[tuple[str, str], datetime]


def read_facts(session: Session, track: str, handles: Collection[str] | None = None) -> Facts:
    """Read the facts of a track, of some fellows (a few) where `handles` says so."""
    if handles is None:
        rows = receipts.attempts_of_track(session, track)
    else:
        rows = [row for handle in sorted(handles) for row in receipts.attempts(session, handle, track)]
    attempts: dict[tuple[str, str], list[AttemptRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.number):
        attempts[row.handle, row.unit].append(row)
    released = {release.unit: release.released for release in releases.releases_of(session, track)}
    extended = extensions.extensions_of_track(session, track, handles)
    return Facts(_enrolled(session, track, handles), dict(attempts), released, extended)


def _enrolled(session: Session, track: str, handles: Collection[str] | None) -> list[Enrolled]:
    query = (
        select(Enrolment, Cohort.starts)
        .join(Person, Person.handle == Enrolment.handle)
        .join(Cohort, Cohort.cohort == Enrolment.cohort)
        .where(Enrolment.track == track, Person.role == Role.FELLOW.value, Person.erased.is_(None))
        .order_by(Enrolment.handle, Enrolment.starts, Enrolment.id)
    )
    if handles is not None:
        query = query.where(Enrolment.handle.in_(handles))
    newest: dict[str, Enrolled] = {}
    for row, begins in session.execute(query):
        # Who joins a group later has her weeks from the day she joined.
        newest[row.handle] = Enrolled(row.handle, row.cohort, max(row.starts, begins), row.ends)
    return list(newest.values())
