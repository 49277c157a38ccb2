"""Open nbgrader's gradebook, in its SQLite file or on PostgreSQL: who writes, who waits, what a look sees.

The schema is nbgrader's. What is ours in it has names of ours and no part in its schema's version: four indexes that
it lacks and, on PostgreSQL, the count of what was written, which is also what writers wait for.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self

from alembic.script import ScriptDirectory
from nbgrader.api import Base
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from passerelle.grading.layout import layout_of, said_of
from passerelle.ledger import postgres
from passerelle.ledger.turns import begin_writing
from passerelle.model.errors import ServiceError

BUSY_TIMEOUT_S = 20
INDEXES = {
    "passerelle_grade_of_notebook": ("grade", "notebook_id"),
    "passerelle_notebook_of_assignment": ("submitted_notebook", "assignment_id"),
    "passerelle_assignment_of_student": ("submitted_assignment", "student_id"),
    "passerelle_comment_of_notebook": ("comment", "notebook_id"),
}
"""Without them nbgrader's queries by these read whole tables; its own are unique constraints that begin elsewhere."""

_ONE_WRITER = "SELECT pg_advisory_xact_lock(2)"
_COUNT = "SELECT count FROM passerelle_written"
_COUNTED = ("grade", "comment", "submitted_notebook", "submitted_assignment")
_COUNTING = """
CREATE TABLE passerelle_written (id integer PRIMARY KEY CHECK (id = 1), count bigint NOT NULL);
INSERT INTO passerelle_written VALUES (1, 1);
CREATE FUNCTION passerelle_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE passerelle_written SET count = count + 1;
  RETURN NULL;
END $$;
"""
"""Before a row is touched, so that whoever writes, formgrader too, has its turn before it holds anything."""

_ready: set[URL] = set()
_servers: dict[URL, Engine] = {}


class GradebookUnusableError(ServiceError):
    """A gradebook cannot be opened or written now."""

    @classmethod
    def missing(cls, where: Path | str) -> Self:
        """Build the error for a course directory that has no gradebook."""
        return cls(f"{where}: there is no gradebook; release a unit first (nbgrader generate_assignment)")

    @classmethod
    def because(cls, where: Path | str, error: Exception) -> Self:
        """Build the error from what the database said."""
        said = " ".join(str(error).split())
        return cls(f"{where}: {said}; close other programs that hold it, or run «nbgrader db upgrade»")

    @classmethod
    def another_schema(cls, where: Path | str, found: str | None, wanted: str) -> Self:
        """Build the error of a gradebook of an older or newer nbgrader."""
        return cls(
            f"{where}: its schema is {found or 'of an nbgrader that did not number it'}, the nbgrader here has "
            f"{wanted}; nothing was written: run «nbgrader db upgrade» in the course directory, then do this again"
        )


@dataclass
class OwnWrite:
    """The state of a gradebook (`fingerprint`) just before and just after a write of ours.

    `after` is empty where nobody can say it: somebody else has written since, or holds the file.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


@cache
def gradebook_head() -> str:
    """Return the revision that the installed nbgrader wants."""
    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())


def gradebook_path(course_dir: Path) -> Path | None:
    """Return the file in which a course directory has its gradebook; None where it is on a server."""
    return layout_of(course_dir).gradebook_file


def has_gradebook(course_dir: Path) -> bool:
    """Tell whether a course has a gradebook; one on a server counts as there."""
    path = gradebook_path(course_dir)
    return path is None or path.is_file()


def fingerprint(course_dir: Path) -> tuple[int, ...]:
    """Return what changes when somebody writes to the gradebook; empty where there is none, or none can be read."""
    layout = layout_of(course_dir)
    path = layout.gradebook_file
    if path is None:
        try:
            with _server(layout.gradebook).execution_options(**{postgres.READING: True}).connect() as connection:
                return (int(connection.scalar(text(_COUNT)) or 0),)
        except DatabaseError:
            return ()
    facts: list[int] = []
    for name in (path.name, f"{path.name}-wal"):
        try:
            state = path.with_name(name).stat()
        except FileNotFoundError:
            continue
        facts += [state.st_mtime_ns, state.st_size, state.st_ino]
    return tuple(facts)


@contextmanager
def gradebook(
    course_dir: Path, *, write: bool = False, own: OwnWrite | None = None, any_schema: bool = False
) -> Iterator[Session]:
    """Open a transaction on a course's gradebook; `write` takes its lock at once and commits at the end.

    `own` is filled in with what this write made of the gradebook.

    Raises:
        GradebookUnusableError: where there is none, it is of another nbgrader (unless `any_schema`), or another
            program holds it for too long.
    """
    layout = layout_of(course_dir)
    where, path = said_of(layout.gradebook), layout.gradebook_file
    if path is not None and not path.is_file():
        raise GradebookUnusableError.missing(where)
    # A file that was put in the place of another is looked at like a new one.
    key = layout.gradebook if path is None else layout.gradebook.set(query={"inode": str(path.stat().st_ino)})
    first = write and not any_schema and key not in _ready
    # Of a file, a connection of its own each time: it may have been replaced, and closing one beside another that is
    # kept would drop the other's locks (POSIX).
    engine = _server(layout.gradebook) if path is None else _file(layout.gradebook, BUSY_TIMEOUT_S)
    try:
        with engine.execution_options(**{postgres.READING: not write}).connect() as connection:
            with Session(connection, expire_on_commit=False) as session, session.begin():
                session.connection()  # the transaction is the session's from its first statement on
                if first:
                    _make_ready(connection, where)
                if path is None and write and not any_schema:
                    _take_turn(connection, own)
                since = _begin_own(connection, course_dir, own) if own is not None and path is not None else 0
                yield session
                if own is not None and path is None:
                    session.flush()
                    own.after = (int(connection.scalar(text(_COUNT)) or 0),)
            if own is not None and path is not None:
                _end_own(connection, course_dir, own, since)
    except DatabaseError as error:
        raise GradebookUnusableError.because(where, error.orig or error) from error
    if first:
        _ready.add(key)


@lru_cache(maxsize=64)
def _file(url: URL, timeout: float) -> Engine:
    """Return the engine of a gradebook in a file: kept for the statements it has compiled, it keeps no connection."""
    made = create_engine(url, poolclass=NullPool, connect_args={"timeout": timeout})

    def no_implicit_begin(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    def begin(connection: Connection) -> None:
        # Immediate, so that a trainer's mark is either seen by this transaction or comes after it.
        if connection.get_execution_options().get(postgres.READING):
            connection.exec_driver_sql("BEGIN")
        else:
            begin_writing(connection, timeout)

    event.listen(made, "connect", no_implicit_begin)
    event.listen(made, "begin", begin)
    return made


def take_turns(engine: Engine) -> None:
    """Let nbgrader's own writes to a file wait in our line: its own way of waiting has the least chance."""
    if engine.dialect.name != "sqlite":
        return

    def wait(connection: Connection, _cursor: Any, statement: str, *_others: Any) -> None:
        raw = connection.connection.driver_connection
        writes = statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE")
        if writes and isinstance(raw, sqlite3.Connection) and not raw.in_transaction:
            begin_writing(connection, BUSY_TIMEOUT_S)

    event.listen(engine, "before_cursor_execute", wait)


def _server(url: URL) -> Engine:
    """Return the engine of a gradebook on a server; its connections are kept, for they take long to make."""
    if url not in _servers:
        _servers[url] = postgres.engine(url, _ONE_WRITER, BUSY_TIMEOUT_S, pool_size=2, pool_pre_ping=True)
    return _servers[url]


def _forget_connections() -> None:
    # A forked process must not speak on its parent's connections, nor end them.
    for engine in _servers.values():
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_connections)


@contextmanager
def server_book(course_dir: Path) -> Iterator[Connection]:
    """Open a transaction on a gradebook on a server that writes as soon as it is its turn; makes one where none is.

    Raises:
        GradebookUnusableError: it is of another nbgrader, cannot be reached, or is held for too long.
    """
    url = layout_of(course_dir).gradebook
    try:
        with _server(url).begin() as connection:
            if not inspect(connection).has_table("alembic_version"):
                Base.metadata.create_all(connection)
                connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
                version = {"version": gradebook_head()}
                connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:version)"), version)
            _make_ready(connection, said_of(url))
            _take_turn(connection, None)
            yield connection
    except DatabaseError as error:
        raise GradebookUnusableError.because(said_of(url), error.orig or error) from error


def _take_turn(connection: Connection, own: OwnWrite | None) -> None:
    """Wait until nobody writes, formgrader included, and let nobody write until the end of this transaction."""
    count = int(connection.scalar(text(f"{_COUNT} FOR UPDATE")) or 0)
    if own is not None:
        own.before = (count,)


def _begin_own(connection: Connection, course_dir: Path, own: OwnWrite) -> int:
    """Note how the file is while nobody else can write it; return SQLite's number for that, to this connection."""
    version = int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())
    own.before = fingerprint(course_dir)
    return version


def _end_own(connection: Connection, course_dir: Path, own: OwnWrite, since: int) -> None:
    """Note how our write left the file, if nobody has written it since: that number moves with others' writes alone."""
    after = fingerprint(course_dir)
    raw = connection.connection.driver_connection
    assert raw is not None  # it is open  # noqa: S101
    try:
        raw.execute("PRAGMA busy_timeout=0")
        unseen = raw.execute("PRAGMA data_version").fetchone()[0] == since
    except sqlite3.OperationalError:  # somebody is writing just now
        unseen = False
    own.after = after if unseen else ()


def _make_ready(connection: Connection, where: str) -> None:
    """Look at a gradebook before this process first writes to it, and add what is ours.

    Raises:
        GradebookUnusableError: it is of another nbgrader than the one installed.
    """
    found = None
    if inspect(connection).has_table("alembic_version"):
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found != gradebook_head():
        raise GradebookUnusableError.another_schema(where, found, gradebook_head())
    add_ours(connection)


def add_ours(connection: Connection) -> None:
    """Add the indexes that a gradebook lacks and, on PostgreSQL, the count of writes. Twice changes nothing."""
    tables = inspect(connection)
    for name, (table, column) in INDEXES.items():
        if name not in {one["name"] for one in tables.get_indexes(table)}:
            connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({column})"))
    if connection.dialect.name == postgres.BACKEND and not tables.has_table("passerelle_written"):
        connection.exec_driver_sql(_COUNTING)
        for table in _COUNTED:
            connection.exec_driver_sql(
                f"CREATE TRIGGER passerelle_written BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION passerelle_count()"
            )
