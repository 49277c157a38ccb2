"""A real hub for tests: its own data directory, a free port, the demo programme, started as `make start` does."""

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from passerelle.hub import origins
from passerelle.hub.passphrases import PASSWORDS, read_passwords
from passerelle.hub.preflight import free_ports
from passerelle.hub.processes import tied
from passerelle.model.settings import Settings

Found = TypeVar("Found")
CHECKOUT = Path(__file__).parents[2]
COURSES = CHECKOUT / "courses"


def wait_for(found: Callable[[], Found | None], what: str, timeout_s: float = 60) -> Found:
    """Return what is found as soon as it is; fail with its name after a bounded time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if (it := found()) is not None and it is not False:
            return it
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {timeout_s:g} s")


def reach_localhost_names() -> None:
    """Let this process find `*.localhost` where browsers do, at home, whatever the machine's resolver knows."""
    ask = socket.getaddrinfo

    def at_home(host: Any, *more: Any, **named: Any) -> Any:
        return ask("127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host, *more, **named)

    socket.getaddrinfo = at_home


reach_localhost_names()


class Browser(requests.Session):
    """A person's browser, without the pictures."""

    def __init__(self, settings: Settings, language: str = "en") -> None:
        super().__init__()
        self.settings = settings
        self.url = settings.address
        self.headers["Accept-Language"] = language

    def at(self, path: str) -> str:
        """Return the address of a path: of a server at the server's own host, of all else at the hub's."""
        server = re.match(r"/user/([^/]+)/", path)
        return (origins.server_address(self.settings, server[1]) if server else self.url) + path

    def get_page(self, path: str, **more: object) -> requests.Response:
        """Get a path of the hub's, or of a server's."""
        return self.get(self.at(path), timeout=30, **more)

    def log_in(self, handle: str, password: str) -> requests.Response:
        """Fill in the log-in form."""
        form = self.get_page("/hub/login")
        token = re.search(r'name="_xsrf" value="([^"]*)"', form.text)
        assert token, "the log-in page has no form"
        data = {"_xsrf": token[1], "username": handle, "password": password}
        return self.post(self.url + "/hub/login?next=", data=data, timeout=30)

    def open_server(self, handle: str, timeout_s: float = 90) -> requests.Response:
        """Start a server as its page does, wait, and return its status."""
        started = self.get_page(f"/hub/spawn/{handle}")
        assert started.status_code == 200, f"{started.status_code} for {started.url}"

        def ready() -> requests.Response | None:
            answer = self.get_page(f"/hub/spawn-pending/{handle}", allow_redirects=False)
            assert answer.status_code in {200, 302}, f"{answer.status_code}: the server did not start"
            return answer if answer.status_code == 302 else None

        wait_for(ready, f"the server of {handle}", timeout_s)
        # A page first: it brings the server's own cookie, which its API wants to see.
        self.get_page(f"/user/{handle}/lab")
        return self.get_page(f"/user/{handle}/api/status")


@dataclass
class RunningHub:
    """A hub that runs: where, with which settings, whose passwords."""

    settings: Settings
    process: subprocess.Popen[bytes]
    output: Path
    seconds_to_ready: float
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address that people open, without a slash at the end."""
        return self.settings.address

    def server(self, handle: str) -> str:
        """Return the address of somebody's server, without a slash at the end."""
        return f"{origins.server_address(self.settings, handle)}/user/{handle}"

    @property
    def log(self) -> Path:
        """The hub's log, its services' and its proxy's."""
        return self.settings.logs / "hub.log"

    def inside(self, path: Path) -> Path:
        """Return a path as the hub's processes see it, from here."""
        return Path(f"/proc/{self.process.pid}/root{path}")

    def browser(self, handle: str | None = None, language: str = "en") -> Browser:
        """Return a browser, of somebody who has logged in where she is named."""
        browser = Browser(self.settings, language)
        if handle is not None:
            answer = browser.log_in(handle, self.passwords[handle])
            assert answer.status_code == 200, f"{handle} could not log in: {answer.status_code} at {answer.url}"
        return browser

    def stop(self, number: signal.Signals = signal.SIGINT, timeout_s: float = 30) -> float:
        """Send a signal to the supervisor, wait for its end, return the seconds that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
                raise
        return time.monotonic() - began


def ports(count: int) -> list[int]:
    """Return ports that nobody has, and that nobody is given who asks for any.

    A hub takes its ports seconds after they were chosen; other tests run beside it and ask for ports all the time.
    """
    lowest_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if lowest_given < 16_000:
        return free_ports(count)
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(range(lowest_given // 2, lowest_given))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def settings_in(data: Path, port: int | None = None, url: str = "", *, sources: Path | None = None) -> Settings:
    """Return the settings of a hub in a directory, with the parts that `make test` has installed.

    `sources` has its courses as text; where none is given, the hub has data science alone: to build every track anew for
    each of some twenty hubs would take minutes. COURSES has them all.
    """
    if os.geteuid() == 0:
        pytest.fail("a hub does not run as root: run the tests with `scripts/bootstrap test …`")
    free, figures = ports(2)
    settings = Settings(
        data=data, port=port or free, url=url, metrics_port=figures, course_sources=sources or _one_track(data)
    )
    for part in (settings.learner / "bin" / "python", settings.node_modules):
        if not part.exists():
            pytest.fail(f"{part} is missing: run the tests with `scripts/bootstrap test …`")
    return settings


def _one_track(data: Path) -> Path:
    sources = data.parent / "one-track"
    sources.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (sources / "data-science").symlink_to(COURSES / "data-science")
    return sources


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a process these settings."""
    return {
        **os.environ,
        "PYTHONPATH": f"{CHECKOUT / 'src'}{os.pathsep}{CHECKOUT}",
        "PASSERELLE_DATA": str(settings.root),
        "PASSERELLE_PORT": str(settings.port),
        "PASSERELLE_URL": settings.url,
        "PASSERELLE_METRICS_PORT": str(settings.metrics_port),
        "PASSERELLE_LEARNER": str(settings.learner.resolve()),
        "PASSERELLE_NODE_MODULES": str(settings.node_modules.resolve()),
        "PASSERELLE_COURSE_SOURCES": str(settings.course_sources.resolve()),
    }


def start(settings: Settings, *, demo: bool = True, timeout_s: float = 120, within: Sequence[str] = ()) -> RunningHub:
    """Start a hub and wait until it is ready; `within` is a command that runs it in a world of its own."""
    settings.root.mkdir(parents=True, exist_ok=True)
    output = settings.root / "output.txt"
    began = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            # Tied: a test run that is killed leaves no hub behind.
            tied([*within, sys.executable, "-m", "passerelle.hub", *(["--demo"] if demo else [])]),
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = RunningHub(settings, process, output, 0.0)

    def ready() -> bool:
        if process.poll() is not None:
            pytest.fail(f"the hub did not start:\n{output.read_text()}")
        return "Ctrl-C ends everything." in output.read_text()

    try:
        wait_for(ready, "the hub", timeout_s)
    except BaseException:
        started.stop(signal.SIGTERM)
        raise
    started.seconds_to_ready = time.monotonic() - began
    kept = started.inside(settings.secrets / PASSWORDS)
    started.passwords = read_passwords(kept) if kept.exists() else {}
    return started


@contextmanager
def running(settings: Settings, *, demo: bool = True) -> Iterator[RunningHub]:
    """Run a hub for the length of a block."""
    started = start(settings, demo=demo)
    try:
        yield started
    finally:
        started.stop()


def processes_of(settings: Settings) -> list[str]:
    """Return the command lines of all processes that work for a data directory, boxes included."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            about = (entry / "environ").read_bytes().decode(errors="replace") + line
        except OSError:
            continue
        if str(settings.root) in about or f":{settings.port}/services/passerelle/" in about:
            found.append(f"{entry.name} {line.strip()}")
    return found


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run one hub with the demo programme for the whole session; tests leave it as they found it."""
    with running(settings_in(tmp_path_factory.mktemp("hub") / "data", sources=COURSES)) as started:
        yield started


def notebook_server_answers(response: requests.Response) -> bool:
    """Tell whether a response is a notebook server's status."""
    try:
        return "kernels" in json.loads(response.text)
    except ValueError:
        return False
