"""Who works on a data directory: the hub holds a lock on `hub.lock` while it runs, and the kernel frees it."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

from passerelle.model.errors import ServiceError

LOCK = "hub.lock"
ERASING_LOCK = "erasing.lock"


class InUseError(ServiceError):
    """Somebody works on it already."""

    @classmethod
    def by_hub(cls, root: Path, pid: str) -> Self:
        """Build the error of a hub that runs."""
        return cls(
            f"Passerelle runs on {root} (process {pid}): stop it first (`systemctl stop passerelle`, or Ctrl-C where "
            "it was started), then do this again."
        )

    @classmethod
    def by_backup(cls, into: Path, pid: str) -> Self:
        """Build the error of a second backup."""
        return cls(f"Another backup is being written into {into} (process {pid}): wait for its end.")

    @classmethod
    def by_erasure(cls, root: Path, pid: str) -> Self:
        """Build the error of a second erasure."""
        return cls(f"Somebody is being erased from {root} already (process {pid}): wait for its end.")


InUse = Callable[[Path, str], ServiceError]
"""Builds the error from the directory and from the process that holds it."""


def only_hub(root: Path, in_use: InUse = InUseError.by_hub) -> AbstractContextManager[None]:
    """Be the hub of a data directory, or keep every hub from starting on it.

    Raises:
        ServiceError: where one runs.
    """
    return _held(root, LOCK, in_use)


def one_backup(into: Path) -> AbstractContextManager[None]:
    """Be the one who writes a backup into a directory.

    Raises:
        InUseError: where somebody else does.
    """
    return _held(into, ".lock", InUseError.by_backup)


def one_erasure(root: Path) -> AbstractContextManager[None]:
    """Be the one who erases in a data directory.

    Raises:
        InUseError: where somebody else does.
    """
    return _held(root, ERASING_LOCK, InUseError.by_erasure)


@contextmanager
def _held(directory: Path, name: str, in_use: InUse) -> Iterator[None]:
    """Hold a lock whose file says who does; the kernel frees it at our end, however that comes."""
    path = directory / name
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise in_use(directory, path.read_text().strip()) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def hub_runs(root: Path) -> bool:
    """Tell whether a hub runs on a data directory; changes nothing."""
    try:
        with (root / LOCK).open("r") as lock:
            # Shared: two who ask at once do not take each other for a hub.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
