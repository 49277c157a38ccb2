"""`passerelle hub`: start everything, say where and for whom, end everything."""

import logging
import os
import select
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Self

from passerelle import ledger
from passerelle.hub import logs, origins, preflight, processes, sockets
from passerelle.hub.children import Child
from passerelle.hub.launcher import Launcher
from passerelle.hub.lock import only_hub
from passerelle.hub.parts import HUB, PAGES, PROXY, WEB, Ports, parts
from passerelle.hub.passphrases import PASSWORDS
from passerelle.hub.roles import SUPERVISOR
from passerelle.ledger import people
from passerelle.model.errors import ServiceError
from passerelle.model.keys import kept_secret
from passerelle.model.people import Role
from passerelle.model.settings import Settings

log = logging.getLogger(__name__)

HEALTHY_WITHIN_S = 90.0
STOP_WITHIN_S = 7.0


class PartEndedError(ServiceError):
    """One of our processes did not get well."""

    @classmethod
    def at_start(cls, name: str, log: Path, last: str) -> Self:
        """Build the error from the log's last word."""
        return cls(f"Passerelle did not start: {name} ended ({last}). The whole story is in {log}.")


class Supervisor:
    """One run of an installation on its data directory: its processes, its sockets, its boxed servers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.children: dict[str, Child] = {}
        self._sockets: dict[int, socket] = {}
        self._kept: list[socket | None] = []
        self._launcher: Launcher | None = None
        self._stop_asked = False
        self._routed = 1  # the hub itself gives the first proxy its routes

    def run(self) -> int:
        """Start, serve until a signal, stop; return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_stop)
        # Whatever the shell it was started from has: what we write is ours alone.
        os.umask(0o077)
        preflight.check_user()
        preflight.make_directories(self.settings)
        with only_hub(self.settings.root, preflight.StartError.runs_already):
            logs.set_up("supervisor", self.settings, uncaught=False)
            began = time.monotonic()
            try:
                self._prepare()
                self._start()
                if self._wait_until_healthy():
                    self._say(f"ready in {time.monotonic() - began:.0f} s\n")
                    print(welcome(self.settings), flush=True)
                    self._keep_running()
            finally:
                self._stop()
        return 0

    def _ask_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_asked:
            # Asked twice: no more courtesy.
            processes.send(processes.descendants(os.getpid()), signal.SIGKILL)
        self._stop_asked = True

    def _prepare(self) -> None:
        processes.become_subreaper()
        if cleared := preflight.clear_stale(self.settings):
            self._say(f"ended {cleared} processes that an earlier run had left")
        preflight.check_disk(self.settings)
        preflight.check_parts(self.settings)
        public = preflight.bind_public(self.settings)
        inner = [sockets.bind() for _ in range(3)]
        figures = preflight.bind_metrics(self.settings)
        self._sockets = {sockets.port_of(one): one for one in (public, *inner, *figures)}
        self._kept = [sockets.keep_from_others(port) for port in self._sockets]
        self.ports = Ports(*(sockets.port_of(one) for one in inner))
        ledger.migrate(self.settings.database_url)

    def _start(self) -> None:
        self._launcher = Launcher(self.settings)
        for part in parts(self.settings, self.ports, self._sockets):
            child = Child(part, self.settings.root / "hub", self.settings.logs / f"{part.name}.log")
            self.children[part.name] = child
            child.start()

    def _wait_until_healthy(self) -> bool:
        """Wait for the hub, then for our service; return False where a stop was asked meanwhile."""
        until = time.monotonic() + HEALTHY_WITHIN_S
        # By name, at its address: this machine may not know the name. As a script: those are not sent on elsewhere.
        by_name = {"Host": origins.host(self.settings), "Sec-Fetch-Mode": "cors"}
        for what, name, address in (
            ("JupyterHub", HUB, f"http://127.0.0.1:{self.ports.hub}/hub/health"),
            ("the pages and the exchange", WEB, f"http://127.0.0.1:{self.ports.service}{PAGES}health"),
            ("the proxy", PROXY, f"http://127.0.0.1:{self.settings.port}{PAGES}health"),
        ):
            self._say(f"waiting for {what} …")
            while not answers(urllib.request.Request(address, headers=by_name)):  # noqa: S310  # addresses of ours
                if self._stop_asked:
                    return False
                ended = next((one for one in self.children.values() if one.ended() is not None), None)
                if ended is not None or time.monotonic() > until:
                    missing = ended or self.children[name]
                    raise PartEndedError.at_start(missing.part.name, missing.log, missing.last_word())
                time.sleep(0.05)
        return True

    def _keep_running(self) -> None:
        """Start again what ends, start servers for the hub, until a stop is asked."""
        assert self._launcher is not None  # `_start` was before  # noqa: S101
        while not self._stop_asked:
            # A signal ends the wait's round, not the wait: keep it short.
            ready, _, _ = select.select([self._launcher], [], [], 0.2)
            if ready:
                self._launcher.answer()
            self._reap()
            for child in self.children.values():
                code = child.keep_running()
                if code is not None:
                    self._say(f"{child.part.name} ended (code {code}): starting it again; see {child.log}")
            self._tell_routes()

    def _reap(self) -> None:
        """Take leave of what has ended below us, orphans included."""
        servers = self._launcher.reap() if self._launcher else set()
        ours = {child.process.pid for child in self.children.values() if child.process is not None}
        processes.reap(ours | servers)

    def _tell_routes(self) -> None:
        """Let the hub give a proxy that was started again its routes; asked until it has answered."""
        proxy = self.children[PROXY]
        if proxy.starts == self._routed or proxy.process is None:
            return
        token = kept_secret(self.settings.secrets, f"service-{SUPERVISOR}")
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports.hub}/hub/api/proxy",
            method="POST",
            headers={"Authorization": f"token {token}"},
        )
        if answers(request):
            self._routed = proxy.starts

    def _stop(self) -> None:
        """End the hub in good order, then whatever is left below us."""
        hub = self.children.get(HUB)
        if hub is not None and hub.process is not None and hub.ended() is None:
            self._say("stopping …")
            # The hub first: it ends the servers.
            hub.ask_to_end()
            until = time.monotonic() + STOP_WITHIN_S
            while hub.ended() is None and time.monotonic() < until:
                self._reap()
                time.sleep(0.05)
            if hub.ended() is None:
                self._say("JupyterHub takes long; ending it")
        left = processes.end(processes.descendants(os.getpid()), grace_s=0.5)
        if self._launcher is not None:
            self._launcher.close()
        for one in (*self._sockets.values(), *self._kept):
            if one is not None:
                one.close()
        if self.children:
            self._say("stopped" if not left else f"still running: {left}")

    def _say(self, text: str) -> None:
        log.info("%s", text.strip())
        print(text, file=sys.stderr, flush=True)


def answers(request: urllib.request.Request) -> bool:
    """Tell whether a request is answered with a 200 (or what comes near it)."""
    try:
        with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310  # a loopback address of ours
            return bool(200 <= response.status < 300)
    except (urllib.error.URLError, OSError):
        return False


def welcome(settings: Settings) -> str:
    """Return the address and who can log in as what."""
    lines = [f"Passerelle is at {settings.address}", ""]
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
