"""Read the databases and leave everything as it is: no new file, no new mode, no log put away."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from passerelle import ledger
from passerelle.hub.backup import LEDGER
from passerelle.ledger import revisions
from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings

BUSY_TIMEOUT_S = 20


class NoLedgerError(ServiceError):
    """There is no ledger that this version can read; the check of the schema says so, the others are silent."""


def address(path: Path) -> str:
    """Return SQLite's address of a database that is only read."""
    # Where nobody has it open and no log lies beside it, it stands still: SQLite need not put a log there.
    still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return f"{path.as_uri()}?mode=ro{still}"


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an SQLite database to read it."""
    with closing(sqlite3.connect(address(path), uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
        yield connection


def ledger_path(settings: Settings) -> Path | None:
    """Return the ledger's file; None where it is on a database server."""
    own = settings.root / LEDGER
    return own if settings.database_url == f"sqlite:///{own}" else None


@contextmanager
def ledger_session(settings: Settings) -> Iterator[Session]:
    """Open the ledger to read it.

    Raises:
        NoLedgerError: there is none, or its schema is another one than ours.
    """
    path = ledger_path(settings)
    if path is not None and not path.is_file():
        raise NoLedgerError(str(path))
    if path is None:
        engine = ledger.engine(settings.database_url)
    else:
        engine = create_engine(f"sqlite:///{address(path)}&uri=true", poolclass=NullPool)
    try:
        with Session(engine, expire_on_commit=False) as session:
            if revisions.revision_of(session.connection()) != revisions.head():
                raise NoLedgerError(str(path))
            yield session
    finally:
        engine.dispose()
