"""`passerelle hub`: start everything, say where and for whom, end everything."""

import fcntl
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Self

from passerelle import ledger
from passerelle.hub import preflight, processes
from passerelle.hub.parts import PAGES, Ports
from passerelle.hub.passphrases import PASSWORDS
from passerelle.ledger import people
from passerelle.model.errors import ServiceError
from passerelle.model.people import Role
from passerelle.model.settings import Settings

HEALTHY_WITHIN_S = 90.0
STOP_WITHIN_S = 7.0
LOG_KEPT_BYTES = 5 * 1024 * 1024


class HubEndedError(ServiceError):
    """JupyterHub ended, or did not get well."""

    @classmethod
    def at_start(cls, log: Path, last: str) -> Self:
        """Build the error from the log's last word."""
        return cls(f"JupyterHub did not start ({last}): the whole story is in {log}.")

    @classmethod
    def later(cls, log: Path, code: int) -> Self:
        """Build the error of an end that nobody asked for."""
        return cls(f"JupyterHub ended by itself (code {code}): see {log}, then start again.")


class Supervisor:
    """One run of the hub on one data directory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = settings.logs / "hub.log"
        self.ports = Ports(*preflight.free_ports(3))
        self._log_began = 0
        self._hub: subprocess.Popen[bytes] | None = None
        self._stop_asked = False

    def run(self) -> int:
        """Start, serve until a signal, stop; return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_stop)
        preflight.check_user()
        preflight.make_directories(self.settings)
        with self._alone():
            began = time.monotonic()
            try:
                self._prepare()
                self._start()
                if self._wait_until_healthy():
                    self._say(f"ready in {time.monotonic() - began:.0f} s\n")
                    print(welcome(self.settings), flush=True)
                    self._wait_for_end()
            finally:
                self._stop()
        return 0

    def _ask_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_asked:
            # Asked twice: no more courtesy.
            processes.send(processes.descendants(os.getpid()), signal.SIGKILL)
        self._stop_asked = True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the data directory's lock: the kernel frees it at our end, however that comes."""
        path = self.settings.root / "hub.lock"
        with path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise preflight.StartError.runs_already(self.settings.root, path.read_text().strip()) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def _prepare(self) -> None:
        processes.become_subreaper()
        if cleared := preflight.clear_stale(self.settings):
            self._say(f"ended {cleared} processes that an earlier run had left")
        preflight.check_port(self.settings)
        preflight.check_disk(self.settings)
        preflight.check_parts(self.settings)
        ledger.migrate(self.settings.database_url)

    def _start(self) -> None:
        environment = {
            **os.environ,
            **self.ports.environment(),
            "PASSERELLE_DATA": str(self.settings.root),
            "PASSERELLE_PORT": str(self.settings.port),
            "PASSERELLE_DATABASE": self.settings.database_url,
            "PASSERELLE_LEARNER": str(self.settings.learner.resolve()),
            "PASSERELLE_NODE_MODULES": str(self.settings.node_modules.resolve()),
            "PASSERELLE_TIMEZONE": self.settings.timezone,
            processes.INSTANCE: str(self.settings.root),
        }
        config = files("passerelle.hub") / "jupyterhub_config.py"
        if self.log.exists() and self.log.stat().st_size > LOG_KEPT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self.log.chmod(0o600)
            self._log_began = output.tell()
            self._hub = subprocess.Popen(
                processes.tied([sys.executable, "-m", "jupyterhub", "-f", str(config)]),
                cwd=self.settings.root / "hub",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )

    def _wait_until_healthy(self) -> bool:
        """Wait for the hub, then for our service; return False where a stop was asked meanwhile."""
        until = time.monotonic() + HEALTHY_WITHIN_S
        for what, port, path in (
            # The hub's own port first: the proxy writes a line for each question that comes too early.
            ("JupyterHub", self.ports.hub, "/hub/health"),
            ("the pages and the exchange", self.settings.port, f"{PAGES}health"),
        ):
            self._say(f"waiting for {what} …")
            while not answers(f"http://127.0.0.1:{port}{path}"):
                if self._stop_asked:
                    return False
                if self._ended() is not None or time.monotonic() > until:
                    raise HubEndedError.at_start(self.log, self._last_word())
                time.sleep(0.1)
        return True

    def _ended(self) -> int | None:
        if self._hub is None:
            return None
        processes.reap(self._hub.pid)
        return self._hub.poll()

    def _wait_for_end(self) -> None:
        while not self._stop_asked:
            if (code := self._ended()) is not None:
                raise HubEndedError.later(self.log, code)
            # A signal ends the sleep's round, not the sleep: keep it short.
            time.sleep(0.2)

    def _stop(self) -> None:
        """End the hub in good order, then whatever is left below us."""
        if self._hub is not None and self._hub.poll() is None:
            self._say("stopping …")
            self._hub.send_signal(signal.SIGTERM)
            try:
                self._hub.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._say("JupyterHub takes long; ending it")
        left = processes.end(processes.descendants(os.getpid()), grace_s=0.5)
        if self._hub is not None:
            self._say("stopped" if not left else f"still running: {left}")

    def _last_word(self) -> str:
        """Return the last line of this run's log that says an error, or the last one."""
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if "Error" in line or "[E " in line or "[C " in line]
        return (errors or lines or ["it said nothing"])[-1]

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def answers(url: str) -> bool:
    """Tell whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # a loopback address of ours
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def welcome(settings: Settings) -> str:
    """Return the address and who can log in as what."""
    lines = [f"Passerelle is at http://127.0.0.1:{settings.port}", ""]
    engine = ledger.engine(settings.database_url)
    with ledger.reading(engine) as session:
        for role in Role:
            handles = [f"{one.handle} ({one.language})" for one in people.people(session, role) if one.password_hash]
            if handles:
                lines.append(f"  {role:<12} {', '.join(handles)}")
    engine.dispose()
    if len(lines) == 2:
        lines.append("  Nobody has an account yet: `passerelle demo fill` makes a demo programme.")
    kept = settings.secrets / PASSWORDS
    if kept.exists():
        lines += ["", f"Their passwords are in {kept}"]
    lines.append("Ctrl-C ends everything.")
    return "\n".join(lines)


def run(settings: Settings) -> int:
    """Run the hub until Ctrl-C; see `Supervisor`.

    Raises:
        ServiceError: when it cannot start, or ends by itself: one line with the cure.
    """
    return Supervisor(settings).run()
