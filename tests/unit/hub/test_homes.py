"""Looking into a home that somebody may have prepared against us."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from passerelle.hub import homes
from passerelle.hub.homes import NOTES, NOTICE, Walk, put_notice

KB = 1024


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "homes" / "acacia"
    made.mkdir(parents=True)
    return made


def walked(home: Path) -> homes.Usage:
    walk = Walk(home)
    assert walk.go_on(60)
    return walk.usage


def test_what_is_in_a_home_is_counted(home: Path) -> None:
    (home / "deep" / "deeper").mkdir(parents=True)
    (home / "one").write_bytes(b"x" * 100 * KB)
    (home / "deep" / "deeper" / "two").write_bytes(b"x" * 50 * KB)

    usage = walked(home)

    assert usage.files == 4
    assert 150 * KB <= usage.size <= 170 * KB
    assert usage.whole


def test_a_file_with_two_names_is_there_once(home: Path) -> None:
    (home / "one").write_bytes(b"x" * 100 * KB)
    (home / "two").hardlink_to(home / "one")

    assert walked(home).size == 100 * KB


def test_what_is_not_there_does_not_count(home: Path) -> None:
    with (home / "hollow").open("wb") as file:
        file.truncate(10**12)

    assert walked(home).size == 0


def test_no_link_is_followed(home: Path) -> None:
    outside = home.parent / "basil"
    outside.mkdir()
    (outside / "big").write_bytes(b"x" * 100 * KB)
    (home / "directory").symlink_to(outside)
    (home / "file").symlink_to(outside / "big")
    (home / "up").symlink_to("..")

    assert walked(home).files == 3
    assert walked(home).size < 50 * KB


def test_pipes_and_sockets_hold_nobody_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(home / "pipe")
    monkeypatch.chdir(home)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        usage = walked(home)

    assert usage.files == 2


def test_a_home_that_is_a_link_is_not_entered(home: Path) -> None:
    (home / "one").write_text("x")
    link = home.with_name("basil")
    link.symlink_to(home)

    assert walked(link).files == 0


def test_a_walk_goes_on_where_it_stopped(home: Path) -> None:
    for number in range(300):
        (home / str(number)).touch()
    walk = Walk(home)

    slices = 1
    while not walk.go_on(0):
        slices += 1

    assert walk.usage.files == 300
    assert slices > 100


def test_too_many_files_end_the_walk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes, "MOST_FILES", 100)
    for number in range(150):
        (home / str(number)).touch()

    usage = walked(home)

    assert (usage.files, usage.whole) == (100, False)


def test_what_lies_too_deep_is_said(home: Path) -> None:
    above = os.open(home, os.O_RDONLY)
    for _ in range(150):
        os.mkdir("d", dir_fd=above)
        below = os.open("d", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)

    assert walked(home).whole is False


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_walk_lets_go_of_what_it_opened(home: Path) -> None:
    (home / "deep").mkdir()
    (home / "deep" / "one").touch()
    before = open_descriptors()
    walk = Walk(home)
    walk.go_on(0)
    walk.close()

    assert open_descriptors() == before
    assert walk.go_on(0)


def test_a_note_is_left_whole_and_replaced(home: Path) -> None:
    put_notice(home, {"id": "memory", "used_mb": 1})
    put_notice(home, {"id": "disk", "used_mb": 2})

    assert json.loads((home / NOTES / NOTICE).read_text()) == {"id": "disk", "used_mb": 2}
    assert [path.name for path in (home / NOTES).iterdir()] == [NOTICE]
    assert stat.S_IMODE((home / NOTES / NOTICE).stat().st_mode) == 0o600


def test_a_link_in_place_of_the_notes_is_not_followed(home: Path) -> None:
    outside = home.parent / "basil"
    outside.mkdir()
    (home / NOTES).symlink_to(outside)

    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        put_notice(home, {"id": "memory"})

    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_the_note_is_replaced_not_written_through(home: Path) -> None:
    precious = home.parent / "ledger.db"
    precious.write_text("ours")
    (home / NOTES).mkdir()
    (home / NOTES / NOTICE).symlink_to(precious)

    put_notice(home, {"id": "memory"})

    assert precious.read_text() == "ours"
    assert not (home / NOTES / NOTICE).is_symlink()


def test_a_directory_in_place_of_the_note_leaves_nothing_behind(home: Path) -> None:
    (home / NOTES / NOTICE).mkdir(parents=True)

    with pytest.raises(IsADirectoryError):
        put_notice(home, {"id": "memory"})

    assert [path.name for path in (home / NOTES).iterdir()] == [NOTICE]
