"""Wait for one's turn to write an SQLite file, so that nobody waits long while others come and go."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

LOOK_AGAIN_S = 0.002


def begin_writing(connection: Connection, patience_s: float) -> None:
    """Begin a transaction that writes, as soon as nobody else does.

    SQLite's own waiting looks again ever more seldom, down to ten times a second, and whoever has just written may
    write again at once: beside three busy writers one was seen to wait for 7 s. Here one waiter is next, by a lock on
    the file's folder, and whoever writes again waits behind it.

    Raises:
        sqlalchemy.exc.OperationalError: somebody else wrote for all of `patience_s`.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101  # of an engine of ours
    until = time.monotonic() + patience_s
    connection.exec_driver_sql("PRAGMA busy_timeout=0")  # what is wrong with a file is said as by every statement
    try:
        with _next(connection.engine.url.database, until):
            while time.monotonic() < until:
                try:
                    raw.execute("BEGIN IMMEDIATE")
                except sqlite3.DatabaseError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                        break
                    time.sleep(LOOK_AGAIN_S)
                else:
                    return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what is wrong as every statement does
    finally:
        with suppress(sqlite3.Error):  # it has been said by now
            raw.execute(f"PRAGMA busy_timeout={int(patience_s * 1000)}")


@contextmanager
def _next(database: str | None, until: float) -> Iterator[None]:
    """Wait until nobody else is next; where a folder cannot be locked there is no order, and all look as often."""
    try:
        folder = os.open(Path(database or "").parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield
        return
    try:
        while time.monotonic() < until:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOOK_AGAIN_S)
            except OSError:
                break
            else:
                break
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)  # a process that was forked meanwhile has it open, too
        os.close(folder)
