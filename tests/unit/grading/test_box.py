"""The learner box: what its code can see and use, and what happens at each limit."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passerelle.grading import walls, watch
from passerelle.grading.box import Box
from passerelle.grading.walls import BoxError, Limits
from tests.unit.grading.trial import LEARNER, QUICK

pytestmark = pytest.mark.slow


@pytest.fixture
def box() -> Iterator[Box]:
    with Box(LEARNER, {"data/towns.csv": b"town\nGap\n", "unit.json": b"{}"}, QUICK) as opened:
        opened.wait()
        yield opened


def shown(told: dict[str, Any]) -> str:
    return "".join(str(one.get("text") or one.get("data", {}).get("text/plain", "")) for one in told["outputs"])


def value(box: Box, expression: str) -> Any:
    """Return a value of the box, through JSON."""
    told = box.run(f"import json as _json\nprint(_json.dumps({expression}))")
    assert told["state"] == "done", told
    return json.loads(shown(told))


def test_cells_share_names_and_show_what_a_notebook_would(box: Box) -> None:
    first, second = box.run("x = 6\nprint('six')"), box.run("x * 7")

    assert [one["output_type"] for one in first["outputs"]] == ["stream"]
    assert second["outputs"][0]["data"] == {"text/plain": "42"}


def test_an_error_is_shown_and_the_next_cell_runs(box: Box) -> None:
    told = box.run("1 / 0")

    assert (told["state"], told["error"], told["text"]) == ("raised", "ZeroDivisionError", "division by zero")
    assert told["outputs"][0]["ename"] == "ZeroDivisionError"
    assert box.run("1")["state"] == "done"


def test_it_sees_a_bare_system_and_the_public_data(box: Box) -> None:
    root = set(value(box, "__import__('os').listdir('/')"))
    files = value(box, "sorted(str(p) for p in __import__('pathlib').Path('.').rglob('*') if p.is_file())")

    assert files == ["data/towns.csv", "unit.json"]
    system = {"bin", "dev", "etc", "home", "lib", "lib32", "lib64", "passerelle", "sbin", "tmp", "usr"}
    assert root <= system | {LEARNER.parts[1]}
    assert value(box, "__import__('os').listdir('/home')") == ["fellow"]
    assert sorted(value(box, "__import__('os').listdir('/etc')")) == ["hosts", "nsswitch.conf"]


def test_it_is_nobody_with_an_empty_environment(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    environment = value(box, "dict(__import__('os').environ)")

    assert value(box, "__import__('os').getuid()") == 1000
    assert not [name for name in environment if "JUPYTER" in name or "TOKEN" in name]
    if os.geteuid() == 0:
        inside = [one.pid for one in watch.below(box.root)]
        assert inside
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in inside} == {walls.NOBODY}


def test_it_has_no_network(box: Box) -> None:
    told = box.run("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)")

    assert (told["state"], told["error"]) == ("raised", "OSError")
    assert value(box, "[name for _, name in __import__('socket').if_nameindex()]") == ["lo"]


def test_no_descriptor_is_left_open_but_its_own_line(box: Box) -> None:
    box.run("import os, stat\nkinds = []")
    box.run(
        "for number in range(3, 1024):\n"
        "    try: kinds.append(stat.S_IFMT(os.fstat(number).st_mode))\n"
        "    except OSError: pass"
    )

    assert value(box, "[kind == stat.S_IFSOCK for kind in kinds]") == [True]


@pytest.mark.parametrize("place", ["/", "/usr", "/dev", "/passerelle", str(LEARNER)])
def test_the_system_cannot_be_written(box: Box, place: str) -> None:
    told = box.run(f"open({place!r} + '/mine', 'w')")

    assert told["state"] == "raised"
    assert told["error"] in ("OSError", "PermissionError")


@pytest.mark.parametrize("place", [".", "/tmp", "/dev/shm"])
def test_disk_is_limited(box: Box, place: str) -> None:
    told = box.run(
        f"for number in range(9):\n    with open({place!r} + f'/full-{{number}}', 'wb') as file: file.write(bytes(10**7))"
    )

    assert (told["state"], told["error"]) == ("raised", "OSError")


KEYS = """
import ctypes, errno
def call(*of):
    done = ctypes.CDLL(None, use_errno=True).syscall(*of)
    return done if done > 0 else errno.errorcode[ctypes.get_errno()]
ADD, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[__import__("platform").machine()]
def join(): return call(KEYCTL, 1, None)
def add(): return call(ADD, b"user", b"left", b"4", 1, -3)
def find(): return call(KEYCTL, 10, -3, b"user", b"left", 0)
"""


def test_no_key_can_be_left_for_the_next_or_taken_from_us() -> None:
    ours: dict[str, Any] = {}
    exec(KEYS, ours)
    # One keyring for all that we start, as a service of systemd has.
    ours["join"]()
    added = ours["add"]()
    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        box.run(KEYS)

        # All forks of a server are one user to the kernel: there is no keyring for them at all.
        assert [value(box, asked) for asked in ("find()", "add()", "join()")] == ["ENOSYS"] * 3
        assert value(box, "__import__('os').getpid() > 0")  # other calls go through
    assert isinstance(added, int) or added in ("ENOSYS", "EPERM")  # what was tried can be done where there is no wall


def test_no_namespace_of_its_own_can_be_made(box: Box) -> None:
    box.run("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)")

    assert value(box, "libc.unshare(0x10000000)") == -1


def test_a_fork_bomb_ends_at_the_limit(box: Box) -> None:
    told = box.run("import os, time\nfor _ in range(500):\n    if os.fork() == 0:\n        time.sleep(60)")

    assert (told["state"], told["error"]) == ("raised", "BlockingIOError")


def test_an_endless_loop_is_interrupted_and_the_next_cell_runs(box: Box) -> None:
    told = box.run("x = 5\nwhile True: pass")

    assert told["state"] == "time"
    assert value(box, "x") == 5


def test_waiting_is_interrupted_too(box: Box) -> None:
    assert box.run("import time\ntime.sleep(600)")["state"] == "time"


def test_memory_of_many_processes_is_summed() -> None:
    limits = Limits(cell_s=20, memory=400_000_000)
    hoard = "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        x = b'x' * 200_000_000\n        time.sleep(60)\n"
    with Box(LEARNER, {}, limits) as box:
        box.wait()
        box.run(hoard + "time.sleep(2)")

        inside = sum(watch.own_memory(one.pid) for one in watch.below(box.root))
        assert inside < 1.5 * limits.memory


def test_output_is_capped(box: Box) -> None:
    told = box.run("for _ in range(100): print('x' * 100_000)")

    assert told["state"] == "done"
    assert len(shown(told)) <= 400_000


def test_a_keeper_answers_for_its_moment(box: Box) -> None:
    box.run("x = 1\ndef add(n):\n    return n + x")
    early = box.keep()
    box.run("x = 100")
    late = box.keep()
    assert early is not None
    assert late is not None

    question = {"ask": "call", "name": "add", "args": [1], "kwargs": {}, "back": False}
    answers = [json.loads(keeper.ask(question))["value"] for keeper in (early, late)]

    assert answers == [2, 101]


def test_a_keeper_outlives_the_runner(box: Box) -> None:
    box.run("x = 1")
    keeper = box.keep()
    box.run("import os; os._exit(1)")
    assert keeper is not None

    assert box.why == "died"
    assert json.loads(keeper.ask({"ask": "get", "name": "x"})) == {"state": "value", "value": 1}
    assert box.run("1")["state"] == "died"
    assert box.keep() is None


def test_a_call_without_end_is_slow_and_the_keeper_goes_on(box: Box) -> None:
    box.run("x = 1\ndef wait():\n    while True: pass")
    keeper = box.keep()
    assert keeper is not None

    slow = json.loads(keeper.ask({"ask": "call", "name": "wait", "args": [], "kwargs": {}, "back": False}))

    assert slow == {"state": "slow"}
    assert json.loads(keeper.ask({"ask": "get", "name": "x"}))["value"] == 1


def test_a_keeper_that_is_killed_says_nothing_more(box: Box) -> None:
    box.run("import os\ndef leave(): os._exit(0)")
    keeper = box.keep()
    assert keeper is not None

    answers = [
        json.loads(keeper.ask({"ask": "call", "name": "leave", "args": [], "kwargs": {}, "back": False})) for _ in "ab"
    ]

    assert answers == [{"state": "gone", "why": "died"}] * 2


def test_cells_that_wait_share_one_time_and_what_was_kept_before_still_answers() -> None:
    with Box(LEARNER, {}, Limits(cell_s=1, total_s=1, patience=1)) as box:
        box.wait()
        box.run("x = 1\nimport time")
        keeper = box.keep()
        began = time.monotonic()
        states = {box.run("time.sleep(600)")["state"] for _ in range(8)}
        assert keeper is not None

        assert states == {"time"}
        assert time.monotonic() - began < 6
        assert box.keep() is None
        assert json.loads(keeper.ask({"ask": "get", "name": "x"})) == {"state": "value", "value": 1}


def test_answers_that_wait_share_one_time() -> None:
    with Box(LEARNER, {}, Limits(call_s=0.4, total_s=1, patience=1)) as box:
        box.wait()
        box.run("import time\ndef wait(): time.sleep(600)")
        keeper = box.keep()
        assert keeper is not None
        began = time.monotonic()
        question = {"ask": "call", "name": "wait", "args": [], "kwargs": {}, "back": False}
        answers = [json.loads(keeper.ask(question)) for _ in range(12)]

        assert answers[0] == {"state": "slow"}
        assert answers[-1] == {"state": "gone", "why": "time"}
        assert time.monotonic() - began < 3.5


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for() -> None:
    drip = (
        "import os, signal, stat, time\n"
        "for one in (signal.SIGALRM, signal.SIGPROF): signal.signal(one, signal.SIG_IGN)\n"
        "def is_socket(number):\n"
        "    try: return stat.S_ISSOCK(os.fstat(number).st_mode)\n"
        "    except OSError: return False\n"
        "line = next(filter(is_socket, range(3, 1024)))\n"
        "os.write(line, (2000).to_bytes(4, 'big'))\n"
        "while True:\n    os.write(line, b'x')\n    time.sleep(0.01)"
    )
    with Box(LEARNER, {}, Limits(cell_s=0.5, patience=1)) as box:
        box.wait()
        began = time.monotonic()

        assert box.run(drip)["state"] == "time"
        assert time.monotonic() - began < 6


def test_everything_ends_with_the_box() -> None:
    with Box(LEARNER, {}, QUICK) as box:
        box.wait()
        box.run("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)")
        inside = [box.root, *(one.pid for one in watch.below(box.root))]
    assert len(inside) >= 3

    until = time.monotonic() + 10
    while any(map(watch.is_alive, inside)) and time.monotonic() < until:
        time.sleep(0.02)

    assert not [pid for pid in inside if watch.is_alive(pid)]


def test_without_bubblewrap_nothing_runs_and_the_cure_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BoxError, match="apt-get install bubblewrap"):
        Box(LEARNER, {})


def test_without_user_namespaces_nothing_runs_and_the_cure_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # What bubblewrap 0.8 does where the kernel says no.
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    refusing.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("passerelle.grading.box.identity", dict)

    with Box(LEARNER, {}) as box, pytest.raises(BoxError, match=r"user namespaces are forbidden.*AppArmor"):
        box.wait()


def test_without_a_learner_environment_the_cure_is_said(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="make start"):
        Box(tmp_path, {})


@pytest.mark.parametrize("name", ["letters", "digits"])
def test_an_answer_too_large_to_cross_is_told_from_one_that_never_came(name: str) -> None:
    with Box(LEARNER, {}) as box:
        box.wait()
        box.run("letters = 'é' * 8_000_000\ndigits = [10**600] * 100_000")
        keeper = box.keep()
        assert keeper is not None

        told = json.loads(keeper.ask({"ask": "get", "name": name}))

        assert (told["state"], told["value"]["t"], told["value"]["big"]) == ("value", "opaque", True)


def test_what_grows_in_the_frame_is_said_to_be_too_large(tmp_path: Path) -> None:
    with Box(LEARNER, {}) as box:
        box.wait()
        box.run("import autograders.answers as a\na.pack = lambda value: ['\\x00' * 7_000_000]\nx = 1")
        keeper = box.keep()
        assert keeper is not None

        told = json.loads(keeper.ask({"ask": "get", "name": "x"}))
        after = json.loads(keeper.ask({"ask": "get", "name": "y"}))

        assert (told["value"]["big"], after) == (True, {"state": "missing"})
