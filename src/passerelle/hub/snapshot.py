"""Copies of the databases, all of one moment, while everybody goes on writing.

One moment, because facts flow both ways: a verdict is in the ledger before it is in the gradebook, a trainer's mark is
in the gradebook before it is in the ledger, and a mark that is missing from the gradebook counts as taken back. So the
gradebooks' write locks are held while they are copied, and the ledger's state of that moment is copied after.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Self

from passerelle.hub.manifest import Stored, hash_of, private
from passerelle.model.errors import ServiceError

BUSY_TIMEOUT_S = 60
PAGES_A_STEP = 4096


class DatabaseUnusableError(ServiceError):
    """A database cannot be copied."""

    @classmethod
    def because(cls, path: Path, error: sqlite3.Error | str) -> Self:
        """Build the error from what SQLite said."""
        return cls(f"{path} cannot be copied ({error}): `passerelle doctor` says more; no backup was made.")


def copy_databases(
    ledger: Path,
    gradebooks: Sequence[Path],
    others: Sequence[Path],
    place: Callable[[Path], Path],
    say: Callable[[str], None],
) -> dict[Path, Stored]:
    """Copy databases; return what each copy is.

    Args:
        ledger: the ledger.
        gradebooks: what must agree with it.
        others: what stands alone.
        place: says where the copy of a database goes.
        say: told what is being copied.

    Raises:
        DatabaseUnusableError: one cannot be read, or is damaged.
    """
    with ExitStack() as kept:
        with _held(gradebooks):
            for path in gradebooks:
                say(f"copying {path.parent.name}/{path.name}")
                with _opened(path) as source:
                    _copy(path, source, place(path))
            moment = kept.enter_context(_opened(ledger))
            with _told(ledger):
                # The first read fixes the state that this connection sees until its end.
                moment.execute("BEGIN")
                moment.execute("SELECT count(*) FROM sqlite_master").fetchone()
        say("copying the ledger")
        _copy(ledger, moment, place(ledger))
    for path in others:
        copy_database(path, place(path))
    return {path: _stored(place(path)) for path in (*gradebooks, ledger, *others)}


def copy_database(path: Path, into: Path) -> None:
    """Copy one database, as it is at this moment, into a new file.

    Raises:
        DatabaseUnusableError: it cannot be read, or is damaged.
    """
    with _opened(path) as source:
        _copy(path, source, into)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseUnusableError.because(path, error) from error


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with _told(path):
        # An address with a mode: a file that is not there is an error, not a new database.
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    with closing(connection):
        yield connection


@contextmanager
def _held(paths: Sequence[Path]) -> Iterator[None]:
    """Hold the write locks of databases; who reads them is not hindered."""
    with ExitStack() as locks:
        for path in paths:
            connection = locks.enter_context(_opened(path))
            with _told(path):
                connection.execute("BEGIN IMMEDIATE")
        yield


def _copy(path: Path, source: sqlite3.Connection, into: Path) -> None:
    private(into).close()
    with _told(path), closing(sqlite3.connect(into, isolation_level=None)) as copy:
        # The whole backup is brought to the disk at its end.
        copy.execute("PRAGMA synchronous=OFF")
        source.backup(copy, pages=PAGES_A_STEP if source.in_transaction else -1)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DatabaseUnusableError.because(path, found)


def _stored(path: Path) -> Stored:
    return Stored(path.stat().st_size, hash_of(path), 0o600)
