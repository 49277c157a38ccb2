"""What forking costs: a box, an examiner, a kept state, and a cell that runs after one was kept.

    python -m benchmarks.forks [--small-pages]

Each is done few and many times, each time with a server of its own; the difference is what one costs without start-up.
Processor time is that of every process (they are all waited for by somebody), milliseconds by the clock are medians.
`--small-pages` does the same without large pages, in another run: compare the two.
"""

import argparse
import ctypes
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from passerelle.grading import fork, walls
from passerelle.grading.box import Box
from passerelle.grading.panel import Examiner
from passerelle.model.settings import Settings

FEW, MANY = 5, 45
_PR_SET_CHILD_SUBREAPER = 36
LIBRARIES = ("pandas", "sklearn.ensemble", "sklearn.linear_model")
GROUPS = "import pandas as pd\ntable = pd.DataFrame({'a': range(10_000), 'b': [1, 2] * 5_000})"
CELL = "table.groupby('b').sum()"


def a_box(learner: Path) -> Iterator[None]:
    """Begin and end boxes."""
    while True:
        with Box(learner, {"unit.json": b"{}"}, modules=["pandas"], also=LIBRARIES) as box:
            box.wait()
        yield


def an_examiner(learner: Path) -> Iterator[None]:
    """Begin and end examiners."""
    with tempfile.TemporaryDirectory() as folder:
        while True:
            with Examiner(Path(folder), modules=["pandas"], also=LIBRARIES, learner=learner) as examiner:
                examiner.examine("1.0", 1.0, lambda _question: b"{}", hidden=False)
            yield


@contextmanager
def _ready(learner: Path) -> Iterator[Box]:
    with Box(learner, {}, modules=["pandas"], also=LIBRARIES) as box:
        box.wait()
        box.run(GROUPS)
        box.run(CELL)
        yield box


def a_cell(learner: Path) -> Iterator[None]:
    """Run a cell that groups a table."""
    with _ready(learner) as box:
        while True:
            box.run(CELL)
            yield


def a_cell_and_a_kept_state(learner: Path) -> Iterator[None]:
    """Run the cell, and keep the state after it."""
    with _ready(learner) as box:
        while True:
            box.run(CELL)
            kept = box.keep()
            assert kept is not None
            yield
            box.let_go(kept)


def a_fork_of_it(learner: Path) -> Iterator[None]:
    """Fork a kept state."""
    with _ready(learner) as box:
        kept = box.keep()
        assert kept is not None
        while True:
            kept.again().close()
            yield


def a_name(learner: Path) -> Iterator[None]:
    """Ask what a name holds."""
    with _ready(learner) as box:
        while True:
            box.get({"ask": "get", "name": "table"})
            yield


PARTS: dict[str, Callable[[Path], Iterator[None]]] = {
    "a box, begun and ended": a_box,
    "an examiner, begun, asked once and ended": an_examiner,
    "what a name holds (a table of 10,000 rows)": a_name,
    "a cell that groups a table": a_cell,
    "the same cell, and its state kept": a_cell_and_a_kept_state,
    "a fork of a kept state": a_fork_of_it,
}


def measured(part: Callable[[Path], Iterator[None]], learner: Path) -> tuple[float, float]:
    """Return milliseconds of processor and, by the clock, of one."""
    used, walls_ms = [], list[float]()
    for count in (FEW, MANY):
        before = _cpu_s()
        doing = part(learner)
        for _ in range(count):
            began = time.perf_counter()
            next(doing)
            walls_ms.append(1000 * (time.perf_counter() - began))
        doing.close()  # type: ignore[attr-defined]  # a generator
        fork.end_servers()
        # What was left without a parent became ours: its time counts once it is waited for.
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        used.append(_cpu_s() - before)
    return 1000 * (used[1] - used[0]) / (MANY - FEW), statistics.median(walls_ms)


def _cpu_s() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small-pages", action="store_true", help="as without large pages")
    if parser.parse_args().small_pages:
        walls.FORKED_MEMORY.clear()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    print("| | processor | by the clock |\n|---|--:|--:|")
    for name, part in PARTS.items():
        cpu_ms, wall_ms = measured(part, Settings().learner)
        print(f"| {name} | {cpu_ms:.1f} ms | {wall_ms:.1f} ms |", flush=True)


if __name__ == "__main__":
    main()
