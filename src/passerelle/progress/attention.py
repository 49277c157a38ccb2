"""Who to look at in a whole programme: two of the cues' rules over everybody at once, by SQL.

The rules are those of `cues`, on the same facts; a test holds the two together, fellow by fellow.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from passerelle.ledger import extensions, releases
from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Pause, VerdictCheck
from passerelle.ledger.tables import Cohort, Enrolment, ManualMark, Person, Receipt
from passerelle.model.attempts import counted_attempt
from passerelle.model.course import Course
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.progress.cues import Cue, Place, help_cue, longest, quiet, waiting_cue
from passerelle.progress.facts import attempts_at
from passerelle.progress.reading import waits

# Some databases take so many values in one statement and no more.
_AT_ONCE = 500


def quiet_fellows(session: Session, course: Course, now: datetime, settings: Settings) -> list[Cue]:
    """Return the cues of rule «quiet» in a track, the longest since first; none of who is in a pause."""
    before = now - timedelta(days=settings.cue_quiet_days)
    query = (
        select(Receipt.handle, func.max(Receipt.received)).where(Receipt.track == course.track).group_by(Receipt.handle)
    )
    last = {handle: moment for handle, moment in session.execute(query)}  # noqa: C416  # rows are no pairs to mypy
    starts = _enrolled(session, course.track, now)
    candidates = [handle for handle in starts if (sent := last.get(handle)) is None or sent <= before]
    back, paused = _pauses(session, candidates, now)
    sent_units = _sent(session, course.track, candidates)
    released = {release.unit: release.released for release in releases.releases_of(session, course.track)}
    more: dict[str, dict[str, datetime]] = defaultdict(dict)
    for (handle, unit), until in extensions.extensions_of_track(session, course.track, None).items():
        more[handle][unit] = until
    found = []
    for handle in candidates:
        if handle not in paused:
            units = frozenset(sent_units.get(handle, ()))
            place = Place(handle, starts[handle], last.get(handle), units, released, more[handle], back.get(handle))
            cue = quiet(course, place, now, settings)
            if cue is not None and cue.since <= now < cue.expires:
                found.append(cue)
    return _in_order(_not_aside(session, found))


def owed_by_us(session: Session, course: Course, now: datetime, settings: Settings) -> list[Cue]:
    """Return the cues of what we owe the fellows of a track, the longest since first, of who is in a pause too.

    What we owe is ours to do, whoever rests or has put a line aside.
    """
    before = now - timedelta(days=settings.cue_waiting_days)
    enrolled = _enrolled(session, course.track, now)
    units = {one.card.unit for one in course.units}
    candidates = _unmarked(session, course.track, before) | _unread(session, course.track, before)
    places = sorted((handle, unit) for handle, unit in candidates if handle in enrolled and unit in units)
    found = []
    for first in range(0, len(places), _AT_ONCE):
        for (handle, unit), rows in attempts_at(session, course, places[first : first + _AT_ONCE]).items():
            oldest = longest(waits(rows, counted_attempt(rows)))
            if oldest is not None:
                found.append(waiting_cue(course, handle, unit, oldest, now, settings))
    requests = select(HelpRequest).where(HelpRequest.track == course.track, HelpRequest.asked <= now)
    still = and_(HelpRequest.answered.is_(None), HelpRequest.withdrawn.is_(None), HelpRequest.erased.is_(None))
    found += [help_cue(course, one, settings) for one in session.scalars(requests.where(still))]
    return _in_order(cue for cue in found if cue.since <= now < cue.expires and cue.fellow in enrolled)


def _in_order(found: Iterable[Cue]) -> list[Cue]:
    return sorted(found, key=lambda cue: (cue.since, cue.fellow, cue.key))


def _enrolled(session: Session, track: str, now: datetime) -> dict[str, datetime]:
    """Return since when the weeks of each fellow of now count; her newest enrolment in the track says so."""
    query = (
        select(Enrolment.handle, Enrolment.starts, Enrolment.ends, Cohort.starts)
        .join(Person, Person.handle == Enrolment.handle)
        .join(Cohort, Cohort.cohort == Enrolment.cohort)
        .where(Enrolment.track == track, Person.role == Role.FELLOW.value, Person.erased.is_(None))
        .order_by(Enrolment.handle, Enrolment.starts, Enrolment.id)
    )
    newest = {handle: (max(starts, begins), ends) for handle, starts, ends, begins in session.execute(query)}
    return {handle: starts for handle, (starts, ends) in newest.items() if ends is None or ends > now}


def _pauses(session: Session, handles: Collection[str], now: datetime) -> tuple[dict[str, datetime], set[str]]:
    """Return when each fellow's last pause ended, and who is in one."""
    back: dict[str, datetime] = {}
    paused = set()
    wanted = set(handles)
    for handle, ends in session.execute(select(Pause.handle, Pause.ends).where(Pause.starts <= now)):
        if handle not in wanted:
            continue
        if ends is None or ends > now:
            paused.add(handle)
        else:
            back[handle] = max(ends, back.get(handle, ends))
    return back, paused


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


def _unmarked(session: Session, track: str, before: datetime) -> set[tuple[str, str]]:
    """Return whose attempts, at which unit, have waited for a machine since before a moment."""
    query = select(Receipt.handle, Receipt.unit).where(Receipt.verdict_key.is_(None), Receipt.track == track)
    return {(handle, unit) for handle, unit in session.execute(query.where(Receipt.received <= before).distinct())}


def _unread(session: Session, track: str, before: datetime) -> set[tuple[str, str]]:
    """Return whose attempts hold an answer that nobody has marked since before a moment; some are superseded."""
    whose = and_(ManualMark.handle == Receipt.handle, ManualMark.track == Receipt.track)
    where = and_(ManualMark.unit == Receipt.unit, ManualMark.check == VerdictCheck.check)
    mark = select(ManualMark.id).where(whose, where, ManualMark.answer == VerdictCheck.answer)
    query = (
        select(Receipt.handle, Receipt.unit)
        .join(VerdictCheck, VerdictCheck.verdict == Receipt.verdict_key)
        .where(Receipt.track == track, Receipt.received <= before)
        .where(VerdictCheck.manual.is_(True), VerdictCheck.answer.is_not(None), ~mark.exists())
    )
    return {(handle, unit) for handle, unit in session.execute(query.distinct())}
