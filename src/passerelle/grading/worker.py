"""The marking service's loop: one worker that takes jobs from the ledger, marks them and records them.

The ledger holds all state that matters, so a killed worker loses nothing: what it had leased is taken again,
and what it had not recorded is found at the next start. Nothing that a fellow sends stops the loop, and no
fault of ours costs her a point.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.grading import pause, trouble
from passerelle.grading.again import Rehearser
from passerelle.grading.feedback import release_feedback, stale_feedback
from passerelle.grading.gradebook import fingerprint
from passerelle.grading.manual import sync_manual_marks
from passerelle.grading.marking import Marked, mark, verdict_key
from passerelle.grading.record import record, stands
from passerelle.grading.seeds import fellow_key
from passerelle.grading.standing import standing_attempt
from passerelle.grading.trees import clear_scratch
from passerelle.grading.wake import Bell
from passerelle.ledger import manual, queue, reasons, receipts
from passerelle.ledger.queue import Lease
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.errors import PasserelleError, ServiceError, SubmissionError
from passerelle.model.parcel import unpack
from passerelle.model.settings import Settings
from passerelle.model.verdict import Outcome, Verdict

LEASE_S = 60
LOOK_EVERY_S = 1.0
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


def work(settings: Settings, stop: threading.Event, *, marking: Marking | None = None) -> None:
    """Mark what comes in until told to stop.

    Args:
        settings: the installation.
        stop: set it to end the loop; it ends after the submission in hand, and within a second when idle.
        marking: how one submission is marked.

    Raises:
        ServiceError: where another marking service runs already.
    """
    engine = ledger.engine(settings.database_url)
    try:
        with Bell(settings.marking_socket) as bell:
            # We are the only one: what is leased was a killed marker's, and need not wait for its lease to run out.
            with ledger.session(engine) as session:
                queue.end_leases(session, datetime.now(UTC))
            fellow_of = partial(fellow_key, settings.secrets)
            worker = Worker(engine, lambda: marked_courses(settings), settings.learner, marking, fellow_of=fellow_of)
            while not stop.is_set():
                with pause.step(settings.root) as may:
                    busy = may and worker.step()
                if not busy:
                    bell.wait(LOOK_EVERY_S)
    finally:
        engine.dispose()


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
    ) -> None:
        self._engine = engine
        self._courses = courses
        self._learner = learner
        self._marking, self._fellow_of = marking or Marking(), fellow_of
        self._seen: dict[str, tuple[int, ...]] = {}
        self._last_marks: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self._to_settle: dict[Place, float] = {}
        self._written = Counter[Place]()
        self._to_feed: dict[Place, float] = {}
        self._records, self._feeds = records, records and feeds
        how = self._marking
        self._rehearser = Rehearser(engine, self._course_dir, learner, how.mark, how.verdict_key, fellow_of)
        self._to_check = list(courses()) if records else []
        for course_dir in courses().values() if records else ():
            clear_scratch(course_dir)

    def step(self) -> bool:
        """Do one thing; tell whether there was one to do."""
        try:
            return (
                self._notice_manual_marks()
                or self._mark_next()
                or self._next_of(self._to_settle, self._settle, reasons.GRADEBOOK)
                or self._next_of(self._to_feed, self._feed, reasons.FEEDBACK)
                or self._check_next()
                or self._rehearser.step()
            )
        except Exception:  # whatever it is, the next submission is somebody else's
            log.exception("a step of the marking service went wrong; it goes on")
            return False

    def _course_dir(self, track: str) -> Path:
        try:
            return self._courses()[track]
        except KeyError:
            raise ServiceError(f"{track}: there is no such course directory; build the course") from None

    # Jobs

    def _mark_next(self) -> bool:
        now = datetime.now(UTC)
        with ledger.session(self._engine) as session:
            held = queue.lease(session, now, LEASE_S)
        if held is None:
            return False
        with self._ours_if_it_fails(held):
            self._mark_leased(held)
        return True

    @contextmanager
    def _ours_if_it_fails(self, held: Lease) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # a fault of ours, known or not: she waits, and loses nothing
            why = trouble.reason(error, reasons.kind_of(held.reason or ""))
            facts = {"receipt": held.receipt, "track": held.track, "unit": held.unit, "tries": held.tries, "why": why}
            log.warning("waits for us", extra={"facts": facts}, exc_info=not isinstance(error, PasserelleError))
            with ledger.session(self._engine) as session:
                queue.give_back(session, held, why, datetime.now(UTC))

    def _mark_leased(self, held: Lease) -> None:
        files = self._files(held.receipt)
        if files is None:  # erased meanwhile
            with ledger.session(self._engine) as session:
                session.get_one(Job, held.job).state = queue.DONE
            return
        known = self._known(held, files)
        fresh = None if known else _Fresh(held.receipt, files, self._mark(held, files))
        verdict = known or (fresh.marked.verdict if fresh else None)
        assert verdict is not None  # one of the two  # noqa: S101
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
            queue.finish(session, held, kept, datetime.now(UTC))
        facts = {"receipt": held.receipt, "track": held.track, "unit": held.unit, "seconds": round(verdict.seconds, 2)}
        log.info("marked", extra={"facts": {**facts, "outcome": verdict.outcome, "known": known is not None}})

    def _known(self, held: Lease, files: Mapping[str, bytes]) -> Verdict | None:
        """Return the verdict of these answers where they were marked before, in any attempt."""
        course_dir = self._course_dir(held.track)
        fellow = self._fellow_of(held.handle)
        key = self._marking.verdict_key(course_dir, held.unit, files, learner=self._learner, fellow=fellow)
        with ledger.reading(self._engine) as session:
            return queue.cached_verdict(session, key)

    def _files(self, receipt: str) -> dict[str, bytes] | None:
        with ledger.reading(self._engine) as session:
            parcel = receipts.parcel_of(session, receipt)
        if parcel is None:
            return None
        try:
            return unpack(parcel)
        except SubmissionError:
            return {}  # marking says, as her verdict, that there is no notebook

    def _mark(self, sent: Lease | AttemptRow, files: Mapping[str, bytes]) -> Marked:
        course_dir, fellow = self._course_dir(sent.track), self._fellow_of(sent.handle)
        marked = self._marking.mark(course_dir, sent.unit, files, learner=self._learner, fellow=fellow)
        if marked.verdict.outcome is Outcome.OURS:
            raise ServiceError("; ".join(notice.id for notice in marked.verdict.notices) or "a fault of ours")
        return marked

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
            return
        if self._written[place] >= MOST_WRITES:
            del self._written[place]
            raise ServiceError(f"{place.unit}: the gradebook does not keep what is written; is it on a sound disk?")
        if fresh is None or fresh.receipt != chosen.receipt:
            fresh = self._mark_again(chosen)
            if fresh is None:
                return
        record(
            course_dir,
            place.handle,
            chosen.received,
            chosen.number,
            fresh.files,
            fresh.marked,
            ledger_engine=self._engine,
            track=place.track,
        )
        self._written[place] += 1
        self._to_feed[place] = 0.0
        # A mark that a trainer saved while this was going on is in the ledger now: do the sums still agree?
        self._to_settle[place] = 0.0

    def _mark_again(self, chosen: AttemptRow) -> _Fresh | None:
        """Mark an older attempt for its executed notebook; its verdict is the same, or that of a corrected check."""
        files = self._files(chosen.receipt)
        if files is None:
            return None
        marked = self._mark(chosen, files)
        kept = self._keep(chosen.receipt, chosen.track, marked.verdict)
        return _Fresh(chosen.receipt, files, Marked(kept or marked.verdict, marked.notebooks))

    def _notice_manual_marks(self) -> bool:
        """Copy marks that trainers have given since the last look."""
        noticed = False
        for track, course_dir in self._courses().items():
            now = fingerprint(course_dir)
            if self._seen.get(track, ()) == now:
                continue
            try:
                with ledger.session(self._engine) as session:
                    changed = sync_manual_marks(course_dir, session, track=track)
                    # Those of our own page are in the ledger already; at the start everything is settled anyway.
                    last = self._last_marks.get(track)
                    newer, self._last_marks[track] = manual.marked_after(session, track, last or 0)
                    changed |= newer if last is not None else set()
            except ServiceError as error:
                if self._said.get(track) != str(error):  # once, not every second
                    log.warning("manual marks of %s wait: %s", track, error)
                self._said[track] = str(error)
                continue
            self._said.pop(track, None)
            self._seen[track] = now
            for handle, unit in changed:
                noticed = True
                self._to_settle[Place(track, handle, unit)] = 0.0
                self._to_feed[Place(track, handle, unit)] = 0.0
        return noticed

    # What can wait

    def _next_of(self, waiting: dict[Place, float], do: Callable[[Place], None], kind: str) -> bool:
        due = next((place for place, not_before in waiting.items() if not_before <= monotonic()), None)
        if due is None:
            return False
        del waiting[due]
        try:
            do(due)
        except Exception as error:  # it waits and is tried again; the others go on
            log.exception("%s of %s: the %s waits for us", due.unit, due.track, kind)
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
        self._to_settle |= {Place(track, one.handle, one.unit): 0.0 for one in known if one.verdict is not None}
        return True
