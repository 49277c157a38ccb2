"""Processes that are started again when they end: real ones."""

import os
import signal
import time
from pathlib import Path

from passerelle.hub.children import Child, Part
from passerelle.hub.sockets import bind, inherited, port_of


def until_ended(child: Child) -> int:
    """Return the exit code that its keeper notices."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        code = child.keep_running()
        if code is not None:
            return code
        time.sleep(0.01)
    raise AssertionError("it did not end")


def a_child(tmp_path: Path, *command: str) -> Child:
    return Child(Part("trial", command, {"PATH": os.environ["PATH"]}), tmp_path, tmp_path / "trial.log")


def test_what_ends_is_started_again_at_once_and_then_rests(tmp_path: Path) -> None:
    child = a_child(tmp_path, "/bin/sh", "-c", "echo started; exit 3")
    child.start()

    assert [until_ended(child) for _ in range(2)] == [3, 3]
    child.keep_running()

    assert child.starts == 2  # after its second quick end it rests for a second
    assert (tmp_path / "trial.log").read_text() == "started\n" * 2
    assert oct((tmp_path / "trial.log").stat().st_mode)[-3:] == "600"


def test_what_ran_well_is_started_again_at_once_however_often(tmp_path: Path) -> None:
    child = a_child(tmp_path, "/bin/sleep", "100")
    child.start()
    for _ in range(6):
        assert child.process is not None
        child.began -= 11  # it has run for so many seconds
        child.process.kill()
        until_ended(child)
        child.keep_running()

    try:
        assert child.starts == 7
    finally:
        assert child.process is not None
        child.process.kill()
        child.process.wait()


def test_a_killed_child_is_noticed_and_its_port_is_never_free(tmp_path: Path) -> None:
    with bind() as held:
        command = ["/bin/sleep", "100"]
        child = Child(Part("trial", command, {"PATH": os.environ["PATH"]}, [held]), tmp_path, tmp_path / "trial.log")
        child.start()
        assert child.process is not None
        child.process.send_signal(signal.SIGKILL)

        assert until_ended(child) == -signal.SIGKILL
        try:
            bind(port_of(held)).close()
        except OSError:
            taken = True
        else:
            taken = False
    assert taken


def test_the_last_word_is_an_error_where_there_is_one(tmp_path: Path) -> None:
    child = a_child(tmp_path, "/bin/sh", "-c", "echo fine; echo ValueError: no; echo end")
    child.start()
    until_ended(child)

    assert child.last_word() == "ValueError: no"


def test_nothing_inherited_is_nothing() -> None:
    assert inherited(1) is None
