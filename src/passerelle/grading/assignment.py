"""Mark what lies in `submitted/` of a course directory, on one's own machine: `passerelle mark`.

The ledger is `.passerelle/ledger.db` in the course directory, and the way is that of the marking service.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.utils import parse_utc
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.courses import load_course
from passerelle.grading.worker import Marking, Worker
from passerelle.ledger import queue, receipts
from passerelle.ledger.tables import Job, Person, Receipt
from passerelle.model.errors import ServiceError, SubmissionError
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from passerelle.model.verdict import Message, Outcome, Verdict

LEDGER = Path(".passerelle") / "ledger.db"
STAMP = "timestamp.txt"


@dataclass(frozen=True)
class _Found:
    """What lies in a fellow's folder."""

    handle: str
    received: datetime
    parcel: bytes

    @property
    def token(self) -> str:
        return hashlib.sha256(self.parcel + self.received.isoformat().encode()).hexdigest()


def mark_assignment(
    course_dir: Path,
    unit: str,
    *,
    learner: Path,
    handles: Sequence[str] | None = None,
    force: bool = False,
    marking: Marking | None = None,
) -> list[tuple[str, Verdict]]:
    """Mark what was submitted for a unit and record it in the course directory's gradebook.

    Args:
        course_dir: nbgrader's course directory, built by `passerelle build` and released.
        unit: the unit's id.
        learner: the environment in which fellows' code runs.
        handles: mark only these fellows' work.
        force: mark also what has a verdict already.
        marking: how one submission is marked.

    Returns:
        The verdicts by handle, a fault of ours among them where only some met one.

    Raises:
        ContentError: where the unit is not built.
        ServiceError: where nothing could be marked.
    """
    course_dir = course_dir.resolve()
    course = load_course(course_dir)
    chosen = marking or Marking()
    if force:
        chosen = replace(chosen, verdict_key=lambda *_arguments, **_options: "")
    (course_dir / LEDGER).parent.mkdir(mode=0o700, exist_ok=True)
    url = f"sqlite:///{course_dir / LEDGER}"
    ledger.migrate(url)
    engine = ledger.engine(url)
    try:
        taken = [_take(engine, course.track, unit, found) for found in _submitted(course_dir, unit, handles)]
        worker = Worker(engine, lambda: {course.track: course_dir}, learner, chosen)
        while worker.step():
            pass
        with ledger.reading(engine) as session:
            verdicts = [_verdict(session, receipt, unit) for receipt in taken]
    finally:
        engine.dispose()
    _refuse_nothing(verdicts)
    return [(receipt.handle, verdict) for receipt, verdict in zip(taken, verdicts, strict=True)]


def _submitted(course_dir: Path, unit: str, handles: Sequence[str] | None) -> Iterator[_Found]:
    for folder in sorted((course_dir / "submitted").glob(f"*/{unit}")):
        handle = folder.parent.name
        if folder.is_dir() and not folder.is_symlink() and (handles is None or handle in handles):
            yield _Found(handle, _received(folder, unit), _parcel(folder, unit))


def _received(folder: Path, unit: str) -> datetime:
    try:
        stamp = parse_utc((folder / STAMP).read_text().strip())
    except (OSError, ValueError, OverflowError):
        notebook = folder / f"{unit}.ipynb"
        return datetime.fromtimestamp((notebook if notebook.exists() else folder).stat().st_mtime, UTC)
    moment: datetime = stamp.replace(tzinfo=UTC)
    return moment


def _parcel(folder: Path, unit: str) -> bytes:
    """Return the files of a folder; its notebook alone where they are too many or too large, or nothing."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != STAMP
    }
    name = f"{unit}.ipynb"
    for kept in (files, {name: files[name]} if name in files else {}):
        try:
            return pack(kept)
        except SubmissionError:
            continue
    return pack({})


def _take(engine: Engine, track: str, unit: str, found: _Found) -> Receipt:
    """Write a submission into the ledger, once, and queue it."""
    now = datetime.now(UTC)
    with ledger.session(engine) as session:
        if session.get(Person, found.handle) is None:
            # Whoever submitted elsewhere: the folder's name is all there is to know.
            fellow = Person(
                handle=found.handle, role=Role.FELLOW.value, first_name=found.handle, language="en", created=now
            )
            session.add(fellow)
            session.flush()
        taken = receipts.take(
            session,
            handle=found.handle,
            sender="submitted",
            track=track,
            unit=unit,
            parcel=found.parcel,
            token=found.token,
            at=found.received,
        )
        queue.put(session, taken.id, now)
        return taken


def _verdict(session: Session, taken: Receipt, unit: str) -> Verdict:
    """Return a submission's verdict, or why it waits for us."""
    attempt = receipts.attempt(session, taken.id)
    job = session.scalars(select(Job).where(Job.receipt == taken.id)).one()
    if job.state == queue.DONE and attempt is not None and attempt.verdict is not None:
        return attempt.verdict
    notice = Message(id="ours", args={"reason": job.reason or "it was not marked"})
    return Verdict(key="", unit=unit, version="", engine="", outcome=Outcome.OURS, notices=(notice,))


def _refuse_nothing(verdicts: Sequence[Verdict]) -> None:
    reasons = [verdict.notices[0].args["reason"] for verdict in verdicts if verdict.outcome is Outcome.OURS]
    if reasons and len(reasons) == len(verdicts):
        raise ServiceError(f"nothing could be marked: {reasons[0]}")
