"""The release of a unit: what `nbgrader generate_assignment` would make of it, made in this process in milliseconds."""

import fcntl
import fnmatch
import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from passerelle.courses import CourseTextError, NotBuiltError, put_in_place
from passerelle.grading.handout import Handout, SourceFaultError, handout
from passerelle.grading.unit_rows import CellsCameOrWentError, OtherSchemaError, has_unit, make_tables, put_unit
from passerelle.model.settings import Settings

_TIMEOUT_S = 20
"""As long as marking waits for the gradebook."""

_IGNORED = (".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.ipynb")
"""nbgrader's: what is not copied. Notebooks are made anew."""


class ReleaseError(CourseTextError):
    """A unit cannot be released as it is, or the gradebook could not be written."""

    @classmethod
    def because(cls, course_dir: Path, unit: str, what: str) -> Self:
        """Build the error of a source that nbgrader refuses, too."""
        what = f"no release was made: {' '.join(what.split())}"
        return cls.at(f"{course_dir.name}/{unit}", what, "mend the unit's text and build it again")

    @classmethod
    def submitted(cls, course_dir: Path, unit: str) -> Self:
        """Build the error of a unit whose marks would belong to nothing any more."""
        what = "no release was made: marked or locked cells came or went since fellows submitted it"
        cure = "keep these cells and their keys, or give the changed unit a new name"
        return cls.at(f"{course_dir.name}/{unit}", what, cure)

    @classmethod
    def another_schema(cls, course_dir: Path, unit: str, found: str) -> Self:
        """Build the error of a gradebook of an older or newer nbgrader."""
        what = f"no release was made: the schema of gradebook.db is {found}, that of another nbgrader"
        cure = "run «nbgrader db upgrade» in the course directory, then release it again"
        return cls.at(f"{course_dir.name}/{unit}", what, cure)

    @classmethod
    def gradebook(cls, course_dir: Path, unit: str, error: Exception) -> Self:
        """Build the error of a gradebook that cannot be written: the unit's text is not why."""
        what = f"no release was made: gradebook.db cannot be written: {error}"
        cure = "leave the unit's text as it is, look what holds the machine or gradebook.db, then release it again"
        return cls.at(f"{course_dir.name}/{unit}", what, cure)


def generate(course_dir: Path, unit: str) -> Path:
    """Make the release of a built unit and its entries in the gradebook; return the release's folder.

    A release of the present version is left alone. A new one replaces the old one at once; where it is
    refused, the old one stays.

    Raises:
        ContentError: the unit is not built, or nbgrader would refuse it.
    """
    course_dir = course_dir.resolve()
    path = course_dir / "source" / unit / f"{unit}.ipynb"
    if not path.is_file():
        raise NotBuiltError.missing(path)
    built = _ours_of(path)
    release = course_dir / "release" / unit
    with _alone(course_dir):
        if not (_version(release / f"{unit}.ipynb") == built["version"] and _in_gradebook(course_dir, unit)):
            make_release(course_dir, unit, built["track"])
    return release


def make_release(course_dir: Path, unit: str, track: str) -> None:
    """Write the release of a unit beside its place, then the gradebook, then put the release there.

    In this order: whatever is killed in between leaves the old release, and the next call begins anew.

    Raises:
        ReleaseError: nbgrader would refuse it, or the gradebook cannot be written.
    """
    release, source = course_dir / "release" / unit, course_dir / "source" / unit
    beside = course_dir / f".release-{uuid.uuid4().hex}"
    try:
        notebooks = {path.stem: handout(path.read_text("utf-8")) for path in _notebooks(source)}
        _write(beside / unit, source, notebooks)
        with _book(course_dir) as rows:
            put_unit(rows, track, unit, notebooks)
        release.parent.mkdir(exist_ok=True)
        put_in_place(beside / unit, release)
    except SourceFaultError as error:
        raise ReleaseError.because(course_dir, unit, str(error)) from error
    except OtherSchemaError as error:
        raise ReleaseError.another_schema(course_dir, unit, str(error)) from error
    except CellsCameOrWentError as error:
        raise ReleaseError.submitted(course_dir, unit) from error
    except DBAPIError as error:
        raise ReleaseError.gradebook(course_dir, unit, error.orig or error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _notebooks(source: Path) -> list[Path]:
    return sorted(path for path in source.glob("*.ipynb") if not path.name.startswith("."))


def _write(folder: Path, source: Path, notebooks: Mapping[str, Handout]) -> None:
    """Write the files of a release, readable by everybody as nbgrader's are."""
    folder.mkdir(parents=True)
    for path in source.rglob("*"):
        name = path.relative_to(source)
        if path.is_file() and not any(fnmatch.fnmatch(part, one) for part in name.parts for one in _IGNORED):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(path.read_bytes())
    for stem, notebook in notebooks.items():
        (folder / f"{stem}.ipynb").write_text(notebook.text, "utf-8")
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)


@contextmanager
def _book(course_dir: Path) -> Iterator[Connection]:
    """Open a transaction on the course's gradebook, which is made where there is none."""
    path = _file_of(course_dir)
    if path is None:
        with _server_book(course_dir) as connection:
            yield connection
        return
    # Nobody else may read it, not even while it is made.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": _TIMEOUT_S})

    def no_implicit_begin(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    event.listen(engine, "connect", no_implicit_begin)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            make_tables(connection)
            yield connection
    finally:
        engine.dispose()


def _version(notebook: Path) -> str | None:
    """Return the version of a released notebook; None where there is none that can be read."""
    try:
        return str(_ours_of(notebook)["version"])
    except (OSError, ValueError, KeyError):
        return None


def _ours_of(notebook: Path) -> dict[str, Any]:
    """Return what the build wrote into a notebook's metadata."""
    # As JSON: to read it as a notebook takes ten times as long.
    found: dict[str, Any] = json.loads(notebook.read_bytes())["metadata"]["passerelle"]
    return found


def _in_gradebook(course_dir: Path, unit: str) -> bool:
    """Say whether the gradebook knows the unit."""
    path = _file_of(course_dir)
    if path is None:
        with _server_book(course_dir) as connection:
            return has_unit(connection, unit)
    if not path.is_file():
        return False
    query = "select count(*) from notebook join assignment as unit on assignment_id = unit.id where unit.name = ?"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute(query, (unit,)).fetchone()
    except sqlite3.OperationalError:
        return False
    return bool(found[0])


def _file_of(course_dir: Path) -> Path | None:
    """Return the gradebook's file; None where it is on a server."""
    if not Settings().gradebooks:
        return course_dir / "gradebook.db"
    from passerelle.grading.layout import layout_of  # noqa: PLC0415  it brings the ledger along, for half a second

    return layout_of(course_dir).gradebook_file


def _server_book(course_dir: Path) -> AbstractContextManager[Connection]:
    from passerelle.grading.book import server_book  # noqa: PLC0415  it brings nbgrader along, for a second

    return server_book(course_dir)


@contextmanager
def _alone(course_dir: Path) -> Iterator[None]:
    """Hold the course directory: two releases at once would write one gradebook."""
    with (course_dir / ".release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
