"""A new ledger for a test, quickly: migrated once for all the tests of a process, copied for each."""

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url

from passerelle import ledger


@cache
def migrated() -> bytes:
    """Return the file of an empty ledger of this version's schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        ledger.migrate(f"sqlite:///{path}")
        assert [found.name for found in Path(folder).iterdir()] == [path.name], "its log is not yet in the file"
        return path.read_bytes()


def new_ledger(url: str) -> None:
    """Put an empty ledger where a URL says, with the mode that the real thing gives it."""
    path = Path(str(make_url(url).database))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(migrated())
