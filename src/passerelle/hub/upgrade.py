"""`passerelle upgrade`: what new code needs, while people go on working."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import sqlalchemy
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from passerelle import ledger
from passerelle.courses import build_course
from passerelle.grading import pause
from passerelle.grading.gradebook import has_gradebook
from passerelle.grading.release import generate
from passerelle.grading.schema import upgrade_gradebook
from passerelle.grading.worker import courses_of
from passerelle.hub import demo, preflight
from passerelle.hub.backup import LEDGER, Say, backup
from passerelle.hub.lock import hub_runs
from passerelle.hub.snapshot import copy_database
from passerelle.ledger import postgres, revisions
from passerelle.model.errors import PasserelleError, ServiceError
from passerelle.model.settings import Settings


class UpgradeError(ServiceError):
    """A step of an upgrade stopped; what it works on is as it was before that step."""

    @classmethod
    def at(cls, step: str, error: Exception, made: Path | None) -> Self:
        """Build the error from the step, and from the backup that leads back."""
        why = " ".join(str(getattr(error, "orig", None) or error).split())
        line = f"The upgrade stopped while {step}: {why.rstrip('.')}. This step changed nothing, and marking goes on: "
        if made is None:
            return cls(f"{line}mend this, then do it again.")
        back = f"passerelle restore {shlex.quote(str(made))} --replace"
        return cls(f"{line}mend this and do it again; or stop the hub, install the former code and go back: {back}")


def upgrade(settings: Settings, backups: Path | None, *, say: Say) -> None:
    """Bring an installation, running or not, to what this code needs.

    Receipts are taken all the time; marking waits for the databases and the courses, and goes on however this ends.

    Args:
        settings: the installation.
        backups: where the backup before goes; None for none.
        say: told each step.

    Raises:
        ServiceError: a step stopped; the line says how to go on, and how to go back.
    """
    preflight.make_directories(settings)
    _refuse_newer(settings)
    made = None
    if backups is not None:
        made = backup(settings, backups, say=lambda _: None)
        say(f"backup: {made}")
    with pause.paused(settings.root):
        say("marking waits")
        with _step("the ledger is migrated", made):
            before = _revision(settings)
            ledger.migrate(settings.database_url)
            say(f"ledger: {_from_to(before, revisions.head())}")
        for track, course_dir in courses_of(settings).items():
            with _step(f"the gradebook of {track} is migrated", made):
                news = has_gradebook(course_dir) and upgrade_gradebook(course_dir)
                say(f"gradebook of {track}: {'brought up to date' if news else 'up to date'}")
        with _step("the courses are built", made):
            for source in demo.changed_courses(settings):
                _try(settings, source)
            tracks = demo.build_courses(settings)
            say(f"courses: {', '.join(tracks) or 'none'}: built where their text has changed")
    say("marking goes on")
    if hub_runs(settings.root):
        say("restart the hub now (`systemctl restart passerelle`): it runs the former code until then")
    else:
        say("the hub brings its own database up to date at its next start")


@contextmanager
def _step(what: str, made: Path | None) -> Iterator[None]:
    try:
        yield
    except (PasserelleError, SQLAlchemyError, CommandError, OSError) as error:
        raise UpgradeError.at(what, error, made) from error


def _try(settings: Settings, source: Path) -> None:
    """Build a course beside its place first: where nbgrader refuses one unit, the others must not be changed already.

    Raises:
        ContentError: the course cannot be built, or nbgrader refuses a release.
    """
    course_dir = settings.courses / source.name
    with tempfile.TemporaryDirectory(dir=settings.root, prefix=".upgrade-") as folder:
        beside = Path(folder) / source.name
        beside.mkdir()
        if (course_dir / "gradebook.db").is_file():
            copy_database(course_dir / "gradebook.db", beside / "gradebook.db")
            # What is released already need not be released once more.
            shutil.copytree(course_dir / "release", beside / "release", dirs_exist_ok=True)
        for unit in build_course(source, beside).units:
            generate(beside, unit.card.unit)


def _refuse_newer(settings: Settings) -> None:
    found = _revision(settings)
    if found is not None and found not in revisions.known():
        raise revisions.NewerLedgerError.of(settings.root / LEDGER, found)


def _revision(settings: Settings) -> str | None:
    engine = sqlalchemy.create_engine(postgres.spelt(settings.database_url))
    try:
        with engine.connect() as connection:
            return revisions.revision_of(connection)
    finally:
        engine.dispose()


def _from_to(before: str | None, after: str) -> str:
    return f"up to date ({after})" if before == after else f"from {before} to {after}"
