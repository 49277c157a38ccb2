"""Who to look at in a whole programme: two of the cues' rules over everybody at once, by SQL.

The rules are those of `cues`, on the same facts; a test holds the two together, fellow by fellow.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from passerelle.ledger import releases
from passerelle.ledger.help import pauses_of
from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest
from passerelle.ledger.tables import Cohort, Enrolment, Person, Receipt
from passerelle.model.course import Course
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.progress.cues import Cue, Place, help_cue, longest, quiet, waiting_cue
from passerelle.progress.due import Dates
from passerelle.progress.facts import more_time
from passerelle.progress.owed import waiting_at

# Some databases take so many values in one statement and no more.
_AT_ONCE = 500


def quiet_fellows(
    session: Session, course: Course, now: datetime, settings: Settings, only: Collection[str] | None = None
) -> list[Cue]:
    """Return the cues of rule «quiet» in a track, the longest since first; none of who is in a pause, or has left.

    `only` are a few fellows, where not all are asked about.
    """
    before = now - timedelta(days=settings.cue_quiet_days)
    theirs = [] if only is None else [Receipt.handle.in_(only)]
    query = (
        select(Receipt.handle, func.max(Receipt.received))
        .where(Receipt.track == course.track, *theirs)
        .group_by(Receipt.handle)
    )
    last = {handle: moment for handle, moment in session.execute(query)}  # noqa: C416  # rows are no pairs to mypy
    starts = _enrolled(session, course.track, now, only, Person.closed.is_(None))
    candidates = [handle for handle in starts if (sent := last.get(handle)) is None or sent <= before]
    pauses = pauses_of(session, now, only)
    sent_units = _sent(session, course.track, candidates)
    released = {release.unit: release.released for release in releases.releases_of(session, course.track)}
    more, zone = more_time(session, course.track, only), ZoneInfo(settings.timezone)
    found = []
    for handle in candidates:
        dates = Dates(starts[handle], now, zone, pauses.get(handle, ()), more.get(handle, {}))
        if dates.paused:
            continue
        given = {unit.card.unit: until for unit in course.units if (until := dates.given(unit))}
        place = Place(handle, dates, last.get(handle), frozenset(sent_units.get(handle, ())), released, given)
        cue = quiet(course, place, settings)
        if cue is not None and cue.since <= now < cue.expires:
            found.append(cue)
    return _in_order(_not_aside(session, found))


def owed_by_us(
    session: Session, course: Course, now: datetime, settings: Settings, only: Collection[str] | None = None
) -> list[Cue]:
    """Return the cues of what we owe the fellows of a track, the longest since first, of who is in a pause too.

    What we owe is ours to do, whoever rests or has put a line aside. `only` are a few fellows, where not all are asked
    about.
    """
    before = now - timedelta(days=settings.cue_waiting_days)
    enrolled = _enrolled(session, course.track, now, only)
    found = [
        waiting_cue(course, handle, unit, oldest, now, settings)
        for handle, unit, waiting in waiting_at(session, course, before, enrolled, only)
        if (oldest := longest(one for one, _ in waiting))
    ]
    requests = select(HelpRequest).where(HelpRequest.track == course.track, HelpRequest.asked <= now)
    still = and_(HelpRequest.answered.is_(None), HelpRequest.withdrawn.is_(None), HelpRequest.erased.is_(None))
    found += [help_cue(course, one, now, settings) for one in session.scalars(requests.where(still))]
    return _in_order(cue for cue in found if cue.since <= now < cue.expires and cue.fellow in enrolled)


def _in_order(found: Iterable[Cue]) -> list[Cue]:
    return sorted(found, key=lambda cue: (cue.since, cue.fellow, cue.key))


def _enrolled(
    session: Session, track: str, now: datetime, only: Collection[str] | None, *where: ColumnElement[bool]
) -> dict[str, datetime]:
    """Return since when the weeks of each fellow of now count; her newest enrolment in the track says so."""
    theirs = [] if only is None else [Enrolment.handle.in_(only)]
    query = (
        select(Enrolment.handle, Enrolment.starts, Enrolment.ends, Cohort.starts)
        .join(Person, Person.handle == Enrolment.handle)
        .join(Cohort, Cohort.cohort == Enrolment.cohort)
        .where(Enrolment.track == track, Person.role == Role.FELLOW.value, Person.erased.is_(None), *theirs, *where)
        .order_by(Enrolment.handle, Enrolment.starts, Enrolment.id)
    )
    newest = {handle: (max(starts, begins), ends) for handle, starts, ends, begins in session.execute(query)}
    return {handle: starts for handle, (starts, ends) in newest.items() if ends is None or ends > now}


def _sent(session: Session, track: str, handles: Sequence[str]) -> dict[str, set[str]]:
    sent: dict[str, set[str]] = defaultdict(set)
    for first in range(0, len(handles), _AT_ONCE):
        some = handles[first : first + _AT_ONCE]
        query = select(Receipt.handle, Receipt.unit).where(Receipt.track == track, Receipt.handle.in_(some)).distinct()
        for handle, unit in session.execute(query):
            sent[handle].add(unit)
    return sent


def _not_aside(session: Session, found: Sequence[Cue]) -> list[Cue]:
    query = select(CueDismissal.fellow, CueDismissal.facts).where(CueDismissal.erased.is_(None))
    aside = {(fellow, facts) for fellow, facts in session.execute(query)}
    return [cue for cue in found if (cue.fellow, cue.key) not in aside]
