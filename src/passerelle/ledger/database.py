"""Open the ledger, wherever it is, and bring its schema up to date."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from passerelle.ledger import postgres, revisions
from passerelle.ledger.postgres import READING
from passerelle.ledger.turns import begin_writing

BUSY_TIMEOUT_S = 30
ONE_WRITER = "SELECT pg_advisory_xact_lock(1)"
"""Numbers of rows go up in the order of commits: pages ask for what is newer than the last that they saw."""
CONNECTIONS = 40
"""How many SQLite connections are kept open: an event loop reads in up to 32 threads. One more is closed after use,
and to open it again takes longer than most of what it is asked."""
CONNECTIONS_TO_A_SERVER = 16
"""As many are kept to PostgreSQL by each process, and as many more opened while they are needed: a server has 100."""


def engine(url: str) -> Engine:
    """Return an engine for a ledger, on PostgreSQL or in an SQLite file in WAL mode, for its owner only.

    There is one writer at a time, who waits for the one before; foreign keys are held, and a commit is on the disk
    before it returns (a receipt is a promise). Errors do not repeat parameters: they are what somebody sent.
    """
    parsed = make_url(url)
    if postgres.is_postgres(parsed):
        kept = {"pool_size": CONNECTIONS_TO_A_SERVER, "max_overflow": CONNECTIONS_TO_A_SERVER, "pool_pre_ping": True}
        return postgres.engine(parsed, ONE_WRITER, BUSY_TIMEOUT_S, **kept)
    _make_private_file(parsed)
    made = sqlalchemy.create_engine(
        parsed, connect_args={"timeout": BUSY_TIMEOUT_S}, pool_size=CONNECTIONS, hide_parameters=True
    )
    event.listen(made, "connect", _set_up_sqlite)
    event.listen(made, "begin", _begin_sqlite)
    return made


def _make_private_file(url: URL) -> None:
    """Make the file with mode 0600 before SQLite does with another; its WAL files inherit that.

    A file that is there is never opened: to close it would give up every lock that this process's connections
    hold on it (POSIX), and whoever closes the ledger next would take its log away from under them.
    """
    if not url.database or url.database == ":memory:" or url.query.get("uri"):
        return
    path = Path(url.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own begin comes too late, at the first write: ours is in _begin_sqlite.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_S * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _turn_to_wal(connection)


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    """Put a file into WAL mode; SQLite refuses this one change at once where it is locked, so we do the waiting.

    Raises:
        sqlite3.OperationalError: it was locked for all of BUSY_TIMEOUT_S, or cannot be written.
    """
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # Immediate: a transaction that reads first and then writes would otherwise be refused, without any
    # waiting, whenever another one has written in between.
    if connection.get_execution_options().get(READING):
        connection.exec_driver_sql("BEGIN")
    else:
        begin_writing(connection, BUSY_TIMEOUT_S)


@contextmanager
def session(engine: Engine) -> Iterator[Session]:
    """Open a transaction that may write: committed at the end, undone when anything is raised.

    Keep it short (never mark, wait or call anybody inside): there is one at a time.
    Objects stay readable after it.
    """
    with Session(engine, expire_on_commit=False) as opened, opened.begin():
        opened.connection()  # waits for its turn now: what asks for the time inside has it from after that
        yield opened


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a transaction that only reads, one state of the ledger from beginning to end; it stops nobody."""
    with Session(engine.execution_options(**{READING: True}), expire_on_commit=False) as opened:
        yield opened


def migrate(url: str) -> None:
    """Bring a ledger, a new one too, to this version's schema. Safe to run again, and by two at once.

    Raises:
        NewerLedgerError: a newer Passerelle wrote it.
    """
    config = revisions.scripts()
    made = engine(url)
    try:
        with made.begin() as connection:
            found = revisions.revision_of(connection)
            if found is not None and found not in revisions.known():
                where = made.url.database if made.dialect.name == "sqlite" else made.url.render_as_string()
                raise revisions.NewerLedgerError.of(str(where), found)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        made.dispose()
