import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from passerelle.grading.pause import MarkingBusyError, paused, step


def test_a_marker_may_work_while_nobody_wants_it_to_wait(tmp_path: Path) -> None:
    with step(tmp_path) as may:
        assert may
        with step(tmp_path) as another_may:
            assert another_may


def test_it_waits_while_somebody_does(tmp_path: Path) -> None:
    with paused(tmp_path), step(tmp_path) as may:
        assert not may

    with step(tmp_path) as may:
        assert may


def test_who_pauses_waits_for_the_step_in_hand_though_marking_is_always_busy(tmp_path: Path) -> None:
    stop, inside = threading.Event(), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            with step(tmp_path) as may:
                if may:
                    inside.set()
                    time.sleep(0.02)
                    inside.clear()

    marker = threading.Thread(target=busy)
    marker.start()
    try:
        assert inside.wait(10)
        with paused(tmp_path, timeout_s=10):
            assert not inside.is_set()
    finally:
        stop.set()
        marker.join()


def test_a_step_without_end_is_said(tmp_path: Path) -> None:
    with step(tmp_path), pytest.raises(MarkingBusyError, match=r"after 0\.2 s"), paused(tmp_path, timeout_s=0.2):
        pytest.fail("it did not wait")


def test_nothing_stays_paused_by_who_was_killed(tmp_path: Path) -> None:
    line = "from pathlib import Path; from passerelle.grading.pause import paused; import sys, time\n"
    line += "with paused(Path(sys.argv[1])):\n    print('paused', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{line}", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as who:
        assert who.stdout is not None
        assert who.stdout.readline() == "paused\n"
        with step(tmp_path) as may:
            assert not may
        who.kill()

    with step(tmp_path) as may:
        assert may
