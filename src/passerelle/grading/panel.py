"""Starts the examiner and passes its questions on to the box."""

import json
import os
import select
import signal
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import autograders
import passerelle
from autograders.channel import MAX_FRAME, framed
from passerelle.grading import watch
from passerelle.grading.examiner import WHOLE
from passerelle.grading.fork import Fork
from passerelle.grading.forkserver import Kind, content_of, state_of
from passerelle.grading.unboxed import is_unboxed
from passerelle.grading.walls import EXAMINER_DISK, FORKED_MEMORY, UNIT, examiner_command
from passerelle.model.errors import ServiceError

_CHECK_S = 300.0
_IDLE_S = 60.0
"""By the clock: a check in all, and one that uses no CPU time (it sleeps, or waits for a lock). What computes too long
is ended by its CPU time: on a busy machine 20 s of that took more than a minute, with her answer in hand."""
_START_S = 60.0
_POLL_S = 1.0
_CPU_S = 20
"""CPU time for the checks of a notebook: honest ones need 1 or 2 seconds, imports included, and several times that
where many processes share a core. Where half of it is gone, the next check begins with as much of its own, once: so a
long notebook costs nobody a point, and one that wears the examiner down costs 40 s and two deaths."""
_CPU_AGAIN_S = 10
_MOST_DEATHS = 2
"""How often the answers of one submission may use up the examiner's time; what is left then is not met."""
_MOST_HEARD = 150_000_000
"""Bytes of all answers of one submission: the widest take the examiner some 0.05 s a megabyte."""
_MEMORY = 2_000_000_000
_SAID = 2_000
_ENDED_S = 5.0
_ROOM = 1_000_000
_MOST_CONTENTS = 4

Ask = Callable[[Mapping[str, Any]], bytes]
"""Asks the box one question and returns the JSON of its answer."""


class ExaminerError(ServiceError):
    """The examiner did not do its work: ours to mend, or the course author's; never costs a point."""

    quotes = True

    @classmethod
    def of_check(cls, unit: str, key: str, fault: str) -> "ExaminerError":
        """Build the error from what is wrong with a check."""
        return CheckError(
            f"unit {unit}, check {key}: the check itself stopped with {fault}; mend it and build the course again"
        )

    @classmethod
    def silent(cls, said: str) -> "ExaminerError":
        """Build the error from what the process said last."""
        return cls(
            f"marking: the examiner gave no result ({said.strip()[-400:] or 'it said nothing'}); see the log of marking"
        )


class CheckError(ExaminerError):
    """A check stopped by itself: it would again."""


class Examiner:
    """A process that runs check cells. A context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        modules: Sequence[str] = (),
        also: Sequence[str] = (),
        learner: Path | None = None,
        seed: str = "",
    ) -> None:
        """Begin one in a copy of the source folder of a unit; it starts while the box does.

        `modules` are imported in it before the first check, and where that saves time `also` others. `learner` is the
        environment whose libraries it uses (this one's, where none is given); `seed` is of what a check draws at
        random.
        """
        self._folder, self._modules, self._also = folder, list(modules), list(also)
        self._learner, self._seed = learner or Path(sys.prefix), seed
        self._deaths = self._heard = 0
        self._has_spare = True
        self._start(_CPU_S)

    def _start(self, cpu_s: int) -> None:
        # A file, not a pipe: a check may write as much as it likes, and nobody reads along.
        self._said_file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        self._pid = 0
        self._how: int | None = None
        content, size = (content_of({}), 0) if is_unboxed() else _content_of(self._folder)
        root = str(self._folder) if is_unboxed() else UNIT
        disks = {"/tmp": EXAMINER_DISK, UNIT: size + _ROOM}  # noqa: S108  inside
        # No network but the server's, in which there is none: what examines asks for nothing there.
        order = {"root": root, "disks": disks, "sealed": [UNIT], "network": False}
        order |= {"cpu_s": cpu_s, "memory": _MEMORY, "seed": self._seed}
        try:
            said = self._said_file.fileno()
            self._fork = Fork(self._kind(), order, content, modules=self._modules, also=self._also, said=said)
        finally:
            os.close(content)

    def _kind(self) -> Kind:
        package = Path(passerelle.__file__ or "").parent
        agent, state = "passerelle.grading.examiner", state_of(self._learner)
        environment = {
            "PYTHONPATH": "/passerelle",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            **FORKED_MEMORY,
        }
        if is_unboxed():
            roots = {str(package.parent), str(Path(autograders.__file__).parent.parent)}
            environment["PYTHONPATH"] = os.pathsep.join(sorted(roots))
            line = [sys.executable, "-P", "-m", "autograders.forkserver"]
            bare = lambda _within, arguments, *, alone: [*line, *arguments]  # noqa: ARG005, E731  no walls
            return Kind(agent, bare, tuple(line), state, environment=environment, alone=False)

        def made(_within: Mapping[str, int], arguments: list[str], *, alone: bool) -> list[str]:
            return examiner_command(self._learner, package, arguments, alone=alone)

        return Kind(agent, made, tuple(made({}, [], alone=True)), state, environment=environment)

    def _begin(self) -> None:
        """Wait until it is there; it starts while the box does."""
        if self._pid:
            return
        self._fork.wait(_START_S)
        self._end = self._fork.line
        self._pid = self._fork.hello(_START_S)
        if not self._pid:
            raise self._gone()
        self._end.settimeout(_START_S)

    def examine(self, source: str, points: float, ask: Ask, *, hidden: bool) -> dict[str, Any]:
        """Run one check; see `examiner.examine` for the result. Time that the box takes is not the examiner's.

        An answer that takes all of the examiner's CPU time is not what the check asks for.

        Raises:
            ExaminerError: there is no result.
        """
        return self._examined({"do": "examine", "source": source, "points": points, "hidden": hidden}, ask)

    def examine_plain(self, order: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        """Examine one plain check; see `plain.examine` for the order and the result.

        Raises:
            ExaminerError: there is no result.
        """
        return self._examined({"do": "plain", **order}, ask)

    def _examined(self, order: Mapping[str, Any], ask: Ask, *, again: bool = True) -> dict[str, Any]:
        if self._deaths >= _MOST_DEATHS:
            return _unforeseen()
        if self._has_spare and self._cpu_s() > _CPU_S / 2:
            self._has_spare = False
            self.close()
            self._start(_CPU_S)
        answered = False
        try:
            self._begin()
            self._send(order)
            left = _CHECK_S
            while True:
                began = time.monotonic()
                message = self._receive(left)
                left -= time.monotonic() - began
                if "examined" in message:
                    examined: dict[str, Any] = message["examined"]
                    return examined
                answer = ask(message)
                answered = True
                self._heard += len(answer)
                if self._heard > _MOST_HEARD or len(answer) > MAX_FRAME:
                    answer = b'{"state":"gone","why":"memory"}'
                self._write(len(answer).to_bytes(4, "big") + answer)
        except ExaminerError:
            # Without an answer of hers in this check, an earlier one may have used up the time: once more, then.
            if self._how != -signal.SIGXCPU or not (answered or again):
                raise
        self.close()
        self._start(_CPU_AGAIN_S)
        if not answered:
            return self._examined(order, ask, again=False)
        self._deaths += 1
        return _unforeseen()

    def _send(self, message: Any) -> None:
        self._write(framed(message))

    def _write(self, data: bytes) -> None:
        try:
            self._end.sendall(data)
        except OSError:
            raise self._gone() from None

    def _receive(self, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        size = int.from_bytes(self._exactly(4, deadline), "big")
        if size > MAX_FRAME:
            raise ExaminerError.silent("a message without end")
        message: dict[str, Any] = json.loads(self._exactly(size, deadline))
        return message

    def _exactly(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(deadline)
            try:
                chunk = self._end.recv(min(size - len(data), 1 << 20))
            except OSError:
                raise self._gone() from None
            if not chunk:
                raise self._gone()
            data += chunk
        return bytes(data)

    def _wait(self, deadline: float) -> None:
        """Wait until it says something, as long as it works."""
        waiting = select.poll()
        waiting.register(self._end, select.POLLIN)
        used, since = -1.0, time.monotonic()
        while not waiting.poll(1000 * _POLL_S):
            now = time.monotonic()
            if (cpu_s := self._cpu_s()) > used:
                used, since = cpu_s, now
            if now > deadline or now - since > _IDLE_S:
                raise ExaminerError.silent(f"no answer within {min(now - since, _CHECK_S):.0f} s")

    def _cpu_s(self) -> float:
        """Return the CPU time of the process."""
        itself = watch.process(self._pid) if self._pid else None
        return itself.cpu_s if itself else 0.0

    def _gone(self) -> ExaminerError:
        """Return why it is gone."""
        self._how = self._fork.ended(_ENDED_S)
        self._said_file.seek(max(0, self._said_file.seek(0, os.SEEK_END) - _SAID))
        return ExaminerError.silent(self._said_file.read(_SAID).decode("utf-8", "replace"))

    def close(self) -> None:
        """End it."""
        self._fork.close()
        self._said_file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_contents: OrderedDict[Path, tuple[tuple[Any, ...], int, int]] = OrderedDict()


def _content_of(folder: Path) -> tuple[int, int]:
    """Return a descriptor of what lies in a source folder, to be closed, and its bytes; read again where it changed."""
    root = folder.resolve()
    found = [(path, path.stat()) for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    state = tuple((path, one.st_mtime_ns, one.st_ctime_ns, one.st_size, one.st_ino) for path, one in found)
    known = _contents.pop(root, None)
    if known is None or known[0] != state:
        if known is not None:
            os.close(known[1])
        files = {path.relative_to(root).as_posix(): path.read_bytes() for path, _state in found}
        known = state, content_of(files), sum(map(len, files.values()))
    _contents[root] = known
    while len(_contents) > _MOST_CONTENTS:
        os.close(_contents.popitem(last=False)[1][1])
    return os.dup(known[1]), known[2]


def _unforeseen() -> dict[str, Any]:
    """Return the result of a check whose answers cannot be examined."""
    told = {"points": 0.0, "unmet": [[WHOLE, 1, [["unforeseen", {}, None]]]], "fault": None, "unanswered": False}
    # Spent: to ask once more would cost the same again.
    return {**told, "unsupported": "", "judged": False, "notes": [], "error": "", "opened": [], "spent": True}
