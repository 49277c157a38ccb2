"""Processes that end with their parent, and those that an earlier run left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle.hub import processes

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(100)"
)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a test starts; none is left after it."""
    all_of_them: list[subprocess.Popen[str]] = []
    yield all_of_them
    for one in all_of_them:
        one.kill()
        one.wait(10)
        if one.stdout:
            one.stdout.close()


def python(code: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **more})


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def gone(pid: int, timeout_s: float = 10) -> bool:
    return processes.wait_for_end([pid], timeout_s) == []


# The child says its number itself: only then is it tied.
CHILD = ["sh", "-c", "echo $$; exec sleep 100"]


def test_a_tied_process_ends_when_its_parent_is_killed(started: list[subprocess.Popen[str]]) -> None:
    parent = python(f"import subprocess, time; subprocess.Popen({processes.tied(CHILD)!r}); time.sleep(100)")
    started.append(parent)
    child = int(first_line(parent))

    parent.kill()

    assert gone(child)


def test_an_untied_one_does_not(started: list[subprocess.Popen[str]]) -> None:
    parent = python(f"import subprocess, time; subprocess.Popen({CHILD!r}); time.sleep(100)")
    started.append(parent)
    child = int(first_line(parent))

    parent.kill()
    parent.wait(10)

    assert not gone(child, 0.5)
    os.kill(child, signal.SIGKILL)


def test_orphans_below_a_subreaper_are_its_descendants(started: list[subprocess.Popen[str]]) -> None:
    code = (
        "import os, subprocess, time\n"
        "from passerelle.hub import processes\n"
        "processes.become_subreaper()\n"
        "middle = subprocess.Popen(['sh', '-c', 'sleep 100 >/dev/null & echo $!'], stdout=subprocess.PIPE, text=True)\n"
        "orphan = int(middle.communicate()[0])\n"
        "print(orphan in processes.descendants(os.getpid()), flush=True)\n"
        "print(processes.end(processes.descendants(os.getpid()), 2.0), flush=True)\n"
    )
    subreaper = python(code, PYTHONPATH=os.pathsep.join(sys.path))
    started.append(subreaper)

    assert first_line(subreaper) == "True"
    assert first_line(subreaper) == "[]"


def test_who_ignores_the_polite_signal_is_killed(started: list[subprocess.Popen[str]]) -> None:
    stubborn = python(STUBBORN)
    started.append(stubborn)
    assert first_line(stubborn) == "up"

    began = time.monotonic()
    left = processes.end([stubborn.pid], grace_s=0.3)

    assert left == []
    assert 0.3 <= time.monotonic() - began < 5


def test_stale_processes_are_known_by_their_data_directory(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    code = "print('up', flush=True); import time; time.sleep(100)"
    # Started through a shell that ends at once: it is nobody's child any more, as after a crash.
    orphan = subprocess.run(
        ["sh", "-c", f'{sys.executable} -c "{code}" >/dev/null 2>&1 & echo $!'],
        capture_output=True,
        text=True,
        env={**os.environ, processes.INSTANCE: str(here)},
        timeout=10,
        check=True,
    )
    pid = int(orphan.stdout)
    try:
        deadline = time.monotonic() + 10
        while processes.stale(here) != [pid] and time.monotonic() < deadline:
            time.sleep(0.05)

        assert processes.stale(here) == [pid]
        assert processes.stale(there) == []
    finally:
        os.kill(pid, signal.SIGKILL)


def test_reaping_leaves_the_one_that_somebody_waits_for() -> None:
    kept = subprocess.Popen(["sh", "-c", "exit 7"])
    deadline = time.monotonic() + 10
    while Path(f"/proc/{kept.pid}/stat").read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.02)

    processes.reap({kept.pid})

    assert kept.wait(5) == 7
