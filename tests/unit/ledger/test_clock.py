"""The clock goes back one hour: numbers still grow, nothing waits for the hour to pass, nothing is lost or marked twice."""

from datetime import timedelta

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import manual, queue, receipts
from passerelle.ledger.queue import Lease
from passerelle.model.attempts import counted_attempt
from tests.unit.ledger.conftest import NOW
from tests.unit.ledger.test_receipts import attempts, submit, verdict

HOUR_S = 3600


def lease(engine: Engine, after_s: float, seconds: float = 30) -> Lease | None:
    with ledger.session(engine) as session:
        return queue.lease(session, NOW + timedelta(seconds=after_s), seconds)


def mark(engine: Engine, held: Lease | None, after_s: float, key: str, points: float = 2) -> bool:
    assert held is not None
    with ledger.session(engine) as session:
        return queue.finish(session, held, verdict(key, points, essay="h1"), NOW + timedelta(seconds=after_s))


def test_what_was_queued_before_the_jump_is_marked_at_once_and_first(programme: Engine) -> None:
    before = submit(programme, "acacia", after_s=HOUR_S)
    after = submit(programme, "basil", after_s=1)

    taken = [lease(programme, 2) for _ in range(3)]

    assert [held and held.receipt for held in taken] == [before, after, None]


def test_a_rest_from_before_the_jump_is_over(programme: Engine) -> None:
    submit(programme, after_s=HOUR_S)
    held = lease(programme, HOUR_S)
    assert held is not None
    with ledger.session(programme) as session:
        queue.give_back(session, held, "no box", NOW + timedelta(seconds=HOUR_S))

    assert lease(programme, HOUR_S + 1) is None
    assert lease(programme, 1) is not None


def test_a_rest_after_the_jump_is_kept(programme: Engine) -> None:
    submit(programme, after_s=HOUR_S)
    held = lease(programme, 0)
    assert held is not None
    with ledger.session(programme) as session:
        queue.give_back(session, held, "no box", NOW)

    assert lease(programme, 1) is None
    assert lease(programme, 6) is not None


def test_a_dead_markers_lease_from_before_the_jump_is_taken_and_recorded_once(programme: Engine) -> None:
    submit(programme, after_s=HOUR_S)
    dead = lease(programme, HOUR_S)

    alive = lease(programme, 1)

    assert dead is not None
    assert alive is not None
    assert alive.receipt == dead.receipt
    assert lease(programme, 2) is None
    assert not mark(programme, dead, 3, "of-the-dead")
    assert mark(programme, alive, 4, "of-the-living")
    assert [one.verdict and one.verdict.key for one in attempts(programme)] == ["of-the-living"]
    assert lease(programme, 2 * HOUR_S) is None


def test_what_ends_every_marker_rests_also_where_the_clock_goes_back(programme: Engine) -> None:
    submit(programme, after_s=HOUR_S)
    for turn in range(queue.LOST_TRIES):
        assert lease(programme, HOUR_S * (queue.LOST_TRIES - turn)) is not None, f"turn {turn}"

    assert lease(programme, 0) is None
    assert [one.state for one in attempts(programme)] == ["ours"]


def test_who_was_served_before_the_jump_does_not_stand_behind_for_an_hour(programme: Engine) -> None:
    for number in range(3):
        submit(programme, "acacia", token=f"early-{number}", parcel=b"%d" % number, after_s=HOUR_S)
        assert mark(programme, lease(programme, HOUR_S), HOUR_S, f"k{number}")
    first = submit(programme, "acacia", token="key-later", after_s=1)
    submit(programme, "basil", after_s=2)

    held = lease(programme, 3)

    assert held is not None
    assert held.receipt == first


def test_numbers_grow_and_order_attempts_whatever_the_clock_says(programme: Engine) -> None:
    for number, after_s in enumerate((HOUR_S, 0, 60), start=1):
        submit(programme, token=f"key-000{number}", after_s=after_s)

    found = attempts(programme)

    assert [one.number for one in found] == [1, 2, 3]
    assert found[0].received > found[2].received > found[1].received
    with ledger.reading(programme) as session:
        assert [one.number for one in receipts.attempts_of_track(session, "data-science")] == [1, 2, 3]


def test_of_equal_attempts_the_first_one_counts_not_the_one_with_the_earlier_time(programme: Engine) -> None:
    submit(programme, token="key-0001", after_s=HOUR_S)
    submit(programme, token="key-0002", after_s=0)
    for key in ("k1", "k2"):
        assert mark(programme, lease(programme, HOUR_S), HOUR_S, key)

    found = attempts(programme)

    counted = counted_attempt(found)
    assert counted is not None
    assert counted.number == 1


def test_two_attempts_never_have_the_same_moment(programme: Engine) -> None:
    for number in range(3):
        submit(programme, token=f"key-000{number}")

    moments = [one.received for one in attempts(programme)]

    assert moments == [NOW + timedelta(microseconds=number) for number in range(3)]


def test_the_mark_given_last_counts(programme: Engine) -> None:
    submit(programme)
    assert mark(programme, lease(programme, 1), 1, "k1")
    for points, after_s in ((1.0, HOUR_S), (2.0, 0)):
        with ledger.session(programme) as session:
            manual.put_manual_mark(
                session,
                handle="acacia",
                track="data-science",
                unit="d1",
                check="essay",
                answer="h1",
                points=points,
                at=NOW + timedelta(seconds=after_s),
            )

    assert [dict(one.manual) for one in attempts(programme)] == [{"essay": 2.0}]
