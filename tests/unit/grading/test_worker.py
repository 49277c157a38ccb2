import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output
from sqlalchemy import select

from passerelle import ledger
from passerelle.grading.marking import Marked
from passerelle.grading.service import work
from passerelle.grading.wake import Bell, wake
from passerelle.grading.worker import Marking, Place, Worker, courses_of
from passerelle.ledger import queue
from passerelle.ledger.releases import feedback_of
from passerelle.ledger.tables import Job
from passerelle.model.errors import ServiceError
from passerelle.model.parcel import unpack
from passerelle.model.verdict import Message, Outcome
from tests.unit.grading.desk import (
    BY_TEXT,
    CHECK,
    HALF,
    MANUAL,
    RIGHT,
    SUM,
    TRACK,
    UNIT,
    Desk,
    files_of,
    key_by_text,
    marking_by_text,
    notebook,
)


def worker_of(desk: Desk, marking: Marking = BY_TEXT) -> Worker:
    return Worker(desk.engine, lambda: courses_of(desk.settings), desk.settings.learner, marking)


def drain(worker: Worker) -> None:
    """Let a worker do all there is to do."""
    for _ in range(200):
        if not worker.step():
            return
    pytest.fail("there is always something to do")


def jobs(desk: Desk) -> list[tuple[str, int, str | None]]:
    with ledger.reading(desk.engine) as session:
        return [(job.state, job.tries, job.reason) for job in session.scalars(select(Job).order_by(Job.id))]


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def working(desk: Desk) -> Iterator[threading.Thread]:
    """Run the loop in a thread, as the marking service does in its process."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(desk.settings, stop), kwargs={"marking": BY_TEXT})
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_submission_gets_its_verdict_its_grade_and_its_feedback(desk: Desk) -> None:
    desk.submit(desk.files())
    drain(worker_of(desk))

    assert [(row.state, row.points) for row in desk.attempts()] == [("marked", 2.0)]
    assert desk.grade(CHECK)["score"] == 2.0
    assert [state for state, _, _ in jobs(desk)] == [queue.DONE]
    with ledger.reading(desk.engine) as session:
        (feedback,) = feedback_of(session, "acacia", TRACK, UNIT)
        page = unpack(feedback.content or b"")[f"{UNIT}.html"].decode()
    assert feedback.timestamp == (desk.course_dir / "submitted/acacia/mini/timestamp.txt").read_text()
    assert "(points\u00a0: 2.0 / 3.0)" in page
    assert "Une <strong>moyenne</strong> est une somme" in page


def test_feedback_is_in_the_fellow_s_language(desk: Desk) -> None:
    desk.submit(desk.files(words="..."), "basil")
    drain(worker_of(desk))

    with ledger.reading(desk.engine) as session:
        (feedback,) = feedback_of(session, "basil", TRACK, UNIT)
        page = unpack(feedback.content or b"")[f"{UNIT}.html"].decode()
    assert "(Score: 2.0 / 3.0)" in page
    assert "No response." in page


def test_the_best_attempt_stands_whatever_comes_after(desk: Desk) -> None:
    for answer in (HALF, RIGHT, SUM):
        desk.submit(desk.files(answer, words="..."))
    drain(worker_of(desk))

    assert [row.points for row in desk.attempts()] == [1.0, 2.0, 0.0]
    assert desk.grade(CHECK)["score"] == 2.0
    assert "len(numbers)" in (desk.course_dir / "submitted/acacia/mini/mini.ipynb").read_text()


def test_a_trainer_s_mark_is_noticed_and_the_sums_decide_again(desk: Desk) -> None:
    worker = worker_of(desk)
    desk.submit(desk.files(RIGHT, words="..."))
    desk.submit(desk.files(HALF, words="An outlier."))
    drain(worker)
    shown = desk.grade(CHECK)["score"], desk.grade(MANUAL)["needs_manual_grade"]
    desk.mark_by_hand(0.0)
    drain(worker)

    assert shown == (1.0, True)  # the newer one, for its unread answer
    assert desk.grade(CHECK)["score"] == 2.0  # the counted one again
    assert [row.points for row in desk.attempts()] == [2.0, 1.0]


def flooding(made: NotebookNode) -> None:
    answer = next(cell for cell in made.cells if cell.source == RIGHT)
    answer.outputs = [new_output("stream", text="<" * 5_500_000)]


def long(made: NotebookNode) -> None:
    next(cell for cell in made.cells if cell.source == RIGHT).source += "\n#" + "x" * 2_100_000


@pytest.mark.parametrize("spoil", [flooding, long])
def test_a_page_that_fits_nowhere_is_not_made_again_and_again(
    desk: Desk, spoil: Callable[[NotebookNode], None]
) -> None:
    sent = notebook(desk.course_dir)
    spoil(sent)
    desk.submit(files_of(sent))
    worker = worker_of(desk)
    drain(worker)

    assert desk.attempts()[0].state == "marked"
    with ledger.reading(desk.engine) as session:
        assert feedback_of(session, "acacia", TRACK, UNIT) == []
    assert worker._to_feed == {}


def test_points_and_feedback_follow_a_mark(desk: Desk) -> None:
    worker = worker_of(desk)
    desk.submit(desk.files())
    drain(worker)
    desk.mark_by_hand(1.0, comment="Très bien.")
    drain(worker)

    assert desk.attempts()[0].points == 3.0
    with ledger.reading(desk.engine) as session:
        (feedback,) = feedback_of(session, "acacia", TRACK, UNIT)
        page = unpack(feedback.content or b"")[f"{UNIT}.html"].decode()
    assert "(points\u00a0: 3.0 / 3.0)" in page
    assert "Très bien." in page


def test_the_same_answers_share_a_verdict(desk: Desk) -> None:
    desk.submit(desk.files())
    desk.submit(desk.files())
    drain(worker_of(desk))

    keys = {row.verdict.key for row in desk.attempts() if row.verdict}
    assert len(keys) == 1
    assert desk.grade(CHECK)["score"] == 2.0


def raising(error: BaseException) -> Marking:
    def marking(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        if any(cell.source == SUM for cell in nbformat.reads(files[f"{unit}.ipynb"].decode(), as_version=4).cells):
            raise error
        return marking_by_text(course_dir, unit, files, learner=learner)

    return Marking(marking, key_by_text)


def _ours(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
    marked = marking_by_text(course_dir, unit, files, learner=learner)
    notices = (Message(id="no-box"),)
    return Marked(marked.verdict.model_copy(update={"outcome": Outcome.OURS, "notices": notices}), marked.notebooks)


OURS = Marking(_ours, key_by_text)


@pytest.mark.parametrize(
    ("marking", "reason"),
    [
        pytest.param(raising(ServiceError("no namespaces here")), "no namespaces here", id="service-error"),
        pytest.param(
            raising(ZeroDivisionError("a bug of ours")), "other: ZeroDivisionError in test_worker.py", id="a-bug"
        ),
        pytest.param(OURS, "no-box", id="a-verdict-that-says-so"),
    ],
)
def test_a_fault_of_ours_waits_and_never_costs_points(desk: Desk, marking: Marking, reason: str) -> None:
    desk.submit(desk.files(SUM))
    drain(worker_of(desk, marking))

    assert [(row.state, row.points) for row in desk.attempts()] == [("ours", None)]
    ((state, tries, said),) = jobs(desk)
    assert (state, tries) == (queue.OURS, 1)
    assert said is not None
    assert reason in said


def test_what_was_ours_is_marked_once_it_is_mended(desk: Desk) -> None:
    desk.submit(desk.files(SUM))
    drain(worker_of(desk, OURS))
    with ledger.session(desk.engine) as session:
        session.scalars(select(Job)).one().not_before = datetime.now(UTC) - timedelta(seconds=1)
    drain(worker_of(desk))

    assert [(row.state, row.points) for row in desk.attempts()] == [("marked", 0.0)]


def test_one_fellow_s_fault_does_not_stop_another_s(desk: Desk) -> None:
    desk.submit(desk.files(SUM))
    desk.submit(desk.files(RIGHT), "basil")
    drain(worker_of(desk, raising(RuntimeError("boom"))))

    assert [row.state for row in desk.attempts()] == ["ours"]
    assert [row.points for row in desk.attempts("basil")] == [2.0]


def test_a_gradebook_that_cannot_be_written_keeps_the_verdict_and_tries_again(desk: Desk) -> None:
    book = desk.course_dir / "gradebook.db"
    aside = book.rename(book.with_suffix(".aside"))
    desk.submit(desk.files())
    drain(worker_of(desk))
    without = [(row.state, row.points) for row in desk.attempts()], jobs(desk)[0][0]
    aside.rename(book)
    with ledger.session(desk.engine) as session:
        session.scalars(select(Job)).one().not_before = datetime.now(UTC) - timedelta(seconds=1)
    drain(worker_of(desk))

    assert without == ([("marked", 2.0)], queue.OURS)
    assert jobs(desk)[0][0] == queue.DONE
    assert desk.grade(CHECK)["score"] == 2.0


def test_a_gradebook_that_keeps_nothing_is_not_written_for_ever(desk: Desk) -> None:
    with sqlite3.connect(desk.course_dir / "gradebook.db") as book:
        for event in ("INSERT", "UPDATE OF auto_score"):
            book.execute(
                f"CREATE TRIGGER 'after {event}' AFTER {event} ON grade BEGIN "
                "UPDATE grade SET auto_score = 77 WHERE id = NEW.id; END"
            )
    book.close()
    desk.submit(desk.files())
    drain(worker_of(desk))

    ((state, _tries, why),) = jobs(desk)
    assert (state, (why or "").partition(":")[0]) == (queue.OURS, "gradebook")
    assert [row.points for row in desk.attempts()] == [2.0]


@pytest.mark.parametrize("stage", ["settle", "feed"])
def test_what_fails_after_the_verdict_is_seen_and_tried_again(desk: Desk, stage: str) -> None:
    desk.submit(desk.files(HALF))
    worker = worker_of(desk)
    drain(worker)
    if stage == "settle":
        hindered = desk.course_dir / "gradebook.db"
        worker._to_settle[Place(TRACK, "acacia", UNIT)] = 0.0
    else:
        hindered = desk.course_dir / "autograded/acacia" / UNIT / f"{UNIT}.ipynb"
        worker._to_feed[Place(TRACK, "acacia", UNIT)] = 0.0
    aside = hindered.rename(hindered.with_suffix(".aside"))
    hindered.write_text("neither a database nor a notebook")
    drain(worker)
    ((state, _, why),) = jobs(desk)
    points = [(row.state, row.points) for row in desk.attempts()]
    aside.replace(hindered)
    with ledger.session(desk.engine) as session:
        ((job, receipt),) = queue.stuck(session, [TRACK])
        assert queue.again(session, [receipt.id], datetime.now(UTC)) == 1
        assert job.state == queue.QUEUED
    drain(worker)

    assert (state, (why or "").partition(":")[0]) == (queue.OURS, "gradebook" if stage == "settle" else "feedback")
    assert points == [("marked", 1.0)]
    assert jobs(desk)[0][0] == queue.DONE
    assert jobs(desk)[0][2] is None


def test_a_killed_worker_s_job_is_taken_again(desk: Desk) -> None:
    desk.submit(desk.files(SUM))

    class Killed(BaseException):
        pass

    with pytest.raises(Killed):
        worker_of(desk, raising(Killed())).step()
    before = jobs(desk)[0][0]
    with ledger.session(desk.engine) as session:
        session.scalars(select(Job)).one().leased_until = datetime.now(UTC) - timedelta(seconds=1)
    drain(worker_of(desk))

    assert before == queue.LEASED
    assert jobs(desk) == [(queue.DONE, 2, None)]


def test_what_a_killed_worker_had_not_recorded_is_found_at_the_next_start(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    drain(worker_of(desk))
    # As after a crash between the folders and the rows of another attempt.
    (desk.course_dir / "submitted/acacia/mini/timestamp.txt").write_text("2024-11-26 23:00:00.000000 UTC")
    drain(worker_of(desk))

    stamp = (desk.course_dir / "submitted/acacia/mini/timestamp.txt").read_text()
    assert stamp == receipt.received.strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def test_an_erased_submission_is_left_alone(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    with ledger.session(desk.engine) as session:
        session.get_one(type(receipt), receipt.id).content = None
    drain(worker_of(desk))

    assert [state for state, _, _ in jobs(desk)] == [queue.DONE]
    assert [row.points for row in desk.attempts()] == [None]


def test_it_sleeps_until_it_is_woken(desk: Desk) -> None:
    with working(desk):
        until(lambda: wake(desk.settings.marking_socket))
        desk.submit(desk.files())
        wake(desk.settings.marking_socket)
        until(lambda: [row.state for row in desk.attempts()] == ["marked"])
        until(lambda: jobs(desk)[0][0] == queue.DONE)
        desk.mark_by_hand(1.0)
        until(lambda: desk.attempts()[0].points == 3.0)


def test_it_looks_by_itself_where_nobody_wakes_it(desk: Desk) -> None:
    with working(desk):
        desk.submit(desk.files())
        until(lambda: [row.state for row in desk.attempts()] == ["marked"])


@pytest.mark.slow
def test_it_uses_no_processor_while_there_is_nothing_to_do(desk: Desk) -> None:
    with working(desk):
        until(lambda: wake(desk.settings.marking_socket))
        time.sleep(0.5)
        before, start = time.process_time(), time.monotonic()
        time.sleep(2)
        share = (time.process_time() - before) / (time.monotonic() - start)

    assert share < 0.1


def test_a_second_marking_service_is_refused(desk: Desk) -> None:
    with Bell(desk.settings.marking_socket), pytest.raises(ServiceError, match="listens here already"):
        work(desk.settings, threading.Event(), marking=BY_TEXT)


def test_a_stale_socket_is_no_obstacle(desk: Desk) -> None:
    import socket

    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(desk.settings.marking_socket))
    left.close()
    with Bell(desk.settings.marking_socket) as bell:
        wake(desk.settings.marking_socket)

        assert bell.wait(5)
        assert not bell.wait(0)


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 60) / ("b" * 60) / "marking.sock"
    with Bell(path) as bell:
        assert wake(path)
        assert bell.wait(5)
    assert not path.exists()


def test_nobody_listening_is_no_fault(tmp_path: Path) -> None:
    assert not wake(tmp_path / "marking.sock")


def test_what_has_not_changed_is_not_marked_again(desk: Desk) -> None:
    marked: list[str] = []

    def counting(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        marked.append(unit)
        return marking_by_text(course_dir, unit, files, learner=learner)

    worker = worker_of(desk, Marking(counting, key_by_text))
    desk.submit(desk.files(RIGHT))
    desk.submit(desk.files(SUM))
    drain(worker)
    with ledger.session(desk.engine) as session:
        queue.put_all(session, TRACK, at=datetime.now(UTC))
    drain(worker)

    assert len(marked) == 2
    assert [state for state, _, _ in jobs(desk)] == [queue.DONE, queue.DONE]


def test_marking_again_mends_a_damaged_record(desk: Desk) -> None:
    worker = worker_of(desk)
    desk.submit(desk.files())
    drain(worker)
    (desk.course_dir / "autograded/acacia/mini/mini.ipynb").unlink()
    with desk.book() as book:
        book.find_grade(CHECK, UNIT, UNIT, "acacia").auto_score = 0.0
        book.db.commit()
    with ledger.session(desk.engine) as session:
        queue.put_all(session, TRACK, at=datetime.now(UTC))
    drain(worker)

    assert (desk.course_dir / "autograded/acacia/mini/mini.ipynb").is_file()
    assert desk.grade(CHECK)["score"] == 2.0


def test_a_corrected_check_marks_everybody_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = worker_of(desk)
    desk.submit(desk.files(HALF, words="..."))
    desk.submit(desk.files(HALF, words="..."), "basil")
    drain(worker)

    monkeypatch.setattr("tests.unit.grading.desk.RIGHT", HALF)
    monkeypatch.setattr("tests.unit.grading.desk.VERSION", "2")
    with ledger.session(desk.engine) as session:
        queue.put_all(session, TRACK, at=datetime.now(UTC))
    drain(worker)

    assert [desk.grade(CHECK, handle)["score"] for handle in ("acacia", "basil")] == [2.0, 2.0]
    assert [row.points for row in (*desk.attempts(), *desk.attempts("basil"))] == [2.0, 2.0]
