"""How long a page is looked at: seconds of an instant check in a kernel, and of marking, with a browser that is warm.

    python -m benchmarks.pages        `make bench-pages`

The page is the reference solution of the first web unit, and another one each time: nothing is remembered.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from passerelle import grading
from passerelle.courses import build_course, read_unit
from passerelle.grading.release import generate
from passerelle.proof.submissions import Release, reference_answers

SOURCE = Path(__file__).parents[1] / "courses" / "web-dev"
UNIT, ANSWER, CHECK = "w1-first-page", "answer-page", "check-page"
TIMES = 10
WAIT_S = 120


def took_s(work: Callable[[int], None]) -> list[float]:
    """Return the seconds of each time, the first one apart in front."""
    times = []
    for number in range(TIMES + 1):
        began = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - began)
    return times


def instant_s(page: str, check: str, folder: Path) -> list[float]:
    """Return how long an instant check takes in a kernel, each time of another page that is right."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    head, _, body = page.partition("\n")
    name = head.split()[-1]

    def run(number: int) -> None:
        (folder / name).write_text(_other(body, number), "utf-8")
        reply = client.execute_interactive(check, timeout=WAIT_S, output_hook=lambda _message: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"the check stopped: {reply['content']}")

    try:
        client.execute_interactive("from autograders import expect", timeout=WAIT_S)
        return took_s(run)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def marked_s(course: Path, page: str) -> list[float]:
    """Return how long marking takes, each time of another page that is right."""
    release = Release.read(generate(course, UNIT))
    reference = reference_answers(read_unit(SOURCE, UNIT))

    def mark(number: int) -> None:
        files = release.submission(reference | {ANSWER: _other(page, number)})
        verdict = grading.mark(course, UNIT, files, learner=Path(sys.prefix)).verdict
        if any(check.points < check.max_points for check in verdict.checks):
            raise RuntimeError(f"the reference lost points: {verdict.checks}")

    return took_s(mark)


def _other(page: str, number: int) -> str:
    return page.replace("</body>", f"<!-- {number} -->\n</body>")


def main() -> None:
    """Print the figures as a Markdown table."""
    page = reference_answers(read_unit(SOURCE, UNIT))[ANSWER]
    with tempfile.TemporaryDirectory() as scratch:
        course, folder = Path(scratch) / "web-dev", Path(scratch) / "hers"
        build_course(SOURCE, course, units=(UNIT,))
        check = next(cell.source for cell in read_unit(SOURCE, UNIT).cells if cell.key == CHECK)
        for name, content in read_unit(SOURCE, UNIT).data.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        rows = {
            "instant check of a page": instant_s(page, check, folder),
            "marking of the unit": marked_s(course, page),
        }
    print(f"| | first: the browser starts | then, median of {TIMES} | longest |\n|---|--:|--:|--:|")
    for what, (first, *then) in rows.items():
        print(f"| {what} | {first:.1f} s | {statistics.median(then):.2f} s | {max(then):.2f} s |")


if __name__ == "__main__":
    main()
