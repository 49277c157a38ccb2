"""Why something of ours went wrong, as the queue keeps it (see ledger.reasons).

Nothing in it may be what a fellow wrote, a hidden value or a name: the words of an error are kept where we built
them, and of every other error its type and its place in the code alone.
"""

import errno
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy.exc import DatabaseError

from passerelle.courses import NotBuiltError
from passerelle.grading.errand import WorkerEndedError
from passerelle.grading.gradebook import GradebookUnusableError, UnitNotReleasedError
from passerelle.grading.panel import ExaminerError
from passerelle.grading.walls import BoxError
from passerelle.ledger.reasons import BOX, CHECK, COURSE, DISK, ENDED, GRADEBOOK, OTHER
from passerelle.model.errors import PasserelleError, ServiceError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EIO)
_DISK = re.compile("disk is full|readonly database|disk I/O")


class PlaceUnusableError(ServiceError):
    """A course directory cannot be written."""

    @classmethod
    def because(cls, place: Path, said: str) -> Self:
        """Build the error from what the system or the ledger's database said."""
        cure = "make room on its disk" if re.search("(?i)no space|full|quota|exceeded", said) else "make it writable"
        return cls(f"{place}: it cannot be written ({said}); {cure}, then run this again: nothing is lost")

    @classmethod
    def of_ledger(cls, place: Path, said: str) -> Self:
        """Build the error from what the ledger's database said of itself."""
        return cls(
            f"{place}: its ledger in .passerelle/ cannot be used ({said}); look who else has it open, or restore it"
        )


@contextmanager
def said_of(place: Path) -> Iterator[None]:
    """Say in one line where a course directory cannot be written.

    Raises:
        PlaceUnusableError: it cannot.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*_FULL, *_FORBIDDEN):
            raise
        raise PlaceUnusableError.because(place, error.strerror or str(error)) from error
    except DatabaseError as error:
        said = str(error.orig or error)
        made = PlaceUnusableError.because if _DISK.search(said) else PlaceUnusableError.of_ledger
        raise made(place, said) from error


def reason(error: Exception, otherwise: str = OTHER) -> str:
    """Return what the queue keeps of an error; `otherwise` is its kind where the error does not say."""
    return f"{_kind(error, otherwise)}: {_happened(error)}"


def is_of_disk(error: BaseException) -> bool:
    """Say whether a disk takes nothing more: all there is to know is in its words."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return isinstance(error, DatabaseError | GradebookUnusableError) and bool(_DISK.search(str(error)))


def is_plain(error: BaseException) -> bool:
    """Say whether an error is one of ours, or of a disk: where in the code it was raised tells nothing more."""
    return isinstance(error, PasserelleError) or is_of_disk(error)


def write(log: logging.Logger, error: Exception, said: str, *of: object) -> None:
    """Write down what went wrong, and where in the code; of a full disk one line says it all."""
    if is_of_disk(error):
        log.error("%s: %s", said % of, reason(error))
    else:
        log.error(said, *of, exc_info=error)


def _kind(error: Exception, otherwise: str) -> str:
    if is_of_disk(error):
        return DISK
    kinds = {
        BoxError: BOX,
        ExaminerError: CHECK,
        GradebookUnusableError: GRADEBOOK,
        UnitNotReleasedError: COURSE,
        NotBuiltError: COURSE,
        WorkerEndedError: ENDED,
    }
    return next((kind for known, kind in kinds.items() if isinstance(error, known)), otherwise)


def _happened(error: Exception) -> str:
    if isinstance(error, ExaminerError):
        # What the check or the examiner said last may quote her answer, or the value that is expected: left out.
        return re.split(r" with | \(", str(error))[0]
    if isinstance(error, PasserelleError) and not error.quotes:
        return re.split(r"\s*\[(?:SQL|parameters):", str(error))[0]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    words = error.strerror if isinstance(error, OSError) else None
    if isinstance(error, DatabaseError) and (found := _DISK.search(str(error.orig or error))) is not None:
        words = found[0]  # the database's own, and nothing of what it was told to write
    return f"{type(error).__name__}{f' ({words})' if words else ''}{place}"
