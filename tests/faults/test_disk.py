"""A disk that fills up under a running hub, and one that is read-only at its start: real ones.

One that becomes read-only under a running hub cannot be made here: no kernel remounts a disk with files open for writing.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from benchmarks.loop import TRACK, UNIT
from tests.faults.own_world import on_a_disk_of
from tests.faults.walk import NOTEBOOK, Walk
from tests.hub.running import RunningHub, environment, settings_in, start

pytestmark = pytest.mark.slow

SIZE_MB = 650
"""What a start asks for, and some room for the demo programme."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Return a hub whose data directory is a disk of its own."""
    settings = settings_in(tmp_path_factory.mktemp("small") / "data")
    settings.root.mkdir()
    hub = start(settings, within=on_a_disk_of(SIZE_MB, settings.root))
    yield hub
    hub.stop()


@contextmanager
def full(hub: RunningHub) -> Iterator[None]:
    """Leave not a byte on the disk."""
    ballast = hub.inside(hub.settings.root / "ballast")
    try:
        with ballast.open("wb", buffering=0) as file:
            for piece in (b"\0" * 1_000_000, b"\0" * 1000, b"\0"):
                while True:
                    try:
                        file.write(piece)
                    except OSError:
                        break
        assert shutil.disk_usage(hub.inside(hub.settings.root)).free == 0
        yield
    finally:
        ballast.unlink()


def attempts(walk: Walk) -> list[str]:
    """Return the receipts of her attempts, asked of the exchange as she may."""
    answer = walk.browser.get_page(f"/services/passerelle/api/submissions/{TRACK}/{UNIT}")
    assert answer.status_code == 200, answer.text
    return [one["receipt"] for one in answer.json()]


def sent(walk: Walk) -> requests.Response:
    """Submit once, whatever comes of it."""
    return walk.ask(
        "POST", f"passerelle/submit/{TRACK}/{UNIT}", {"token": walk.token, "confirmed": True, "path": NOTEBOOK}
    )


def test_a_full_disk_loses_nothing_and_all_goes_on_when_there_is_room_again(small: RunningHub) -> None:
    first = Walk.begin(small, "basil", 11)
    for step in (Walk.sign_in, Walk.open_unit, Walk.save, Walk.submit, Walk.see_result):
        step(first)
    second = Walk(small, "basil", 12, first.browser, server=first.server)

    with full(small):
        saving = second.put_notebook()
        sending = sent(second)
        path = second.browser.get_page("/services/passerelle/")
        before = attempts(second)

    # She is told, in words, and nothing was taken.
    assert saving.status_code == 507
    assert saving.json()["message"] == (
        f"{UNIT}.ipynb is not saved: the server’s disk takes nothing more just now. What you had saved before is still "
        "there. Leave this tab open and save again in a few minutes."
    )
    assert sending.status_code >= 500
    assert "Nothing is lost" in sending.json()["error"], sending.text
    assert path.status_code == 200
    assert before == [first.receipt]
    assert first.saved_number() == 11
    # Nobody has started anything again: it goes on by itself, with the submission that was sent before.
    second.save()
    second.submit()
    second.see_result()
    second.see_feedback()
    assert second.saved_number() == 12
    assert attempts(second) == [first.receipt, second.receipt]


def test_a_start_on_a_read_only_disk_is_said_in_one_line(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    settings.root.mkdir()
    done = subprocess.run(
        [*on_a_disk_of(SIZE_MB, settings.root, more=",ro"), sys.executable, "-m", "passerelle.hub"],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"The data directory {settings.root} cannot be written (Read-only file system): give it to this user, or set "
        "PASSERELLE_DATA."
    )
