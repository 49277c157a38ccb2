"""Warm processes that fork a box, or an examiner, for each submission (`autograders.forkserver` is their inside).

To start Python and import pandas takes a second; to fork a process that has done both, alone in namespaces of its
own, some hundredths. A server serves one submission at a time, so that its limits are hers alone, and is kept for the
next.
"""

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograders.channel import framed
from passerelle.grading import watch

_SAID = 2_000
_CREDENTIALS = struct.Struct("iii")


@dataclass(frozen=True)
class Kind:
    """What a server is of: equal ones serve the same.

    `command(within, arguments, alone=…)` makes its line from descriptors of what lies inside (path -> descriptor) and
    from the server's own arguments; `state` changes when what it has imported does.
    """

    agent: str
    command: Callable[..., list[str]] = field(compare=False)
    line: tuple[str, ...]
    state: int
    within: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    environment: Mapping[str, str] = field(default_factory=dict, compare=False)
    identity: Mapping[str, Any] = field(default_factory=dict, compare=False)
    folder: str = "/"
    alone: bool = True


def state_of(learner: Path) -> int:
    """Return what changes when a package of an environment does."""
    sites = [*learner.glob("lib/python3.*/site-packages")]
    return max((site.stat().st_mtime_ns for site in sites), default=0)


class ServerGoneError(Exception):
    """A server ended, or said nothing. Its words are the text."""


class ForkServer:
    """One warm process. Not for two threads at a time."""

    def __init__(self, kind: Kind, modules: Sequence[str]) -> None:
        self.kind, self.modules = kind, frozenset(modules)
        self.loaded: frozenset[str] | None = None
        self.memory, self.has_one_thread, self.used = 0, True, 0.0
        # A file, not a pipe: nobody reads along.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        ours, theirs = socket.socketpair()
        within = {path: in_memory(content) for path, content in kind.within.items()}
        agent = [str(theirs.fileno()), kind.agent, "alone" if kind.alone else "once", json.dumps(sorted(modules))]
        # A box ends with the thread that started it (bubblewrap's way): with one that stays as long as this process.
        start = lambda: subprocess.Popen(  # noqa: E731  called in that thread
            kind.command(within, agent, alone=kind.alone),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            cwd=kind.folder,
            env=dict(kind.environment),
            pass_fds=[theirs.fileno(), *within.values()],
            **kind.identity,
        )
        try:
            self._process = _starter().submit(start).result()
        except BaseException:
            ours.close()
            self._said.close()
            raise
        finally:
            theirs.close()
            for descriptor in within.values():
                os.close(descriptor)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._end = ours

    @property
    def pid(self) -> int:
        """Return the process from which all of it descends."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Say whether it is there."""
        return self._process.poll() is None

    def ask(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """Order a fork; where it has just been started it is made as soon as all is imported.

        Raises:
            ServerGoneError: nobody is there.
        """
        try:
            socket.send_fds(self._end, [framed(order)], list(descriptors))
        except OSError as error:
            raise ServerGoneError(self.said()) from error

    def wait(self, deadline: float) -> None:
        """Wait until it is warm.

        Raises:
            ServerGoneError: it is not by then, or ended.
        """
        if self.loaded is not None:
            return
        told, pid = message(self._end, deadline)
        if told is None:
            raise ServerGoneError(self.said())
        self.loaded = frozenset(told["loaded"])
        itself = watch.process(pid)
        self.memory = itself.memory if itself else 0
        threads = len(os.listdir(f"/proc/{pid}/task")) if itself else 1  # noqa: PTH208  as a number
        self.has_one_thread = threads == 1

    def said(self) -> str:
        """Return its last words; it is over then."""
        self._process.kill()
        self._process.wait(timeout=10)
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _SAID))
        return self._said.read(_SAID).decode("utf-8", "replace")

    def close(self) -> None:
        """End it and all that it forked."""
        self._end.close()
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        if not self._said.closed:
            self._said.close()


def content_of(files: Mapping[str, bytes]) -> int:
    """Return a descriptor of files in memory: their names and sizes in a line, then their contents."""
    sizes = json.dumps({name: len(content) for name, content in files.items()}).encode("ascii")
    return in_memory(b"\n".join([sizes, b"".join(files.values())]))


def in_memory(content: bytes) -> int:
    """Return a descriptor of a file in memory, so that nothing needs to be readable by whoever runs the box."""
    descriptor = os.memfd_create("passerelle")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


_starters: dict[int, ThreadPoolExecutor] = {}


def _starter() -> ThreadPoolExecutor:
    """Return the thread that starts servers."""
    if os.getpid() not in _starters:
        _starters[os.getpid()] = ThreadPoolExecutor(1, thread_name_prefix="forkserver")
    return _starters[os.getpid()]


# Sockets


def message(end: socket.socket, deadline: float) -> tuple[dict[str, Any] | None, int]:
    """Return a message of our own code, and the process that sent it; None where none comes."""
    data, pid = bytearray(), 0
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        missing = 4 - len(data) if len(data) < 4 else 4 + int.from_bytes(data[:4], "big") - len(data)
        if not is_ready(end.fileno(), max(0.0, deadline - time.monotonic())):
            return None, 0
        try:
            chunk, ancillary, _flags, _address = end.recvmsg(missing, socket.CMSG_SPACE(_CREDENTIALS.size))
        except OSError:
            return None, 0
        if not chunk:
            return None, 0
        for _level, kind, content in ancillary:
            if kind == socket.SCM_CREDENTIALS:
                pid = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
        data += chunk
    return json.loads(data[4:]), pid


def is_ready(descriptor: int, seconds: float) -> bool:
    """Wait for something to read. Not select(): it knows no descriptor above 1023."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))
