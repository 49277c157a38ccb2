"""Why something of ours went wrong, as the queue keeps it (see ledger.reasons).

Nothing in it may be what a fellow wrote, a hidden value or a name: the words of an error are kept where we built
them, and of every other error its type and its place in the code alone.
"""

import errno
import re
import traceback
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from passerelle.courses import NotBuiltError
from passerelle.grading.errand import WorkerEndedError
from passerelle.grading.gradebook import GradebookUnusableError, UnitNotReleasedError
from passerelle.grading.panel import ExaminerError
from passerelle.grading.walls import BoxError
from passerelle.ledger.reasons import BOX, CHECK, COURSE, DISK, ENDED, GRADEBOOK, OTHER
from passerelle.model.errors import PasserelleError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def reason(error: Exception, otherwise: str = OTHER) -> str:
    """Return what the queue keeps of an error; `otherwise` is its kind where the error does not say."""
    return f"{_kind(error, otherwise)}: {_happened(error)}"


def _kind(error: Exception, otherwise: str) -> str:
    if isinstance(error, OSError) and error.errno in _FULL:
        return DISK
    databases = (DatabaseError, GradebookUnusableError)
    if isinstance(error, databases) and re.search("disk is full|readonly database|disk I/O", str(error)):
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
    said = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}{said}{place}"
