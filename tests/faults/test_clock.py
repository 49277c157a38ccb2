"""The machine's clock goes back an hour between two runs (a wrong time zone mended, a battery, a bad time server)."""

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.loop import TRACK, UNIT
from tests.faults.own_world import in_a_world_of_its_own
from tests.faults.walk import Walk
from tests.hub.running import running, settings_in, start

pytestmark = pytest.mark.slow

HOUR_S = 3600


def an_hour_back(place: Path) -> list[str]:
    """Return the command that runs another one, and all that it starts, with a clock that is an hour behind."""
    over, work = place / "over", place / "work"
    for directory in (over, work):
        directory.mkdir()
    # By files laid over /etc, not by the environment: our processes inherit little of that.
    (over / "ld.so.preload").write_text(f"{next(Path('/usr/lib').glob('*/faketime/libfaketime.so.1'))}\n")
    (over / "faketimerc").write_text("-1h\n")
    options = f"lowerdir=/etc,upperdir={over},workdir={work}"
    return in_a_world_of_its_own("overlay", options, Path("/etc"))


def test_the_other_clock_is_another_one(tmp_path: Path) -> None:
    said = subprocess.run(
        [*an_hour_back(tmp_path), "date", "+%s"], capture_output=True, text=True, timeout=20, check=True
    ).stdout

    assert time.time() - float(said) == pytest.approx(HOUR_S, abs=20)


def test_an_hour_back_nothing_is_lost_and_all_goes_on(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    with running(settings) as hub:
        before = Walk.begin(hub, "acacia", 31)
        for step in (Walk.sign_in, Walk.open_unit, Walk.save, Walk.submit, Walk.see_result):
            step(before)

    hub = start(settings, within=an_hour_back(tmp_path))
    try:
        after = Walk(hub, "acacia", 32, before.browser)
        for again in (Walk.see_path, Walk.open_unit, Walk.save, Walk.submit, Walk.see_result, Walk.see_feedback):
            again(after)
        attempts = after.browser.get_page(f"/services/passerelle/api/submissions/{TRACK}/{UNIT}").json()
    finally:
        hub.stop()

    assert [(one["receipt"], one["number"], one["state"]) for one in attempts] == [
        (before.receipt, 1, "marked"),
        (after.receipt, 2, "marked"),
    ]
    received = [datetime.fromisoformat(one["received"]) for one in attempts]
    assert received[1] < received[0] < datetime.now(UTC)  # the clock that was there, not one that was made up
