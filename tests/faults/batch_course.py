"""The course of the killed batch: a small unit, and submissions of which no two have the same answers."""

import json
import shutil
from pathlib import Path

from passerelle.courses import build_course, read_unit
from passerelle.grading.release import generate
from passerelle.proof.submissions import Release, reference_answers
from tests.attacks.tiny import EXPECT, RIGHT, UNIT, make_courses, release
from tests.unit.grading.elsewhere import nbgrader

COURSES = Path(__file__).parents[2] / "courses"
PAGES = "w1-first-page"
PARTLY = {**RIGHT, "total": "def total(rows):\n    return len(rows)"}
WRONG = {
    "mean": "mean_price = max(prices)",
    "double": "def double(number):\n    return number + 1",
    "total": "total = 3",
}
LOOPS = {**RIGHT, "money": "while True:\n    pass"}
SLEEPS = {**RIGHT, "money": "import time\ntime.sleep(1_000)"}
FORKS = {
    **RIGHT,
    "total": (
        "import os, time\n\nfor _ in range(20):\n    if os.fork() == 0:\n        time.sleep(1_000)\n        os._exit(0)\n\n\n"
        + RIGHT["total"]
    ),
}
EATS = {**RIGHT, "money": "hoard = []\nwhile True:\n    hoard.append(b'x' * 20_000_000)"}
ENDS = {**RIGHT, "money": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"}
KINDS = (RIGHT, FORKS, PARTLY, EATS, RIGHT, WRONG, ENDS, PARTLY, RIGHT, WRONG, RIGHT, None)
"""One after the other; None is a notebook that is none."""


def make(root: Path, count: int, *, loops: bool = True) -> Path:
    """Make the course with so many submissions in it.

    Args:
        root: where; it is made.
        count: how many submissions.
        loops: let one of forty loop and one of forty sleep, each until its time is up.
    """
    course = make_courses(root)[EXPECT]
    done = nbgrader(course, "generate_assignment", UNIT, "--force")
    assert done.returncode == 0, done.stderr
    for number in range(count):
        folder = course / "submitted" / f"fellow{number:03d}" / UNIT
        folder.mkdir(parents=True)
        (folder / f"{UNIT}.ipynb").write_bytes(_content(number, loops=loops))
        if number % 5:
            (folder / "timestamp.txt").write_text(f"2026-01-{1 + number % 28:02d} 10:00:00.{number:06d} UTC")
    return course


def make_pages(root: Path, count: int) -> Path:
    """Make a course with a unit of web pages, and so many pages in it, each one another."""
    source, course = COURSES / "web-dev", root / "web-dev"
    reference = reference_answers(read_unit(source, PAGES))
    build_course(source, course, units=(PAGES,))
    release = Release.read(generate(course, PAGES))
    for number in range(count):
        page = reference["answer-page"].replace("</body>", f"<p>{number}</p></body>")
        page = page.replace("<title>", "<title hidden>") if number % 3 == 1 else page.replace("<h1", "<h4", number % 3)
        folder = course / "submitted" / f"fellow{number:03d}" / PAGES
        folder.mkdir(parents=True)
        for name, content in release.submission(reference | {"answer-page": page}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / "timestamp.txt").write_text(f"2026-01-{1 + number % 28:02d} 10:00:00 UTC")
    return course


def _content(number: int, *, loops: bool) -> bytes:
    answers = KINDS[number % len(KINDS)]
    if loops and number % 40 in (17, 31):
        answers = LOOPS if number % 40 == 17 else SLEEPS
    if answers is None:
        return b'{"cells": [' + b" " * number
    mine = {task: f"{text}\n# {number}" for task, text in answers.items()}
    return json.dumps(release(EXPECT, {**mine, "words": f"One large number, {number}."})).encode()


def copied(course: Path, root: Path) -> Path:
    """Return a copy, times and all: what was submitted without a time has its files'."""
    shutil.copytree(course, root, symlinks=True)
    return root
