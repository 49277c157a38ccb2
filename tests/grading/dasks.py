"""Dask's own scheduler and workers as processes, started as an operator starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Dasks:
    """What was started; `inside` comes before each command (a namespace to run it in)."""

    scratch: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "tcp"
    port: int = field(default_factory=free_port)
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.protocol}://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start it, and wait until it listens."""
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--protocol", self.protocol, "--no-dashboard"
        )
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < until, "no scheduler"
                time.sleep(0.1)
            else:
                return

    def start_worker(self, **environment: str) -> None:
        """Start one worker with one thread."""
        worker = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
            "--local-directory", str(self.scratch), **environment,
        )  # fmt: skip
        self.workers.append(worker)

    def _start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        # What runs for long ends with whoever started it, and its group is killed as one.
        ours = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            env={**os.environ, **ours, **self.environment, **environment},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        _kill(self.scheduler)

    def kill_worker(self, number: int) -> None:
        _kill(self.workers[number])

    def end(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


@contextmanager
def dasks(scratch: Path, workers: int = 2, **how: str) -> Iterator[Dasks]:
    """Run a scheduler with workers."""
    running = Dasks(scratch, **how)  # type: ignore[arg-type]
    try:
        running.start_scheduler()
        for _ in range(workers):
            running.start_worker()
        yield running
    finally:
        running.end()
