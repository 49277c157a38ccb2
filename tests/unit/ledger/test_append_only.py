"""Receipts, verdicts and the access log: rows are added; erasure empties them, nothing removes them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.exc import IntegrityError

from passerelle import ledger
from passerelle.ledger import people, receipts
from passerelle.ledger.tables import Access, Person, Receipt, VerdictRow
from tests.unit.ledger.conftest import NOW
from tests.unit.ledger.test_receipts import mark, submit, verdict


@pytest.fixture
def filled(programme: Engine) -> Engine:
    submit(programme)
    mark(programme, verdict())
    with ledger.session(programme) as session:
        people.log_access(session, "oak", "acacia", "review sheet", datetime.now(UTC))
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
        pytest.param(update(Access).values(viewer="basil"), id="look-of-another"),
        pytest.param(update(Access).values(subject="basil"), id="look-at-another"),
        pytest.param(update(Receipt).values(sender="basil"), id="sent-by-another"),
        pytest.param(update(Receipt).values(sha256=""), id="forget-the-hash-of-work-that-is-there"),
        pytest.param(text("DELETE FROM receipt"), id="by-plain-sql"),
    ],
)
def test_nothing_removes_or_rewrites_them(filled: Engine, statement: object) -> None:
    with ledger.session(filled) as session:
        with pytest.raises(IntegrityError, match="added, never removed"):
            session.execute(statement)  # type: ignore[call-overload]  # any statement
        session.rollback()


def test_only_an_erased_persons_handle_takes_the_place_of_another(filled: Engine) -> None:
    with ledger.session(filled) as session:
        session.add(
            Person(handle="erased-01", role="fellow", first_name="", language="fr", created=NOW, erased=NOW, closed=NOW)
        )
        session.flush()
        session.execute(update(Access).values(viewer="erased-01", subject="erased-01"))
        session.execute(update(Receipt).values(sender="erased-01"))

    with ledger.reading(filled) as session:
        assert [(look.viewer, look.subject) for look in people.accesses_to(session, "erased-01")] == [
            ("erased-01", "erased-01")
        ]


def test_a_look_can_go_after_half_a_year_and_not_before(filled: Engine) -> None:
    with ledger.session(filled) as session:
        people.log_access(session, "oak", "acacia", "old", datetime.now(UTC) - timedelta(days=181))
        people.log_access(session, "oak", "acacia", "newer", datetime.now(UTC) - timedelta(days=179))
    with ledger.session(filled) as session:
        session.execute(delete(Access).where(Access.what == "old"))
        with pytest.raises(IntegrityError, match="added, never removed"):
            session.execute(delete(Access).where(Access.what == "newer"))
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
