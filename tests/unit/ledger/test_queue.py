from datetime import timedelta

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import queue, receipts
from passerelle.ledger.queue import Lease
from passerelle.ledger.tables import Receipt
from passerelle.model.verdict import Outcome, Verdict
from tests.unit.ledger.conftest import NOW
from tests.unit.ledger.test_receipts import attempts, submit, verdict


def lease(engine: Engine, after_s: float) -> Lease | None:
    with ledger.session(engine) as session:
        return queue.lease(session, NOW + timedelta(seconds=after_s), 30)


def test_who_waited_longest_is_marked_first_and_by_one(programme: Engine) -> None:
    second = submit(programme, "basil", after_s=2)
    first = submit(programme, "acacia", after_s=1)

    taken = [lease(programme, 3) for _ in range(3)]

    assert [held and held.receipt for held in taken] == [first, second, None]
    assert taken[0] is not None
    assert (taken[0].handle, taken[0].unit, taken[0].number, taken[0].received) == (
        "acacia",
        "d1",
        1,
        NOW + timedelta(seconds=1),
    )


def test_a_flood_of_one_fellow_holds_up_no_other(programme: Engine) -> None:
    flood = [submit(programme, "acacia", token=f"flood-{number}", parcel=b"%d" % number) for number in range(4)]
    first = lease(programme, 1)
    assert first is not None
    with ledger.session(programme) as session:
        assert queue.finish(session, first, verdict("k"), NOW + timedelta(seconds=2))
    single = submit(programme, "basil", after_s=3)

    taken = [lease(programme, 4) for _ in range(2)]

    assert [held and held.receipt for held in taken] == [single, flood[1]]


def test_a_job_whose_marker_died_is_taken_again(programme: Engine) -> None:
    submit(programme)
    first = lease(programme, 1)
    assert first is not None

    assert lease(programme, 30) is None
    again = lease(programme, 31)

    assert again is not None
    assert (again.receipt, again.tries) == (first.receipt, 2)


def test_the_one_marker_ends_the_leases_of_the_one_before(programme: Engine) -> None:
    submit(programme)
    first = lease(programme, 1)
    assert first is not None
    with ledger.session(programme) as session:
        queue.end_leases(session, NOW + timedelta(seconds=2))

    again = lease(programme, 2)

    assert again is not None
    assert (again.receipt, again.tries) == (first.receipt, 2)


def test_a_job_that_ends_every_marker_rests_and_costs_her_nothing(programme: Engine) -> None:
    submit(programme)
    for turn in range(queue.LOST_TRIES):
        assert lease(programme, 31 * turn + 1) is not None, f"turn {turn}"

    resting = lease(programme, 31 * queue.LOST_TRIES + 1)
    state = attempts(programme)[0].state
    later = lease(programme, 31 * queue.LOST_TRIES + 1 + queue.RETRY_AFTER[-1].total_seconds())

    assert resting is None
    assert state == "ours"
    assert later is not None


def test_a_marker_that_comes_back_from_the_dead_changes_nothing(programme: Engine) -> None:
    submit(programme)
    dead = lease(programme, 1)
    alive = lease(programme, 40)
    assert dead is not None
    assert alive is not None

    with ledger.session(programme) as session:
        assert not queue.finish(session, dead, verdict("old"), NOW)
        queue.give_back(session, dead, "late", NOW)
        assert queue.finish(session, alive, verdict("new"), NOW)

    assert [attempt.verdict and attempt.verdict.key for attempt in attempts(programme)] == ["new"]


def test_a_lease_can_be_lengthened_while_it_is_held(programme: Engine) -> None:
    submit(programme)
    held = lease(programme, 1)
    assert held is not None

    with ledger.session(programme) as session:
        longer = queue.renew(session, held, NOW + timedelta(seconds=25), 30)
        assert longer is not None
        assert queue.renew(session, held, NOW + timedelta(seconds=26), 30) is None

    assert lease(programme, 40) is None


def test_a_fault_of_ours_is_tried_again_later_and_is_no_zero(programme: Engine) -> None:
    submit(programme)
    held = lease(programme, 1)
    assert held is not None

    with ledger.session(programme) as session:
        queue.give_back(session, held, "no box", NOW + timedelta(seconds=1))

    [attempt] = attempts(programme)
    assert (attempt.state, attempt.points) == ("ours", None)
    assert lease(programme, 2) is None
    assert lease(programme, 7) is not None


def test_a_verdict_of_ours_gives_the_job_back(programme: Engine) -> None:
    submit(programme)
    held = lease(programme, 1)
    assert held is not None
    ours = Verdict(key="k", unit="d1", version="1", engine="1", outcome=Outcome.OURS)

    with ledger.session(programme) as session:
        assert not queue.finish(session, held, ours, NOW)

    with ledger.reading(programme) as session:
        assert queue.cached_verdict(session, "k") is None
    assert [attempt.state for attempt in attempts(programme)] == ["ours"]


def test_what_is_queued_again_while_it_is_marked_is_marked_again(programme: Engine) -> None:
    submit(programme)
    held = lease(programme, 1)
    assert held is not None

    with ledger.session(programme) as session:
        assert queue.put_all(session, "data-science", at=NOW + timedelta(seconds=2)) == 1
    with ledger.session(programme) as session:
        assert not queue.finish(session, held, verdict("old"), NOW + timedelta(seconds=3))

    assert lease(programme, 4) is not None


def test_marking_again_can_be_for_some_units_and_fellows(programme: Engine) -> None:
    submit(programme, "acacia")
    submit(programme, "basil", after_s=1)

    with ledger.session(programme) as session:
        assert queue.put_all(session, "data-science", at=NOW, handles=["basil"]) == 1
        assert queue.put_all(session, "data-science", at=NOW, units=["d2"]) == 0
        assert queue.put_all(session, "web-dev", at=NOW) == 0


def test_a_marked_attempt_keeps_its_verdict_while_it_is_marked_again(programme: Engine) -> None:
    submit(programme)
    held = lease(programme, 1)
    assert held is not None
    with ledger.session(programme) as session:
        queue.finish(session, held, verdict("k1"), NOW)
        queue.put_all(session, "data-science", at=NOW)

    [attempt] = attempts(programme)

    assert (attempt.state, attempt.points) == ("marked", 2.0)
    with ledger.reading(programme) as session:
        cached = queue.cached_verdict(session, "k1")
        assert cached is not None
        assert cached == verdict("k1")
        assert [receipt.handle for _, receipt in queue.waiting(session)] == ["acacia"]
        assert receipts.attempt(session, held.receipt) == attempt


def test_what_was_erased_is_not_marked(programme: Engine) -> None:
    receipt = submit(programme)
    with ledger.session(programme) as session:
        session.get_one(Receipt, receipt).erased = NOW

    assert lease(programme, 1) is None
