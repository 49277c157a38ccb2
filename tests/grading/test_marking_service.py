"""The marking service on the real marking path: a submission's verdict, grade and feedback, within seconds."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from passerelle import ledger
from passerelle.grading.service import work
from passerelle.grading.wake import wake
from passerelle.ledger import people, queue
from passerelle.ledger.releases import feedback_of
from passerelle.ledger.tables import Job
from passerelle.model.people import Role
from passerelle.model.verdict import CheckState
from tests.unit.grading.desk import CHECK, MANUAL, RIGHT, SUM, TRACK, UNIT, Desk, make_course

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk.open(tmp_path_factory.mktemp("data"), make_course(tmp_path_factory.mktemp("made")))
    stop = threading.Event()
    service = threading.Thread(target=work, args=(opened.settings, stop))
    service.start()
    try:
        _until(lambda: wake(opened.settings.marking_socket), 20)
        yield opened
    finally:
        stop.set()
        service.join(60)
        opened.engine.dispose()


def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _submit(desk: Desk, handle: str, answer: str = RIGHT, words: str = "An outlier pulls it.") -> None:
    desk.submit(desk.files(answer, words), handle)
    wake(desk.settings.marking_socket)


def test_a_submission_is_marked_recorded_and_fed_back_within_seconds(desk: Desk) -> None:
    began = time.monotonic()
    _submit(desk, "acacia")
    _until(lambda: desk.attempts()[-1].state == "marked", 15)
    took_s = time.monotonic() - began

    attempt = desk.attempts()[-1]
    assert (attempt.auto, attempt.points, dict(attempt.manual)) == (2.0, 2.0, {MANUAL: None})
    assert took_s < 15
    _until(lambda: _feedback(desk) is not None, 10)
    assert desk.grade(CHECK)["score"] == 2.0
    desk.mark_by_hand(1.0)
    wake(desk.settings.marking_socket)
    _until(lambda: desk.attempts()[-1].points == 3.0, 10)


def test_what_a_verdict_says_is_what_the_gradebook_says(desk: Desk) -> None:
    _submit(desk, "basil", SUM, "...")
    _until(lambda: bool(desk.attempts("basil")) and desk.attempts("basil")[-1].state == "marked", 15)

    attempt = desk.attempts("basil")[-1]
    assert attempt.verdict is not None
    (check, _) = attempt.verdict.checks
    assert (check.state, [message.id for message in check.messages]) == (CheckState.MISSED, ["divide-by-count"])
    _until(lambda: _recorded(desk, attempt.receipt), 10)
    assert desk.grade(CHECK, "basil")["auto_score"] == attempt.points == 0.0
    assert desk.grade(MANUAL, "basil")["needs_manual_grade"] is False


def test_six_together_wait_less_than_a_minute(desk: Desk) -> None:
    fellows = [f"fellow-{number}" for number in range(6)]
    with ledger.session(desk.engine) as session:
        for fellow in fellows:
            people.add_person(session, fellow, Role.FELLOW, "Somebody")
    began = time.monotonic()
    for number, fellow in enumerate(fellows):
        _submit(desk, fellow, f"{RIGHT}  # {number}")
    _until(lambda: all(desk.attempts(fellow)[-1].state == "marked" for fellow in fellows), 60)

    assert time.monotonic() - began < 60
    assert {desk.attempts(fellow)[-1].auto for fellow in fellows} == {2.0}


def test_an_endless_answer_is_its_own_verdict_and_the_next_one_is_marked(desk: Desk) -> None:
    _submit(desk, "acacia", "while True:\n    pass")
    _submit(desk, "basil", RIGHT)
    _until(lambda: desk.attempts("basil")[-1].state == "marked", 60)

    assert desk.attempts()[-1].state == "marked"
    assert desk.attempts()[-1].auto == 0.0
    assert desk.attempts("basil")[-1].auto == 2.0


def _recorded(desk: Desk, receipt: str) -> bool:
    with ledger.reading(desk.engine) as session:
        return session.scalars(select(Job).where(Job.receipt == receipt)).one().state == queue.DONE


def _feedback(desk: Desk) -> object:
    with ledger.reading(desk.engine) as session:
        return next(iter(feedback_of(session, "acacia", TRACK, UNIT)), None)
