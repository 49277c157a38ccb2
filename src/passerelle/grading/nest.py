"""The processes of a local cluster: one that imports the marker, and forks workers that need no import of their own.

It starts first and imports while its client does the same: two cores are both at work, and a worker that died is
there again in milliseconds. Nothing but the standard library is imported at the top.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import gc
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
# The path comes by the pipe, not by a command line or an environment that others inherit.
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.stdin.readline()); from passerelle.grading import nest; "
_NEW, _SCRATCH = "passerelle-new-", "passerelle-workers-"
END_S = 5.0
AT_LEAST_S = 1.0
"""A worker that lives shorter than this is followed by the next one only after as long: no spinning."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SETTINGS: Mapping[str, Any] = {
    "distributed.admin.tick.interval": "30s",
    "distributed.admin.tick.limit": "1h",
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.client.scheduler-info-interval": "30s",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}
"""What Dask does by the clock, and serves beside the work: little, for processes that mostly wait."""


class Nest:
    """The client's end of it.

    Args:
        workers: how many processes mark at once.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._command = [sys.executable, "-c", _BOOT + "nest.main()", "passerelle-workers"]
        self._told: bytes | None = None
        self._scratch: str | None = None
        self._held = -1
        self._process = self._begin()

    def _begin(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=os.environ | ONE_THREAD)
        self._write(process, json.dumps([os.path.abspath(path) for path in sys.path]).encode())  # noqa: PTH100  ""
        return process

    def join(self, address: str, tls: Mapping[str, str]) -> None:
        """Let workers start, for a scheduler at an address, with the certificates of this run."""
        told = {"address": address, "tls": dict(tls), "workers": self.workers, "scratch": self.scratch}
        self._told = json.dumps(told).encode()
        self._write(self._process, self._told)

    @property
    def scratch(self) -> str:
        """Return a folder for what Dask writes; it goes with these processes, or with the next that come."""
        if self._scratch is None:
            _clear_left()
            made = tempfile.mkdtemp(prefix=_NEW)
            # Whose client is killed is known by its lock: the kernel frees it.
            self._held = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._held, fcntl.LOCK_EX)
            self._scratch = made.replace(_NEW, _SCRATCH)
            os.rename(made, self._scratch)  # noqa: PTH104  locked before it is found
        return self._scratch

    @staticmethod
    def _write(process: "subprocess.Popen[bytes]", line: bytes) -> None:
        assert process.stdin is not None  # a pipe, see above  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # it ended: `revive` sees it
            process.stdin.write(line + b"\n")
            process.stdin.flush()

    def revive(self) -> bool:
        """Start it again where it ended; tell whether it had."""
        if self._process.poll() is None:
            return False
        self._close_pipe()
        self._process = self._begin()
        if self._told is not None:
            self._write(self._process, self._told)
        return True

    def close(self) -> None:
        """End all workers, at once: the ledger has what they were doing."""
        if self._told is None:  # it is still importing, and has nothing to clear up
            self._process.kill()
        self._close_pipe()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            os.close(self._held)
            self._scratch = None

    def _close_pipe(self) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()


def _clear_left() -> None:
    """Remove what clients that were killed have left in the place for temporary files."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), f"{_SCRATCH}*")):  # noqa: PTH118, PTH207  light
        with contextlib.suppress(OSError):  # held by a living client, or somebody else's
            left = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(left)


@contextmanager
def hatched(workers: int) -> Iterator[Nest | None]:
    """Start the processes for so many workers before anything is imported; none where one is enough."""
    nest = Nest(workers) if workers > 1 else None
    try:
        yield nest
    finally:
        if nest is not None:
            nest.close()


# In the processes


def main() -> None:
    """Import, hear where the scheduler is, and keep so many workers alive until the client's pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    end_with_parent(signal.SIGTERM)
    import distributed  # noqa: F401, PLC0415

    import passerelle.grading.marking  # noqa: F401, PLC0415

    line = sys.stdin.readline()
    if not line:
        return
    told = json.loads(line)
    gc.freeze()
    brood = _Brood(told)
    try:
        brood.keep()
    finally:
        brood.end()
        shutil.rmtree(told["scratch"], ignore_errors=True)


class _Brood:
    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._born: dict[int, tuple[int, float]] = {}  # process and time of birth, by descriptor
        self._number = 0

    def keep(self) -> None:
        """Return when the client's pipe closes."""
        pipe, rest_s = sys.stdin.fileno(), 0.0
        while True:
            if rest_s <= 0:
                while len(self._born) < self._told["workers"]:
                    self._fork()
            ready, _, _ = select.select([pipe, *self._born], [], [], rest_s or None)
            rest_s = 0.0
            if pipe in ready:
                return
            for one in ready:
                process, since = self._born.pop(one)
                os.waitpid(process, 0)
                os.close(one)
                rest_s = max(rest_s, AT_LEAST_S - (time.monotonic() - since))

    def end(self) -> None:
        for descriptor, (process, _) in self._born.items():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(descriptor)

    def _fork(self) -> None:
        self._number += 1
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            self._be_worker(parent)
        self._born[os.pidfd_open(process)] = process, time.monotonic()

    def _be_worker(self, parent: int) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            end_with_parent(signal.SIGKILL, parent)
            empty = os.open(os.devnull, os.O_RDONLY)
            os.dup2(empty, 0)
            for descriptor in self._born:
                os.close(descriptor)
            asyncio.run(_serve(self._told, self._number))
            code = 0
        finally:
            # Not by sys.exit: the nest's own clean-up is the nest's.
            os._exit(code)


async def _serve(told: Mapping[str, Any], number: int) -> None:
    import dask  # noqa: PLC0415
    import distributed  # noqa: PLC0415

    dask.config.set(SETTINGS)
    made: Any = distributed  # it has no types of its own
    security = made.Security(require_encryption=True, **told["tls"])
    async with made.Worker(
        told["address"],
        host="127.0.0.1",
        nthreads=1,
        name=f"worker-{number}",
        security=security,
        memory_limit=0,
        local_directory=told["scratch"],
        dashboard=False,
        silence_logs=50,
        death_timeout=60,
    ) as worker:
        await worker.finished()


def end_with_parent(number: signal.Signals, parent: int | None = None) -> None:
    """Let this process get a signal when the thread that started it ends."""
    parent = parent or os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it ended before that
        os._exit(1)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
