"""Servers started by the supervisor for the hub: real processes, a real socket between the two."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle.hub.launcher import Launch, Launcher, LaunchError, launch
from passerelle.hub.processes import born
from passerelle.hub.sockets import bind, port_of
from passerelle.model.settings import Settings

SERVE = """
import os, socket
with socket.socket(fileno=int(os.environ["LISTEN"])) as listening:
    line, _ = listening.accept()
    with line:
        line.sendall(b"here")
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / ("a-long-name-" * 9))  # longer than a Unix socket's address may be
    (made.root / "hub").mkdir(parents=True)
    return made


@pytest.fixture
def launcher(settings: Settings) -> Iterator[Launcher]:
    made = Launcher(settings)
    yield made
    made.close()


def order(settings: Settings, launcher: Launcher, *command: str, name: str = "acacia") -> tuple[int, int]:
    """Ask for a server as the hub does; return its process id and its port."""
    answering = threading.Thread(target=_answer, args=[launcher])
    answering.start()
    log = os.open(settings.root / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        with bind() as listening:
            wanted = Launch(name, command, {"LISTEN": listening.fileno()}, [], listening.fileno(), log)
            return launch(settings, wanted), port_of(listening)
    finally:
        os.close(log)
        answering.join(10)


def _answer(launcher: Launcher) -> None:
    ready, _, _ = select.select([launcher], [], [], 10)
    if ready:
        launcher.answer()


def test_a_server_answers_on_the_socket_it_was_given(settings: Settings, launcher: Launcher) -> None:
    pid, port = order(settings, launcher, "/usr/bin/python3", "-c", SERVE)

    with socket.create_connection(("127.0.0.1", port), 10) as line:
        assert line.recv(10) == b"here"
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert launcher.reap() == set()


def test_the_port_of_a_server_that_has_ended_is_held_until_her_next_one(settings: Settings, launcher: Launcher) -> None:
    pid, port = order(settings, launcher, "/bin/true")
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    for _ in range(2):  # before that was noticed, and after
        with pytest.raises(OSError, match="in use"):
            bind(port)
        launcher.reap()

    second, _ = order(settings, launcher, "/bin/true")

    bind(port).close()
    os.waitid(os.P_PID, second, os.WEXITED | os.WNOWAIT)
    launcher.reap()


def test_nobody_waits_for_a_server_that_has_ended(settings: Settings, launcher: Launcher) -> None:
    pid, port = order(settings, launcher, "/bin/true")
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    with socket.create_connection(("127.0.0.1", port), 10) as early:
        launcher.reap()
        assert early.recv(1) == b""
    with socket.create_connection(("127.0.0.1", port), 10) as late:
        launcher.reap()
        assert late.recv(1) == b""


def test_a_second_server_of_one_name_ends_the_first(settings: Settings, launcher: Launcher) -> None:
    first, _ = order(settings, launcher, "/bin/sleep", "100")
    other, _ = order(settings, launcher, "/bin/sleep", "100", name="basil")

    second, _ = order(settings, launcher, "/bin/sleep", "100")

    assert born(first) is None
    assert launcher.reap() == {other, second}
    for pid in (other, second):
        os.kill(pid, 9)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert launcher.reap() == set()


def test_a_command_that_is_not_there_is_said(settings: Settings, launcher: Launcher) -> None:
    with pytest.raises(LaunchError, match="No such file"):
        order(settings, launcher, "/nothing/here")


def test_without_a_supervisor_that_is_said(settings: Settings) -> None:
    with bind() as listening, pytest.raises(LaunchError, match="the supervisor does not answer"):
        launch(settings, Launch("acacia", ["/bin/true"], {}, [], listening.fileno(), listening.fileno()))
