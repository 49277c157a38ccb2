"""Boxed servers are children of the supervisor, not of the hub: they go on when the hub is killed and comes back.

The hub hands over a command, an environment and open descriptors through a Unix socket in the data directory
(0600; no box sees it) and gets a process id. The supervisor keeps the server's listening socket until its owner's
next server, so its port cannot become another box's while the hub still sends people there: it notices an end
some seconds later.
"""

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from passerelle.hub.last_words import LastWords
from passerelle.model.errors import ServiceError
from passerelle.model.settings import Settings
from passerelle.model.unix_socket import address_of

MESSAGE_BYTES = 200_000
DESCRIPTORS = 32
ANSWER_WITHIN_S = 10.0
TURNED_AWAY_AT_ONCE = 100


class LaunchError(ServiceError):
    """A server could not be started."""

    @classmethod
    def refused(cls, reason: str) -> Self:
        """Build the error from what the supervisor said."""
        return cls(f"the server could not be started: {reason}")

    @classmethod
    def nobody(cls, path: Path, reason: str) -> Self:
        """Build the error of a supervisor that does not answer."""
        return cls(f"{path}: the supervisor does not answer ({reason}); servers start only under `passerelle hub`")


@dataclass(frozen=True)
class Launch:
    """A server to start. A number in the command or in the environment stands for a descriptor of the caller's.

    `name` is whose server it is: she has one at a time. `listening` is its socket, `log` where its last words
    go when it ends by itself.
    """

    name: str
    command: Sequence[str | int]
    environment: Mapping[str, str | int]
    descriptors: Sequence[int]
    listening: int
    log: int


def socket_path(settings: Settings) -> Path:
    """Return where the supervisor listens."""
    return settings.root / "hub" / "launcher.sock"


def launch(settings: Settings, wanted: Launch) -> int:
    """Ask the supervisor to start a server; return its process id.

    Raises:
        LaunchError: it could not, or there is no supervisor.
    """
    path = socket_path(settings)
    handed = [*wanted.descriptors, wanted.listening, wanted.log]
    order = {
        "name": wanted.name,
        "command": list(wanted.command),
        "environment": dict(wanted.environment),
        "numbers": handed,
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(ANSWER_WITHIN_S)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE_BYTES)
        try:
            with address_of(path) as address:
                line.connect(address)
            socket.send_fds(line, [json.dumps(order).encode()], handed)
            answer = json.loads(line.recv(4096) or b"{}")
        except (OSError, ValueError) as error:
            raise LaunchError.nobody(path, str(error)) from error
    if "pid" not in answer:
        raise LaunchError.refused(str(answer.get("error", "no answer")))
    return int(answer["pid"])


@dataclass(frozen=True)
class _Server:
    """A server that runs, our copy of its listening socket, and what it says."""

    process: subprocess.Popen[bytes]
    listening: int
    words: LastWords


class Launcher:
    """The supervisor's end: starts servers, holds their sockets, notices their end."""

    def __init__(self, settings: Settings) -> None:
        self.path = socket_path(settings)
        self._running: dict[str, _Server] = {}
        self._closed: dict[str, socket.socket] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.path.unlink(missing_ok=True)
        with address_of(self.path) as address:
            self._listener.bind(address)
        self.path.chmod(0o600)
        self._listener.listen(64)
        self._listener.setblocking(False)

    def close(self) -> None:
        """Take no more orders, let go of the ports of servers that have ended."""
        self._listener.close()
        for closed in self._closed.values():
            closed.close()
        self.path.unlink(missing_ok=True)

    def fileno(self) -> int:
        """Return what to wait for: it is readable when somebody asks for a server."""
        return self._listener.fileno()

    def answer(self) -> None:
        """Take one order, where there is one."""
        try:
            line, _ = self._listener.accept()
        except BlockingIOError:
            return
        with line:
            line.settimeout(ANSWER_WITHIN_S)
            with contextlib.suppress(OSError):  # the hub was killed while it asked: nobody to tell
                line.send(json.dumps(self._take(line)).encode())

    def _take(self, line: socket.socket) -> dict[str, object]:
        message, received, _, _ = socket.recv_fds(line, MESSAGE_BYTES, DESCRIPTORS)
        try:
            order = json.loads(message)
            self._end(order["name"])
            started = self._start(order["name"], order["command"], order["environment"], order["numbers"], received)
        except (OSError, ValueError, KeyError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        else:
            self._running[order["name"]] = started
            return {"pid": started.process.pid}
        finally:
            for descriptor in received:
                os.close(descriptor)

    def _start(
        self,
        name: str,
        command: list[str | int],
        environment: dict[str, str | int],
        numbers: list[int],
        received: list[int],
    ) -> _Server:
        if len(numbers) != len(received):
            raise ValueError(f"{len(numbers)} descriptors were announced, {len(received)} came")
        here = dict(zip(numbers, received, strict=True))
        *_, listening, log = received
        words, output = LastWords.pipe(log, name)
        try:
            # From the main thread: a box asks to die with the thread that made it.
            process = subprocess.Popen(
                [_here(part, here) for part in command],
                env={variable: _here(value, here) for variable, value in environment.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=received[:-1],
                start_new_session=True,
                umask=0o077,
            )
        except OSError:
            words.close(0)
            raise
        finally:
            os.close(output)
        return _Server(process, os.dup(listening), words)

    def _end(self, name: str) -> None:
        """End a server that the hub no longer knows: it was killed before it could write it down."""
        if (closed := self._closed.pop(name, None)) is not None:
            closed.close()
        earlier = self._running.pop(name, None)
        if earlier is not None:
            earlier.process.kill()
            earlier.words.close(earlier.process.wait())
            os.close(earlier.listening)

    def reap(self) -> set[int]:
        """Hear what servers say, take leave of those that have ended; return those that run."""
        for name, server in list(self._running.items()):
            server.words.read()
            code = server.process.poll()
            if code is not None:
                server.words.close(code)
                self._closed[name] = socket.socket(fileno=server.listening)
                self._closed[name].setblocking(False)
                del self._running[name]
        for closed in self._closed.values():
            _turn_away(closed)
        return {server.process.pid for server in self._running.values()}


def _turn_away(closed: socket.socket) -> None:
    """Let nobody wait for a server that has ended."""
    with contextlib.suppress(OSError):  # nobody is left, or she has gone meanwhile
        for _ in range(TURNED_AWAY_AT_ONCE):
            closed.accept()[0].close()


def _here(value: str | int, here: Mapping[int, int]) -> str:
    return str(here[value]) if isinstance(value, int) else value
