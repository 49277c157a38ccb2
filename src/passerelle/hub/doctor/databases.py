"""What the databases hold: schemas, integrity, the queue, gradebooks against the ledger."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from passerelle import ledger
from passerelle.grading.agreement import Disagreement, disagreements
from passerelle.grading.gradebook import GradebookUnusableError, has_gradebook
from passerelle.grading.layout import is_outline
from passerelle.grading.schema import gradebook_head, gradebook_revision
from passerelle.grading.worker import courses_of
from passerelle.hub.backup import HUB_DATABASE
from passerelle.hub.doctor.finding import Finding, broken, look, ok, some
from passerelle.hub.doctor.reading import NoLedgerError, database, ledger_path, ledger_session
from passerelle.hub.lock import hub_runs
from passerelle.ledger import postgres, queue, revisions
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.settings import Settings

OLD_JOB = timedelta(minutes=10)
AHEAD = timedelta(minutes=1)
LOOK_AGAIN_S = 2.0
UPGRADE = "run `passerelle upgrade`"
RESTORE = "stop, restore the last backup with `passerelle restore … --replace`, and keep what it moves aside"


def schemas(settings: Settings) -> Iterator[Finding]:
    """Compare the schemas with what this version wants."""
    path, head = ledger_path(settings), revisions.head()
    if path is None:
        yield _on_server(settings, head)
    elif not path.is_file():
        cure = "the first start makes one; if there were data, see whether PASSERELLE_DATA is the right directory"
        yield look("schema", f"there is no ledger in {settings.root}", cure)
    else:
        with database(path) as opened:
            (found,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
        if found == head:
            yield ok("schema", f"the ledger's is this version's ({head})")
        elif found in revisions.known():
            yield look("schema", f"the ledger's is older ({found}) than this version's ({head})", UPGRADE)
        else:
            cure = "install the version that wrote it, or a newer one"
            yield broken("schema", f"the ledger's ({found}) is of a newer Passerelle than this one ({head})", cure)
    for track, course_dir in courses_of(settings).items():
        if is_outline(course_dir):
            continue  # nothing is built or released there, and the ledger alone has its marks
        if not has_gradebook(course_dir):
            yield look("schema", f"{track} has no gradebook", "build and release its units: `passerelle build`")
        elif _is_older(course_dir):
            yield look("schema", f"the gradebook of {track} is of another nbgrader than the one installed", UPGRADE)


def _on_server(settings: Settings, head: str) -> Finding:
    """Look at a ledger on a database server: can it be reached, which schema has it?"""
    url = make_url(settings.database_url)
    where = url.set(query={}).render_as_string(hide_password=True)
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.reading(engine) as session:
            found = revisions.revision_of(session.connection())
    except SQLAlchemyError as error:
        why = " ".join(str(getattr(error, "orig", None) or error).split())
        cure = "start the database server, or correct PASSERELLE_DATABASE"
        return broken("schema", f"the ledger cannot be read: {where}: {why}", cure)
    finally:
        engine.dispose()
    if found is None:
        return look("schema", f"there is no ledger in {where}", "the first start makes one")
    if found == head:
        copied = postgres.dump_line(settings.database_url, "ledger")
        return ok("schema", f"the ledger's is this version's ({head}); on a server: back it up with {copied}")
    if found in revisions.known():
        return look("schema", f"the ledger's is older ({found}) than this version's ({head})", UPGRADE)
    cure = "install the version that wrote it, or a newer one"
    return broken("schema", f"the ledger's ({found}) is of a newer Passerelle than this one ({head})", cure)


def _is_older(course_dir: Path) -> bool:
    try:
        return gradebook_revision(course_dir) != gradebook_head()
    except GradebookUnusableError:
        return False  # what is wrong with it is said by `integrity`


def integrity(settings: Settings) -> Iterator[Finding]:
    """Let SQLite look through its files."""
    ledger = ledger_path(settings)
    paths = [ledger] if ledger is not None else []
    paths += [settings.root / HUB_DATABASE, *sorted(settings.courses.glob("*/gradebook.db"))]
    for path in paths:
        if path.is_file():
            yield _integrity(path, str(path.relative_to(settings.root)), keys=path == ledger)


def _integrity(path: Path, name: str, *, keys: bool) -> Finding:
    try:
        with database(path) as opened:
            (found,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
            # nbgrader and the hub do not hold theirs; what is left over there hurts nobody.
            loose = opened.execute("PRAGMA foreign_key_check").fetchall() if keys else []
    except sqlite3.Error as error:
        found, loose = str(error), []
    if found != "ok":
        return broken("integrity", f"{name} is damaged: {found}", RESTORE)
    if loose:
        return broken(
            "integrity", f"{name}: {len(loose)} rows of {loose[0][0]} refer to rows that are not there", RESTORE
        )
    return ok("integrity", f"{name} is whole")


def waiting(settings: Settings) -> Iterator[Finding]:
    """Look at the queue: what waits long, what met a fault of ours."""
    now = datetime.now(UTC)
    try:
        with ledger_session(settings) as session:
            jobs = queue.waiting(session)
    except NoLedgerError:
        return
    stuck = [(job, receipt) for job, receipt in jobs if job.reason is not None]
    old = [receipt for job, receipt in jobs if job.reason is None and job.queued < now - OLD_JOB]
    for job, receipt in stuck[:5]:
        said = f"receipt {receipt.id} of {receipt.handle}, {receipt.track}/{receipt.unit}, waits for us: {job.reason}"
        yield look("queue", said, "the trainer's list has «mark again»; it is tried again every ten minutes")
    if len(stuck) > 5:
        yield look("queue", f"{len(stuck) - 5} more wait for us", "see the trainer's list")
    if old:
        hurry = "marking runs with the hub: start it" if not hub_runs(settings.root) else "see logs/marking.log"
        oldest = min(receipt.received for receipt in old)
        said = f"waiting for marking: {len(old)}, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
        yield look("queue", said, hurry)
    if not stuck and not old:
        yield ok("queue", f"waiting for marking: {len(jobs)}, none for long")


def last_receipt(settings: Settings) -> Iterator[Finding]:
    """Look whether the last receipt is from the future."""
    try:
        with ledger_session(settings) as session:
            last = session.scalar(select(func.max(Receipt.received)))
    except NoLedgerError:
        return
    if last is not None and last > datetime.now(UTC) + AHEAD:
        cure = "set the clock (`timedatectl`); receipts keep their times"
        yield look("clock", f"the last receipt is of {last:%Y-%m-%d %H:%M} UTC, which is yet to come", cure)


def agreement(settings: Settings) -> Iterator[Finding]:
    """Compare each gradebook with the ledger."""
    for track, course_dir in courses_of(settings).items():
        if not has_gradebook(course_dir):
            continue
        try:
            found = set(_disagreements(settings, track, course_dir))
            if found and hub_runs(settings.root):
                # What is just being recorded is not in both; what is still so in a moment is.
                time.sleep(LOOK_AGAIN_S)
                found &= set(_disagreements(settings, track, course_dir))
        except NoLedgerError:
            return
        except (GradebookUnusableError, SQLAlchemyError) as error:
            yield broken("gradebook", f"{track}: {error}", RESTORE)
            continue
        yield from _told(track, sorted(found, key=lambda one: (one.mends, one.handle, one.unit, one.what)))


def _disagreements(settings: Settings, track: str, course_dir: Path) -> list[Disagreement]:
    with ledger_session(settings) as session:
        open_jobs = (
            select(Receipt.handle, Receipt.unit).join(Job, Job.receipt == Receipt.id).where(Job.state != queue.DONE)
        )
        busy = {(handle, unit) for handle, unit in session.execute(open_jobs.where(Receipt.track == track))}
        found = disagreements(course_dir, session, track)
    # Where a job is open, it is not done yet: the queue says more.
    return [one for one in found if not (one.mends and (one.handle, one.unit) in busy)]


def _told(track: str, found: list[Disagreement]) -> Iterator[Finding]:
    if not found:
        yield ok("gradebook", f"{track}: the gradebook says what the ledger says")
    for one in found[:10]:
        said = f"{track}: {one.handle}, {one.unit}: {one.what}"
        if one.mends:
            yield look("gradebook", said, "nothing: the marking process puts it right when it starts")
        else:
            cure = "let the trainer look at this submission in formgrader; the ledger is what pages and exports show"
            yield broken("gradebook", said, cure)
    if len(found) > 10:
        rest = some(sorted({one.handle for one in found[10:]}))
        make = look if all(one.mends for one in found[10:]) else broken
        yield make("gradebook", f"{track}: {len(found) - 10} more ({rest})", "as above")
