"""A file of hers is written whole or not at all, also where her server is killed while it writes."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from tornado.web import HTTPError

from passerelle_lab.contents import LEFT_AFTER_S, WholeFiles

KILLED = """
import os, signal, sys
from passerelle_lab.contents import WholeFiles
with WholeFiles(root_dir=sys.argv[1]).atomic_writing(sys.argv[1] + "/hers.ipynb") as file:
    file.write("half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


class OnAFullDevice(WholeFiles):
    """Writes to the device that is always full; tests/faults/test_disk.py has a disk that is."""

    @contextmanager
    def atomic_writing(self, *_: Any, **__: Any) -> Iterator[IO[bytes]]:
        with Path("/dev/full").open("wb") as file:
            yield file


@pytest.fixture
def hers(tmp_path: Path) -> Path:
    place = tmp_path / "hers.ipynb"
    place.write_text("before", encoding="utf-8")
    place.chmod(0o640)
    return place


def test_a_server_killed_while_it_writes_leaves_what_was_there(hers: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(hers.parent)], check=False, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert hers.read_text("utf-8") == "before"


def test_what_a_killed_save_left_behind_goes_with_a_later_one(hers: Path) -> None:
    manager = WholeFiles(root_dir=str(hers.parent))
    subprocess.run([sys.executable, "-c", KILLED, str(hers.parent)], check=False, timeout=60)
    (left,) = hers.parent.glob(".~*")
    # Names that nearly are one, and a save of another tab that is under way.
    others = {left.with_name(name) for name in (".~other.ipynb.abcd1234", ".~hers.ipynb.mine", "hers.ipynb.abcd1234")}
    under_way = left.with_name(".~hers.ipynb.efgh5678")
    for one in (*others, under_way):
        one.write_text("kept", encoding="utf-8")
    for one in (*others, left):
        os.utime(one, (time.time() - 2 * LEFT_AFTER_S,) * 2)
    with manager.atomic_writing(str(hers)) as file:
        file.write("after")

    assert set(hers.parent.iterdir()) == {hers, under_way, *others}
    assert hers.read_text("utf-8") == "after"


def test_who_reads_meanwhile_reads_what_was_there(hers: Path) -> None:
    manager = WholeFiles(root_dir=str(hers.parent))
    with manager.atomic_writing(str(hers)) as file:
        file.write("after\n")
        file.flush()
        assert hers.read_text("utf-8") == "before"

    assert hers.read_bytes() == b"after\n"
    assert hers.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in hers.parent.iterdir()] == ["hers.ipynb"]


def test_what_cannot_be_written_to_its_end_leaves_nothing(hers: Path) -> None:
    manager = WholeFiles(root_dir=str(hers.parent))

    def write_until_the_disk_is_full() -> None:
        with manager.atomic_writing(str(hers), text=False) as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        write_until_the_disk_is_full()

    assert hers.read_text("utf-8") == "before"
    assert [one.name for one in hers.parent.iterdir()] == ["hers.ipynb"]


@pytest.mark.parametrize(("language", "words"), [("en", "is not saved"), ("fr", "n’est pas enregistré")])
def test_a_disk_that_takes_nothing_is_said_in_her_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setenv("PASSERELLE_LANGUAGE", language)
    manager = OnAFullDevice(root_dir=str(tmp_path))
    model = {"type": "file", "format": "text", "content": "hers"}

    with pytest.raises(HTTPError) as told:
        asyncio.run(manager.save(model, "bread/prices.txt"))

    assert told.value.status_code == 507
    assert (told.value.log_message or "").startswith(f"prices.txt {words}")
    assert "Errno" not in str(told.value)


def test_a_link_stays_a_link(hers: Path) -> None:
    link = hers.with_name("link.ipynb")
    link.symlink_to(hers.name)
    with WholeFiles(root_dir=str(hers.parent)).atomic_writing(str(link)) as file:
        file.write("after")

    assert link.is_symlink()
    assert hers.read_text("utf-8") == "after"


def test_a_name_as_long_as_a_file_system_allows_is_written(tmp_path: Path) -> None:
    place = tmp_path / f"{'é' * 124}.ipynb"
    with WholeFiles(root_dir=str(tmp_path)).atomic_writing(str(place)) as file:
        file.write("after")

    assert place.read_text("utf-8") == "after"
