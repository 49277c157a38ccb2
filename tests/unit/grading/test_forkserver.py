"""Warm processes that fork a box for each submission: each is alone, finds nothing of another, and can be ended by nobody in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autograders
from passerelle.grading import fork as forks
from passerelle.grading import watch
from passerelle.grading.box import Box
from passerelle.grading.fork import Fork
from passerelle.grading.forkserver import Kind, content_of
from passerelle.grading.marking import mark
from passerelle.grading.panel import Examiner
from passerelle.grading.walls import BoxError
from tests.unit.grading.trial import LEARNER, QUICK, RIGHT, UNIT, make_course, submission

pytestmark = pytest.mark.slow


def value(box: Box, expression: str) -> Any:
    told = box.run(f"import json as _json\nprint(_json.dumps({expression}))")
    assert told["state"] == "done", told
    return json.loads("".join(one["text"] for one in told["outputs"]))


def two_of_one_server() -> Iterator[Box]:
    """Yield two boxes, one after the other; they come from the same process."""
    servers = []
    for _ in range(2):
        with Box(LEARNER, {"data/towns.csv": b"town\nGap\n"}, QUICK) as box:
            box.wait()
            servers.append(box._fork.server)
            yield box
    assert servers[0] is servers[1]


LEFT = """
import ctypes, os, socket, sys, time
for place in ("/tmp", "/dev/shm", os.path.expanduser("~"), "."):
    open(f"{place}/left", "w").write("mine")
sys.modules["left"] = os
import builtins; builtins.left = 1
server = socket.socket(socket.AF_UNIX); server.bind("\\0left"); server.listen()
web = socket.create_server(("127.0.0.1", 8765))
libc = ctypes.CDLL(None, use_errno=True)
shared = libc.shmget(7919, 4096, 0o1666)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
"""
FIND = """
import ctypes, os, socket, sys
def reaches(kind, place):
    with socket.socket(kind) as line:
        return line.connect_ex(place) == 0
found = [f"{place}/left" for place in ("/tmp", "/dev/shm", os.path.expanduser("~"), ".") if os.path.exists(f"{place}/left")]
found += [name for name in ("left",) if name in sys.modules or hasattr(__import__("builtins"), name)]
found += ["abstract"] if reaches(socket.AF_UNIX, "\\0left") else []
found += ["loopback"] if reaches(socket.AF_INET, ("127.0.0.1", 8765)) else []
found += ["shared memory"] if ctypes.CDLL(None).shmget(7919, 4096, 0o666) != -1 else []
"""


def test_what_one_leaves_behind_is_not_there_for_the_next() -> None:
    boxes = two_of_one_server()
    first = next(boxes)
    first.run(LEFT)
    first.run(FIND)
    assert len(value(first, "found")) == 8  # what is looked for can be found
    inside = [first.root, *(one.pid for one in watch.below(first.root))]

    second = next(boxes)
    second.run(FIND)

    assert value(second, "found") == []
    assert not [pid for pid in inside if watch.is_alive(pid)]
    assert next(boxes, None) is None


NO_MORE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Header(ctypes.Structure): _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Sets(ctypes.Structure): _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]
sets = (Sets * 2)()
libc.capget(ctypes.byref(Header(0x20080522, 0)), sets)
capabilities = [getattr(one, name) for one in sets for name in ("effective", "permitted", "inheritable")]
ambient = [libc.prctl(47, 1, number, 0, 0) for number in (12, 21)]
could = {
    "namespaces": [libc.unshare(kind) for kind in (0x20000, 0x10000000, 0x40000000, 0x20000000, 0x8000000)],
    "mounts": [libc.mount(b"tmpfs", b"/usr", b"tmpfs", 0, None), libc.umount2(b"/tmp", 2), libc.umount2(b"/home/fellow", 2)],
    "name": [libc.sethostname(b"mine", 4)],
    "privileges": [libc.prctl(39, 0, 0, 0, 0) - 2],
}
"""


def test_what_made_it_alone_is_given_up_for_good() -> None:
    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        box.run(NO_MORE)

        assert value(box, "capabilities") == [0] * 6
        assert value(box, "ambient") == [0, 0]
        assert {done for kind in value(box, "could").values() for done in kind} == {-1}


HANDS = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
for number in range(1, 65):
    try: os.kill(1, number)
    except OSError: pass
attached = [libc.ptrace(kind, 1, None, None) for kind in (16, 0x4206)]
"""


def test_nobody_in_a_box_ends_it_or_takes_hold_of_its_first_process() -> None:
    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        box.run("x = 1")
        keeper = box.keep()
        assert keeper is not None
        box.run(HANDS)

        assert value(box, "attached") == [-1, -1]
        assert box._fork.is_there()
        assert json.loads(keeper.ask({"ask": "get", "name": "x"}))["value"] == 1


def test_a_box_that_is_ended_from_outside_is_a_fault_of_ours() -> None:
    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        box.run("x = 1")
        os.kill(box.root, signal.SIGKILL)

        with pytest.raises(BoxError, match="ended from outside"):
            box.run("while True: pass")


def test_a_server_that_was_killed_is_started_again() -> None:
    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        server = box._fork.server
    os.kill(server.pid, signal.SIGKILL)

    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        assert box.run("1")["state"] == "done"
        assert box._fork.server is not server


def test_a_module_of_hers_is_found_before_a_library_of_the_same_name() -> None:
    with Box(LEARNER, {}, QUICK, also=["sklearn"]) as warm:
        warm.wait()
        assert value(warm, "'sklearn' in __import__('sys').modules") is True
    files = {"sklearn.py": b"mine = 5\n"}
    with Box(LEARNER, files, QUICK, also=["sklearn"]) as box:
        box.wait()
        assert value(box, "__import__('sklearn').mine") == 5


def test_what_draws_at_random_draws_the_same_whatever_was_imported_before() -> None:
    draws = "[__import__('random').random(), __import__('numpy').random.random(), __import__('numpy').random.default_rng().random()]"
    drawn = []
    for also in ([], ["pandas", "sklearn"]):
        with Box(LEARNER, {}, QUICK, also=also, seed="town") as box:
            box.wait()
            drawn.append(value(box, draws))

    assert drawn[0] == drawn[1]


def test_a_library_that_starts_threads_is_not_forked_from(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    path = os.pathsep.join([str(Path(autograders.__file__).parent.parent), str(tmp_path)])
    line = [sys.executable, "-P", "-m", "autograders.forkserver"]
    kind = Kind(
        "autograders.box",
        lambda _within, own, *, alone: [*line, *own],
        tuple(line),
        0,
        environment={"PYTHONPATH": path},
    )
    order = {"root": str(tmp_path), "disks": {}, "sealed": [], "network": False, "limits": {}, "seed": ""}
    content = content_of({})
    fork = Fork(kind, order, content, also=["busy"])
    os.close(content)
    suspected = fork.server
    try:
        fork.wait(60)

        assert "busy" in suspected.modules
        assert not suspected.has_one_thread
        assert not suspected.is_alive()
        assert "busy" not in fork.server.modules
        assert fork.is_there()
    finally:
        inside = watch.below(fork.root)
        fork.close()
        for one in inside:  # there are no walls here with which they would end
            watch.end(one.pid, one.born)


def test_where_namespaces_cannot_be_nested_each_has_a_server_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_course(tmp_path)
    warm = mark(course, UNIT, submission(RIGHT), learner=LEARNER).verdict
    monkeypatch.setattr(forks, "_not_alone", {os.getpid()})

    cold = mark(course, UNIT, submission(RIGHT), learner=LEARNER).verdict

    assert cold.model_copy(update={"seconds": warm.seconds}) == warm
    assert warm.points == 3


def test_servers_end_with_whoever_started_them() -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom passerelle.grading.box import Box\n"
        f"with Box(Path({str(LEARNER)!r}), {{}}) as box:\n"
        "    box.wait()\n    print(box._fork.server.pid, box.root, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    pids = [int(one) for one in done.stdout.split()]
    assert len(pids) == 2, done.stderr

    until = time.monotonic() + 10
    while any(map(watch.is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.02)

    assert not [pid for pid in pids if watch.is_alive(pid)]


def test_an_examiner_finds_nothing_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "truth.txt").write_text("7919")
    leave = "import builtins, pathlib\nbuiltins.left = 1\npathlib.Path('/tmp/left').write_text('x')\n1.0"
    find = (
        "import builtins, pathlib\n"
        "assert not hasattr(builtins, 'left') and not pathlib.Path('/tmp/left').exists()\n"
        "assert pathlib.Path('truth.txt').read_text() == '7919'\n1.0"
    )
    told, pids = [], []
    for check in (leave, find):
        with Examiner(tmp_path) as examiner:
            told.append(examiner.examine(check, 1.0, lambda _question: b"{}", hidden=False)["points"])
            pids.append(examiner._fork.server.pid)

    assert told == [1.0, 1.0]
    assert pids[0] == pids[1]


def test_an_examiner_cannot_write_into_the_unit_and_sees_it_anew_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "truth.txt").write_text("1")
    write = "import pathlib\ntry:\n    pathlib.Path('truth.txt').write_text('9')\nexcept OSError:\n    pass\n1.0"
    read = "import pathlib\nassert pathlib.Path('truth.txt').read_text() == {!r}\n1.0"
    told = []
    for check in (write, read.format("1"), None, read.format("22")):
        if check is None:
            (tmp_path / "truth.txt").write_text("22")
            continue
        with Examiner(tmp_path) as examiner:
            told.append(examiner.examine(check, 1.0, lambda _question: b"{}", hidden=False)["points"])

    assert told == [1.0, 1.0, 1.0]
