"""Pages are looked at in a walled browser: what a page does is its verdict, and never the next one's."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from autograders.web_browser import below
from autograders.web_warm import Warm
from passerelle import grading
from passerelle.courses import build_course, notebook_in_language, read_unit
from passerelle.grading.feedback import feedback_page
from passerelle.grading.pages import WIDTHS, browser
from passerelle.grading.release import generate
from passerelle.model.people import LANGUAGES
from passerelle.proof.submissions import Release, reference_answers
from tests.browser.fellow_lab import PICTURES
from tests.grading.test_formgrader import CHROMIUM

pytestmark = pytest.mark.slow

LEARNER = Path(sys.prefix)
COURSES = Path(__file__).parents[2] / "courses"
UNIT = "w1-first-page"
PAGE = '<!doctype html><html lang="en"><title>Bread</title><h1>Bread</h1>{}</html>'
HOSTILE = {
    "a-loop": ("<script>while (true) {}</script>", "page-slow"),
    "a-loop-later": ("<script>setTimeout(() => { while (true) {} }, 1)</script>", "page-slow"),
    "a-storm-of-dialogs": ("<script>while (true) alert('no')</script>", "page-dialog"),
    "windows": ("<script>for (let n = 0; n < 9; n++) window.open('about:blank')</script>", "page-popup"),
    "a-download": ("<a id=d download=x href='data:text/plain,x'>x</a><script>d.click()</script>", "page-download"),
    "memory": ("<script>const a = []; while (true) a.push(new Uint8Array(5e7).fill(1))</script>", "page-memory"),
    "away-at-once": ("<meta http-equiv=refresh content='0;url=https://example.org/'>", "page-left"),
    "away-by-script": ("<script>location = 'https://example.org/'</script>", "page-left"),
    "again-and-again": ("<script>location.reload()</script>", "page-left"),
}


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    made = browser(LEARNER)
    yield made
    made.close()


def seen(warm: Warm, inside: str, **files: bytes) -> dict[str, Any]:
    told = warm.look({"index.html": PAGE.format(inside).encode(), **files}, "index.html", width=1280, axe=False)
    warm.forget_trouble()
    return told


@pytest.mark.parametrize(("inside", "trouble"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_a_hostile_page_does_is_its_verdict_and_the_next_page_is_seen(
    warm: Warm, inside: str, trouble: str
) -> None:
    began = time.monotonic()

    assert seen(warm, inside)["trouble"] == trouble
    assert time.monotonic() - began < 90
    assert seen(warm, f"<p>After {trouble}</p>")["seen"]["title"] == "Bread"


def test_a_page_reaches_nothing_but_its_own_files(warm: Warm) -> None:
    asks = ["http://127.0.0.1:8000/", "file:///etc/passwd", "https://example.org/x", "http://[::1]/", "own.txt"]
    script = (
        f"<pre id=p></pre><script>for (const one of {asks}) fetch(one).then(a => a.text())"
        ".then(text => p.append('GOT ' + one + ' ' + text), () => 0)</script>"
        "<script>new WebSocket('ws://127.0.0.1:8000/')</script>"
    )

    told = seen(warm, script, **{"own.txt": b"hers"})["seen"]

    assert told["text"].count("GOT") == 1
    assert "GOT own.txt hers" in told["text"]
    assert any("127.0.0.1" in one for one in told["elsewhere"])


def test_nothing_of_a_page_is_left_for_the_next(warm: Warm) -> None:
    keep = (
        "<script>localStorage.x = 1; document.cookie = 'x=1'; navigator.serviceWorker.register('sw.js').catch(() => 0)"
        "</script>"
    )
    seen(warm, keep, **{"sw.js": b"onfetch = one => one.respondWith(new Response('hers'))"})

    told = seen(warm, "<p id=p></p><script>p.append('left ' + localStorage.length + document.cookie)</script>")

    assert "left 0" in told["seen"]["text"]
    assert "x=1" not in told["seen"]["text"]


def test_a_large_page_is_read_or_refused_in_time(warm: Warm) -> None:
    began = time.monotonic()
    told = seen(warm, "<p>bread</p>" * 100_000)

    assert told.get("trouble") in ("page-slow", "page-memory") or told["seen"]["more"] > 0
    assert time.monotonic() - began < 90


def test_a_browser_that_was_killed_is_started_again(warm: Warm) -> None:
    seen(warm, "<p>one</p>")
    for pid in [*below(warm.pid or 0), warm.pid or 0]:
        with suppress(ProcessLookupError):  # a browser that ends takes its own with it
            os.kill(pid, 9)

    assert seen(warm, "<p>two</p>")["seen"]["title"] == "Bread"


class Marker:
    """Marks pages as the answer of the unit."""

    def __init__(self, root: Path) -> None:
        source, self.course = COURSES / "web-dev", root / "web-dev"
        self.reference = reference_answers(read_unit(source, UNIT))
        self.page = self.reference["answer-page"]
        build_course(source, self.course, units=(UNIT,))
        self.release = Release.read(generate(self.course, UNIT))

    def marked(self, page: str) -> grading.Marked:
        files = self.release.submission(self.reference | {"answer-page": page})
        return grading.mark(self.course, UNIT, files, learner=LEARNER)


@pytest.fixture(scope="module")
def marker(tmp_path_factory: pytest.TempPathFactory) -> Marker:
    return Marker(tmp_path_factory.mktemp("pages"))


def test_a_page_is_marked_with_a_picture_at_each_width(marker: Marker) -> None:
    good = marker.marked(marker.page)

    assert sum(check.points for check in good.verdict.checks) == 12
    pictures = [
        output.metadata["image/png"]
        for cell in good.notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert [one["alt"].split()[4] for one in pictures] == [str(width) for width in WIDTHS]
    facts = {"notebook": UNIT, "score": 12, "max_score": 12, "late_penalty": 0, "cells": {}, "comments": {}}
    page = feedback_page(good.notebook, facts, "en")
    assert page.count('alt="What the browser showed') == len(WIDTHS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_the_feedback_on_a_telephone(marker: Marker, tmp_path: Path, language: str) -> None:
    marked = marker.marked(marker.page.replace("Mes compétences</a>", "ici</a>"))
    facts = {"notebook": UNIT, "score": 11, "max_score": 12, "late_penalty": 0, "cells": {}, "comments": {}}
    facts["cells"] = {check.key: {"score": check.points, "points": check.max_points} for check in marked.verdict.checks}
    place = tmp_path / "feedback.html"
    place.write_text(feedback_page(notebook_in_language(marked.notebook, language), facts, language), "utf-8")

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 320, "height": 740})
        page.goto(place.as_uri())
        shown = page.get_by_role("img").count(), page.evaluate("document.documentElement.scrollWidth")
        found = [one["id"] for one in Axe().run(page).response["violations"]]
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"feedback-320-{language}.png"), full_page=True)
        chromium.close()

    assert shown[0] >= len(WIDTHS)
    assert shown[1] <= 320
    assert found == []


LARGE = "open('index.html', 'w').write('<!doctype html>' + '<p>bread' * 6_250_000)"
# The files that are told change with each question: a fork knows whose child it is, and how many asked before it.
OTHERS = """
import os
from autograders import answers
def site(path):
    with open(f"/tmp/{os.getppid()}", "a+") as asked:
        asked.write("x")
    return {"files": {"index.html": PAGE if os.path.getsize(f"/tmp/{os.getppid()}") > 1 else b"<p>"}}
answers.site = site
"""


@pytest.mark.parametrize("attack", ["a-loop", "50-mb", "another-page-the-second-time"])
def test_what_an_attack_through_a_page_earns(marker: Marker, attack: str) -> None:
    body = marker.page.partition("\n")[2].encode()
    answers = {
        "a-loop": marker.page.replace("</body>", "<script>while (true) {}</script></body>"),
        "50-mb": LARGE,
        "another-page-the-second-time": f"PAGE = {body!r}{OTHERS}",
    }
    began = time.monotonic()

    verdict = marker.marked(answers[attack]).verdict

    said = {one.id for check in verdict.checks for one in check.messages}
    earned = sum(check.points for check in verdict.checks)
    assert time.monotonic() - began < 120
    assert (earned, said) == {"a-loop": (0, {"page-slow"}), "50-mb": (0, {"page-too-big"})}.get(attack, (0, said))
