"""Mark what lies in the submitted folder of a course directory, on one's own machine: `passerelle mark`.

The ledger is `.passerelle/ledger.db` in the course directory, and the way is that of the marking service. The
directory is one of ours or any other of nbgrader's.
"""

import hashlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
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
from passerelle.grading import trouble
from passerelle.grading.alone import alone
from passerelle.grading.cluster import Cluster, Here
from passerelle.grading.elsewhere import source_notebooks
from passerelle.grading.gradebook import gradebook, nbgrader_timestamp
from passerelle.grading.layout import Layout, allow_elsewhere, layout_of
from passerelle.grading.line import Crew
from passerelle.grading.nest import Nest, hatched
from passerelle.grading.report import MarkRecord, mark_record
from passerelle.grading.seeds import SECRET, fellow_key
from passerelle.grading.tally import Progress, Tally
from passerelle.grading.trees import scratch
from passerelle.grading.worker import Marking, Worker
from passerelle.ledger import queue, receipts
from passerelle.ledger.tables import Job, Person
from passerelle.model.course import CourseUnit
from passerelle.model.errors import ContentError, ServiceError, SubmissionError
from passerelle.model.parcel import is_printable, pack
from passerelle.model.people import Role
from passerelle.model.verdict import Verdict

LEDGER = Path(".passerelle") / "ledger.db"
STAMP = "timestamp.txt"
PAGE = 50
_YEARS = range(1970, 9999)


class NoSubmissionError(ContentError):
    """Somebody was named who has submitted nothing."""

    @classmethod
    def of(cls, handles: Sequence[str], unit: str, course_dir: Path) -> Self:
        """Build the error from who was named."""
        return cls(f"{course_dir}: nothing submitted for {unit!r} by {', '.join(handles)}; look at the name")


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


class How(TypedDict, total=False):
    """How a unit is marked.

    handles: only these fellows' work. force: also what has a verdict already. workers: processes that mark at once;
    one records. nest: those processes, where they were started already. scheduler: else the address of Dask's own, with
    workers of its own. marking: how one submission is marked. progress: is told how far it is.
    """

    handles: Sequence[str] | None
    force: bool
    workers: int
    nest: Nest | None
    scheduler: str
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
    with trouble.said_of(course_dir), alone(course_dir), open_bench(course_dir, unit) as bench:
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


# What lies there


@dataclass(frozen=True)
class Taken:
    """A submission that is in the ledger."""

    handle: str
    receipt: str


def take_all(bench: Bench, unit: str, handles: Sequence[str] | None, *, stamp: bool) -> list[Taken]:
    """Write what was submitted into the ledger; `stamp` also writes a missing time beside it, so that it stays.

    Raises:
        NoSubmissionError: somebody was named who has submitted nothing.
    """
    taken = []
    absent = set(handles or ()) - {one for one, _ in bench.layout.submissions(unit)}
    if absent:
        raise NoSubmissionError.of(sorted(absent), unit, bench.layout.root)
    found = _submitted(bench.layout, unit, handles)
    # Some at once: a transaction waits for the disk, and all of a large class are more than memory should hold.
    while page := list(itertools.islice(found, PAGE)):
        with ledger.session(bench.engine) as session:
            taken += [_take(session, bench.track, unit, one) for one in page]
        if stamp:
            for one in page:
                if not one.stamped:
                    _stamp(bench.layout.root, one)
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


def _stamp(course_dir: Path, found: _Found) -> None:
    """Write a fellow's time into her folder. What stands there is replaced, never followed: it may be a link."""
    # Not made in her folder: there a run that is killed would leave it behind as a file that she sent.
    with scratch(course_dir) as folder:
        made = folder / STAMP
        made.write_text(nbgrader_timestamp(found.received))
        made.chmod(0o644)
        with suppress(IsADirectoryError):  # a folder of that name
            made.replace(found.folder / STAMP)


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


def _take(session: Session, track: str, unit: str, found: _Found) -> Taken:
    """Write a submission into the ledger, once."""
    if session.get(Person, found.handle) is None:
        # Whoever submitted elsewhere: the folder's name is all there is to know.
        person = Person(
            handle=found.handle,
            role=Role.FELLOW.value,
            first_name=found.handle,
            language="en",
            created=datetime.now(UTC),
        )
        session.add(person)
        session.flush()
    receipt = receipts.take(
        session,
        handle=found.handle,
        sender="submitted",
        track=track,
        unit=unit,
        parcel=found.parcel,
        token=found.token,
        at=found.received,
    )
    return Taken(found.handle, receipt.id)


# Marking


def run(
    bench: Bench,
    unit: str,
    learner: Path,
    *,
    handles: Sequence[str] | None = None,
    force: bool = False,
    workers: int = 1,
    nest: Nest | None = None,
    scheduler: str = "",
    marking: Marking | None = None,
    progress: Progress | None = None,
    records: bool = True,
) -> None:
    """Mark all attempts of these fellows at a unit whose key is new, and let the gradebook hold those that count."""
    chosen, root, now = marking or Marking(), bench.layout.root, datetime.now(UTC)
    with ExitStack() as stack:
        # The processes start while the ledger is made ready.
        crew = stack.enter_context(_crew(chosen, root, learner, workers, nest, scheduler))
        with ledger.session(bench.engine) as session:
            # Nobody else marks here: what a killed run had leased is free. Earlier attempts too: a corrected check
            # changes what counts.
            queue.end_leases(session, now)
            tally = Tally(queue.put_all(session, bench.track, at=now, units=[unit], handles=handles))

        def on_end(receipt: str, verdict: Verdict | None, kept: bool) -> None:
            tally.end(receipt, verdict, kept=kept)
            if progress is not None:
                progress(tally)

        worker = Worker(
            bench.engine,
            lambda: {bench.track: root},
            learner,
            chosen,
            records=records,
            feeds=bench.layout.is_ours,
            fellow_of=bench.fellow_of,
            crew=crew,
            again=force,
            on_end=on_end,
        )
        stack.callback(worker.give_up)
        while worker.step() or worker.wait():
            pass


@contextmanager
def _crew(
    marking: Marking, course_dir: Path, learner: Path, workers: int, nest: Nest | None, scheduler: str
) -> Iterator[Crew]:
    with ExitStack() as stack:
        if scheduler:
            cluster = stack.enter_context(Cluster(marking.mark, scheduler=scheduler))
            cluster.check(course_dir, learner)
            yield cluster
        elif workers > 1:
            yield stack.enter_context(Cluster(marking.mark, nest or stack.enter_context(hatched(workers))))
        else:
            yield Here(marking.mark)


def _record(session: Session, taken: Taken, bench: Bench) -> MarkRecord:
    """Return a submission's record: its verdict, or why it waits for us."""
    attempt = receipts.attempt(session, taken.receipt)
    assert attempt is not None  # just taken  # noqa: S101
    return mark_record(attempt, reason_of(session, taken.receipt), bench.card)


def reason_of(session: Session, receipt: str) -> str | None:
    """Return why a receipt waits for us; None where it is marked."""
    job = session.scalars(select(Job).where(Job.receipt == receipt)).one()
    return None if job.state == queue.DONE else job.reason or "it was not marked"


def _refuse_nothing(records: Sequence[MarkRecord]) -> None:
    reasons = [record.reason for record in records if record.state == "ours"]
    if reasons and len(reasons) == len(records):
        raise ServiceError(f"nothing could be marked: {reasons[0]}")
