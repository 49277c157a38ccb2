"""The marking service with several workers: fed, paused, stopped and started again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from passerelle import ledger
from passerelle.grading.pause import paused
from passerelle.grading.service import work
from passerelle.grading.wake import wake
from passerelle.grading.worker import Marking
from passerelle.ledger import queue
from passerelle.ledger.tables import Job
from passerelle.model.settings import Settings
from tests.grading.dasks import dasks
from tests.unit.grading.desk import BY_TEXT, CHECK, RIGHT, Desk, make_course

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("made"))


@pytest.fixture
def desk(tmp_path: Path, course: Path) -> Desk:
    return Desk.open(tmp_path / "data", course)


def slowly(*arguments: Any, **options: Any) -> Any:
    time.sleep(2)
    return BY_TEXT.mark(*arguments, **options)


SLOWLY = Marking(slowly, BY_TEXT.verdict_key)


@contextmanager
def serving(desk: Desk, marking: Marking = BY_TEXT, **settings: Any) -> Iterator[threading.Event]:
    stop = threading.Event()
    ours = Settings(data=desk.settings.data, **({"marking_workers": 2} | settings))
    thread = threading.Thread(target=work, args=(ours, stop), kwargs={"marking": marking})
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def until(true: Callable[[], bool], what: str, timeout_s: float = 120) -> None:
    ends = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def reasons(desk: Desk) -> list[str | None]:
    with ledger.reading(desk.engine) as session:
        return [job.reason for job in session.scalars(select(Job).order_by(Job.id))]


def states(desk: Desk) -> list[str]:
    with ledger.reading(desk.engine) as session:
        return [job.state for job in session.scalars(select(Job).order_by(Job.id))]


def submit(desk: Desk, count: int) -> None:
    for number in range(count):
        desk.submit(desk.files(RIGHT, words=f"{number}"), ("acacia", "basil")[number % 2])
    wake(desk.settings.marking_socket)


def test_what_comes_in_is_marked_and_recorded(desk: Desk) -> None:
    with serving(desk):
        submit(desk, 6)
        until(lambda: states(desk) == [queue.DONE] * 6, "all are marked")
        assert desk.grade(CHECK)["score"] == 2.0
        until(lambda: desk.grade(CHECK, "basil")["score"] == 2.0, "hers, too")


def test_a_stop_gives_back_what_is_under_way(desk: Desk) -> None:
    submit(desk, 6)
    with serving(desk, SLOWLY) as stop:
        until(lambda: states(desk).count(queue.LEASED) == 4, "two a worker are under way")
        began = time.monotonic()
        stop.set()
    took_s = time.monotonic() - began

    assert took_s < 10
    assert set(states(desk)) <= {queue.QUEUED, queue.DONE}
    with ledger.reading(desk.engine) as session:
        assert {job.tries for job in session.scalars(select(Job).where(Job.state == queue.QUEUED))} == {0}


def test_a_pause_waits_for_what_is_under_way_and_lets_nothing_new_begin(desk: Desk) -> None:
    submit(desk, 6)
    with serving(desk, SLOWLY):
        until(lambda: states(desk).count(queue.LEASED) == 4, "two a worker are under way")
        with paused(desk.settings.root, timeout_s=60):
            then = states(desk)
            time.sleep(3)
            assert states(desk) == then
            assert queue.LEASED not in then
            assert queue.QUEUED in then
        until(lambda: states(desk) == [queue.DONE] * 6, "the rest is marked after it")


def test_workers_of_a_running_scheduler_mark_for_the_service(desk: Desk, tmp_path: Path) -> None:
    with dasks(tmp_path) as running, serving(desk, scheduler=running.address):
        submit(desk, 4)
        until(lambda: queue.OURS in states(desk) or states(desk) == [queue.DONE] * 4, "all are marked")
        assert reasons(desk) == [None] * 4


def test_a_service_without_its_scheduler_waits_for_one(desk: Desk, tmp_path: Path) -> None:
    with dasks(tmp_path, workers=0) as running:
        running.kill_scheduler()
        with serving(desk, scheduler=running.address):
            submit(desk, 2)
            time.sleep(3)
            assert states(desk) == [queue.QUEUED] * 2
            running.start_scheduler()
            running.start_worker()
            until(lambda: states(desk) == [queue.DONE] * 2, "it marks as soon as there is one")
