"""The command line of a box, and a real box made with it."""

import os
import subprocess
from pathlib import Path

import pytest

from passerelle.hub.box import PROCESSES, RUNTIME, Box, accounts_file, groups_file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "homes" / "acacia"
    home.mkdir(parents=True)
    (tmp_path / "secret").write_text("ours")
    return home


def in_box(home: Path, script: str, files: dict[str, str] | None = None) -> str:
    """Run a shell script in a box and return what it says."""
    descriptors = {}
    for path, text in (files or {}).items():
        descriptors[path] = os.memfd_create("file", 0)
        os.write(descriptors[path], text.encode())
        os.lseek(descriptors[path], 0, os.SEEK_SET)
    command = [str(part) for part in Box("acacia", home, [], descriptors).command(["/bin/sh", "-c", script])]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            pass_fds=list(descriptors.values()),
            env={"PATH": os.environ["PATH"]},
            timeout=30,
            check=False,
        )
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)
    return (done.stdout + done.stderr).strip()


def test_her_home_is_the_only_one(home: Path) -> None:
    assert in_box(home, "pwd; ls /home") == "/home/acacia\nacacia"


def test_what_she_writes_at_home_stays(home: Path) -> None:
    in_box(home, "echo mine > note; echo gone > /tmp/note")

    assert (home / "note").read_text() == "mine\n"
    assert in_box(home, "cat /tmp/note").endswith("No such file or directory")


@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/run", "/home", "/var"])
def test_the_system_cannot_be_written(home: Path, place: str) -> None:
    said = in_box(home, f"mkdir -p {place}/new && echo made")

    assert "made" not in said


def test_nothing_outside_is_there(home: Path) -> None:
    assert in_box(home, f"test -e {home.parent.parent / 'secret'} || echo hidden") == "hidden"


def test_sockets_have_a_short_place(home: Path) -> None:
    assert in_box(home, f"touch {RUNTIME}/s && stat -c %a {RUNTIME}") == "700"
    assert len(RUNTIME) < 30


def test_she_is_herself_inside(home: Path) -> None:
    files = {"/etc/passwd": accounts_file("acacia"), "/etc/group": groups_file("acacia")}

    assert in_box(home, "id -un; id -gn", files) == "acacia\nacacia"


def test_processes_of_others_are_not_seen(home: Path) -> None:
    assert int(in_box(home, "ls -d /proc/[0-9]* | wc -l")) <= 5


def test_the_box_ends_with_whoever_made_it(home: Path) -> None:
    command = [str(part) for part in Box("acacia", home, []).command(["/bin/sh", "-c", "echo started; sleep 100"])]
    maker = subprocess.Popen(
        ["/bin/sh", "-c", '"$@" & wait', "sh", *command],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert maker.stdout
    with maker.stdout as output:
        assert output.readline() == "started\n"

        maker.kill()
        maker.wait(10)

        # The pipe closes when the last process that holds it has ended: the box with all that is in it.
        assert output.read() == ""


def test_her_processes_are_counted_so_that_a_fork_bomb_leaves_room_for_others(home: Path) -> None:
    said = in_box(home, "grep -E 'processes|core file' /proc/self/limits")

    core, processes = sorted(line.split("  ")[0:1] + line.split()[-3:-1] for line in said.splitlines())
    assert core[1:] == ["0", "0"]
    assert int(processes[1]) == int(processes[2]) <= PROCESSES
