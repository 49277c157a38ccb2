"""The learner box, seen from outside: starts it, gives it orders, holds it to its limits.

Each submission has a fork of a warm process (`forkserver`). Whatever comes out of a box is data of unknown truth:
here it is counted and passed on as bytes, or read as JSON, never more.
"""

import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from autograders.channel import MAX_FRAME, framed
from passerelle.grading import watch
from passerelle.grading.forkserver import Fork, Kind, content_of, state_of
from passerelle.grading.unboxed import is_unboxed, unboxed_command, unboxed_environment, unboxed_folder
from passerelle.grading.walls import DISKS, WITHIN, WORK, BoxError, Limits, command, identity

_POLL_S = 0.05
_WATCH_S = 0.2
_COUNT_S = 1.0
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


class Box:
    """One submission's box. A context manager: what was started inside ends with it."""

    def __init__(
        self,
        learner: Path,
        files: Mapping[str, bytes],
        limits: Limits | None = None,
        *,
        modules: Sequence[str] = (),
        also: Sequence[str] = (),
        seed: str = "",
    ) -> None:
        """Start a box; `wait` says when it is ready.

        Args:
            learner: the learner environment.
            files: what lies in the working directory, by relative path.
            limits: of the submission.
            modules: what to import before the first cell, on nobody's time.
            also: what may be imported then: it changes nothing but what her own imports cost.
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
        self._asked_s = 0.0
        self._killed_for_memory: set[int] = set()
        self._looked = self._counted = time.monotonic()
        self._unboxed = is_unboxed()
        self._scratch = unboxed_folder(files) if self._unboxed else None
        limited = self.limits.of_process()
        if self._unboxed:
            del limited["NPROC"]  # without a namespace it counts all that this user runs, ours too
        disks = dict.fromkeys(DISKS, self.limits.disk)
        root = WORK if self._scratch is None else self._scratch.name
        order = {"root": root, "disks": disks, "sealed": [], "network": True, "limits": limited, "seed": seed}
        content = content_of({} if self._unboxed else files)
        try:
            kind = self._kind(learner)
            self._fork = Fork(kind, order, content, modules=modules, also=also, names=_names_of(files))
        finally:
            os.close(content)

    def _kind(self, learner: Path) -> Kind:
        """Return what forks such boxes."""
        agent, state = "autograders.box", state_of(learner)
        if self._scratch is not None:
            line = unboxed_command(learner, [])
            bare = lambda _within, arguments, *, alone: unboxed_command(learner, arguments)  # noqa: ARG005, E731  no box, no walls
            inside = unboxed_environment(learner, self._scratch.name)
            place = self._scratch.name
            return Kind(
                agent, bare, tuple(line), state, environment=inside, identity=identity(), folder=place, alone=False
            )
        made = partial(command, learner, disk=self.limits.disk)
        line = made(dict.fromkeys(WITHIN, 0), [], alone=True)
        return Kind(agent, made, tuple(line), state, within=WITHIN, identity=identity())

    def wait(self) -> None:
        """Wait until the box can run cells.

        Raises:
            BoxError: it does not start, with the cure.
        """
        self._fork.wait(self.limits.start_s)
        self._line = _Line(self, self._fork.line)
        try:
            self._line.receive(time.monotonic() + self.limits.start_s, self.limits.start_s)
        except GoneError:
            raise BoxError.did_not_start(self._fork.server.said()) from None

    @property
    def root(self) -> int:
        """Return the process below which all of the box is."""
        return self._fork.root

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell; return its "state" (done, raised, time, memory, died), "outputs", "error" and "text": hearsay.

        And "whole": whether the time it had was the last of the whole notebook's.
        """
        if self.why is not None:
            return {"state": self.why, "outputs": []}
        limits = self.limits
        used = self._cpu_s() - self._asked_s
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

    def get(self, question: Mapping[str, Any]) -> bytes:
        """Return what a name holds where the notebook stands, as `Keeper.ask` does; it goes on as if nobody asked."""
        wall_s = min(self.limits.call_s * self.limits.patience, self._for_answers.left_s)
        why = self.why or ("time" if wall_s <= 0 else None)
        if why is None:
            before = self._cpu_s()
            order = {**question, "do": "get", "cpu_s": self.limits.call_s, "wall_s": wall_s}
            try:
                with self._for_answers:
                    deadline = time.monotonic() + wall_s + _GRACE_S
                    self._line.send(framed(order), deadline)
                    return self._line.receive(deadline, self.limits.call_s)
            except GoneError as gone:
                self._end_runner(gone.why)
                if gone.why == "time":
                    return b'{"state":"slow"}'
                why = gone.why
            finally:
                self._asked_s += max(0.0, self._cpu_s() - before)
        return json.dumps({"state": "gone", "why": why}).encode()

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

    def let_go(self, keeper: Keeper) -> None:
        """Let a kept state end."""
        keeper.close()
        self._keepers.remove(keeper)

    def look_after(self) -> None:
        """Hold the box to its memory; called while waiting."""
        now = time.monotonic()
        if now - self._looked < _WATCH_S:
            return
        self._looked = now
        inside = [one for one in watch.below(self._fork.root) if one.pid not in self._fork.ours]
        # What each was forked with is the server's; who frees that and takes as much is found by the exact count.
        taken = sum(max(0, one.memory - self._fork.server.memory) for one in inside)
        if taken <= self.limits.memory / 2 and now - self._counted < _COUNT_S:
            return
        # Counting takes the kernel long where there is much to look at: never more than a fifth of the time.
        began = time.thread_time()
        shares = {one: watch.own_memory(one.pid) for one in inside}
        if sum(shares.values()) > self.limits.memory:
            largest = max(shares, key=shares.__getitem__)
            self._killed_for_memory.add(largest.pid)
            watch.end(largest.pid, largest.born)
        self._counted = time.monotonic()
        self._looked = now + min(4 * (time.thread_time() - began), 1.0)

    def why_gone(self, pid: int) -> str:
        """Return why a process of the box is gone.

        Raises:
            BoxError: the box itself is: nothing in it can do that.
        """
        if not self._fork.is_there():
            raise BoxError.ended()
        if pid in self._killed_for_memory:
            return "memory"
        self.died = True
        return "died"

    def close(self) -> None:
        """End everything inside."""
        strays = watch.below(self._fork.root) if self._unboxed else []
        for keeper in self._keepers:
            keeper.close()
        self._fork.close()
        for one in strays:  # in a box they end with its first process
            watch.end(one.pid, one.born)
        if self._scratch is not None:
            self._scratch.cleanup()

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
        """End the runner and what it started; the keepers stay, and what they live by."""
        self.why = why
        stay = {*self._fork.ours, *(keeper.pid for keeper in self._keepers)}
        for one in watch.below(self._fork.root):
            if one.pid not in stay:
                watch.end(one.pid, one.born)


class Here(Keeper):
    """The state where a notebook stands now. It is kept when something is asked that may change it, not before.

    `names` takes the names that were asked for.
    """

    def __init__(self, box: Box, names: set[str]) -> None:
        self._box, self._names = box, names
        self._kept: Keeper | None = None

    def ask(self, question: Mapping[str, Any], cpu_s: float | None = None) -> bytes:
        """Return the answer, as `Keeper.ask` does."""
        if self._kept is None and question["ask"] == "get":
            self._names.add(question["name"])
            return self._box.get(question)
        if self._kept is None:
            self._kept = self._box.keep()
        if self._kept is None:
            return json.dumps({"state": "gone", "why": self._box.why or "died"}).encode()
        return self._kept.ask(question, cpu_s)

    def again(self) -> Keeper:
        """Return the same state, as nobody has asked it anything."""
        return Here(self._box, self._names)

    def close(self) -> None:
        """Let what was kept end."""
        if self._kept is not None:
            self._box.let_go(self._kept)


class Names:
    """What names hold where a notebook stands now. Who asks for more is told nothing; the state is kept for later.

    For hidden tests: neither their arguments nor a name that what is released does not ask for may be there while cells
    still run. `known` are the names that it asks for.
    """

    def __init__(self, box: Box, known: Collection[str]) -> None:
        self._box, self._known = box, known
        self.asked_more = False
        self.kept: Keeper | None = None

    def ask(self, question: Mapping[str, Any]) -> bytes:
        """Return what a name holds; of anything else that nobody answers."""
        if not self.asked_more and question["ask"] == "get" and question["name"] in self._known:
            return self._box.get(question)
        if not self.asked_more:
            self.asked_more, self.kept = True, self._box.keep()
        return b'{"state":"gone","why":"died"}'


def _is_ready(end: socket.socket, event: int, seconds: float) -> bool:
    """Wait for a socket. Not select(): it knows no descriptor above 1023."""
    waiting = select.poll()
    waiting.register(end, event)
    return bool(waiting.poll(seconds * 1000))


def _names_of(files: Mapping[str, bytes]) -> set[str]:
    """Return the names by which what lies beside a notebook can be imported."""
    parts = [PurePosixPath(name).parts for name in files]
    return {first[:-3] if first.endswith(".py") else first for first, *_rest in parts}
