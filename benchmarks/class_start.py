"""A class starts: everybody logs in and opens the same unit at once, then everybody submits.

`make bench-class` prints one Markdown table. The hub is a real one; one fellow is a real browser, the others are
clients that do over HTTP and WebSocket what her page does. All on the machine that serves, so their work is in it.
"""

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from benchmarks.loop import TRACK, UNIT, Figure, client, percentile, solved, submit_to_feedback
from passerelle import ledger
from passerelle.hub.boxes import running_boxes
from passerelle.hub.demo import COHORT
from passerelle.hub.homes import Walk
from passerelle.hub.passphrases import passphrase
from passerelle.ledger import people
from passerelle.model.people import Role
from tests.hub.running import COURSES, RunningHub, running, settings_in
from tests.hub.test_loop import CHROMIUM, CHROMIUM_ARGS, Notebook
from tests.hub.test_spawner import Kernel

OPEN = f"/hub/user-redirect/passerelle/open/{TRACK}/{UNIT}"
NOTEBOOK = f"{TRACK}/{UNIT}/{UNIT}.ipynb"
PATIENCE_S = 300.0
SUBMIT_WITHIN_S = 10.0
ASK_EVERY_S = 1.0
"""As pages do. Forty that ask twenty times a second measure nothing but that."""
MB = 1024 * 1024
LIBRARIES = "import pandas, sklearn.ensemble, matplotlib.pyplot"


@dataclass
class Start:
    """How one fellow's start went: seconds since she opened the log-in page."""

    handle: str
    logged_in: float = 0.0
    server: float = 0.0
    first_cell: float = 0.0
    kernel: Kernel | None = None


def add_fellows(hub: RunningHub, count: int) -> list[str]:
    """Add fellows until there are as many, and return the handles of that many."""
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        handles = [one.handle for one in people.fellows_of_track(session, TRACK)]
        for number in range(count - len(handles)):
            handle = f"fellow{number}"
            hub.passwords[handle] = passphrase()
            people.add_person(session, handle, Role.FELLOW, handle, password=hub.passwords[handle])
            people.enrol(session, handle, COHORT, TRACK, starts=datetime.now(UTC) - timedelta(weeks=2))
            handles.append(handle)
    engine.dispose()
    return handles[:count]


def first_code_cell(cells: Sequence[dict[str, str]]) -> str:
    """Return the source of a notebook's first code cell."""
    return next(cell["source"] for cell in cells if cell["cell_type"] == "code")


def by_client(hub: RunningHub, handle: str) -> Start:
    """Log in, open the unit, run its first cell, as her page does."""
    began = time.monotonic()
    start = Start(handle)

    def now() -> float:
        return time.monotonic() - began

    browser = hub.browser(handle)
    browser.get_page("/services/passerelle/")
    start.logged_in = now()
    page = browser.get_page(OPEN)
    while "spawn-pending" in page.url or "/hub/" in page.url:
        if now() > PATIENCE_S:
            raise TimeoutError(f"{handle}: no server after {PATIENCE_S:g} s, at {page.url}")
        # Her page reloads when the hub says that the server is there.
        time.sleep(0.5)
        page = browser.get(page.url, timeout=60)
    page.raise_for_status()
    start.server = now()
    browser.get_page(f"/user/{handle}/lab/tree/{NOTEBOOK}").raise_for_status()
    cells = browser.get_page(f"/user/{handle}/api/contents/{NOTEBOOK}").json()["content"]["cells"]
    start.kernel = Kernel(browser, handle)
    start.kernel.run(f"import os\nos.chdir('{TRACK}/{UNIT}')\n{first_code_cell(cells)}\nimport pandas")
    start.first_cell = now()
    return start


def by_browser(hub: RunningHub, handle: str) -> Start:
    """Do the same with the mouse."""
    began = time.monotonic()
    start = Start(handle)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = launched.new_context(locale="fr", viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(hub.url)
        page.fill("#username_input", handle)
        page.fill("#password_input", hub.passwords[handle])
        page.click("#login_submit")
        page.wait_for_url("**/services/passerelle/")
        start.logged_in = time.monotonic() - began
        page.goto(hub.url + OPEN)
        page.wait_for_url("**/lab/**")
        start.server = time.monotonic() - began
        Notebook(page).wait()
        done = page.locator(".jp-Notebook .jp-InputPrompt", has_text=re.compile(r"\[\d+\]:"))
        while not done.count():
            # As somebody at the mouse: once more, where Lab was not listening yet.
            page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
            page.keyboard.press("Shift+Enter")
            with suppress(PlaywrightTimeout):
                done.first.wait_for(timeout=5_000)
        start.first_cell = time.monotonic() - began
        launched.close()
    return start


def starts(hub: RunningHub, handles: Sequence[str], within_s: float) -> list[Start]:
    """Let everybody start, spread over some seconds; the first one is the browser."""

    def begin(number: int) -> Start:
        time.sleep(within_s * number / len(handles))
        return (by_client if number else by_browser)(hub, handles[number])

    with ThreadPoolExecutor(len(handles)) as pool:
        return list(pool.map(begin, range(len(handles))))


def pss(hub: RunningHub) -> list[int]:
    """Return the bytes of each box, mapped files included, each page divided among those who share it."""
    sizes = []
    for box in running_boxes(hub.settings):
        rows = [Path(f"/proc/{member.pid}/smaps_rollup").read_text().splitlines() for member in box.members]
        sizes.append(sum(int(row.split()[1]) * 1024 for lines in rows for row in lines if row.startswith("Pss:")))
    return sizes


def end_kernels(hub: RunningHub, one: Start) -> None:
    """End what runs in a server, as «Shut down all kernels» does."""
    browser = one.kernel.browser if one.kernel is not None else hub.browser(one.handle)
    browser.get_page(f"/user/{one.handle}/lab")
    token = browser.cookies.get("_xsrf", path=f"/user/{one.handle}/")
    for kernel in browser.get_page(f"/user/{one.handle}/api/kernels").json():
        address = browser.at(f"/user/{one.handle}/api/kernels/{kernel['id']}")
        browser.delete(address, params={"_xsrf": token}, timeout=60).raise_for_status()


def size(place: Path) -> int:
    """Return the bytes that a directory takes on the disk."""
    walk = Walk(place)
    while not walk.go_on(1.0):
        pass
    return walk.usage.size


def submissions(hub: RunningHub, handles: Sequence[str]) -> list[float]:
    """Let everybody submit within ten seconds; return each one's seconds to her feedback."""
    lines = [client(hub, handle) for handle in handles]
    files = [solved(hub, number) for number in range(len(handles))]

    def submit(number: int) -> float:
        time.sleep(SUBMIT_WITHIN_S * number / len(handles))
        return submit_to_feedback(lines[number], files[number], ASK_EVERY_S)

    with ThreadPoolExecutor(len(handles)) as pool:
        return list(pool.map(submit, range(len(handles))))


def row(name: str, values: Sequence[float], reach: str) -> list[Figure]:
    """Return the two lines of a time that everybody has."""
    return [
        Figure(f"{name}: p50", f"{statistics.median(values):.1f} s", "–"),
        Figure(f"{name}: the longest", f"{max(values):.1f} s", reach),
    ]


def memory_row(name: str, sizes: Sequence[int]) -> Figure:
    """Return the line of a memory that everybody has."""
    middle, most = percentile([float(size) for size in sizes], 0.5) / MB, max(sizes) / MB
    return Figure(name, f"{middle:.0f} MB (most {most:.0f} MB)", "–")


def measure(hub: RunningHub, count: int, within_s: float) -> list[Figure]:
    """Measure a class of that many."""
    handles = add_fellows(hub, count)
    all_starts = starts(hub, handles, within_s)
    for one in sorted(all_starts, key=lambda one: one.first_cell):
        print(f"  logged in {one.logged_in:5.1f} s, server {one.server:5.1f} s, first cell {one.first_cell:5.1f} s")
    with_pandas = pss(hub)
    for one in all_starts:
        if one.kernel is not None:
            one.kernel.run(LIBRARIES)
    with_libraries = pss(hub)
    homes = [size(hub.settings.homes / handle) for handle in handles]
    course = hub.settings.courses / TRACK
    before = size(course)
    feedback = submissions(hub, handles)
    taken = (size(course) - before) / count
    for one in all_starts:
        end_kernels(hub, one)
    idle = pss(hub)
    return [
        *row(f"{count} fellows sign in", [one.logged_in for one in all_starts], "–"),
        *row(f"{count} fellows, the unit's workspace is there", [one.server for one in all_starts], "–"),
        *row(f"{count} fellows, first cell executed", [one.first_cell for one in all_starts], "≤ 120 s"),
        *row(f"{count} submit within {SUBMIT_WITHIN_S:g} s: feedback after", feedback, "≤ 60 s"),
        memory_row("memory of a server without a kernel (PSS)", idle),
        memory_row("… with a kernel that has imported pandas", with_pandas),
        memory_row("… and scikit-learn and matplotlib", with_libraries),
        Figure("disk: a home after its first unit", f"{max(homes) / MB:.1f} MB", "–"),
        Figure("disk: a submission, its marked copy and feedback, gradebook included", f"{taken / MB:.1f} MB", "–"),
    ]


def main() -> None:
    """Run a hub, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fellows", type=int, default=12)
    parser.add_argument("--within", type=float, default=0.0, help="seconds over which they arrive; 0: all at once")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory(prefix="bench") as place,
        running(settings_in(Path(place) / "data", sources=COURSES)) as hub,
    ):
        figures = measure(hub, asked.fellows, asked.within)
    print("| Figure | Measured | Reach |\n|---|---|---|")
    for figure in figures:
        print(f"| {figure.name} | {figure.measured} | {figure.reach} |")


if __name__ == "__main__":
    main()
