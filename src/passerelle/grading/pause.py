"""Marking waits while somebody works on its databases.

Two locks that the kernel frees: nothing stays paused by mistake.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from passerelle.model.errors import ServiceError

WISH, STEP = "marking.pause", "marking.step"


class MarkingBusyError(ServiceError):
    """A marker did not come to the end of its step."""

    @classmethod
    def after(cls, timeout_s: float) -> Self:
        """Build the error from how long it was waited for."""
        return cls(f"marking is still at work on one submission after {timeout_s:g} s: try again in some minutes.")


@contextmanager
def step(root: Path) -> Iterator[bool]:
    """Do one step of marking inside this; what it yields says whether it may be done now.

    Args:
        root: the data directory.
    """
    # The wish first, and let go at once: a marker that is always busy would never leave a gap in one lock alone.
    wanted = is_wished(root)
    with _opened(root, STEP) as mine:
        yield not wanted and _taken(mine, fcntl.LOCK_SH)


def is_wished(root: Path) -> bool:
    """Tell whether somebody waits for marking to pause."""
    with _opened(root, WISH) as wish:
        return not _taken(wish, fcntl.LOCK_SH)


@contextmanager
def paused(root: Path, timeout_s: float = 300.0) -> Iterator[None]:
    """Keep every marker of a data directory waiting; inside, none is in the middle of anything.

    Raises:
        MarkingBusyError: where a step did not end in time, or somebody else keeps marking waiting.
    """
    until = time.monotonic() + timeout_s
    with _opened(root, WISH) as wish, _opened(root, STEP) as steps:
        for lock in (wish, steps):
            while not _taken(lock, fcntl.LOCK_EX):
                if time.monotonic() > until:
                    raise MarkingBusyError.after(timeout_s)
                time.sleep(0.05)
        yield


@contextmanager
def _opened(root: Path, name: str) -> Iterator[IO[str]]:
    with (root / name).open("a") as file:
        (root / name).chmod(0o600)
        yield file


def _taken(lock: IO[str], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
