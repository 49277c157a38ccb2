"""The learner box, seen from outside: starts it, gives it orders, holds it to its limits.

One cold process a submission inside bubblewrap. A warm box that forks takes its place behind the same two
classes. Whatever comes out of a box is data of unknown truth: here it is counted and passed on as bytes, or
read as JSON, never more.
"""

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograders.channel import MAX_FRAME, framed
from passerelle.grading import watch
from passerelle.grading.unboxed import is_unboxed, unboxed_command, unboxed_environment, unboxed_folder
from passerelle.grading.walls import WITHIN, WORK, BoxError, Limits, command, identity

_POLL_S = 0.05
_WATCH_S = 0.2
_GRACE_S = 2.0
_CREDENTIALS = struct.Struct("iii")


class GoneError(Exception):
    """The process that should answer is gone. `why`: time, memory or died."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Line:
    """Our end of a line into the box; the kernel tells which process speaks."""

    def __init__(self, box: "Box", end: socket.socket) -> None:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._box = box
        self._end = end
        self.pid = 0
        self.born: int | None = None

    def beside(self, end: socket.socket) -> "_Line":
        """Return another line into the same box."""
        return _Line(self._box, end)

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
        most_cpu = (began.cpu_s if began else 0.0) + cpu_s + _GRACE_S
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


class _Patience:
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

    def __init__(self, line: _Line, limits: Limits, patience: "_Patience", gone: str | None = None) -> None:
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
                    deadline = time.monotonic() + wall_s + _GRACE_S
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
                line.receive(time.monotonic() + _GRACE_S * self._limits.patience, self._limits.call_s)
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


class Box:
    """One submission's box. A context manager: what was started inside ends with it."""

    def __init__(
        self,
        learner: Path,
        files: Mapping[str, bytes],
        limits: Limits | None = None,
        *,
        modules: Sequence[str] = (),
        seed: str = "",
    ) -> None:
        """Start a box; `wait` says when it is ready.

        Args:
            learner: the learner environment.
            files: what lies in the working directory, by relative path.
            limits: of the submission.
            modules: what to import before the first cell, on nobody's time.
            seed: of what her code draws at random: the same in every run.

        Raises:
            BoxError: there is no bubblewrap, or no learner environment.
        """
        self.limits = limits or Limits()
        self.why: str | None = None
        self.died = False
        # Apart: cells that only wait must not keep the checks before them from being asked.
        self._for_cells, self._for_answers = (_Patience(self.limits.total_s * self.limits.patience) for _ in range(2))
        self._keepers: list[Keeper] = []
        self._killed_for_memory: set[int] = set()
        self._looked = 0.0
        self._warden = 0
        self._unboxed = is_unboxed()
        self._scratch = unboxed_folder(files) if self._unboxed else None
        ours, theirs = socket.socketpair()
        self._line = _Line(self, ours)
        inside = {**WITHIN, **{f"{WORK}/{path}": content for path, content in files.items()}}
        descriptors = {} if self._unboxed else {path: _in_memory(content) for path, content in inside.items()}
        try:
            limited = self.limits.of_process()
            if self._unboxed:
                del limited["NPROC"]  # without a namespace it counts all that this user runs, ours too
            agent = [str(theirs.fileno()), json.dumps(limited), seed, *modules]
            boxed = command(learner, descriptors, agent, self.limits) if self._scratch is None else None
            self._bwrap = subprocess.Popen(
                boxed or unboxed_command(learner, agent),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/" if self._scratch is None else self._scratch.name,
                env={} if self._scratch is None else unboxed_environment(learner, self._scratch.name),
                pass_fds=[theirs.fileno(), *descriptors.values()],
                **identity(),  # type: ignore[call-overload]  # user, group and extra_groups, or nothing
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            for descriptor in descriptors.values():
                os.close(descriptor)

    def wait(self) -> None:
        """Wait until the box can run cells.

        Raises:
            BoxError: it does not start, with the cure.
        """
        try:
            self._line.receive(time.monotonic() + self.limits.start_s, self.limits.start_s)
        except GoneError:
            self._bwrap.kill()
            said = self._bwrap.stderr.read().decode("utf-8", "replace") if self._bwrap.stderr else ""
            raise BoxError.did_not_start(said) from None
        runner = watch.process(self._line.pid)
        self._warden = runner.parent if runner else 0

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell; return its "state" (done, raised, time, memory, died), "outputs", "error" and "text": hearsay.

        And "whole": whether the time it had was the last of the whole notebook's.
        """
        if self.why is not None:
            return {"state": self.why, "outputs": []}
        limits = self.limits
        used = self._cpu_s()
        cell_s = min(limits.cell_s, limits.total_s - used)
        wall_s = min(cell_s * limits.patience, self._for_cells.left_s)
        whole = {"whole": wall_s < limits.cell_s * limits.patience}
        try:
            if wall_s <= 0:
                raise GoneError("time")  # noqa: TRY301  one place where the runner ends
            with self._for_cells:
                deadline = time.monotonic() + wall_s + _GRACE_S
                order = {"do": "run", "source": source, "cpu_s": cell_s, "wall_s": wall_s}
                self._line.send(framed(order), deadline)
                told = json.loads(self._line.receive(deadline, cell_s))
        except GoneError as gone:
            self._end_runner(gone.why)
            return {"state": gone.why, "outputs": [], **whole}
        except (ValueError, RecursionError):
            self._end_runner("died")
            return {"state": "died", "outputs": []}
        return {**(told if isinstance(told, dict) else {"state": "done", "outputs": []}), **whole}

    def keep(self) -> Keeper | None:
        """Keep the state as it is now; None where the runner is gone (`why`)."""
        if self.why is not None:
            return None
        ours, theirs = socket.socketpair()
        line = _Line(self, ours)
        try:
            with theirs:
                self._line.send_descriptor(framed({"do": "keep"}), theirs.fileno())
            deadline = time.monotonic() + _GRACE_S * self.limits.patience
            line.receive(deadline, self.limits.call_s)
        except GoneError as gone:
            line.close()
            self._end_runner(gone.why)
            return None
        self._keepers.append(Keeper(line, self.limits, self._for_answers))
        return self._keepers[-1]

    def look_after(self) -> None:
        """Hold the box to its memory; called while waiting."""
        now = time.monotonic()
        if now - self._looked < _WATCH_S:
            return
        self._looked = now
        inside = watch.below(self._bwrap.pid)
        if sum(one.memory for one in inside) <= self.limits.memory:
            return
        # Looking takes the kernel long where there is much to look at: never more than a fifth of the time.
        began = time.thread_time()
        shares = {one: watch.own_memory(one.pid) for one in inside}
        if sum(shares.values()) > self.limits.memory:
            largest = max(shares, key=shares.__getitem__)
            self._killed_for_memory.add(largest.pid)
            watch.end(largest.pid, largest.born)
        self._looked = now + min(4 * (time.thread_time() - began), 1.0)

    def why_gone(self, pid: int) -> str:
        """Return why a process of the box is gone."""
        if pid in self._killed_for_memory:
            return "memory"
        self.died = True
        return "died"

    def close(self) -> None:
        """End everything inside."""
        inside = watch.below(self._bwrap.pid) if self._unboxed else []
        self._bwrap.kill()
        for one in inside:  # in a box they end with its first process
            watch.end(one.pid, one.born)
        if self._scratch is not None:
            self._scratch.cleanup()
        for keeper in self._keepers:
            keeper.close()
        self._line.close()
        if self._bwrap.stderr:
            self._bwrap.stderr.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._bwrap.wait(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cpu_s(self) -> float:
        runner = watch.process(self._line.pid)
        return runner.cpu_s if runner else 0.0

    def _end_runner(self, why: str) -> None:
        """End the runner and what it started; the keepers stay."""
        self.why = why
        # bubblewrap's own init and the warden stay, too: the keepers live as long as they do.
        stay = {self._warden, *(keeper.pid for keeper in self._keepers)}
        for one in watch.below(self._bwrap.pid):
            if one.pid not in stay and (self._unboxed or one.parent != self._bwrap.pid):
                watch.end(one.pid, one.born)


def _is_ready(end: socket.socket, event: int, seconds: float) -> bool:
    """Wait for a socket. Not select(): it knows no descriptor above 1023."""
    waiting = select.poll()
    waiting.register(end, event)
    return bool(waiting.poll(seconds * 1000))


def _in_memory(content: bytes) -> int:
    """Return a descriptor of a file in memory, so that nothing needs to be readable by whoever runs the box."""
    descriptor = os.memfd_create("passerelle")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
