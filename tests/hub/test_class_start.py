"""A small class starts: four fellows at once, each with a first cell executed. `make bench-class` measures twelve."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.class_start import by_client
from tests.hub.running import RunningHub
from tests.hub.test_spawner import stop_server

pytestmark = pytest.mark.slow

CLASS = ("cedar", "dahlia", "fern", "iris")
FIRST_CELL_S = 120


def test_four_fellows_who_start_at_once_all_work_soon(hub: RunningHub) -> None:
    with ThreadPoolExecutor(len(CLASS)) as pool:
        starts = list(pool.map(lambda handle: by_client(hub, handle), CLASS))

    assert max(start.first_cell for start in starts) < FIRST_CELL_S
    for start in starts:
        assert start.kernel is not None
        assert start.kernel.value("str(few.shape)") == "(4, 3)"
        stop_server(start.kernel.browser, start.handle)
