"""The rows of the ledger that are about one person, table by table."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, func, or_, select
from sqlalchemy.orm import Session

from passerelle.ledger.datamap import PERSONAL, Says
from passerelle.ledger.mentoring_tables import Meeting, MeetingFeedback, RubricMark, VerdictCheck
from passerelle.ledger.tables import (
    Base,
    FlakySighting,
    Job,
    ManualMark,
    Receipt,
    RehearsedVerdict,
    VerdictRow,
)

AT_A_TIME = 200
"""Rows read in one go: verdicts are some kilobytes each."""


def columns_of(table: str, *kinds: Says) -> list[str]:
    """Return the columns of a table that say this of somebody."""
    return [column for column, says in PERSONAL.get(table, {}).items() if says in kinds]


def tables_about() -> list[Table]:
    """Return the tables in which a row can be about somebody, in the order of their names."""
    found = [table for table in Base.metadata.sorted_tables if _by_handle(table, "") is not None]
    return sorted(found, key=lambda table: table.name)


def about(table: Table, handle: str) -> ColumnElement[bool] | None:
    """Return what holds for the rows of a table that are about somebody, None where none can be."""
    return _by_handle(table, handle)


def done_by(table: Table, handle: str) -> ColumnElement[bool] | None:
    """Return what holds for the rows in which somebody did something, None where no row says who did it."""
    did = [table.c[name] == handle for name in columns_of(table.name, Says.ACTOR)]
    return or_(*did) if did else None


def _by_handle(table: Table, handle: str) -> ColumnElement[bool] | None:
    hers = [table.c[name] == handle for name in columns_of(table.name, Says.SUBJECT)]
    if hers:
        return or_(*hers)
    sent = select(Receipt.id).where(Receipt.handle == handle)
    verdicts = select(Receipt.verdict_key).where(Receipt.handle == handle)
    through: dict[str, ColumnElement[bool]] = {
        "job": Job.receipt.in_(sent),
        "rehearsed_verdict": RehearsedVerdict.receipt.in_(sent),
        "verdict": VerdictRow.key.in_(verdicts),
        "verdict_check": VerdictCheck.verdict.in_(verdicts),
        "flaky_sighting": FlakySighting.verdict.in_(verdicts),
        "rubric_mark": RubricMark.mark.in_(select(ManualMark.id).where(ManualMark.handle == handle)),
        "meeting_feedback": MeetingFeedback.meeting.in_(select(Meeting.id).where(Meeting.fellow == handle)),
    }
    return through.get(table.name)


def counts(session: Session, handle: str) -> dict[str, int]:
    """Return in how many rows of each table somebody is, as whom it is about or as who did it."""
    found = {}
    for table in sorted(Base.metadata.sorted_tables, key=lambda one: one.name):
        either = [one for one in (about(table, handle), done_by(table, handle)) if one is not None]
        many = session.scalar(select(func.count()).select_from(table).where(or_(*either))) if either else 0
        if many:
            found[table.name] = many
    return found


def rows_about(session: Session, table: Table, handle: str, after: int) -> list[dict[str, Any]]:
    """Return a slice of the rows of a table that are about somebody, from the `after`th on, AT_A_TIME at most.

    What opens an account is left out, and the bytes of files: those are handed out as files.
    """
    where = about(table, handle)
    if where is None:
        return []
    hidden = {*columns_of(table.name, Says.SECRET), "content"}
    shown = [column for column in table.columns if column.name not in hidden]
    query = select(*shown).where(where).order_by(*table.primary_key.columns).offset(after).limit(AT_A_TIME)
    return [dict(row) for row in session.execute(query).mappings()]


def all_rows_about(session: Session, table: Table, handle: str) -> Iterator[dict[str, Any]]:
    """Yield all of them."""
    after = 0
    while rows := rows_about(session, table, handle, after):
        yield from rows
        after += len(rows)
