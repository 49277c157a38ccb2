"""Bring a gradebook to the schema of the nbgrader that is installed: `nbgrader db upgrade`, wholly or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from nbgrader.dbutil import ALEMBIC_DIR

from passerelle.grading.book import add_ours, gradebook, gradebook_head

__all__ = ["gradebook_head", "gradebook_revision", "upgrade_gradebook"]


def gradebook_revision(course_dir: Path) -> str | None:
    """Return the revision of a course's gradebook.

    Raises:
        GradebookUnusableError: where it cannot be read.
    """
    with gradebook(course_dir) as rows:
        found: str | None = MigrationContext.configure(rows.connection()).get_current_revision()
    return found


def upgrade_gradebook(course_dir: Path) -> bool:
    """Migrate a gradebook in one transaction; tell whether there was anything to do.

    Raises:
        GradebookUnusableError: where it cannot be written, or nbgrader's own step stops; it stays as it was.
    """
    if gradebook_revision(course_dir) == gradebook_head():
        with gradebook(course_dir, write=True):  # adds what is ours in it
            return False
    scripts = ScriptDirectory(ALEMBIC_DIR)

    def steps(revision: Any, _context: MigrationContext) -> Sequence[Any]:
        return scripts._upgrade_revs("head", revision)  # what alembic's own command hands over

    with (
        gradebook(course_dir, write=True, any_schema=True) as rows,
        EnvironmentContext(Config(), scripts, fn=steps) as environment,
    ):
        environment.configure(connection=rows.connection(), transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
        add_ours(rows.connection())
    return True
