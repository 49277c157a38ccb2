"""Which schema a ledger has, and which ones this Passerelle knows: Alembic's revisions."""

from pathlib import Path
from typing import Self

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from passerelle.model.errors import ServiceError


class NewerLedgerError(ServiceError):
    """A ledger was written by a newer Passerelle."""

    @classmethod
    def of(cls, where: Path | str, revision: str) -> Self:
        """Build the error from the ledger's revision."""
        return cls(
            f"{where}: its schema is revision {revision}, this Passerelle knows them up to {head()}: install the "
            "version that wrote it, or a newer one, then do this again."
        )


def scripts() -> Config:
    """Return Alembic's configuration: where the revisions are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def known() -> tuple[str, ...]:
    """Return the revisions, oldest first."""
    walked = ScriptDirectory.from_config(scripts()).walk_revisions()
    return tuple(reversed([one.revision for one in walked]))


def head() -> str:
    """Return the newest revision."""
    return known()[-1]


def revision_of(connection: Connection) -> str | None:
    """Return the revision of an open ledger; None for an empty one."""
    found: str | None = MigrationContext.configure(connection).get_current_revision()
    return found
