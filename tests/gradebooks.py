"""A course's gradebook on PostgreSQL for a test: the same rows as in its file."""

from functools import cache
from pathlib import Path

from nbgrader.api import Base
from sqlalchemy import Column, MetaData, String, Table, create_engine, insert, select

from tests import postgres


@cache
def _template(path: Path, _written: int) -> str:
    """Copy a gradebook's file to a database, table by table; return its URL."""
    url = postgres.empty_database()
    version = Table("alembic_version", MetaData(), Column("version_num", String(32)))
    file, server = create_engine(f"sqlite:///{path}"), create_engine(url)
    with file.connect() as source, server.begin() as into:
        Base.metadata.create_all(into)
        version.create(into)
        for table in (*Base.metadata.sorted_tables, version):
            rows = [dict(row) for row in source.execute(select(table)).mappings()]
            if rows:
                into.execute(insert(table), rows)
    file.dispose()
    server.dispose()
    return url


def on_postgresql(path: Path) -> str:
    """Make a database of what a gradebook's file holds; return its URL."""
    return postgres.copy_of(_template(path, path.stat().st_mtime_ns))
