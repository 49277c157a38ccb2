"""A fellow attacks from her own notebook: in the kernel of her real server, on a real hub.

Each attack is also made where its wall is missing (`without-the-wall`), where it must succeed: no test passes by
being broken.
"""

import ctypes
import json
import os
import socket
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from passerelle.hub import processes
from passerelle.hub.box import Box
from passerelle.hub.spawner import learner_programs
from tests.attacks.town import COURSE, HER, PEER, TRACK, UNIT, Town
from tests.hub.running import CHECKOUT, Browser
from tests.hub.test_spawner import Kernel

pytestmark = pytest.mark.slow

SEGMENT_KEY = 0x5041
Run = Callable[[str], str]


def tried(run: Run, code: str, **given: Any) -> Any:
    """Run the body of an attack, and return what it got: None where it was refused."""
    body = textwrap.indent(textwrap.dedent(code), "    ")
    program = (
        "import ctypes, json, os, pathlib, resource, socket, subprocess, time, urllib.error, urllib.request\n"
        f"given = json.loads({json.dumps(given)!r})\n"
        f"def attack():\n{body}\n"
        "try:\n    got = attack()\n"
        "except OSError as refused:\n    got = None\n"
        "print('GOT ' + json.dumps(got))\n"
    )
    printed = run(program)
    lines = [line for line in printed.splitlines() if line.startswith("GOT ")]
    assert lines, printed
    return json.loads(lines[-1].removeprefix("GOT "))


@pytest.fixture(scope="module")
def notebook(town: Town) -> Run:
    """Return what runs code in her notebook."""
    browser = town.visitors["her"].session
    assert isinstance(browser, Browser)
    return Kernel(browser, HER).run


def python_of(town: Town) -> str:
    return str(town.hub.settings.learner.resolve() / "bin" / "python")


def outside(town: Town) -> Run:
    """Return what runs code without any box."""
    return lambda code: _output([python_of(town), "-c", code])


def boxed(town: Town, change: Callable[[list[str]], list[str]] = lambda line: line) -> Run:
    """Return what runs code in her very box, changed."""
    learner = town.hub.settings.learner.resolve()
    box = Box(HER, town.hub.settings.home(HER), learner_programs(learner))

    def run(code: str) -> str:
        line = change([str(word) for word in box.command([python_of(town), "-c", code])])
        return _output(line)

    return run


def _output(line: list[str]) -> str:
    done = subprocess.run(
        line, env={"PATH": "/usr/bin:/bin", "HOME": "/"}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def shown(*paths: Path | str) -> Callable[[list[str]], list[str]]:
    """Return the change of a box that shows paths of the machine in it."""

    def change(line: list[str]) -> list[str]:
        at = line.index("--remount-ro")
        more = [word for path in paths for word in ("--dev-bind", str(path), str(path))]
        return [*line[:at], *more, *line[at:]]

    return change


def without(*options: str) -> Callable[[list[str]], list[str]]:
    """Return the change of a box that leaves options out."""
    return lambda line: [word for word in line if word not in options]


# Files


def hidden_places(town: Town) -> dict[str, Path]:
    """Return one place of each kind that she must not see."""
    root, courses = town.hub.settings.root, town.hub.settings.courses / TRACK
    source = CHECKOUT / "courses" / TRACK / "units"
    unit = next(path for path in sorted(source.iterdir()) if path.name.startswith(UNIT.split("-")[0]))
    return {
        "anothers-home": town.hub.settings.home(PEER),
        "built-source-with-solutions": next((courses / "source" / UNIT).glob("*.ipynb")),
        "gradebook": courses / "gradebook.db",
        "course-directory": courses,
        "ledger-and-the-exchanges-store": root / "ledger.db",
        "hubs-database": root / "hub" / "jupyterhub.sqlite",
        "secrets": root / "secrets" / "hub-cookie",
        "logs": root / "logs",
        "checkout-solutions": unit / "unit.md",
        "checkout-truth": next(path for path in unit.rglob("*") if path.parent.name in ("truth", "wrong")),
        "platform": CHECKOUT / "src" / "passerelle",
        "launcher-socket": root / "hub" / "launcher.sock",
        "marking-socket": town.hub.settings.marking_socket,
    }


PLACES = [
    *("anothers-home", "built-source-with-solutions", "gradebook", "course-directory"),
    *("ledger-and-the-exchanges-store", "hubs-database", "secrets", "logs"),
    *("checkout-solutions", "checkout-truth", "platform", "launcher-socket", "marking-socket"),
]
LOOK = """
    path = pathlib.Path(given["path"])
    return [path.is_dir() and os.listdir(path) is not None or path.is_socket() or len(path.read_bytes()) > 0][0]
"""
LOOK_BY_A_LINK = """
    link = pathlib.Path.home() / f"link-{os.getpid()}-{time.monotonic_ns()}"
    link.symlink_to(given["path"])
    try:
        return link.is_dir() and os.listdir(link) is not None or link.is_socket() or len(link.read_bytes()) > 0
    finally:
        link.unlink()
"""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", [pytest.param(LOOK, id="by-its-path"), pytest.param(LOOK_BY_A_LINK, id="by-a-link")])
def test_what_is_not_hers_is_not_there(town: Town, notebook: Run, place: str, way: str) -> None:
    path = hidden_places(town)[place]
    town.hub.settings.home(PEER).mkdir(mode=0o700, exist_ok=True)
    without_the_wall = boxed(town, lambda line: shown(path)([*line[:1], "--setenv", "HOME", f"/home/{HER}", *line[1:]]))

    assert not tried(notebook, way, path=str(path))
    assert tried(without_the_wall, way, path=str(path))


def test_a_hard_link_leads_nowhere_else(town: Town, notebook: Run) -> None:
    secret = town.hub.settings.secrets / "hub-cookie"
    code = """
        link = given["into"] + "/hard"
        try:
            os.link(given["path"], link)
            return True
        finally:
            pathlib.Path(link).unlink(missing_ok=True)
    """

    assert not tried(notebook, code, path=str(secret), into=f"/home/{HER}")
    assert tried(outside(town), code, path=str(secret), into=str(town.hub.settings.home(HER)))


# Processes


@dataclass(frozen=True)
class Attack:
    """What she tries, and what of the box keeps her from it; None: all of it."""

    name: str
    code: str
    wall: Callable[[list[str]], list[str]] | None


def no_process_namespace(line: list[str]) -> list[str]:
    """Show the machine's processes: their directory instead of the box's own."""
    at = line.index("--proc")
    kept = [*line[:at], "--dev-bind", "/proc", "/proc", *line[at + 2 :]]
    return without("--unshare-pid", "--disable-userns")(kept)


SEES = """
    return any(b"passerelle.hub" in p.read_bytes() for p in pathlib.Path("/proc").glob("[0-9]*/cmdline"))
"""
ENVIRONMENTS = """
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            found.append(path.read_bytes())
        except OSError:
            pass
    return any(b"CONFIGPROXY_AUTH_TOKEN" in one and given["root"].encode() in one for one in found)
"""
MEMORY = """
    with open(f"/proc/{given['pid']}/mem", "rb") as memory, open(f"/proc/{given['pid']}/maps") as maps:
        line = next(line for line in maps if " r" in line)
        memory.seek(int(line.split("-")[0], 16))
        return len(memory.read(16))
"""
SIGNALS = """
    os.kill(given["pid"], 0)
    return b"passerelle.hub" in pathlib.Path(f"/proc/{given['pid']}/cmdline").read_bytes()
"""
RAISES_ITSELF = """
    program = subprocess.Popen(["su"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
            if next(line for line in status.splitlines() if line.startswith("Uid:")).split()[2] == "0":
                return True
        return False
    finally:
        program.stdin.close()
        program.wait(10)
"""
NESTS = """
    return subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode == 0
"""
SHARED_MEMORY = """
    return ctypes.CDLL(None).shmget(given["key"], 0, 0) >= 0
"""
DEVICES = """
    return any(os.path.exists(path) for path in ("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/vsock", "/dev/rtc0"))
"""
ATTACKS = [
    Attack("sees-other-processes", SEES, no_process_namespace),
    Attack("reads-their-environments", ENVIRONMENTS, None),
    Attack("reads-their-memory", MEMORY, None),
    Attack("signals-the-supervisor", SIGNALS, no_process_namespace),
    Attack("raises-itself-by-a-setuid-program", RAISES_ITSELF, None),
    Attack("makes-a-user-namespace", NESTS, without("--disable-userns")),
    Attack("takes-anothers-shared-memory", SHARED_MEMORY, without("--unshare-ipc")),
    Attack("lists-the-machines-devices", DEVICES, shown("/dev")),
    Attack("reads-sys", "return os.listdir('/sys') != []", shown("/sys")),
    Attack("reads-anothers-tmp", "return pathlib.Path(given['tmp']).read_text() == 'hers'", shown("/tmp")),
    Attack(
        "leaves-a-core",
        "return resource.getrlimit(resource.RLIMIT_CORE)[1] != 0",
        without("--core=0"),
    ),
]


@pytest.fixture(scope="module")
def of_others(town: Town) -> Iterator[dict[str, Any]]:
    """Lay out what she is after: a file of another's in /tmp, a segment of shared memory, the supervisor."""
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(SEGMENT_KEY, 4096, 0o1600)
    assert segment >= 0, os.strerror(ctypes.get_errno())
    hers = Path("/tmp") / f"passerelle-attack-{os.getpid()}"
    hers.write_text("hers")
    yield {
        "root": str(town.hub.settings.root),
        "pid": town.hub.process.pid,
        "key": SEGMENT_KEY,
        "tmp": str(hers),
    }
    hers.unlink()
    libc.shmctl(segment, 0, None)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_box_holds(town: Town, notebook: Run, of_others: dict[str, Any], attack: Attack) -> None:
    without_the_wall = outside(town) if attack.wall is None else boxed(town, attack.wall)

    assert not tried(notebook, attack.code, **of_others)
    assert tried(without_the_wall, attack.code, **of_others)


# Services on the shared loopback, asked directly

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
    Door("a-new-admin", "hub", "/hub/api/users/mallory", "admin", "POST", '{"admin": true}'),
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

    assert set(doors.values()) <= listening
    for name, port in doors.items():
        # A server's version is what Jupyter tells everybody.
        said = [
            path for path in tried(notebook, open_doors, port=port, paths=paths + with_prefix) if path[-4:] != "/api"
        ]
        assert said == [], name


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
