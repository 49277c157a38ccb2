"""A fellow attacks from her own notebook, in the kernel of her real server, on a real hub: files and processes.

Each attack is also made where its wall is missing (`without_the_wall`), where it must succeed: no test passes by
being broken.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.inside import Run, boxed, outside, shown, tried, without
from tests.attacks.town import HER, PEER, TRACK, UNIT, Town
from tests.hub.running import CHECKOUT

pytestmark = pytest.mark.slow

SEGMENT_KEY = 0x5041
OF_ANOTHER = Path("/tmp") / f"passerelle-of-another-{os.getpid()}"
"""A folder in the machine's /tmp. Not all of that is shown where the wall is missing: her box's memory is counted by what
lies in its /tmp, so the hub's watchdog would take a box that has the machine's for one with a memory of many gigabytes.
"""


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
        "checkout-wrong-answers": next((unit / "wrong").glob("*.toml")),
        "truth-of-a-source": courses / "source" / UNIT / "truth" / "answers.csv",
        "platform": CHECKOUT / "src" / "passerelle",
        "launcher-socket": root / "hub" / "launcher.sock",
        "marking-socket": town.hub.settings.marking_socket,
    }


PLACES = [
    *("anothers-home", "built-source-with-solutions", "gradebook", "course-directory"),
    *("ledger-and-the-exchanges-store", "hubs-database", "secrets", "logs"),
    *("checkout-solutions", "checkout-wrong-answers", "truth-of-a-source", "platform"),
    *("launcher-socket", "marking-socket"),
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


@pytest.fixture
def truth(town: Town) -> Iterator[Path]:
    """A truth file beside the source of her unit: ours have none."""
    folder = town.hub.settings.courses / TRACK / "source" / UNIT / "truth"
    folder.mkdir()
    (folder / "answers.csv").write_text("region,share\nNord,0.4417203\n", "utf-8")
    yield folder
    (folder / "answers.csv").unlink()
    folder.rmdir()


@pytest.mark.usefixtures("truth")
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
    Attack("reads-anothers-tmp", "return pathlib.Path(given['tmp']).read_text() == 'hers'", shown(OF_ANOTHER)),
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
    OF_ANOTHER.mkdir()
    hers = OF_ANOTHER / "note"
    hers.write_text("hers")
    yield {
        "root": str(town.hub.settings.root),
        "pid": town.hub.process.pid,
        "key": SEGMENT_KEY,
        "tmp": str(hers),
    }
    hers.unlink()
    OF_ANOTHER.rmdir()
    libc.shmctl(segment, 0, None)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_box_holds(town: Town, notebook: Run, of_others: dict[str, Any], attack: Attack) -> None:
    without_the_wall = outside(town) if attack.wall is None else boxed(town, attack.wall)

    assert not tried(notebook, attack.code, **of_others)
    assert tried(without_the_wall, attack.code, **of_others)
