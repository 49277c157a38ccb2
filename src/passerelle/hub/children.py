"""The processes that the supervisor starts, and starts again when they end."""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from passerelle.hub.logs import in_words
from passerelle.hub.processes import tied
from passerelle.hub.sockets import handed_down

LOG_KEPT_BYTES = 5 * 1024 * 1024
STEADY_AFTER_S = 10.0
"""One that has run for so long did not end because of its start (which takes up to three): it starts again at once."""
ERRORS = ("Error", "[E ", "[C ", '"ERROR"', '"CRITICAL"')
WAITS_S = (0.0, 1.0, 2.0, 5.0)
"""How long a process that ends again and again rests before each new start; the last one repeats."""


@dataclass(frozen=True)
class Part:
    """What a process is: its command, what it needs to know, the sockets it listens on."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    sockets: Sequence[socket.socket] = ()


@dataclass
class Child:
    """One process of ours, kept running."""

    part: Part
    directory: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    began: float = 0.0
    _quick_ends: int = 0
    _not_before: float = 0.0
    _log_began: int = field(default=0, repr=False)

    def start(self) -> None:
        """Start it; its output goes to its own log."""
        if self.log.exists() and self.log.stat().st_size > LOG_KEPT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self.log.chmod(0o600)
            if not self.starts:
                self._log_began = output.tell()
            self.process = subprocess.Popen(
                tied(self.part.command),
                cwd=self.directory,
                env={**self.part.environment, **handed_down(self.part.sockets)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[one.fileno() for one in self.part.sockets],
                start_new_session=True,
                umask=0o077,
            )
        self.starts += 1
        self.began = time.monotonic()

    def ended(self) -> int | None:
        """Return its exit code where it has ended; None while it runs."""
        return self.process.poll() if self.process is not None else None

    def keep_running(self) -> int | None:
        """Start it again where it has ended and has rested; return the exit code once, when its end is noticed."""
        if self.process is None:
            if time.monotonic() >= self._not_before:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        now = time.monotonic()
        self._quick_ends = 0 if now - self.began > STEADY_AFTER_S else self._quick_ends + 1
        self._not_before = now + WAITS_S[min(max(self._quick_ends - 1, 0), len(WAITS_S) - 1)]
        self.process = None
        return code

    def ask_to_end(self) -> None:
        """Ask it to end in good order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def last_word(self) -> str:
        """Return the last line of this run's log that says an error, or the last one."""
        if not self.log.exists():
            return "it said nothing"
        with self.log.open("rb") as log:
            log.seek(self._log_began if self.log.stat().st_size >= self._log_began else 0)
            lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if any(sign in line for sign in ERRORS)]
        return in_words((errors or lines or ["it said nothing"])[-1])
