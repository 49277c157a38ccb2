"""PostgreSQL as the place of the ledger or of gradebooks, with the promises that SQLite gives there.

One writer at a time: whatever looks first and then writes does so over a state that nobody changes meanwhile. Who
waits for it is served in turn. Whoever reads sees one state from beginning to end, and hinders nobody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import unquote

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url

BACKEND = "postgresql"
DRIVER = "postgresql+psycopg"
READING = "passerelle_reading"
CONNECT_TIMEOUT_S = 10
ROWS_A_PART = 20_000
ONE_STATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def is_postgres(url: URL) -> bool:
    """Tell whether a URL leads to PostgreSQL."""
    return url.get_backend_name() == BACKEND


def spelt(url: URL | str) -> URL:
    """Return a URL with our driver where it leads to PostgreSQL and names none."""
    parsed = make_url(url)
    return parsed.set(drivername=DRIVER) if parsed.drivername == BACKEND else parsed


def dump_line(url: str, name: str) -> str:
    """Return the command that copies a database; it asks for the password itself, or finds it in ~/.pgpass."""
    of = make_url(url)
    target = URL.create(BACKEND, of.username, host=of.host, port=of.port, database=of.database).render_as_string()
    return f"`pg_dump --format=custom --file={name}.dump {unquote(target)}`"


def engine(url: URL, lock: str, wait_s: int, **options: Any) -> Engine:
    """Return an engine whose transactions write one after another, but for those with the option READING.

    Args:
        url: of PostgreSQL; one without a driver gets ours.
        lock: the statement by which a writer gets its turn.
        wait_s: how long it waits for that, and for a row; then it is an OperationalError.
        options: `create_engine`'s.
    """
    url = spelt(url)
    arguments = {"connect_timeout": str(CONNECT_TIMEOUT_S), "application_name": "passerelle"} | dict(url.query)
    made = sqlalchemy.create_engine(url, connect_args=arguments, hide_parameters=True, **options)

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(READING):
            connection.exec_driver_sql(ONE_STATE)
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{wait_s}s'; {lock}")

    event.listen(made, "begin", begin)
    event.listen(made, "handle_error", _tell_no_values)
    return made


@contextmanager
def rows_of(url: URL) -> Iterator[Callable[[str], Iterator[tuple[Any, ...]]]]:
    """Yield what asks for rows in SQL, a part at a time, all of one state; for reading a great many of them.

    Raises:
        psycopg.Error: the server cannot be reached, or refuses.
    """
    numbers = count()

    def ask(query: str) -> Iterator[tuple[Any, ...]]:
        with connection.cursor(name=f"rows_{next(numbers)}") as cursor:
            cursor.itersize = ROWS_A_PART
            cursor.execute(query.encode())
            yield from cursor

    target = url.set(drivername=BACKEND).render_as_string(hide_password=False)
    with psycopg.connect(target, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield ask


def _tell_no_values(context: ExceptionContext) -> None:
    """Take the DETAIL of an error away: PostgreSQL repeats there what somebody sent."""
    error: Any = context.original_exception
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if said is None:
        return
    error.args = (said,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(error).__module__}.{type(error).__qualname__}) {said}",)
