"""A process that is killed while a submission is marked costs her nothing: the verdict is that of an undisturbed marking."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from passerelle.grading.marking import Marked
from tests.faults.victims import BOX, EXAMINER, ROLES, below, kill
from tests.unit.grading.trial import make_course, marked

pytestmark = pytest.mark.slow

SLOW = {"answer-mean": "import time\ntime.sleep(0.7)\nmean_price = sum(prices) / len(prices)"}
DIES = {"answer-mean": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


@contextmanager
def killing(role: str, place: int, after_s: float) -> Iterator[list[int]]:
    """Kill, once, one that plays a role below this process, a moment after it came: the first, or the last of them."""
    done, over = list[int](), threading.Event()

    def strike() -> None:
        while not over.is_set():
            if [one for one in below(os.getpid()) if ROLES[role](one)]:
                time.sleep(after_s)
                found = [one for one in below(os.getpid()) if ROLES[role](one)]
                if found and kill(found[place].pid) is not None:
                    done.append(found[place].pid)
                    return
            over.wait(0.01)

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def facts(found: Marked) -> str:
    return found.verdict.model_copy(update={"seconds": 0.0}).model_dump_json()


@pytest.mark.parametrize(
    ("role", "place", "after_s"),
    [
        pytest.param(BOX, 0, 0.0, id="a-box-that-begins"),
        pytest.param(BOX, 0, 0.6, id="a-box-while-a-cell-runs"),
        pytest.param(BOX, -1, 0.6, id="the-process-that-runs-her-cell"),
        pytest.param(EXAMINER, 0, 0.0, id="an-examiner-that-begins"),
        pytest.param(EXAMINER, -1, 0.3, id="an-examiner-at-work"),
    ],
)
def test_one_death_changes_no_verdict(course: Path, role: str, place: int, after_s: float) -> None:
    undisturbed = facts(marked(course, SLOW))

    with killing(role, place, after_s) as killed:
        found = facts(marked(course, SLOW))

    assert killed
    assert found == undisturbed


def test_a_submission_that_ends_its_own_python_has_its_verdict_and_keeps_what_came_before(course: Path) -> None:
    began = time.monotonic()
    found = [facts(marked(course, DIES)) for _ in range(2)]

    assert "cell-died" in found[0]
    assert found[0] == found[1]
    assert time.monotonic() - began < 60, "twice alike is enough"
