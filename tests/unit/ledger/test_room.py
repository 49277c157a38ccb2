from datetime import timedelta

import pytest
from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import queue
from passerelle.ledger.room import MAX_SENDS, MAX_WAITING, SENDS_WITHIN, NoRoomError, must_have_room
from tests.unit.ledger.conftest import NOW
from tests.unit.ledger.test_receipts import mark, submit, verdict


def room(engine: Engine, handle: str = "acacia", after: timedelta = timedelta(0)) -> NoRoomError | None:
    with ledger.session(engine) as session:
        try:
            must_have_room(session, handle, NOW + after)
        except NoRoomError as error:
            return error
    return None


def sends(engine: Engine, count: int, *, marked: bool, after_s: int = 0) -> None:
    for number in range(count):
        submit(engine, token=f"key-{after_s}-{number:04}", after_s=after_s)
        if marked:
            mark(engine, verdict(f"k-{after_s}-{number}"), after_s)


def test_a_fellow_whose_work_waits_is_asked_to_wait_and_nobody_else(programme: Engine) -> None:
    sends(programme, MAX_WAITING - 1, marked=False)
    before = room(programme)
    sends(programme, 1, marked=False, after_s=1)

    refused = room(programme)

    assert before is None
    assert refused is not None
    assert (refused.fault, refused.facts) == ("too-many-waiting", {"count": MAX_WAITING})
    assert room(programme, "basil") is None


def test_what_is_marked_again_waits_for_nobody(programme: Engine) -> None:
    sends(programme, MAX_WAITING, marked=True)
    with ledger.session(programme) as session:
        assert queue.put_all(session, "data-science", at=NOW) == MAX_WAITING

    assert room(programme) is None


def test_more_sends_than_work_is_done_wait_until_the_first_is_old_enough(programme: Engine) -> None:
    sends(programme, 1, marked=True)
    sends(programme, MAX_SENDS - 1, marked=True, after_s=60)

    refused = room(programme, after=timedelta(minutes=2))

    assert refused is not None
    assert (refused.fault, refused.wait) == ("too-many-sends", SENDS_WITHIN - timedelta(minutes=2))
    assert refused.facts == {"count": MAX_SENDS, "minutes": 10, "again": 8}
    assert room(programme, after=SENDS_WITHIN) is None


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_locks_nobody_out(programme: Engine, hours: int) -> None:
    sends(programme, MAX_SENDS, marked=True)

    assert room(programme, after=timedelta(seconds=1)) is not None
    assert room(programme, after=timedelta(hours=hours)) is None
