"""Receipts, verdicts and the access log: rows are added; erasure empties them, nothing removes them."""

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.exc import IntegrityError

from passerelle import ledger
from passerelle.ledger import people, receipts
from passerelle.ledger.tables import Access, Receipt, VerdictRow
from tests.unit.ledger.conftest import NOW
from tests.unit.ledger.test_receipts import mark, submit, verdict


@pytest.fixture
def filled(programme: Engine) -> Engine:
    submit(programme)
    mark(programme, verdict())
    with ledger.session(programme) as session:
        people.log_access(session, "oak", "acacia", "review sheet", NOW)
    return programme


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(delete(Receipt), id="remove-receipt"),
        pytest.param(delete(VerdictRow), id="remove-verdict"),
        pytest.param(delete(Access), id="remove-look"),
        pytest.param(update(Receipt).values(received=NOW.replace(year=2025)), id="antedate"),
        pytest.param(update(Receipt).values(handle="basil"), id="give-to-another"),
        pytest.param(update(Receipt).values(content=b"better work"), id="change-work"),
        pytest.param(update(VerdictRow).values(points=4.0), id="change-points"),
        pytest.param(update(Access).values(what="nothing"), id="rewrite-log"),
        pytest.param(text("DELETE FROM receipt"), id="by-plain-sql"),
    ],
)
def test_nothing_removes_or_rewrites_them(filled: Engine, statement: object) -> None:
    with ledger.session(filled) as session:
        with pytest.raises(IntegrityError, match="added, never removed"):
            session.execute(statement)  # type: ignore[call-overload]  # any statement
        session.rollback()


def test_erasure_leaves_a_tombstone_with_its_counts_and_times(filled: Engine) -> None:
    with ledger.session(filled) as session:
        session.execute(update(Receipt).values(content=None, erased=NOW))
        session.execute(update(VerdictRow).values(record={}, points=0.0, erased=NOW))

    with ledger.reading(filled) as session:
        [attempt] = receipts.attempts(session, "acacia")
        assert (attempt.number, attempt.received, attempt.erased) == (1, NOW, NOW)
        assert (attempt.state, attempt.verdict, attempt.points) == ("waiting", None, None)
        assert receipts.parcel_of(session, attempt.receipt) is None
