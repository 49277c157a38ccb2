"""Who is quiet and what we owe, of a whole programme: read anew when something has happened, and else kept.

A verdict, a mark, a submission, or more time for one fellow changes what is said of her alone: her lines are read anew,
the others are kept. After all else everything is.
"""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Pause
from passerelle.ledger.queue import DONE
from passerelle.ledger.tables import Enrolment, Extension, Job, ManualMark, Person, Receipt, Release
from passerelle.model.course import Course
from passerelle.model.settings import Settings
from passerelle.progress.attention import owed_by_us, quiet_fellows
from passerelle.progress.cues import Cue
from passerelle.review.shelf import Shelf

KEPT = timedelta(minutes=1)
"""Rules count days: what nothing has happened to is looked at again after this, for time goes on by itself."""
_FEW = 100
"""Of more fellows at once everything is read anew: that is then as quick."""


@dataclass(frozen=True)
class Seen:
    """The cues of all tracks, the longest since first."""

    quiet: tuple[Cue, ...]
    owed: tuple[Cue, ...]


@dataclass(frozen=True)
class _Happened:
    """Figures that change with everything that the two rules look at; cheap to read.

    `everywhere` is what may concern anybody. The others concern one fellow at a time: the newest job, mark and
    extension, when a job was last done, how many there are, and those that are not done.
    """

    everywhere: tuple[object, ...]
    job: int
    mark: int
    extension: int
    done: datetime | None
    jobs: int
    to_do: frozenset[tuple[int, str]]


@dataclass(frozen=True)
class _Kept:
    happened: _Happened
    at: datetime
    seen: Seen


class Watch:
    """Keeps what was seen while the ledger says that nothing has happened; one reader looks, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def seen(self, session: Session, courses: Sequence[Course], now: datetime, settings: Settings) -> Seen:
        """Return what the rules say of a programme now."""
        happened = _happened(session, courses)
        with self._lock:
            kept = self._kept
            whom = None
            if kept is not None and timedelta() <= now - kept.at < KEPT:
                whom = _of_whom(session, kept.happened, happened)
            if kept is None or whom is None:
                kept = _Kept(happened, now, _look(session, courses, now, settings))
            elif whom:
                fresh = _look(session, courses, now, settings, whom)
                quiet, owed = (
                    _in_order([*new, *(cue for cue in old if cue.fellow not in whom)])
                    for new, old in ((fresh.quiet, kept.seen.quiet), (fresh.owed, kept.seen.owed))
                )
                # The others are as old as they were: all are looked at again in time.
                kept = _Kept(happened, kept.at, Seen(quiet, owed))
            self._kept = kept
            return kept.seen


def _look(
    session: Session, courses: Sequence[Course], now: datetime, settings: Settings, only: Collection[str] | None = None
) -> Seen:
    quiet = [cue for course in courses for cue in quiet_fellows(session, course, now, settings, only)]
    owed = [cue for course in courses for cue in owed_by_us(session, course, now, settings, only)]
    return Seen(_in_order(quiet), _in_order(owed))


def _in_order(found: Sequence[Cue]) -> tuple[Cue, ...]:
    return tuple(sorted(found, key=lambda cue: (cue.since, cue.fellow, cue.key)))


def _happened(session: Session, courses: Sequence[Course]) -> _Happened:
    queries = [
        select(func.max(Pause.id), func.count(Pause.ends), func.max(Pause.ends)),
        select(func.max(CueDismissal.id), func.count(CueDismissal.erased)),
        select(func.max(Release.id), func.count(Release.withdrawn), func.max(Release.released)),
        select(func.max(Enrolment.id), func.count(Enrolment.ends), func.max(Enrolment.ends)),
        select(func.count(Person.handle), func.count(Person.erased), func.count(Person.closed)),
        select(func.max(HelpRequest.id), func.count(HelpRequest.answered)),
        select(func.count(HelpRequest.withdrawn), func.count(HelpRequest.erased)),
    ]
    done, job, jobs = session.execute(select(func.max(Job.done), func.max(Job.id), func.count())).one()
    to_do = session.execute(select(Job.id, Job.state).where(Job.state != DONE))
    return _Happened(
        everywhere=(
            *((course.track, id(course)) for course in courses),
            *(tuple(session.execute(query).one()) for query in queries),
        ),
        job=job or 0,
        mark=session.scalar(select(func.max(ManualMark.id))) or 0,
        extension=session.scalar(select(func.max(Extension.id))) or 0,
        done=done,
        jobs=jobs,
        to_do=frozenset((one, state) for one, state in to_do),
    )


def _of_whom(session: Session, before: _Happened, now: _Happened) -> set[str] | None:
    """Return whom that concerns which has happened in between; None where it may be anybody."""
    if before == now:
        return set()
    new = session.scalar(select(func.count()).select_from(Job).where(Job.id > before.job)) or 0
    changed = {one for one, _ in before.to_do ^ now.to_do}
    if before.everywhere != now.everywhere or before.jobs + new != now.jobs or len(changed) > _FEW:
        return None
    # A job that was done and is done anew has a later moment, or the same one.
    done_since = Job.done.is_not(None) if before.done is None else Job.done >= before.done
    jobs = or_(Job.id > before.job, Job.id.in_(changed), done_since)
    found = set(session.scalars(select(Receipt.handle).join(Job, Job.receipt == Receipt.id).where(jobs)))
    found |= set(session.scalars(select(ManualMark.handle).where(ManualMark.id > before.mark)))
    found |= set(session.scalars(select(Extension.handle).where(Extension.id > before.extension)))
    return found if len(found) <= _FEW else None


_watches: WeakKeyDictionary[Shelf, Watch] = WeakKeyDictionary()


def watch_of(shelf: Shelf) -> Watch:
    """Return the watch of a service: its handlers share a shelf, and so this."""
    return _watches.setdefault(shelf, Watch())
