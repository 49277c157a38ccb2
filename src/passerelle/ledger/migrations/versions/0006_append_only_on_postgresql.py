"""What 0002 and 0005 let SQLite hold, held by PostgreSQL: rows are added, never removed or rewritten."""

from alembic import op

revision = "0006"
down_revision = "0005"

# As 0002 and 0005 have it: what stays as it came but for an erased person's tombstone, and looks of half a year ago.
_KEPT_DAYS = 180
_REFUSE = """
CREATE FUNCTION passerelle_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%: rows are added, never removed or rewritten', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_IS_TOMBSTONE = """
CREATE FUNCTION passerelle_is_tombstone(who text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM person WHERE handle = who AND erased IS NOT NULL)
$$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(_REFUSE)
    op.execute(_IS_TOMBSTONE)
    for table in ("receipt", "verdict"):
        _refuse(table, "stays", "DELETE")
    _refuse("access", "stays", "DELETE", f"OLD.at > (now() AT TIME ZONE 'utc') - interval '{_KEPT_DAYS} days'")
    _refuse("receipt", "as_it_came", "UPDATE", _changes("id", "track", "unit", "received", "number", "size"))
    _refuse("verdict", "as_it_came", "UPDATE", _changes("key", "track", "unit", "made"))
    _refuse("access", "as_it_came", "UPDATE", _changes("id", "at", "what"))
    _refuse("receipt", "content", "UPDATE OF content", "NEW.content IS NOT NULL")
    _refuse("verdict", "content", "UPDATE OF record, points", "NEW.erased IS NULL")
    emptied = "NEW.erased IS NOT NULL AND NEW.content IS NULL"
    _refuse("receipt", "hash", "UPDATE OF sha256, token", f"NOT ({emptied})")
    for table, column in (("receipt", "handle"), ("receipt", "sender"), ("access", "viewer"), ("access", "subject")):
        _refuse(table, column, f"UPDATE OF {column}", f"NOT passerelle_is_tombstone(NEW.{column})")
    for table in ("receipt", "verdict", "access"):
        op.execute(
            f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION passerelle_stays()"
        )


def _changes(*columns: str) -> str:
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def _refuse(table: str, name: str, what: str, when: str = "true") -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {what} ON {table} "
        f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION passerelle_stays()"
    )
