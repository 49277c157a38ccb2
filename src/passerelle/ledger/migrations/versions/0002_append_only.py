"""Receipts, verdicts and the access log cannot be removed or rewritten, only emptied by erasure.

Held by SQLite itself, so that no service can do it by mistake. Other databases have rights for this: give the
services' role no DELETE on these tables.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

STAYS = ("receipt", "verdict", "access")
AS_IT_CAME = {
    "receipt": "id, handle, sender, track, unit, received, number, sha256, size, token",
    "verdict": "key, track, unit, made",
    "access": "id, at, subject, what",
}
# The new value that a tombstone puts in the place of content.
CONTENT = {"receipt": ("content", "NEW.content IS NOT NULL"), "verdict": ("record, points", "NEW.erased IS NULL")}


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in STAYS:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: rows are added, never removed or rewritten'); END"
        op.execute(f"CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_as_it_came BEFORE UPDATE OF {AS_IT_CAME[table]} ON {table} {refuse}")
        if table in CONTENT:
            columns, otherwise = CONTENT[table]
            op.execute(
                f"CREATE TRIGGER {table}_content BEFORE UPDATE OF {columns} ON {table} WHEN {otherwise} {refuse}"
            )
