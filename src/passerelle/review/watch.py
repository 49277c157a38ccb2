"""Who is quiet and what we owe, of a whole programme: read anew when something has happened, and else kept."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Pause
from passerelle.ledger.tables import Enrolment, Extension, Job, ManualMark, Person, Release
from passerelle.model.course import Course
from passerelle.model.settings import Settings
from passerelle.progress.attention import owed_by_us, quiet_fellows
from passerelle.progress.cues import Cue
from passerelle.review.shelf import Shelf

KEPT = timedelta(minutes=1)
"""Rules count days: what nothing has happened to is looked at again after this, for time goes on by itself."""


@dataclass(frozen=True)
class Seen:
    """The cues of all tracks, the longest since first."""

    quiet: tuple[Cue, ...]
    owed: tuple[Cue, ...]


class Watch:
    """Keeps what was seen while the ledger says that nothing has happened; one reader looks, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[object, datetime, Seen] | None = None

    def seen(self, session: Session, courses: Sequence[Course], now: datetime, settings: Settings) -> Seen:
        """Return what the rules say of a programme now."""
        facts = (_happened(session), [(course.track, id(course)) for course in courses])
        with self._lock:
            if self._kept is None or self._kept[0] != facts or not timedelta() <= now - self._kept[1] < KEPT:
                quiet = [cue for course in courses for cue in quiet_fellows(session, course, now, settings)]
                owed = [cue for course in courses for cue in owed_by_us(session, course, now, settings)]
                self._kept = (facts, now, Seen(_in_order(quiet), _in_order(owed)))
            return self._kept[2]


def _in_order(found: Sequence[Cue]) -> tuple[Cue, ...]:
    return tuple(sorted(found, key=lambda cue: (cue.since, cue.fellow, cue.key)))


def _happened(session: Session) -> tuple[object, ...]:
    """Return figures that change with everything that the two rules look at; cheap to read."""
    jobs = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    queries = [
        select(func.max(Job.done), func.max(Job.id)),
        select(func.max(ManualMark.id)),
        select(func.max(Pause.id), func.count(Pause.ends), func.max(Pause.ends)),
        select(func.max(CueDismissal.id), func.count(CueDismissal.erased)),
        select(func.max(Extension.id)),
        select(func.max(Release.id), func.count(Release.withdrawn), func.max(Release.released)),
        select(func.max(Enrolment.id), func.count(Enrolment.ends), func.max(Enrolment.ends)),
        select(func.count(Person.handle), func.count(Person.erased), func.count(Person.closed)),
        select(func.max(HelpRequest.id), func.count(HelpRequest.answered)),
        select(func.count(HelpRequest.withdrawn), func.count(HelpRequest.erased)),
    ]
    return (sorted(map(tuple, jobs)), *(tuple(session.execute(query).one()) for query in queries))


_watches: WeakKeyDictionary[Shelf, Watch] = WeakKeyDictionary()


def watch_of(shelf: Shelf) -> Watch:
    """Return the watch of a service: its handlers share a shelf, and so this."""
    return _watches.setdefault(shelf, Watch())
