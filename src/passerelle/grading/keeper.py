"""A process in a box, and how it is asked: what it says is data of unknown truth, counted and passed on as bytes."""

import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from autograders.channel import MAX_FRAME, framed
from passerelle.grading import watch
from passerelle.grading.walls import Limits

_POLL_S = 0.05
GRACE_S = 2.0
_CREDENTIALS = struct.Struct("iii")


class Watched(Protocol):
    """The box that a process is in."""

    why: str | None

    def look_after(self) -> None:
        """Hold it to its memory; called while waiting."""

    def why_gone(self, pid: int) -> str:
        """Return why a process of it is gone."""


class GoneError(Exception):
    """The process that should answer is gone. `why`: time, memory or died."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Line:
    """Our end of a line into the box; the kernel tells which process speaks."""

    def __init__(self, box: "Watched", end: socket.socket) -> None:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._box = box
        self._end = end
        self.pid = 0
        self.born: int | None = None

    def beside(self, end: socket.socket) -> "Line":
        """Return another line into the same box."""
        return Line(self._box, end)

    def send(self, message: bytes, deadline: float) -> None:
        """Send a framed message; raises GoneError where nobody takes it."""
        rest = memoryview(message)
        while rest:
            try:
                rest = rest[self._end.send(rest) :]
            except BlockingIOError:
                self._wait(deadline, writing=True)
            except OSError:
                raise GoneError(self._box.why or self._box.why_gone(self.pid)) from None

    def send_descriptor(self, message: bytes, descriptor: int) -> None:
        """Send a short message with a descriptor."""
        try:
            socket.send_fds(self._end, [message], [descriptor])
        except OSError:
            raise GoneError(self._box.why or self._box.why_gone(self.pid)) from None

    def receive(self, deadline: float, cpu_s: float) -> bytes:
        """Return the body of the next message; raises GoneError where none comes in time."""
        began = watch.process(self.pid) if self.pid else None
        most_cpu = (began.cpu_s if began else 0.0) + cpu_s + GRACE_S
        size = int.from_bytes(self._exactly(4, deadline, most_cpu), "big")
        if size > MAX_FRAME:
            raise GoneError("memory")
        return self._exactly(size, deadline, most_cpu)

    def _exactly(self, size: int, deadline: float, most_cpu: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                chunk, ancillary, _flags, _address = self._end.recvmsg(
                    min(size - len(data), 1 << 20), socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                self._wait(deadline, most_cpu=most_cpu)
                continue
            except OSError:
                raise GoneError(self._box.why or self._box.why_gone(self.pid)) from None
            self._note_sender(ancillary)
            if not chunk:
                raise GoneError(self._box.why_gone(self.pid))
            data += chunk
        return bytes(data)

    def _note_sender(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        for level, kind, content in ancillary:
            if level != socket.SOL_SOCKET:
                continue
            if kind == socket.SCM_RIGHTS:  # nobody asked for descriptors
                for place in range(0, len(content) - 3, 4):
                    os.close(int.from_bytes(content[place : place + 4], sys.byteorder))
            elif not self.pid and len(content) >= _CREDENTIALS.size:
                self.pid = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
                speaks = watch.process(self.pid)
                self.born = speaks.born if speaks else None

    def _wait(self, deadline: float, *, writing: bool = False, most_cpu: float = float("inf")) -> None:
        """Wait a moment for the other side, and look after the box meanwhile."""
        is_ready = _is_ready(self._end, select.POLLOUT if writing else select.POLLIN, _POLL_S)
        self._box.look_after()
        if not is_ready and self.pid and not watch.is_alive(self.pid):
            # What it said last may still be in the socket.
            if _is_ready(self._end, select.POLLIN, 0):
                return
            raise GoneError(self._box.why_gone(self.pid))
        now = watch.process(self.pid) if self.pid else None
        if time.monotonic() > deadline or (now is not None and now.cpu_s > most_cpu):
            raise GoneError("time")

    def close(self) -> None:
        """Hang up."""
        self._end.close()


class Patience:
    """How long somebody may let us wait in all, by the clock: others stand in line. `with` measures."""

    def __init__(self, seconds: float) -> None:
        self.left_s = seconds
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.left_s -= time.monotonic() - self._began


class Keeper:
    """The state of a notebook at one place: it answers questions about it."""

    def __init__(self, line: Line, limits: Limits, patience: Patience, gone: str | None = None) -> None:
        self._line = line
        self._limits = limits
        self._patience = patience
        self._gone = gone

    def ask(self, question: Mapping[str, Any], cpu_s: float | None = None) -> bytes:
        """Return the answer's JSON as it came, or one that says that nobody answers any more.

        `cpu_s`: what it may take instead of what a call may.
        """
        limits = self._limits
        cpu_s = limits.call_s if cpu_s is None else cpu_s
        wall_s = min(cpu_s * limits.patience, self._patience.left_s)
        asked = {**question, "cpu_s": cpu_s, "wall_s": wall_s}
        if self._gone is None and wall_s <= 0:
            self._gone = "time"
        if self._gone is None:
            try:
                with self._patience:
                    deadline = time.monotonic() + wall_s + GRACE_S
                    self._line.send(framed(asked), deadline)
                    return self._line.receive(deadline, cpu_s)
            except GoneError as gone:
                self._gone = gone.why
                watch.end(self._line.pid, self._line.born)
                if gone.why == "time":
                    return b'{"state":"slow"}'
        return json.dumps({"state": "gone", "why": self._gone}).encode()

    def again(self) -> "Keeper":
        """Keep the same state once more: what is asked there changes nothing here."""
        line, gone = None, self._gone
        if gone is None:
            ours, theirs = socket.socketpair()
            line = self._line.beside(ours)
            try:
                with theirs:
                    self._line.send_descriptor(framed({"ask": "fork"}), theirs.fileno())
                line.receive(time.monotonic() + GRACE_S * self._limits.patience, self._limits.call_s)
            except GoneError as error:
                line.close()
                gone = error.why
        return Keeper(line if gone is None and line is not None else self._line, self._limits, self._patience, gone)

    @property
    def pid(self) -> int:
        """Return the keeper's process."""
        return self._line.pid

    def close(self) -> None:
        """Let it end."""
        self._line.close()


class Trial:
    """A kept state, asked for one check: what may change it is asked of a fork; the next check finds it as it was.

    To ask what a name holds changes nothing, and most checks of values ask no more. A context manager.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._fork: Keeper | None = None

    def ask(self, question: Mapping[str, Any]) -> bytes:
        """Return the answer, as `Keeper.ask` does."""
        if self._fork is None and question["ask"] != "get":
            self._fork = self._keeper.again()
        return (self._fork or self._keeper).ask(question)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fork is not None:
            self._fork.close()


def _is_ready(end: socket.socket, event: int, seconds: float) -> bool:
    """Wait for a socket. Not select(): it knows no descriptor above 1023."""
    waiting = select.poll()
    waiting.register(end, event)
    return bool(waiting.poll(seconds * 1000))
