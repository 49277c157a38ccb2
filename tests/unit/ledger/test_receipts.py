import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, func, select

from passerelle import ledger
from passerelle.ledger import manual, queue, receipts
from passerelle.ledger.receipts import AttemptRow, TokenReusedError
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.attempts import counted_attempt
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict
from tests.unit.ledger.conftest import NOW


def submit(
    engine: Engine, handle: str = "acacia", token: str = "key-0001", parcel: bytes = b"work", after_s: int = 0
) -> str:
    with ledger.session(engine) as session:
        return receipts.take(
            session,
            handle=handle,
            sender=handle,
            track="data-science",
            unit="d1",
            parcel=parcel,
            token=token,
            at=NOW + timedelta(seconds=after_s),
        ).id


def verdict(key: str = "k1", points: float = 2, essay: str | None = "h1") -> Verdict:
    check = CheckResult(key="mean", points=points, max_points=4, state=CheckState.PARTIAL)
    return Verdict(
        key=key,
        unit="d1",
        version="1",
        engine="1",
        outcome=Outcome.MARKED,
        checks=(check,),
        manual_answers={"essay": essay},
    )


def mark(engine: Engine, given: Verdict, after_s: int = 100) -> None:
    with ledger.session(engine) as session:
        held = queue.lease(session, NOW + timedelta(seconds=after_s), 30)
        assert held is not None
        assert queue.finish(session, held, given, NOW + timedelta(seconds=after_s))


def attempts(engine: Engine, handle: str = "acacia") -> list[AttemptRow]:
    with ledger.reading(engine) as session:
        return receipts.attempts(session, handle, "data-science", "d1")


def test_a_receipt_holds_what_came_from_whom_and_when(programme: Engine) -> None:
    made = submit(programme)

    with ledger.reading(programme) as session:
        row = receipts.receipt(session, made)
        assert row is not None
        assert (row.handle, row.sender, row.received, row.number, row.size) == ("acacia", "acacia", NOW, 1, 4)
        assert row.sha256 == hashlib.sha256(b"work").hexdigest()
        assert receipts.parcel_of(session, made) == b"work"
        assert session.scalar(select(Job.state).where(Job.receipt == made)) == queue.QUEUED


def test_every_send_is_an_attempt_the_same_work_too(programme: Engine) -> None:
    submit(programme, token="key-0001")
    submit(programme, token="key-0002", after_s=5)
    submit(programme, handle="basil")

    assert [attempt.number for attempt in attempts(programme)] == [1, 2]
    assert [attempt.number for attempt in attempts(programme, "basil")] == [1]


def test_a_send_repeated_with_its_key_is_one_receipt(programme: Engine) -> None:
    first, again = submit(programme), submit(programme, after_s=9)

    assert first == again
    assert [attempt.received for attempt in attempts(programme)] == [NOW]


def test_a_key_belongs_to_one_submission(programme: Engine) -> None:
    submit(programme)

    with pytest.raises(TokenReusedError, match="send it anew"):
        submit(programme, parcel=b"other work")
    with ledger.reading(programme) as session:
        assert session.scalar(select(func.count(Receipt.id))) == 1


def test_two_fellows_may_have_the_same_key(programme: Engine) -> None:
    assert submit(programme) != submit(programme, handle="basil")


def test_points_are_none_until_marked(programme: Engine) -> None:
    submit(programme)

    [attempt] = attempts(programme)

    assert (attempt.state, attempt.auto, attempt.points, dict(attempt.manual)) == ("waiting", None, None, {})


def test_a_mark_by_hand_follows_its_answer_into_later_attempts(programme: Engine) -> None:
    submit(programme, token="key-0001")
    submit(programme, token="key-0002", after_s=1)
    submit(programme, token="key-0003", after_s=2)
    mark(programme, verdict("k1", 2, essay="h1"))
    mark(programme, verdict("k2", 3, essay="h1"))
    mark(programme, verdict("k3", 4, essay="h2"))
    with ledger.session(programme) as session:
        for points in (1.0, 1.5):
            manual.put_manual_mark(
                session, handle="acacia", track="data-science", unit="d1", check="essay", answer="h1", points=points
            )

    found = attempts(programme)

    assert [(attempt.points, dict(attempt.manual), attempt.waits_for_person) for attempt in found] == [
        (3.5, {"essay": 1.5}, False),
        (4.5, {"essay": 1.5}, False),
        (4.0, {"essay": None}, True),
    ]
    assert counted_attempt(found) is found[1]


def test_an_answer_left_blank_waits_for_nobody(programme: Engine) -> None:
    submit(programme)
    mark(programme, verdict(essay=None))

    [attempt] = attempts(programme)

    assert (dict(attempt.manual), attempt.points, attempt.waits_for_person) == ({"essay": 0.0}, 2.0, False)


def test_a_mark_given_twice_is_one_row_of_history(programme: Engine) -> None:
    with ledger.session(programme) as session:
        news = [
            manual.put_manual_mark(
                session, handle="acacia", track="data-science", unit="d1", check="essay", answer="h1", points=points
            )
            for points in (1.0, 1.0, 2.0)
        ]

    assert news == [True, False, True]


def test_two_attempts_may_share_a_verdict(programme: Engine) -> None:
    submit(programme, token="key-0001")
    submit(programme, token="key-0002", after_s=1)
    mark(programme, verdict("k1"))
    mark(programme, verdict("k1"))

    assert [attempt.points for attempt in attempts(programme)] == [2.0, 2.0]


def test_the_attempts_of_a_track_cost_the_same_queries_whatever_their_number(programme: Engine) -> None:
    for number in range(12):
        submit(programme, "acacia" if number % 2 else "basil", f"key-{number:04}", after_s=number)
    statements: list[str] = []
    event.listen(programme, "before_cursor_execute", lambda *args: statements.append(args[2]))

    with ledger.reading(programme) as session:
        found = receipts.attempts_of_track(session, "data-science")

    assert len(found) == 12
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 2
    assert not any("content" in statement for statement in statements)
