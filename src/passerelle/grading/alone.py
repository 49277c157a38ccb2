"""Holds a course directory for one run of `passerelle mark`: there is one writer to its gradebook."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from passerelle.courses import NotBuiltError
from passerelle.grading.wake import wake
from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings

LOCK = Path(".passerelle") / "mark.lock"


class BusyError(ServiceError):
    """Somebody else marks in this directory."""

    @classmethod
    def at(cls, course_dir: Path) -> Self:
        """Build the error from the directory."""
        return cls(f"{course_dir}: another «passerelle mark» runs here; wait for its end")

    @classmethod
    def served(cls, course_dir: Path) -> Self:
        """Build the error from a directory of an installation whose marking service runs."""
        return cls(f"{course_dir}: the marking service marks here, by itself; ask for marking again on the unit's page")


@contextmanager
def alone(course_dir: Path) -> Iterator[None]:
    """Hold a course directory.

    Raises:
        NotBuiltError: there is none.
        BusyError: another run, or the marking service, marks there.
    """
    if not course_dir.is_dir():
        raise NotBuiltError.missing(course_dir)
    place = course_dir.resolve()
    installation = Settings(data=place.parent.parent)
    if installation.courses == place.parent and wake(installation.marking_socket):
        raise BusyError.served(course_dir)
    path = course_dir / LOCK
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError.at(course_dir) from None
        yield
