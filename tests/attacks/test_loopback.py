"""A fellow attacks from her own notebook what listens on the loopback that all boxes share: every service and port.

Each attack is also made where its wall is missing (`without_the_wall`), where it must succeed: no test passes by
being broken.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from passerelle.hub import processes
from tests.attacks.inside import Run, python_of, tried
from tests.attacks.town import COURSE, HER, PEER, TRACK, Town, outcome
from tests.hub.running import wait_for

pytestmark = pytest.mark.slow

ASK = """
    request = urllib.request.Request(given["url"], method=given["method"], data=given["data"].encode() or None)
    if given["token"]:
        request.add_header("Authorization", given["scheme"] + " " + given["token"])
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status if "/hub/login" not in answer.url else None
    except urllib.error.HTTPError:
        return None
"""


@dataclass(frozen=True)
class Door:
    """A service's address that she tries directly, and whose token opens it."""

    name: str
    part: str
    path: str
    key: str
    method: str = "GET"
    data: str = ""


DOORS = [
    Door("proxys-routes", "proxy", "/api/routes", "proxy-token"),
    Door("proxys-table", "proxy", "/api/routes/hers", "proxy-token", "POST", '{"target": "http://127.0.0.1:1"}'),
    Door("people", "hub", "/hub/api/users", "admin"),
    Door("another-person", "hub", f"/hub/api/users/{PEER}", "admin"),
    Door("anothers-tokens", "hub", f"/hub/api/users/{PEER}/tokens", "admin"),
    Door("a-token-for-herself", "hub", f"/hub/api/users/{HER}/tokens", "admin", "POST", "{}"),
    Door("a-token-for-another", "hub", f"/hub/api/users/{PEER}/tokens", "admin", "POST", "{}"),
    Door("a-new-person", "hub", "/hub/api/users/mallory", "admin", "POST", "{}"),
    Door("groups", "hub", "/hub/api/groups", "admin"),
    Door("services", "hub", "/hub/api/services", "admin"),
    Door("shares", "hub", f"/hub/api/users/{PEER}/shared", "admin"),
    Door("the-hubs-figures", "hub", "/hub/metrics", "admin"),
    Door("anothers-result", "pages", "/services/passerelle/api/results/{peer receipt}", "course"),
    Door("anothers-files", "pages", "/services/passerelle/api/submissions/{peer receipt}/files", "course"),
    Door("all-submissions", "pages", f"/services/passerelle/api/submissions/{TRACK}?all=1", "course"),
    Door("marking", "pages", f"/services/passerelle/api/marking/{TRACK}", "course", "POST", "{}"),
    Door("formgrader", "course", f"/user/{COURSE}/formgrader/api/students", "course"),
    Door("the-course-as-files", "course", f"/user/{COURSE}/api/contents", "course"),
    Door("anothers-server", "peer", f"/user/{PEER}/api/contents", "peer"),
    Door("figures", "figures", "/metrics", "metrics-token"),
]


@pytest.fixture(scope="module")
def doors(town: Town) -> Iterator[dict[str, int]]:
    """Return the ports on loopback of everything, another fellow's server included."""
    peer = town.visitors["peer"]
    town.open_server(peer, PEER)
    inner = town.inner_ports()

    def port_of(handle: str) -> int:
        address = town.server_environment(handle)["JUPYTERHUB_SERVICE_URL"]
        return int(address.split(":")[2].split("/")[0])

    yield {
        "hub": inner["hub"],
        "proxy": inner["proxy_api"],
        "pages": inner["service"],
        "course": port_of(COURSE),
        "peer": port_of(PEER),
        "figures": town.hub.settings.metrics_port,
        "public": town.hub.settings.port,
    }
    peer.ask("DELETE", f"{town.base('hub')}api/users/{PEER}/server")


@pytest.fixture(scope="module")
def keys(town: Town, doors: dict[str, int]) -> dict[str, str]:
    """Return the tokens that do open the doors."""
    secrets = town.hub.settings.secrets
    return {
        "admin": town.admin_token(),
        "course": town.server_token(COURSE),
        "peer": town.server_token(PEER),
        **{name: (secrets / name).read_text().strip() for name in ("proxy-token", "metrics-token")},
    }


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_every_service_asks_who_it_is(
    town: Town, notebook: Run, doors: dict[str, int], keys: dict[str, str], door: Door
) -> None:
    url = f"http://127.0.0.1:{doors[door.part]}" + door.path.format_map(town.known)
    scheme = "Bearer" if door.part == "figures" else "token"
    asked = {"url": url, "method": door.method, "data": door.data, "scheme": scheme}

    assert tried(notebook, ASK, **asked, token="") is None
    assert tried(notebook, ASK, **asked, token=town.server_token(HER)) is None
    assert tried(notebook, ASK, **asked, token=keys[door.key]) in {200, 201, 202, 204}


@contextmanager
def answers_everybody() -> Iterator[int]:
    """Run a service that asks nobody who she is; yield its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as service:
        Thread(target=service.serve_forever).start()
        try:
            yield service.server_port
        finally:
            service.shutdown()


def test_a_scan_finds_nothing_that_answers_to_nobody(town: Town, notebook: Run, doors: dict[str, int]) -> None:
    scan = """
        found = []
        for port in range(1, 65536):
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    found.append(port)
        return found
    """
    listening = set(tried(notebook, scan))
    open_doors = """
        said = []
        for path in given["paths"]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{given['port']}{path}", timeout=10) as answer:
                    if "/hub/login" not in answer.url:
                        said.append(path)
            except OSError:
                pass
        return said
    """
    paths = [
        "/",
        "/api",
        "/api/contents",
        "/api/kernels",
        "/hub/api/users",
        "/metrics",
        "/api/routes",
        "/files/",
        "/lab",
    ]
    with_prefix = [f"/user/{who}{path}" for who in (PEER, COURSE) for path in paths]

    def said(port: int) -> list[str]:
        # A server's version is what Jupyter tells everybody.
        answered = tried(notebook, open_doors, port=port, paths=paths + with_prefix)
        return [path for path in answered if path[-4:] != "/api"]

    assert set(doors.values()) <= listening
    assert {name: said(port) for name, port in doors.items()} == {name: [] for name in doors}
    with answers_everybody() as without_the_wall:
        assert tried(
            notebook, "return socket.create_connection(('127.0.0.1', given['port'])) and 1", port=without_the_wall
        )
        assert "/" in said(without_the_wall)


@pytest.mark.parametrize("option", ["SO_REUSEADDR", "SO_REUSEPORT"])
def test_no_port_of_ours_can_be_taken(town: Town, notebook: Run, doors: dict[str, int], option: str) -> None:
    take = """
        with socket.socket(socket.AF_INET6 if ":" in given["address"] else socket.AF_INET) as taken:
            taken.setsockopt(socket.SOL_SOCKET, getattr(socket, given["option"]), 1)
            taken.bind((given["address"], given["port"]))
            taken.listen()
            return True
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]

    for name, port in doors.items():
        # Those of servers have no name that a browser on this machine would try at ::1.
        for address in ("127.0.0.1", "0.0.0.0", *(("::1",) if name not in {"course", "peer"} else ())):
            assert not tried(notebook, take, address=address, port=port, option=option), (name, address)
    for address in ("127.0.0.1", "::1"):
        assert tried(notebook, take, address=address, port=free, option=option), address


def test_we_have_no_abstract_sockets(town: Town, notebook: Run) -> None:
    # The network is shared, and with it the names of abstract Unix sockets.
    connect = """
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(given["name"])
            return True
    """
    ours = {str(pid) for pid in (town.hub.process.pid, *processes.descendants(town.hub.process.pid))}
    inodes = set()
    for pid in ours:
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue
        inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
    named = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    abstract = [line[7] for line in named if len(line) > 7 and line[7].startswith("@") and line[6] in inodes]

    assert abstract == []
    with socket.socket(socket.AF_UNIX) as open_to_all:
        open_to_all.bind(f"\0passerelle-attack-{os.getpid()}")
        open_to_all.listen()
        assert tried(notebook, connect, name=f"\0passerelle-attack-{os.getpid()}")


# A port whose holder is killed

SQUATTER = """
import pathlib, socket, sys, time
port, here, until = int(sys.argv[1]), pathlib.Path(sys.argv[2]), time.monotonic() + 60
(here / "tries").touch()
taken = False
while not taken and time.monotonic() < until and not (here / "enough").exists():
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
            one.listen()
            taken = True
        except OSError:
            pass
(here / "got").write_text(str(int(taken)))
(here / "got").rename(here / "ended")
"""
SQUAT = """
    # Beside the kernel: what is killed may be on the way to it.
    here = pathlib.Path.home() / given["folder"]
    here.mkdir()
    line = [given["python"], "-c", given["program"], str(given["port"]), str(here)]
    return subprocess.Popen(line, start_new_session=True).pid
"""


def squatted(
    town: Town, notebook: Run, port: int, kill: Callable[[], None], is_back: Callable[[], bool] | None
) -> bool:
    """Let her try to take a port all the time, kill who holds it; tell whether she got it before it was back.

    None: nobody comes back, and she goes on until she has it.
    """
    folder = f"squat-{os.urandom(4).hex()}"
    here = town.hub.settings.home(HER) / folder
    assert tried(notebook, SQUAT, program=SQUATTER, port=port, folder=folder, python=python_of(town))
    wait_for((here / "tries").exists, "her first try", 30)
    kill()
    if is_back is not None:
        wait_for(is_back, "who comes back", 60)
        (here / "enough").touch()
    wait_for((here / "ended").exists, "her last try", 30)
    return bool(int((here / "ended").read_text()))


def pid_of(town: Town, words: bytes) -> int:
    """Return the process of ours whose command line has some words."""

    def found() -> int | None:
        for pid in processes.descendants(town.hub.process.pid):
            try:
                if words in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            except OSError:
                continue
        return None

    return wait_for(found, words.decode())


PARTS = {
    "hub": ("hub", b"passerelle.hub.jupyterhub"),
    "proxy": ("public", b"configurable-http-proxy"),
    "proxys-api": ("proxy", b"configurable-http-proxy"),
    "pages": ("pages", b"passerelle.hub.web"),
    "figures": ("figures", b"passerelle.hub.web"),
}


@pytest.mark.parametrize("name", PARTS)
def test_nobody_takes_the_port_of_a_service_that_is_killed(
    town: Town, notebook: Run, doors: dict[str, int], name: str
) -> None:
    door, words = PARTS[name]
    killed = pid_of(town, words)

    def everything_answers() -> bool:
        places = (f"{town.hub.url}/hub/health", f"{town.base('pages')}health", f"{town.base('server')}api")
        try:
            return pid_of(town, words) != killed and all(requests.get(one, timeout=5).ok for one in places)
        except requests.RequestException:
            return False

    assert not squatted(town, notebook, doors[door], lambda: os.kill(killed, signal.SIGKILL), everything_answers)


def test_whoever_holds_his_port_himself_loses_it(town: Town, notebook: Run) -> None:
    # Without the wall: a service that is killed, and nobody above it has its socket.
    holds = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    with subprocess.Popen([sys.executable, "-c", f"{holds}; time.sleep(60)"], stdout=subprocess.PIPE) as alone:
        assert alone.stdout
        port = int(alone.stdout.readline())

        assert squatted(town, notebook, port, alone.kill, None)


def test_nobody_takes_the_port_of_another_fellows_server_that_is_killed(
    town: Town, notebook: Run, doors: dict[str, int]
) -> None:
    # The last: it ends the server that other tests here ask.
    peer = town.visitors["peer"]
    box = town.server_pid(PEER)

    def noticed() -> bool:
        return outcome(peer.ask("GET", f"{town.base('hub')}user/{PEER}/api/status")) == "404"

    assert not squatted(town, notebook, doors["peer"], lambda: os.kill(box, signal.SIGKILL), noticed)
