"""A new ledger for a test, quickly: migrated once for all the tests of a process, copied for each."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from passerelle import ledger
from tests import postgres

SQLITE, POSTGRESQL = "sqlite", "postgresql"
KINDS = (SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.slow))
USUAL = "PASSERELLE_TEST_LEDGER"
"""Says where tests that name no kind have their ledger: `pytest --ledger postgresql` runs them on the other one."""


@cache
def migrated() -> bytes:
    """Return the file of an empty ledger of this version's schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        ledger.migrate(f"sqlite:///{path}")
        assert [found.name for found in Path(folder).iterdir()] == [path.name], "its log is not yet in the file"
        return path.read_bytes()


def new_ledger(url: str) -> None:
    """Put an empty ledger where a URL says: a file with the mode that the real thing gives it, or a database."""
    if make_url(url).get_backend_name() == POSTGRESQL:
        postgres.new_ledger(url)
        return
    path = Path(str(make_url(url).database))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(migrated())


@contextmanager
def nothing_of(kind: str, path: Path) -> Iterator[str]:
    """Yield the URL of a database of a kind with nothing in it, at a path where it is a file."""
    if kind == POSTGRESQL:
        url = postgres.empty_database()
        yield url
        postgres.remove(url)
    else:
        yield f"sqlite:///{path}"


def place_of(kind: str = "") -> str:
    """Return the setting `database` for a test's own ledger: a database, removed with its server, or its own file."""
    return postgres.empty_database() if (kind or os.environ.get(USUAL)) == POSTGRESQL else ""
