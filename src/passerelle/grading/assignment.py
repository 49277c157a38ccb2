"""Mark what lies in the submitted folder of a course directory, on one's own machine: `passerelle mark`.

The ledger is `.passerelle/ledger.db` in the course directory, and the way is that of the marking service. The
directory is one of ours or any other of nbgrader's.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from nbgrader.api import Assignment
from nbgrader.utils import parse_utc
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.courses import NotBuiltError, load_course
from passerelle.grading.crew import Crew
from passerelle.grading.elsewhere import source_notebooks
from passerelle.grading.gradebook import gradebook, nbgrader_timestamp
from passerelle.grading.layout import Layout, allow_elsewhere, layout_of
from passerelle.grading.report import MarkRecord, mark_record
from passerelle.grading.seeds import SECRET, fellow_key
from passerelle.grading.worker import Marking, Worker
from passerelle.ledger import queue, receipts
from passerelle.ledger.tables import Job, Person, Receipt
from passerelle.model.course import CourseUnit
from passerelle.model.errors import ContentError, ServiceError, SubmissionError
from passerelle.model.parcel import is_printable, pack, unpack
from passerelle.model.people import Role

LEDGER = Path(".passerelle") / "ledger.db"
LOCK = Path(".passerelle") / "mark.lock"
STAMP = "timestamp.txt"
_YEARS = range(1970, 9999)


class NoSubmissionError(ContentError):
    """Somebody was named who has submitted nothing."""

    @classmethod
    def of(cls, handles: Sequence[str], unit: str, course_dir: Path) -> Self:
        """Build the error from who was named."""
        return cls(f"{course_dir}: nothing submitted for {unit!r} by {', '.join(handles)}; look at the name")


class BusyError(ServiceError):
    """Another run marks in this directory."""

    @classmethod
    def at(cls, course_dir: Path) -> Self:
        """Build the error from the directory."""
        return cls(f"{course_dir}: another «passerelle mark» runs here; wait for its end")


@dataclass(frozen=True)
class Bench:
    """A course directory made ready: its layout, its track, its ledger, the unit's public card (ours alone).

    `fellow_of` says what stands for a fellow in the seeds, by handle: nothing where the unit's seed is for all.
    """

    layout: Layout
    track: str
    engine: Engine
    card: Mapping[str, Any] | None
    fellow_of: Callable[[str], str]


@dataclass(frozen=True)
class _Found:
    """What lies in a fellow's folder; `stamped` says that its time is written there."""

    handle: str
    folder: Path
    received: datetime
    stamped: bool
    parcel: bytes

    @property
    def token(self) -> str:
        return hashlib.sha256(self.parcel + self.received.isoformat().encode()).hexdigest()


Progress = Callable[[int, int], None]
"""How many are done, of how many."""


class How(TypedDict, total=False):
    """How a unit is marked.

    handles: only these fellows' work. force: also what has a verdict already. workers: processes that mark at once;
    one records. marking: how one submission is marked. progress: is told how far it is.
    """

    handles: Sequence[str] | None
    force: bool
    workers: int
    marking: Marking | None
    progress: Progress | None


def mark_assignment(course_dir: Path, unit: str, *, learner: Path, **how: Unpack[How]) -> list[MarkRecord]:
    """Mark what was submitted for a unit and record it in the course directory's gradebook.

    Args:
        course_dir: nbgrader's course directory: built by `passerelle build` and released, or any other.
        unit: the unit's id, nbgrader's assignment.
        learner: the environment in which fellows' code runs.
        how: see `How`.

    Returns:
        A record a submission, a fault of ours among them where only some met one.

    Raises:
        ContentError: where the unit is not built, or nothing was submitted by who was named.
        ServiceError: where nothing could be marked.
    """
    with _alone(course_dir), open_bench(course_dir, unit) as bench:
        taken = take_all(bench, unit, how.get("handles"), stamp=True)
        run(bench, unit, learner, **how)
        with ledger.reading(bench.engine) as session:
            records = [_record(session, one, bench) for one in taken]
    _refuse_nothing(records)
    return records


@contextmanager
def open_bench(course_dir: Path, unit: str, *, copy: bool = False) -> Iterator[Bench]:
    """Open a course directory and its ledger; of the ledger a copy elsewhere, where nothing may be written.

    Raises:
        ContentError: where the unit is not built or released there.
        ServiceError: where the gradebook cannot be read.
    """
    allow_elsewhere(course_dir)
    layout = layout_of(course_dir)
    card, has_own_seeds = None, False
    if layout.is_ours or not layout.source(unit).is_dir():
        track = load_course(layout.root).track
        built = _built(layout, unit)
        card, has_own_seeds = built.card.model_dump(mode="json"), built.seed == "fellow"
    else:
        track = layout.track
        source_notebooks(layout, unit)
    with ExitStack() as stack:
        path = layout.root / LEDGER
        if copy:
            beside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dry-run-"))) / path.name
            for name in (path.name, f"{path.name}-wal", SECRET):
                if path.with_name(name).is_file():
                    shutil.copyfile(path.with_name(name), beside.with_name(name))
            path = beside
        else:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        url = f"sqlite:///{path}"
        ledger.migrate(url)
        engine = ledger.engine(url)
        stack.callback(engine.dispose)
        # Made where the unit asks for it: a directory from elsewhere gets no file that it has no use for.
        fellow_of = partial(fellow_key, path.parent) if has_own_seeds else lambda _handle: ""
        yield Bench(layout, track, engine, card, fellow_of)


def _built(layout: Layout, unit: str) -> CourseUnit:
    try:
        return load_course(layout.root).unit(unit)
    except KeyError:
        raise NotBuiltError.missing(layout.source(unit)) from None


@contextmanager
def _alone(course_dir: Path) -> Iterator[None]:
    """Hold a course directory: one writer to its gradebook."""
    path = course_dir / LOCK
    if not course_dir.is_dir():
        raise NotBuiltError.missing(course_dir)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError.at(course_dir) from None
        yield


# What lies there


def take_all(bench: Bench, unit: str, handles: Sequence[str] | None, *, stamp: bool) -> list[Receipt]:
    """Write what was submitted into the ledger; `stamp` also writes a missing time beside it, so that it stays.

    Raises:
        NoSubmissionError: somebody was named who has submitted nothing.
    """
    found = list(_submitted(bench.layout, unit, handles))
    absent = sorted(set(handles or ()) - {one.handle for one in found})
    if absent:
        raise NoSubmissionError.of(absent, unit, bench.layout.root)
    taken = [_take(bench, unit, one) for one in found]
    if stamp:
        for one in found:
            if not one.stamped:
                _stamp(one)
    return taken


def _submitted(layout: Layout, unit: str, handles: Sequence[str] | None) -> Iterator[_Found]:
    due = None if layout.is_ours else _due(layout, unit)
    for handle, folder in layout.submissions(unit):
        # Nobody is called by what is no text.
        if (handles is None or handle in handles) and is_printable(handle):
            received, stamped = _received(folder)
            if not stamped and due is not None:
                # Without a time nbgrader takes it as in time: a file's own is often that of a copy.
                received = min(received, due)
            yield _Found(handle, folder, received, stamped, _parcel(folder))


def _due(layout: Layout, unit: str) -> datetime | None:
    with gradebook(layout.root) as rows:
        due = rows.scalar(select(Assignment.duedate).where(Assignment.name == unit))
    return due.replace(tzinfo=UTC) if due is not None else None


def _received(folder: Path) -> tuple[datetime, bool]:
    path = folder / STAMP
    with suppress(OSError, ValueError, OverflowError):
        stamp: datetime = parse_utc(path.read_text().strip())
        if not path.is_symlink() and stamp.year in _YEARS:
            return stamp.replace(tzinfo=UTC), True
    changed = max(path.lstat().st_mtime for path in [*folder.glob("*.ipynb")] or [folder])
    try:
        return datetime.fromtimestamp(changed, UTC), False
    except (OSError, ValueError, OverflowError):  # of no year that there is
        return datetime.now(UTC), False


def _stamp(found: _Found) -> None:
    """Write a fellow's time into her folder. What stands there is replaced, never followed: it may be a link."""
    descriptor, made = tempfile.mkstemp(dir=found.folder)
    with os.fdopen(descriptor, "w") as file:
        file.write(nbgrader_timestamp(found.received))
    Path(made).chmod(0o644)
    try:
        Path(made).replace(found.folder / STAMP)
    except OSError:  # a folder of that name
        Path(made).unlink()


def _parcel(folder: Path) -> bytes:
    """Return the files of a folder; its notebooks alone where they are too many or too large, or nothing."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != STAMP:
            with suppress(OSError):  # one that may not be read is as if it were not there
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
    notebooks = {name: content for name, content in files.items() if name.endswith(".ipynb") and "/" not in name}
    for kept in (files, notebooks):
        try:
            return pack(kept)
        except SubmissionError:
            continue
    return pack({})


def _take(bench: Bench, unit: str, found: _Found) -> Receipt:
    """Write a submission into the ledger, once."""
    now = datetime.now(UTC)
    with ledger.session(bench.engine) as session:
        if session.get(Person, found.handle) is None:
            # Whoever submitted elsewhere: the folder's name is all there is to know.
            fellow = Person(
                handle=found.handle, role=Role.FELLOW.value, first_name=found.handle, language="en", created=now
            )
            session.add(fellow)
            session.flush()
        return receipts.take(
            session,
            handle=found.handle,
            sender="submitted",
            track=bench.track,
            unit=unit,
            parcel=found.parcel,
            token=found.token,
            at=found.received,
        )


# Marking


def run(
    bench: Bench,
    unit: str,
    learner: Path,
    *,
    handles: Sequence[str] | None = None,
    force: bool = False,
    workers: int = 1,
    marking: Marking | None = None,
    progress: Progress | None = None,
    records: bool = True,
) -> None:
    """Mark all attempts of these fellows at a unit whose key is new, and let the gradebook hold those that count."""
    chosen, root, now = marking or Marking(), bench.layout.root, datetime.now(UTC)

    def key_of(files: Mapping[str, bytes], fellow: str) -> str:
        return chosen.verdict_key(root, unit, files, learner=learner, fellow=fellow)

    with ledger.session(bench.engine) as session:
        # Nobody else marks here: what a killed run had leased is free. Earlier attempts too: a corrected check
        # changes what counts.
        queue.end_leases(session, now)
        queue.put_all(session, bench.track, at=now, units=[unit], handles=handles)
        total = len(_waiting(session))
    with ExitStack() as stack:
        mark = chosen.mark
        if workers > 1:
            ahead = _ahead(bench, key_of, force=force)
            crew = Crew(root, workers, chosen.mark, key_of, ahead, learner=learner)
            mark = stack.enter_context(crew).mark
        key = (lambda *_arguments, **_options: "") if force else chosen.verdict_key
        worker = Worker(
            bench.engine,
            lambda: {bench.track: root},
            learner,
            replace(chosen, mark=mark, verdict_key=key),
            records=records,
            feeds=bench.layout.is_ours,
            fellow_of=bench.fellow_of,
        )
        while worker.step():
            if progress is not None:
                with ledger.reading(bench.engine) as session:
                    progress(total - len(_waiting(session)), total)


def _waiting(session: Session) -> Sequence[str]:
    """Return the receipts that are still to be marked, in their order."""
    query = select(Job.receipt).where(Job.state.in_((queue.QUEUED, queue.LEASED))).order_by(Job.queued, Job.id)
    return session.scalars(query).all()


def _ahead(
    bench: Bench, key_of: Callable[[Mapping[str, bytes], str], str], *, force: bool
) -> Iterator[tuple[str, Mapping[str, bytes], str]]:
    """Yield what has to be marked, with the key of its verdict and what stands for whose it is."""
    with ledger.reading(bench.engine) as session:
        waiting = _waiting(session)
    for receipt in waiting:
        with ledger.reading(bench.engine) as session:
            parcel = receipts.parcel_of(session, receipt)
            fellow = bench.fellow_of(session.get_one(Receipt, receipt).handle)
        try:
            files = unpack(parcel or b"")
            key = key_of(files, fellow)
        except (SubmissionError, ContentError, ServiceError):
            continue  # the marker meets it again, and says so
        with ledger.reading(bench.engine) as session:
            known = queue.cached_verdict(session, key) is not None
        if force or not known:
            yield key, files, fellow


def _record(session: Session, taken: Receipt, bench: Bench) -> MarkRecord:
    """Return a submission's record: its verdict, or why it waits for us."""
    attempt = receipts.attempt(session, taken.id)
    assert attempt is not None  # just taken  # noqa: S101
    return mark_record(attempt, reason_of(session, taken.id), bench.card)


def reason_of(session: Session, receipt: str) -> str | None:
    """Return why a receipt waits for us; None where it is marked."""
    job = session.scalars(select(Job).where(Job.receipt == receipt)).one()
    return None if job.state == queue.DONE else job.reason or "it was not marked"


def _refuse_nothing(records: Sequence[MarkRecord]) -> None:
    reasons = [record.reason for record in records if record.state == "ours"]
    if reasons and len(reasons) == len(records):
        raise ServiceError(f"nothing could be marked: {reasons[0]}")
