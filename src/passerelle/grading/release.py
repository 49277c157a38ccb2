"""The release of a unit, by nbgrader's own generate_assignment."""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import nbformat

from passerelle.courses import CourseTextError, put_in_place, unit_source

_TIMEOUT_S = 120


class ReleaseError(CourseTextError):
    """nbgrader refused to make a release, or did not get to it in time."""

    @classmethod
    def said(cls, course_dir: Path, unit: str, log: str) -> Self:
        """Build the error from nbgrader's log."""
        said = [
            line.partition("ERROR | ")[2] or line for line in log.splitlines() if "ERROR" in line or "Error:" in line
        ]
        what = " ".join((said[-1] if said else log[-300:]).split())
        cure = "mend the unit's text and build it again"
        if "because there are submissions" in log or "Cannot add or remove cells" in log:
            what = "marked or locked cells came or went since fellows submitted it"
            cure = "keep these cells and their keys, or give the changed unit a new name"
        return cls.at(f"{course_dir.name}/{unit}", f"no release was made: {what}", cure)

    @classmethod
    def late(cls, course_dir: Path, unit: str, seconds: float) -> Self:
        """Build the error of a release that took too long: nbgrader runs no cell, so the unit's text is not why."""
        what = f"no release was made: nbgrader took over {seconds:g} s"
        cure = "leave the unit's text as it is, look what holds the machine or gradebook.db, then release it again"
        return cls.at(f"{course_dir.name}/{unit}", what, cure)


def generate(course_dir: Path, unit: str) -> Path:
    """Make the release of a built unit and its entries in the gradebook; return the release's folder.

    A release of the present version is left alone. A new one replaces the old one at once; where nbgrader
    refuses, the old one stays.

    Raises:
        ContentError: the unit is not built, or nbgrader refuses it.
    """
    course_dir = course_dir.resolve()
    version = unit_source(course_dir, unit).metadata["passerelle"]["version"]
    release = course_dir / "release" / unit
    with _alone(course_dir):
        if not (_version(release / f"{unit}.ipynb") == version and _in_gradebook(course_dir, unit)):
            _generate(course_dir, unit, release)
    return release


def _generate(course_dir: Path, unit: str, release: Path) -> None:
    """Let nbgrader write the release beside its place, then put it there."""
    # A name of its own: nbgrader removes the old release before it knows whether there will be a new one.
    beside = f".release-{uuid.uuid4().hex}"
    try:
        _nbgrader(
            course_dir, unit, "generate_assignment", unit, "--force", f"--CourseDirectory.release_directory={beside}"
        )
        (course_dir / "gradebook.db").chmod(0o600)
        release.parent.mkdir(exist_ok=True)
        put_in_place(course_dir / beside / unit, release)
    finally:
        shutil.rmtree(course_dir / beside, ignore_errors=True)


def _nbgrader(course_dir: Path, unit: str, *arguments: str) -> None:
    """Run nbgrader in the course directory: in a process of its own, for it changes its working directory."""
    with tempfile.TemporaryDirectory(prefix="release-") as empty:
        environment = os.environ | {
            # nbgrader runs `alembic` from the path.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            # Only the course's own configuration holds here, whoever's home this is.
            "JUPYTER_NO_CONFIG": "1",
            "JUPYTER_CONFIG_DIR": empty,
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", "nbgrader", *arguments],
                cwd=course_dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ReleaseError.late(course_dir, unit, _TIMEOUT_S) from error
    if done.returncode != 0:
        raise ReleaseError.said(course_dir, unit, done.stderr)


def _version(notebook: Path) -> str | None:
    """Return the version of a released notebook; None where there is none that can be read."""
    try:
        version = nbformat.reads(notebook.read_text("utf-8"), as_version=4).metadata["passerelle"]["version"]
    except (OSError, ValueError, KeyError):
        return None
    return str(version)


def _in_gradebook(course_dir: Path, unit: str) -> bool:
    """Say whether the gradebook knows the unit."""
    path = course_dir / "gradebook.db"
    if not path.is_file():
        return False
    query = "select count(*) from notebook join assignment as unit on assignment_id = unit.id where unit.name = ?"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute(query, (unit,)).fetchone()
    except sqlite3.OperationalError:
        return False
    return bool(found[0])


@contextmanager
def _alone(course_dir: Path) -> Iterator[None]:
    """Hold the course directory: two releases at once would write one gradebook."""
    with (course_dir / ".release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
