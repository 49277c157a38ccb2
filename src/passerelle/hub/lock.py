"""Who works on a data directory: the hub holds a lock on `hub.lock` while it runs, and the kernel frees it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from passerelle.model.errors import ServiceError

LOCK = "hub.lock"


class InUseError(ServiceError):
    """Somebody works on it already."""

    @classmethod
    def by_hub(cls, root: Path) -> Self:
        """Build the error of a hub that runs."""
        said = (root / LOCK).read_text().strip()
        return cls(
            f"Passerelle runs on {root} (process {said}): stop it first (`systemctl stop passerelle`, or Ctrl-C where "
            "it was started), then do this again."
        )

    @classmethod
    def by_backup(cls, into: Path) -> Self:
        """Build the error of a second backup."""
        return cls(f"Another backup is being written into {into}: wait for its end.")


@contextmanager
def without_hub(root: Path) -> Iterator[None]:
    """Keep a hub from starting on a data directory.

    Raises:
        InUseError: where one runs.
    """
    with (root / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError.by_hub(root) from error
        yield


@contextmanager
def one_backup(into: Path) -> Iterator[None]:
    """Be the one who writes a backup into a directory.

    Raises:
        InUseError: where somebody else does.
    """
    with (into / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError.by_backup(into) from error
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
