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
    """What was started, and where."""

    scratch: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "tcp"
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.protocol}://{self.host}:{self.port}"

    def start_scheduler(self) -> None:
        """Start it, and wait until it listens."""
        self.scheduler = self._start(
            "scheduler", "--host", self.host, "--port", str(self.port), "--protocol", self.protocol, "--no-dashboard"
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

    def start_worker(self, inside: tuple[str, ...] = (), own: str = "127.0.0.1", **environment: str) -> None:
        """Start one worker with one thread; `inside` comes before the command, a namespace to run it in."""
        worker = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", own,
            "--local-directory", str(self.scratch), inside=inside, **environment,
        )  # fmt: skip
        self.workers.append(worker)

    def _start(self, *command: str, inside: tuple[str, ...] = (), **environment: str) -> "subprocess.Popen[bytes]":
        ours = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        return subprocess.Popen(
            [*inside, sys.executable, "-m", "dask", *command],
            env={**os.environ, **ours, **self.environment, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        kill(self.scheduler)

    def kill_worker(self, number: int) -> None:
        kill(self.workers[number])

    def end(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
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
