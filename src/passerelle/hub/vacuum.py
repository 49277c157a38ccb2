"""Write an SQLite database anew, so that what was deleted from it stands in no free page and in no log."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Self

from passerelle.model.errors import ServiceError

PATIENCE_S = 60.0


class DatabaseHeldError(ServiceError):
    """A database is in use all the time."""

    @classmethod
    def of(cls, path: Path, said: object) -> Self:
        """Build the error from what SQLite said."""
        return cls(f"{path} could not be written anew ({said}): run the same command again when less is going on")


def vacuum(path: Path, patience_s: float = PATIENCE_S) -> None:
    """Write a database anew, its log included; others may use it meanwhile, and wait.

    Raises:
        DatabaseHeldError: somebody held it for all that time.
    """
    until = time.monotonic() + patience_s
    try:
        with closing(sqlite3.connect(path, timeout=patience_s, isolation_level=None)) as database:
            # What VACUUM moves aside is in memory, not in a file of /tmp.
            database.execute("PRAGMA temp_store=MEMORY")
            database.execute("VACUUM")
            while True:
                busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    return
                if time.monotonic() > until:
                    raise DatabaseHeldError.of(path, "its log is being read")
                time.sleep(0.1)  # a reader's old state: pages take milliseconds
    except sqlite3.OperationalError as error:
        raise DatabaseHeldError.of(path, error) from error
