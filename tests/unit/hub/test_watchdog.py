"""The watchdog over real boxes with small limits: who loses what, and who does not."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from passerelle.hub.box import PROCESSES, Box
from passerelle.hub.boxes import RunningBox, machine_memory, running_boxes
from passerelle.hub.homes import NOTES, NOTICE
from passerelle.hub.spawner import learner_programs
from passerelle.hub.watchdog import MB, Limits, Watchdog, state_file
from passerelle.model.settings import Settings
from tests.hub.running import environment, wait_for

pytestmark = pytest.mark.slow

WIDE = Limits(memory=10_000 * MB, disk=10_000 * MB, memory_reserve=0, disk_reserve=0)
PYTHON = str(Path(sys.prefix) / "bin" / "python")

bounded = pytest.mark.skipif(
    os.geteuid() == 0, reason="the kernel limits no process of root's; services refuse to run as root"
)
"""What multiplies would take the machine: `make test` runs these as the service user."""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "data")
    for path in (made.homes, made.root / "hub"):
        path.mkdir(parents=True)
    return made


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Start a box whose server has children, each running a piece of Python, and wait until they say so."""
    with ExitStack() as stack:

        def started(handle: str, *children: str, server: str = "") -> subprocess.Popen[bytes]:
            home = settings.homes / handle
            home.mkdir()
            parts = [
                f"subprocess.Popen([{PYTHON!r}, '-c', {ready(code, str(number))!r}])"
                for number, code in enumerate(children)
            ]
            code = "; ".join(["import subprocess", *parts])
            command = [PYTHON, "-c", f"{code}\n{ready(server, 'server')}"]
            line = [str(part) for part in Box(handle, home, learner_programs(Path(sys.prefix))).command(command)]
            box = subprocess.Popen(line, env={"PATH": os.environ["PATH"]})
            stack.callback(box.wait)
            stack.callback(box.kill)
            names = [str(number) for number in range(len(children))] + ["server"]
            wait_for(lambda: all((home / name).exists() for name in names), f"the box of {handle}")
            return box

        yield started


def ready(code: str, name: str) -> str:
    """Return code that does something, says so in the home, and stays."""
    return f"import mmap, os, sys, time\n{textwrap.dedent(code)}\nopen({name!r}, 'w').close()\ntime.sleep(600)\n"


def private(size_mb: int) -> str:
    return f"kept = b'x' * {size_mb * MB}"


def box_of(settings: Settings, handle: str) -> RunningBox:
    return next(box for box in running_boxes(settings) if box.handle == handle)


def inner_children(settings: Settings, handle: str) -> int:
    return len(box_of(settings, handle).groups())


def notice(settings: Settings, handle: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((settings.homes / handle / NOTES / NOTICE).read_text())
    return found


def test_whose_box_it_is_and_what_can_be_ended_in_it(settings: Settings, start: Start) -> None:
    start("acacia", private(1), "import subprocess; subprocess.Popen(['/bin/sleep', '600'])")
    start("basil")

    boxes = {box.handle: box for box in running_boxes(settings)}

    assert set(boxes) == {"acacia", "basil"}
    assert sorted(map(len, boxes["acacia"].groups())) == [1, 2]
    assert boxes["basil"].groups() == []
    assert boxes["acacia"].home == settings.homes / "acacia"


def test_the_biggest_child_goes_and_everything_else_stays(settings: Settings, start: Start) -> None:
    start("acacia", private(20), private(200))
    start("basil", private(100))
    dog = Watchdog(settings, replace(WIDE, memory=150 * MB))

    dog.look()

    wait_for(lambda: inner_children(settings, "acacia") == 1, "the end of the biggest")
    assert box_of(settings, "acacia").server is not None
    assert inner_children(settings, "basil") == 1
    told = notice(settings, "acacia")
    assert (told["id"], told["limit_mb"]) == ("memory", 150)
    assert int(str(told["used_mb"])) > 200
    assert not (settings.homes / "basil" / NOTES).exists()


def test_a_server_that_is_alone_with_too_much_ends(settings: Settings, start: Start) -> None:
    box = start("acacia", server=private(200))
    dog = Watchdog(settings, replace(WIDE, memory=100 * MB))

    dog.look()

    assert box.wait(10) != 0
    assert notice(settings, "acacia")["id"] == "memory"


@bounded
def test_memory_that_forks_share_is_counted_once(settings: Settings, start: Start) -> None:
    forks = f"{private(100)}\nfor _ in range(3):\n    if not os.fork(): break"
    start("acacia", forks)
    wait_for(lambda: len(box_of(settings, "acacia").members) == 6, "the forks")
    box = box_of(settings, "acacia")

    assert sum(member.private for member in box.members) > 400 * MB
    assert 100 * MB < box.memory(0) < 200 * MB


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("open('/dev/shm/x', 'wb').write(b'x' * (100 << 20))", id="shared-memory"),
        pytest.param("open('/tmp/x', 'wb').write(b'x' * (100 << 20))", id="scratch"),
        pytest.param("kept = mmap.mmap(-1, 100 << 20); kept.write(b'x' * (100 << 20))", id="shared-pages"),
    ],
)
def test_memory_by_another_name_counts(settings: Settings, start: Start, code: str) -> None:
    start("acacia", code)

    assert 100 * MB < box_of(settings, "acacia").memory(WIDE.memory) < 160 * MB


@pytest.mark.parametrize("hidden", [False, True], ids=["open", "hidden"])
def test_files_in_memory_without_a_place_count(settings: Settings, start: Start, hidden: bool) -> None:
    hide = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)" if hidden else ""
    start("acacia", f"kept = os.memfd_create('x'); os.write(kept, b'x' * (400 << 20))\n{hide}")
    start("basil", private(1))
    dog = Watchdog(settings, replace(WIDE, memory=350 * MB))

    dog.look()

    wait_for(lambda: inner_children(settings, "acacia") == 0, "the end of the file in memory")
    assert inner_children(settings, "basil") == 1


def test_who_is_ending_hides_nothing(settings: Settings, start: Start) -> None:
    start("acacia", private(1))
    box = box_of(settings, "acacia")
    (kernel,) = box.groups()[0]
    os.kill(kernel.pid, signal.SIGKILL)
    wait_for(lambda: inner_children(settings, "acacia") == 0, "its end")

    assert Path(f"/proc/{kernel.pid}").exists(), "its parent does not ask for it"
    assert box.nameless_files() == (0, True)


@pytest.mark.parametrize("limit_mb", [300, 150], ids=["quick", "exact"])
def test_memory_counts_where_the_first_thread_has_ended(settings: Settings, start: Start, limit_mb: int) -> None:
    leave = "open('0', 'w').close(); import ctypes, threading; threading.Thread(target=time.sleep, args=(600,)).start()"
    start("acacia", f"{private(200)}\n{leave}\nctypes.CDLL(None).pthread_exit(None)")
    wait_for(lambda: first_thread_ended(settings, "acacia"), "the end of its first thread")
    dog = Watchdog(settings, replace(WIDE, memory=limit_mb * MB))

    assert 200 * MB < box_of(settings, "acacia").memory(limit_mb * MB // 2) < 290 * MB
    dog.look()

    if limit_mb < 200:
        wait_for(lambda: inner_children(settings, "acacia") == 0, "the end of what holds it")
    assert inner_children(settings, "acacia") == (limit_mb > 200)


def first_thread_ended(settings: Settings, handle: str) -> bool:
    groups = box_of(settings, handle).groups()
    return bool(groups) and "State:\tZ" in Path(f"/proc/{groups[0][0].pid}/status").read_text()


def test_what_pretends_to_be_a_box_is_taken_for_what_it_is(settings: Settings, start: Start) -> None:
    pretended = ["./bwrap", "-c", "sleep 600; :", "--bind", str(settings.homes / "basil"), "/home/basil", "x"]
    start(
        "acacia",
        f"import shutil; shutil.copy('/bin/sh', 'bwrap'); open('0', 'w').close(); os.execv('./bwrap', {pretended!r})",
    )
    wait_for(lambda: "bwrap" in names_in(settings, "acacia"), "the pretender")

    assert [box.handle for box in running_boxes(settings)] == ["acacia"]
    assert len(box_of(settings, "acacia").groups()[0]) == 2


def names_in(settings: Settings, handle: str) -> list[str]:
    groups = box_of(settings, handle).groups()
    return [Path(f"/proc/{one.pid}/comm").read_text().strip() for group in groups for one in group]


def test_a_reserve_that_is_missing_costs_the_biggest(settings: Settings, start: Start) -> None:
    start("acacia", private(150))
    start("basil", private(50))
    dog = Watchdog(settings, replace(WIDE, memory_reserve=machine_memory()["MemTotal"]))

    dog.look()
    dog.look()

    wait_for(lambda: inner_children(settings, "acacia") == 0, "the end of the biggest")
    assert inner_children(settings, "basil") == 1
    assert notice(settings, "acacia")["id"] == "memory"


@bounded
def test_what_multiplies_is_ended_all_at_once(settings: Settings, start: Start) -> None:
    start("acacia", "while len(os.listdir('/proc')) < 90 and os.fork(): time.sleep(0.01)", private(1))
    wait_for(lambda: box_of(settings, "acacia").threads > 30, "many of them")
    dog = Watchdog(settings, replace(WIDE, threads=20))

    dog.look()

    wait_for(lambda: inner_children(settings, "acacia") == 0, "the end of all but the server")
    assert box_of(settings, "acacia").server is not None
    assert notice(settings, "acacia")["id"] == "processes"


@bounded
def test_a_fork_bomb_has_an_end(settings: Settings, start: Start) -> None:
    bomb = "open('0', 'w').close()\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.1)"
    start("acacia", bomb)
    start("basil", private(1))
    dog = Watchdog(settings, Limits.of(settings))
    most = 0

    def ended() -> bool:
        nonlocal most
        most = max([most, *(box.threads for box in running_boxes(settings) if box.handle == "acacia")])
        dog.look()
        return (settings.homes / "acacia" / NOTES / NOTICE).exists() and inner_children(settings, "acacia") == 0

    wait_for(ended, "the end of the bomb")
    assert 100 < most <= PROCESSES
    assert notice(settings, "acacia")["id"] == "processes"
    assert inner_children(settings, "basil") == 1


def test_the_machine_would_take_a_kernel_first(settings: Settings, start: Start) -> None:
    start("acacia", private(1))
    box = box_of(settings, "acacia")
    (kernel,) = box.groups()[0]
    server = box.server
    assert server is not None
    score = Path("/proc") / str(kernel.pid) / "oom_score_adj"
    assert score.read_text() == "500\n"

    Watchdog(settings, WIDE).look()

    assert score.read_text() == "700\n"
    assert (Path("/proc") / str(server.pid) / "oom_score_adj").read_text() == "500\n"


def fill(home: Path, size_mb: int, name: str = "data") -> None:
    (home / name).write_bytes(os.urandom(MB) * size_mb)


def test_a_disk_that_fills_up_is_said_once(settings: Settings, start: Start) -> None:
    start("acacia", private(1))
    fill(settings.homes / "acacia", 45)
    dog = Watchdog(settings, replace(WIDE, disk=50 * MB))

    dog.look()
    told = notice(settings, "acacia")
    fill(settings.homes / "acacia", 2, "more")
    dog = walked_again(dog)

    assert (told["id"], told["limit_mb"], told["used_mb"]) == ("disk-soon", 50, 45)
    assert notice(settings, "acacia") == told
    assert inner_children(settings, "acacia") == 1


def walked_again(dog: Watchdog) -> Watchdog:
    """Let every home's turn have come."""
    for watched in dog._watched.values():
        watched.walked = -1000.0
    dog.look()
    return dog


def test_above_her_disk_kernels_stop_and_may_come_back_to_tidy_up(settings: Settings, start: Start) -> None:
    home = settings.homes / "acacia"
    start("acacia", private(1), private(1))
    fill(home, 60)
    dog = Watchdog(settings, replace(WIDE, disk=50 * MB))

    dog.look()

    wait_for(lambda: inner_children(settings, "acacia") == 0, "the end of the kernels")
    assert notice(settings, "acacia")["id"] == "disk"
    (home / NOTES / NOTICE).unlink()
    walked_again(dog)
    assert not (home / NOTES / NOTICE).exists(), "nothing grew"
    fill(home, 5, "more")
    walked_again(dog)
    assert notice(settings, "acacia")["used_mb"] == 65


def test_who_writes_while_the_machines_disk_is_full_is_stopped(settings: Settings, start: Start) -> None:
    write = "open('0', 'w').close()\nwhile True:\n    open('big', 'wb').write(b'x' * (20 << 20)); time.sleep(0.05)"
    start("acacia", write)
    start("basil", private(1))
    dog = Watchdog(settings, replace(WIDE, disk_reserve=1 << 60))

    def stopped() -> bool:
        dog.look()
        return inner_children(settings, "acacia") == 0

    wait_for(stopped, "the end of the writer")
    assert inner_children(settings, "basil") == 1
    assert notice(settings, "acacia")["id"] == "disk"


def test_others_can_read_what_the_watchdog_saw(settings: Settings, start: Start) -> None:
    start("acacia", private(30))

    Watchdog(settings, WIDE).look()

    state = json.loads(state_file(settings).read_text())
    (row,) = state["boxes"]
    assert row["handle"] == "acacia"
    assert row["memory_bytes"] > 30 * MB
    assert row["pids"] == 3
    assert stat.S_IMODE(state_file(settings).stat().st_mode) == 0o600


def test_killed_and_started_again_it_goes_on(settings: Settings, start: Start) -> None:
    start("acacia", private(300))

    with watchdog(settings, memory_mb=1200) as quiet:
        wait_for(state_file(settings).exists, "the first look")
        quiet.kill()
        quiet.wait(10)
    assert inner_children(settings, "acacia") == 1
    with watchdog(settings, memory_mb=256) as again:
        wait_for(lambda: inner_children(settings, "acacia") == 0, "the end of what is too big")
        again.terminate()
        assert again.wait(10) == 0


@contextmanager
def watchdog(settings: Settings, memory_mb: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run it as the process it is."""
    around = {**environment(settings), "PASSERELLE_SERVER_MEMORY_MB": str(memory_mb)}
    process = subprocess.Popen([sys.executable, "-m", "passerelle.hub.watchdog"], env=around)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
