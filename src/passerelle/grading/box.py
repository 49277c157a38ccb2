"""The learner box, seen from outside: starts it, gives it orders, holds it to its limits.

Each submission has a fork of a warm process (`forkserver`). Whatever comes out of a box is data of unknown truth:
here it is counted and passed on as bytes, or read as JSON, never more.
"""

import json
import os
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from autograders.channel import framed
from passerelle.grading import watch
from passerelle.grading.fork import Fork
from passerelle.grading.forkserver import Kind, content_of, state_of
from passerelle.grading.keeper import GRACE_S, GoneError, Keeper, Line, Patience
from passerelle.grading.unboxed import is_unboxed, unboxed_command, unboxed_environment, unboxed_folder
from passerelle.grading.walls import DISKS, WITHIN, WORK, BoxError, Limits, command, identity

_WATCH_S = 0.2
_COUNT_S = 1.0


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
        self._for_cells, self._for_answers = (Patience(self.limits.total_s * self.limits.patience) for _ in range(2))
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
        self._line = Line(self, self._fork.line)
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
                deadline = time.monotonic() + wall_s + GRACE_S
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
                    deadline = time.monotonic() + wall_s + GRACE_S
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
        line = Line(self, ours)
        try:
            with theirs:
                self._line.send_descriptor(framed({"do": "keep"}), theirs.fileno())
            deadline = time.monotonic() + GRACE_S * self.limits.patience
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


def _names_of(files: Mapping[str, bytes]) -> set[str]:
    """Return the names by which what lies beside a notebook can be imported."""
    parts = [PurePosixPath(name).parts for name in files]
    return {first[:-3] if first.endswith(".py") else first for first, *_rest in parts}
