"""Where a course directory keeps what: ours as `passerelle build` makes it, any other as its configuration says.

Only a course from elsewhere has its `nbgrader_config.py` read. That file is Python, the course owner's own, and
runs here as nbgrader runs it; in a course of ours nobody's does, for the marking service has everybody's data.
"""

import fnmatch
import os
import re
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from passerelle.ledger.postgres import BACKEND, DRIVER
from passerelle.model.errors import ContentError
from passerelle.model.settings import Settings

CONFIG = "nbgrader_config.py"
BUILT = "course.json"

_from_elsewhere: set[Path] = set()


class CourseConfigError(ContentError):
    """A course's nbgrader_config.py cannot be used."""

    @classmethod
    def stopped(cls, path: Path, error: Exception) -> Self:
        """Build the error from what stopped the configuration."""
        return cls(f"{path}: it stops with {type(error).__name__}: {error}; mend it, nbgrader reads it too")

    @classmethod
    def of_database(cls, path: Path | str, kind: str) -> Self:
        """Build the error from the kind of a gradebook's database."""
        return cls(
            f"{path}: the gradebook is neither an SQLite file nor on PostgreSQL, but {kind!r}; set "
            "CourseDirectory.db_url to «sqlite:///…» or «postgresql+psycopg://…»"
        )


@dataclass(frozen=True)
class Layout:
    """The places of a course directory; `config` is nbgrader's, empty in a course of ours."""

    root: Path
    track: str
    gradebook: URL
    is_ours: bool
    config: Config
    directory: Any = None  # nbgrader's CourseDirectory, in a course from elsewhere

    @property
    def gradebook_file(self) -> Path | None:
        """Return the gradebook's file; None where it is on a database server."""
        return Path(str(self.gradebook.database)) if self.gradebook.get_backend_name() == "sqlite" else None

    def source(self, unit: str) -> Path:
        """Return the folder of a unit's source."""
        return self._place("source", ".", unit)

    def submitted(self, handle: str, unit: str) -> Path:
        """Return where a fellow's submission lies."""
        return self._place("submitted", handle, unit)

    def autograded(self, handle: str, unit: str) -> Path:
        """Return where a fellow's marked notebook lies."""
        return self._place("autograded", handle, unit)

    def submissions(self, unit: str) -> Iterator[tuple[str, Path]]:
        """Yield who has a folder among the submissions of a unit, sorted; links are passed over."""
        if self.is_ours:
            found = {path.parent.name: path for path in (self.root / "submitted").glob(f"*/{unit}")}
        else:
            step = self.directory.submitted_directory
            pattern = re.compile(self.directory.format_path(step, "(?P<who>[^/]+)", re.escape(unit), escape=True))
            paths = Path("/").glob(self.directory.format_path(step, "*", unit).lstrip("/"))
            found = {match["who"]: path for path in paths if (match := pattern.fullmatch(str(path))) is not None}
        yield from ((who, path) for who, path in sorted(found.items()) if path.is_dir() and not path.is_symlink())

    def files(self, unit: str) -> dict[str, bytes]:
        """Return what lies beside a unit's source notebooks and is put over what was sent, without links."""
        root, left_alone = self.source(unit), set[str]()
        ignored = ["__pycache__", "*.ipynb"]
        if not self.is_ours:
            ignored = [*self.directory.ignore, "*.ipynb"]
            left_alone = set(self.config.get("Autograde", {}).get("exclude_overwriting", {}).get(unit, ()))
        found = {}
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            passed_over = any(fnmatch.fnmatch(part, one) for part in name.parts for one in ignored)
            if path.is_file() and not path.is_symlink() and not passed_over and name.as_posix() not in left_alone:
                found[name.as_posix()] = path.read_bytes()
        return found

    def setting(self, owner: str, name: str, default: Any) -> Any:
        """Return a setting of one of nbgrader's classes."""
        return self.config.get(owner, {}).get(name, default)

    def _place(self, step: str, handle: str, unit: str) -> Path:
        if self.is_ours:
            return self.root / step / handle / unit
        return Path(self.directory.format_path(getattr(self.directory, f"{step}_directory"), handle, unit))


def allow_elsewhere(course_dir: Path) -> None:
    """Let a course directory be one from elsewhere, whose configuration this process may run.

    For who marks a directory of her own by hand. The marking service never does: whoever took `course.json` out
    of a course there could otherwise run code in it.
    """
    _from_elsewhere.add(course_dir.resolve())


def is_allowed(course_dir: Path) -> bool:
    """Tell whether a course directory may be one from elsewhere."""
    return course_dir.resolve() in _from_elsewhere


@contextmanager
def allowed_elsewhere(course_dir: Path) -> Iterator[None]:
    """Let it be one for as long as this lasts: a worker marks for several, and one of them may be the service."""
    known = is_allowed(course_dir)
    allow_elsewhere(course_dir)
    try:
        yield
    finally:
        if not known:
            _from_elsewhere.discard(course_dir.resolve())


def layout_of(course_dir: Path) -> Layout:
    """Return where a course directory keeps what; one is ours unless it was allowed to be another.

    Raises:
        CourseConfigError: its configuration cannot be used.
    """
    root = course_dir.resolve()
    if root not in _from_elsewhere or (root / BUILT).is_file():
        return Layout(root, root.name, _of_ours(root), is_ours=True, config=Config())
    try:
        state = (root / CONFIG).stat()
    except FileNotFoundError:
        return _elsewhere(root, ())
    return _elsewhere(root, (state.st_mtime_ns, state.st_size))


def is_outline(course_dir: Path) -> bool:
    """Say whether a course of ours is an outline, as the demo year's are: no source, no gradebook, the ledger alone."""
    if (course_dir / "source").is_dir():
        return False
    path = layout_of(course_dir).gradebook_file
    return path is None or not path.is_file()


def gradebook_url(course_dir: Path) -> str:
    """Return the URL of a gradebook as nbgrader takes it, password and all: for another program's environment."""
    return layout_of(course_dir).gradebook.render_as_string(hide_password=False)


def said_of(url: URL) -> str:
    """Return how a gradebook's place is said: without password, and without options, which may hold one."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)


def _of_ours(root: Path) -> URL:
    """Return where a course of ours has its gradebook: the operator says it for all courses of the data directory."""
    settings = Settings()
    if not settings.gradebooks or root.parent != settings.courses:
        # A copy that is built or restored elsewhere has a file of its own, and never writes to what is in use.
        return URL.create("sqlite", database=str(root / "gradebook.db"))
    return _checked(settings.gradebooks.replace("{track}", root.name), "PASSERELLE_GRADEBOOKS")


def _checked(given: str, where: Path | str) -> URL:
    try:
        url = make_url(given)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise CourseConfigError.of_database(where, given.partition(":")[0]) from None
    if kind not in ("sqlite", BACKEND) or not url.database:
        raise CourseConfigError.of_database(where, kind)
    return url.set(drivername=DRIVER) if kind == BACKEND else url


@lru_cache(maxsize=8)
def _elsewhere(root: Path, state: tuple[int, ...]) -> Layout:
    # A course of ours never comes here, and nbgrader takes long to import.
    from nbgrader.coursedir import CourseDirectory  # noqa: PLC0415  see above

    config = _config(root) if state else Config()
    # Given by name: nothing in the configuration leads away from the directory that was asked for.
    directory = CourseDirectory(config=config, root=str(root))
    url = _checked(directory.db_url, root / CONFIG)
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(root / str(url.database)))
    track = directory.course_id or root.name
    return Layout(root, track, url, is_ours=False, config=config, directory=directory)


def _config(root: Path) -> Config:
    if str(root) not in sys.path:
        sys.path.append(str(root))  # plugins lie beside it; last, so that no file there takes the place of a library
    try:
        with chdir(root):
            found: Config = PyFileConfigLoader(CONFIG, path=os.fspath(root)).load_config()
    except Exception as error:  # whatever the owner's code raises
        raise CourseConfigError.stopped(root / CONFIG, error) from error
    return found
