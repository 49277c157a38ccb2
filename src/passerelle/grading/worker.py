"""One marker: it takes jobs from the ledger, has them marked, and records what came of them.

The ledger holds all state that matters, so a killed worker loses nothing: what it had leased is taken again,
and what it had not recorded is found at the next start. Nothing that a fellow sends stops the loop, and no
fault of ours costs her a point.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.grading import trouble
from passerelle.grading.again import Rehearser
from passerelle.grading.cluster import Here, SchedulerLostError
from passerelle.grading.feedback import release_feedback, stale_feedback
from passerelle.grading.line import Crew, Line, Work, sound
from passerelle.grading.marking import Marked, mark, verdict_key
from passerelle.grading.noticed import Noticer
from passerelle.grading.record import record, stands
from passerelle.grading.standing import standing_attempt
from passerelle.grading.trees import clear_scratch
from passerelle.ledger import queue, reasons, receipts
from passerelle.ledger.queue import Lease
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.errors import ServiceError, SubmissionError
from passerelle.model.parcel import unpack
from passerelle.model.settings import Settings
from passerelle.model.verdict import Verdict

LOOK_EVERY_S = 1.0
LOOK_AGAIN_S = 0.3  # an empty queue, while there is something else to do
AGAIN_AFTER_S = 30.0
MOST_WRITES = 5
"""Records of one place in a row that did not stand afterwards: a sixth would not, either."""

log = logging.getLogger("passerelle.marking")


@dataclass(frozen=True)
class Marking:
    """How a submission is marked, and how the key of its verdict is known without that."""

    mark: Callable[..., Marked] = mark
    verdict_key: Callable[..., str] = verdict_key


@dataclass(frozen=True, order=True)
class Place:
    """One fellow at one unit: what has one place in a gradebook."""

    track: str
    handle: str
    unit: str


@dataclass(frozen=True)
class _Fresh:
    """An attempt just marked, with its files: it need not be marked again to be recorded."""

    receipt: str
    files: Mapping[str, bytes]
    marked: Marked


def courses_of(settings: Settings) -> dict[str, Path]:
    """Return an installation's course directories by track."""
    return {path.name: path for path in sorted(settings.courses.glob("*")) if path.is_dir()}


def marked_courses(settings: Settings) -> dict[str, Path]:
    """Return those that have notebooks: of an outline, as the demo year's are, nothing can be marked or recorded."""
    return {track: course_dir for track, course_dir in courses_of(settings).items() if (course_dir / "source").is_dir()}


class Worker:
    """What one marker does, a step at a time; the most pressing comes first.

    Args:
        engine: the ledger.
        courses: says where the course directories are, by track; asked again and again.
        learner: the environment in which fellows' code runs.
        marking: how one submission is marked.
        records: write to gradebooks and folders, not to the ledger alone.
        feeds: make feedback pages.
        fellow_of: says what stands for a fellow in the seeds, by handle; without it, a unit with a seed of each
            fellow waits for us.
        crew: who marks, in the way of `marking`; without one, this process does.
        again: also mark what has its verdict already.
        on_end: is told of each submission that came to an end: receipt, verdict (none: it waits for us), and whether
            it had that from before.
    """

    def __init__(
        self,
        engine: Engine,
        courses: Callable[[], Mapping[str, Path]],
        learner: Path,
        marking: Marking | None = None,
        *,
        records: bool = True,
        feeds: bool = True,
        fellow_of: Callable[[str], str] = lambda _handle: "",
        crew: Crew | None = None,
        again: bool = False,
        on_end: Callable[[str, Verdict | None, bool], object] = lambda _receipt, _verdict, _kept: None,
    ) -> None:
        self._engine = engine
        self._courses = courses
        self._learner = learner
        self._marking, self._fellow_of = marking or Marking(), fellow_of
        self._again, self._on_end = again, on_end
        self._crew = crew or Here(self._marking.mark)
        self._line = Line(engine, self._crew, learner)
        self._noticer = Noticer(engine, courses)
        self._queue_empty_until = 0.0
        self._to_settle: dict[Place, float] = {}
        self._standing: set[Place] = set()
        self._written = Counter[Place]()
        self._to_feed: dict[Place, float] = {}
        self._records, self._feeds = records, records and feeds
        how = self._marking
        self._rehearser = Rehearser(engine, self._course_dir, learner, self._crew.mark, how.verdict_key, fellow_of)
        self._to_check = list(courses()) if records else []
        for course_dir in courses().values() if records else ():
            clear_scratch(course_dir)

    def step(self, *, new: bool = True) -> bool:
        """Do one thing; tell whether there was one to do. Without `new`, what is under way comes to its end.

        Raises:
            SchedulerLostError: who marks is gone.
        """
        try:
            return (
                self._notice_manual_marks(idle=False)
                or self._mark_next(new=new and monotonic() >= self._queue_empty_until)
                or self._next_of(self._to_settle, self._settle, reasons.GRADEBOOK)
                or self._next_of(self._to_feed, self._feed, reasons.FEEDBACK)
                or self._check_next()
                or self._notice_manual_marks(idle=True)
                or (new and (self._mark_next(new=True) or self._rehearser.step()))
            )
        except SchedulerLostError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the next submission is somebody else's
            trouble.write(log, error, "a step of the marking service went wrong; it goes on")
            return False

    @property
    def under_way(self) -> int:
        """Return how many submissions are being marked."""
        return len(self._line)

    def wait(self, timeout_s: float = LOOK_EVERY_S) -> bool:
        """Wait until one that is under way comes to its end, or somebody can mark again; tell whether there is more."""
        if not self.under_way and (self._line.has_room or not self._line.is_waited_for):
            return False
        self._line.renew()
        self._end_next(timeout_s)
        return True

    def give_up(self) -> None:
        """Queue again what is being marked: nobody waits for it here any more."""
        self._line.give_up()

    def _course_dir(self, track: str) -> Path:
        try:
            return self._courses()[track]
        except KeyError:
            raise ServiceError(f"{track}: there is no such course directory; build the course") from None

    # Jobs

    def _mark_next(self, *, new: bool) -> bool:
        self._line.renew()
        held = self._line.lease() if new and self._line.has_room else None
        if held is not None:
            self._begin(held)
        elif new and self._line.has_room:
            # What can wait is done meanwhile: to look takes longer than to find something, in a long queue of it.
            self._queue_empty_until = monotonic() + LOOK_AGAIN_S
        return self._end_next() or held is not None

    @contextmanager
    def _ours_if_it_fails(self, held: Lease) -> Iterator[None]:
        try:
            yield
        except SchedulerLostError:
            with ledger.session(self._engine) as session:
                queue.release(session, held)
            raise
        except Exception as error:  # a fault of ours, known or not: she waits, and loses nothing
            why = trouble.reason(error, reasons.kind_of(held.reason or ""))
            facts = {"receipt": held.receipt, "track": held.track, "unit": held.unit, "tries": held.tries, "why": why}
            log.warning("waits for us", extra={"facts": facts}, exc_info=not trouble.is_plain(error))
            with ledger.session(self._engine) as session:
                queue.give_back(session, held, why, datetime.now(UTC))
            self._on_end(held.receipt, None, False)

    def _begin(self, held: Lease) -> None:
        """Have a leased job marked, or write the verdict that these answers have from any attempt before."""
        with self._ours_if_it_fails(held):
            files = self._files(held.receipt)
            if files is None:
                self._leave(held)
                return
            course_dir, fellow = self._course_dir(held.track), self._fellow_of(held.handle)
            key = self._marking.verdict_key(course_dir, held.unit, files, learner=self._learner, fellow=fellow)
            with ledger.reading(self._engine) as session:
                known = None if self._again else queue.cached_verdict(session, key)
            if known is None:
                self._line.begin(Work(held, key, course_dir, fellow), files)
            else:
                self._write(held, known, None)

    def _leave(self, held: Lease) -> None:
        """Close the job of what was erased meanwhile."""
        with ledger.session(self._engine) as session:
            session.get_one(Job, held.job).state = queue.DONE

    def _end_next(self, timeout_s: float = 0.0) -> bool:
        """Write what came of one that was being marked."""
        ended = self._line.take(timeout_s)
        if ended is None:
            return False
        work, outcome = ended
        held = work.held
        with self._ours_if_it_fails(held):
            if outcome.error is not None:
                raise outcome.error
            files = self._files(held.receipt)
            if files is None:
                self._leave(held)
            elif outcome.marked is not None:
                marked = sound(outcome.marked)
                self._write(held, marked.verdict, _Fresh(held.receipt, files, marked))
        for twin in self._line.twins(work):
            self._begin(twin)
        return True

    def _write(self, held: Lease, verdict: Verdict, fresh: "_Fresh | None") -> None:
        # The verdict first: she can read it while the rest is written.
        kept = self._keep(held.receipt, held.track, verdict, held)
        if kept is None:
            return
        if fresh is not None:
            fresh = replace(fresh, marked=Marked(kept, fresh.marked.notebooks))
        place = Place(held.track, held.handle, held.unit)
        self._settle(place, fresh)
        if held.reason is not None:  # what stopped before may have been her page
            self._feed(place)
            self._to_feed.pop(place, None)
        with ledger.session(self._engine) as session:
            queue.close(session, held, datetime.now(UTC))
        facts = {"receipt": held.receipt, "track": held.track, "unit": held.unit, "seconds": round(verdict.seconds, 2)}
        log.info("marked", extra={"facts": {**facts, "outcome": verdict.outcome, "known": fresh is None}})
        self._on_end(held.receipt, kept, fresh is None)

    def _files(self, receipt: str) -> dict[str, bytes] | None:
        with ledger.reading(self._engine) as session:
            parcel = receipts.parcel_of(session, receipt)
        if parcel is None:
            return None
        try:
            return unpack(parcel)
        except SubmissionError:
            return {}  # marking says, as her verdict, that there is no notebook

    def _keep(self, receipt: str, track: str, verdict: Verdict, held: Lease | None = None) -> Verdict | None:
        """Store a verdict; return the one that stands, None where the job was taken from us or queued again."""
        now = datetime.now(UTC)
        with ledger.session(self._engine) as session:
            if held is not None:
                job = session.get_one(Job, held.job)
                if job.state != queue.LEASED or job.leased_until != held.until:
                    return None
            kept = queue.keep_verdict(session, track, verdict, now)
            queue.give_verdict(session, session.get_one(Receipt, receipt), kept)
        return kept

    # The gradebook

    def _settle(self, place: Place, fresh: _Fresh | None = None) -> None:
        """Let the gradebook hold the attempt that should stand there."""
        if not self._records:
            return
        with ledger.reading(self._engine) as session:
            chosen = standing_attempt(receipts.attempts(session, place.handle, place.track, place.unit))
            raw = queue.cached_verdict(session, chosen.verdict.key) if chosen and chosen.verdict else None
        if chosen is None or raw is None:
            return
        course_dir = self._course_dir(place.track)
        if stands(course_dir, place.handle, chosen.received, raw):
            self._written.pop(place, None)
            if self._to_check:
                self._standing.add(place)
            return
        if self._written[place] >= MOST_WRITES:
            del self._written[place]
            raise ServiceError(f"{place.unit}: the gradebook does not keep what is written; is it on a sound disk?")
        if fresh is None or fresh.receipt != chosen.receipt:
            fresh = self._mark_again(chosen)
            if fresh is None:
                return
        own = record(
            course_dir,
            place.handle,
            chosen.received,
            chosen.number,
            fresh.files,
            fresh.marked,
            ledger_engine=self._engine,
            track=place.track,
        )
        self._noticer.wrote(place.track, own)
        self._written[place] += 1
        self._to_feed[place] = 0.0
        # A mark that a trainer saved while this was going on is in the ledger now: do the sums still agree?
        self._to_settle[place] = 0.0

    def _mark_again(self, chosen: AttemptRow) -> _Fresh | None:
        """Mark an older attempt for its executed notebook; its verdict is the same, or that of a corrected check."""
        files = self._files(chosen.receipt)
        if files is None:
            return None
        course_dir, fellow = self._course_dir(chosen.track), self._fellow_of(chosen.handle)
        marked = sound(self._crew.mark(course_dir, chosen.unit, files, learner=self._learner, fellow=fellow))
        kept = self._keep(chosen.receipt, chosen.track, marked.verdict)
        return _Fresh(chosen.receipt, files, Marked(kept or marked.verdict, marked.notebooks))

    def _notice_manual_marks(self, *, idle: bool) -> bool:
        """Take up marks that trainers have given since the last look."""
        changed = [Place(*where) for where in self._noticer.look(idle=idle)]
        self._to_settle |= dict.fromkeys(changed, 0.0)
        self._to_feed |= dict.fromkeys(changed, 0.0)
        return bool(changed)

    # What can wait

    def _next_of(self, waiting: dict[Place, float], do: Callable[[Place], None], kind: str) -> bool:
        due = next((place for place, not_before in waiting.items() if not_before <= monotonic()), None)
        if due is None:
            return False
        del waiting[due]
        try:
            do(due)
        except Exception as error:  # noqa: BLE001  it waits and is tried again; the others go on
            trouble.write(log, error, "%s of %s: the %s waits for us", due.unit, due.track, kind)
            if not self._set_aside(due, trouble.reason(error, kind)):
                waiting[due] = monotonic() + AGAIN_AFTER_S
        return True

    def _set_aside(self, place: Place, reason: str) -> bool:
        """Leave it to the queue to try a place again, where people see it; False where no job can hold it."""
        with ledger.session(self._engine) as session:
            chosen = standing_attempt(receipts.attempts(session, place.handle, place.track, place.unit))
            if chosen is not None:
                queue.set_aside(session, chosen.receipt, reason, datetime.now(UTC))
        return chosen is not None

    def _feed(self, place: Place) -> None:
        if not self._feeds:
            return
        try:
            release_feedback(self._course_dir(place.track), place.handle, place.unit, self._engine, track=place.track)
        except SubmissionError as error:  # what she sent makes a page that fits nowhere: it would again in 30 s
            log.warning("%s of %s: a page fits nowhere, and is left out: %s", place.unit, place.track, error)

    def _check_next(self) -> bool:
        """Once after the start: find what a killed worker had not recorded."""
        if not self._to_check:
            return False
        track = self._to_check.pop()
        with ledger.reading(self._engine) as session:
            known = receipts.attempts_of_track(session, track)
            self._to_feed |= {Place(track, *who): 0.0 for who in stale_feedback(session, track)}
        places = {Place(track, one.handle, one.unit) for one in known if one.verdict is not None}
        self._to_settle |= dict.fromkeys(sorted(places - self._standing), 0.0)
        if not self._to_check:
            self._standing.clear()
        return True
