"""The figures of the loop, on this machine, beside stock nbgrader in the same run.

`make bench` prints one Markdown table. The hub is a real one with the demo programme; every submission is
different (its answers carry its number), so no verdict is shared, and that is counted and printed.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat

from passerelle import courses
from passerelle.ledger import engine, session
from passerelle.ledger.tables import Receipt
from passerelle_lab.client import Client
from tests.hub.running import COURSES, RunningHub, running, settings_in, start

TRACK, UNIT = "data-science", "d1-tables"
FELLOWS = ("acacia", "basil", "cedar", "dahlia", "fern", "iris")
RESULT_WITHIN_S = 120.0
FULL_AUTOMATIC = 10


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    measured: str
    reach: str


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def solved(hub: RunningHub, number: int) -> dict[str, bytes]:
    """Return the files of a full submission whose answers differ from every other one's."""
    return solved_in(hub.inside(hub.settings.courses / TRACK), number)


def solved_in(course: Path, number: int) -> dict[str, bytes]:
    """Return the same of a course directory, without a hub."""
    folder = course / "release" / UNIT
    source = courses.unit_source(course, UNIT)
    answers = {
        cell.metadata["passerelle"]["key"]: re.sub(
            r"^\s*### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.MULTILINE
        )
        for cell in source.cells
        if cell.metadata.get("passerelle", {}).get("kind") in {"answer", "manual"}
    }
    notebook = nbformat.read(folder / f"{UNIT}.ipynb", as_version=4)
    for cell in notebook.cells:
        key = cell.metadata.get("passerelle", {}).get("key")
        if key in answers:
            note = f"\n# {number}" if cell.cell_type == "code" else f"\n\n{number}"
            cell.source = answers[key].rstrip() + note
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {**files, f"{UNIT}.ipynb": nbformat.writes(notebook).encode()}


def client(hub: RunningHub, handle: str) -> Client:
    """Return a fellow's line to the exchange, with a token of the hub's."""
    browser = hub.browser(handle)
    browser.get_page("/hub/home")
    headers = {"X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/") or "", "Referer": f"{hub.url}/hub/home"}
    answer = browser.post(f"{hub.url}/hub/api/users/{handle}/tokens", json={}, headers=headers, timeout=30)
    answer.raise_for_status()
    return Client(f"{hub.url}/services/passerelle/api", answer.json()["token"], timeout_s=30)


def submit_to_feedback(line: Client, files: dict[str, bytes], pause_s: float = 0.05) -> float:
    """Submit; return the seconds until her page could show what was found, asked for at such pauses."""
    began = time.monotonic()
    receipt = line.submit(TRACK, UNIT, files)["receipt"]
    while time.monotonic() - began < RESULT_WITHIN_S:
        result = line.result(receipt)
        if result["state"] == "marked":
            took = time.monotonic() - began
            if result["points"] != FULL_AUTOMATIC:
                sys.exit(f"receipt {receipt}: {result['points']} points where the solution earns {FULL_AUTOMATIC}")
            return took
        time.sleep(pause_s)
    sys.exit(f"receipt {receipt} was not marked within {RESULT_WITHIN_S:g} s: see {line.api}")


def stock_nbgrader(hub: RunningHub, submissions: Sequence[dict[str, bytes]]) -> float:
    """Return the seconds a submission takes `nbgrader autograde` on a plain copy of the built source."""
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        shutil.copytree(hub.settings.courses / TRACK / "source", course / "source")
        plain = [sys.executable, "-m", "nbgrader"]
        (course / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.course_id = '{TRACK}'\n")
        # nbgrader calls alembic by PATH.
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        run = partial(subprocess.run, cwd=course, env=environment, check=True, capture_output=True, timeout=900)
        run([*plain, "generate_assignment", UNIT])
        for number, files in enumerate(submissions):
            for name, content in files.items():
                path = course / "submitted" / f"fellow{number}" / UNIT / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        began = time.monotonic()
        run([*plain, "autograde", UNIT])
        return (time.monotonic() - began) / len(submissions)


def shared_verdicts(hub: RunningHub) -> int:
    """Return how many submissions got the verdict of another: 0 where all answers differ."""
    with session(engine(hub.settings.database_url)) as ledger:
        keys = [key for (key,) in ledger.query(Receipt.verdict_key) if key]
    return len(keys) - len(set(keys))


def numbers() -> Iterator[int]:
    """Count, so that each submission has a number of its own."""
    number = 0
    while True:
        number += 1
        yield number


def measure(hub: RunningHub, alone: int, rounds: int, stock: int) -> list[Figure]:
    """Measure everything that needs a running hub."""
    count = numbers()
    browser = hub.browser("acacia")
    began = time.monotonic()
    browser.open_server("acacia")
    spawned = time.monotonic() - began
    lines = {handle: client(hub, handle) for handle in FELLOWS}
    one_by_one = [submit_to_feedback(lines["acacia"], solved(hub, next(count))) for _ in range(alone)]
    together: list[float] = []
    for _ in range(rounds):
        files = [solved(hub, next(count)) for _ in FELLOWS]
        with ThreadPoolExecutor(len(FELLOWS)) as pool:
            together += pool.map(submit_to_feedback, lines.values(), files)
    nbgrader = stock_nbgrader(hub, [solved(hub, next(count)) for _ in range(stock)])
    p50 = statistics.median(one_by_one)
    return [
        Figure("a fellow's server, from click to ready", f"{spawned:.1f} s", "–"),
        Figure(f"submit to feedback alone, p50 of {alone}", f"{p50:.1f} s", "–"),
        Figure(f"submit to feedback alone, p95 of {alone}", f"{percentile(one_by_one, 0.95):.1f} s", "< 15 s"),
        Figure(f"6 fellows at once, {rounds} rounds: p50", f"{statistics.median(together):.1f} s", "–"),
        Figure(f"6 fellows at once, {rounds} rounds: the longest wait", f"{max(together):.1f} s", "≤ 60 s"),
        Figure(f"stock `nbgrader autograde`, a submission (of {stock})", f"{nbgrader:.1f} s", "for comparison"),
        Figure("verdicts shared between submissions", str(shared_verdicts(hub)), "0"),
    ]


def main() -> None:
    """Run a hub, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alone", type=int, default=20, help="submissions one after another")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of six at once")
    parser.add_argument("--stock", type=int, default=3, help="submissions for stock nbgrader")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench") as place:
        settings = settings_in(Path(place) / "data", sources=COURSES)
        with running(settings) as hub:
            first = hub.seconds_to_ready
            figures = measure(hub, asked.alone, asked.rounds, asked.stock)
            stopped = hub.stop()
        again = start(settings)
        second = again.seconds_to_ready
        again.stop()
    figures = [
        Figure("first start with an empty data directory", f"{first:.1f} s", "–"),
        Figure("second start", f"{second:.1f} s", "< 15 s"),
        Figure("Ctrl-C to the end of every process", f"{stopped:.1f} s", "< 10 s"),
        *figures,
    ]
    print("| Figure | Measured | Reach |\n|---|---|---|")
    for figure in figures:
        print(f"| {figure.name} | {figure.measured} | {figure.reach} |")


if __name__ == "__main__":
    main()
