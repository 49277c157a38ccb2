"""A sample of the grid of kills; `make faults` runs all of it."""

import random
from collections.abc import Iterator

import pytest

from tests.faults.grid import EVERYTHING, SERVER, walk_with_a_kill
from tests.hub.running import RunningHub, processes_of, settings_in, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Return a hub of its own: its processes are killed."""
    hub = start(settings_in(tmp_path_factory.mktemp("shaken") / "data"))
    yield hub
    hub.stop()
    assert processes_of(hub.settings) == []


@pytest.mark.parametrize(
    ("number", "victim", "step"),
    [
        (1, "hub", "open"),
        (2, "proxy", "save"),
        (3, "pages and exchange", "submit"),
        (4, "marking", "marking"),
        (5, SERVER, "run a cell"),
        (6, EVERYTHING, "marking"),
    ],
)
def test_a_kill_loses_nothing(shaken: RunningHub, number: int, victim: str, step: str) -> None:
    handle = ("acacia", "basil", "cedar", "dahlia", "fern", "iris")[number - 1]

    cell = walk_with_a_kill(shaken, handle, number, victim, step, random.Random(number))

    assert cell.killed > 0
