"""Formgrader in a course's server, as a trainer has it: a real Jupyter server, a real browser."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from passerelle.grading.redirect import install_in
from tests.unit.grading.asked import Service, service
from tests.unit.grading.desk import ANSWER, CHECK, MANUAL, RIGHT, SUM, UNIT, Desk, files_of, make_course, notebook
from tests.unit.grading.hostile import call, make_hostile

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), "chromium"
)
EXTENSIONS = '{"passerelle.hub.formgrader": True, "nbgrader.server_extensions.formgrader": True}'

pytestmark = pytest.mark.slow


@dataclass
class Course:
    """A course's server: where it listens, the desk behind it, and what it asked of the platform."""

    address: str
    desk: Desk
    platform: Service

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        request = urllib.request.Request(f"{self.address}/{path}", headers={"Authorization": "token test"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Start a course's server with formgrader in it."""
    desk = Desk.open(tmp_path_factory.mktemp("data"), make_course(tmp_path_factory.mktemp("made")))
    install_in(desk.course_dir)
    home = tmp_path_factory.mktemp("home")
    with service() as platform:
        environment = os.environ | {
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "PASSERELLE_API": platform.address,
            "PASSERELLE_TRACK": "demo",
            "JUPYTERHUB_API_TOKEN": "secret",
        }
        log = (home / "server.log").open("w+")
        server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter_server", "--port=0", "--no-browser", "--allow-root", "--IdentityProvider.token=test",
                f"--ServerApp.jpserver_extensions={EXTENSIONS}", "--ServerApp.root_dir=.", "--ServerApp.port_retries=0",
            ],
            cwd=desk.course_dir, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield Course(_address(Path(log.name), server), desk, platform)
        finally:
            server.terminate()
            server.wait(20)
            log.close()
            desk.engine.dispose()


def _address(log: Path, server: subprocess.Popen[bytes]) -> str:
    import re

    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text())
        if found:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, course: Course) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"{course.address}/formgrader/?token=test")
    yield opened
    context.close()


def give_all(page: Page) -> None:
    """Press «full credit». Not with the mouse: formgrader scrolls for half a second after the page is there, and a button
    that moves between pressing and letting go is not clicked.
    """
    page.locator(f".nbgrader_cell:has(#{MANUAL}) .full-credit").dispatch_event("click")


def open_submission(page: Page, course: Course, handle: str) -> None:
    with course.desk.book() as book:
        submission = book.find_submission_notebook(UNIT, UNIT, handle).id
    page.goto(f"{course.address}/formgrader/submissions/{submission}/")
    # Playwright's own waiting evaluates a string in the page, which the page's policy forbids.
    _until(
        lambda: page.evaluate(
            "!!(window.formgrader && formgrader.loaded && formgrader.grades.loaded && formgrader.comments.loaded)"
        )
    )


@pytest.mark.parametrize("policy", [True, False], ids=["as-it-is", "by-cleaning-alone"])
def test_nothing_of_a_hostile_submission_runs(browser: Browser, course: Course, policy: bool) -> None:
    context = browser.new_context(bypass_csp=not policy)
    page = context.new_page()
    page.goto(f"{course.address}/formgrader/?token=test")
    hostile = make_hostile(notebook(course.desk.course_dir), MANUAL, ANSWER)
    course.desk.record(course.desk.submit(files_of(hostile, evil=b"")))
    # The worst case: what the learner box shows is bypassed, and the hostile notebook is what was «executed».
    executed = course.desk.course_dir / "autograded/acacia/mini/mini.ipynb"
    executed.unlink()
    nbformat.write(hostile, executed)
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda popup: seen.append(popup.url))
    page.on("request", lambda request: seen.append(request.url) if course.address not in request.url else None)

    open_submission(page, course, "acacia")
    page.evaluate(
        """() => {
            for (const link of document.querySelectorAll("#notebook-container a"))
                if (!/^https?:$/.test(link.protocol)) link.click();
        }"""
    )
    page.evaluate(
        """() => {
            for (const thing of document.querySelectorAll("#notebook-container *"))
                for (const event of ["mouseover", "focus", "toggle", "load", "error"])
                    thing.dispatchEvent(new Event(event));
        }"""
    )
    page.wait_for_timeout(500)

    assert page.evaluate("window.ran || []") == []
    assert [address for address in seen if not address.startswith("data:image/")] == []
    context.close()


def test_the_policy_holds_where_cleaning_would_miss_something(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(), "basil"))
    open_submission(page, course, "basil")
    page.evaluate(
        """([attempt, link]) => {
            const box = document.createElement("div");
            document.querySelector("#notebook-container").append(box);
            box.innerHTML = `<img src=x onerror="${attempt}"><a id="go" href="javascript:${link}">go</a>`;
            const script = document.createElement("script");
            script.textContent = attempt;
            box.append(script);
        }""",
        [call("missed"), call("link")],
    )
    page.locator("#go").dispatch_event("click")
    page.wait_for_timeout(300)

    assert page.evaluate("window.ran || []") == []


def test_a_trainer_s_mark_is_saved_and_announced(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(words="An outlier does it."), "basil"))
    course.platform.asked.clear()
    open_submission(page, course, "basil")
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    score = page.locator(f"#{MANUAL}")
    score.fill("0.5")
    with page.expect_response(lambda response: "/api/grade/" in response.url and response.request.method == "PUT"):
        score.press("Tab")
    comment = page.locator(f"#{MANUAL}-comment")
    comment.fill("Say which one.")
    with page.expect_response(lambda response: "/api/comment/" in response.url and response.request.method == "PUT"):
        comment.press("Tab")

    assert course.desk.grade(MANUAL, "basil")["manual_score"] == 0.5
    _until(lambda: len(course.platform.asked) == 2)
    assert course.platform.asked == [("/services/passerelle/api/manual/demo", "token secret", {})] * 2
    assert errors == []


def test_formgrader_s_own_buttons_work_under_the_policy(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(words="Its buttons."), "basil"))
    open_submission(page, course, "basil")
    with page.expect_response(lambda response: "/api/grade/" in response.url) as saved:
        give_all(page)
    assert saved.value.status == 200, saved.value.text()
    assert course.desk.grade(MANUAL, "basil")["manual_score"] == 1.0
    page.locator(".glyphicon-eye-open").click()

    assert page.locator(".name-shown:has-text('basil')").is_visible()


def test_no_stale_marks(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(SUM, words="First."), "basil"))
    open_submission(page, course, "basil")
    before = page.locator(f"#{CHECK}").get_attribute("placeholder")
    course.desk.record(course.desk.submit(course.desk.files(RIGHT, words="Second."), "basil"))
    open_submission(page, course, "basil")

    assert (before, page.locator(f"#{CHECK}").get_attribute("placeholder")) == ("0", "2")
    assert page.locator("text=Second.").is_visible()


def test_a_mark_from_a_page_that_shows_the_former_answer_is_not_taken(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(words="Former."), "basil"))
    open_submission(page, course, "basil")
    course.desk.record(course.desk.submit(course.desk.files(words="Newer."), "basil"))
    with page.expect_response(lambda response: "/api/grade/" in response.url) as saved:
        give_all(page)

    assert saved.value.status == 404
    assert course.desk.grade(MANUAL, "basil")["manual_score"] is None


def test_the_autograde_button_queues_our_marking(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(), "basil"))
    course.platform.asked.clear()
    page.goto(f"{course.address}/formgrader/manage_submissions/{UNIT}")
    page.locator("tr:has(td:text-is('basil')) .autograde a").click()
    page.locator(".modal-body:has-text('queued')").wait_for()

    content = {"units": [UNIT], "handles": ["basil"]}
    assert course.platform.asked == [("/services/passerelle/api/marking/demo", "token secret", content)]


def test_a_platform_that_refuses_is_said_kindly(page: Page, course: Course) -> None:
    course.desk.record(course.desk.submit(course.desk.files(), "basil"))
    course.platform.status = 503
    try:
        page.goto(f"{course.address}/formgrader/manage_submissions/{UNIT}")
        page.locator("tr:has(td:text-is('basil')) .autograde a").click()
        page.locator(".modal-body:has-text('What was submitted is safe')").first.wait_for()
        said = page.locator(".modal-body").inner_text()
    finally:
        course.platform.status = 202

    assert "503" in said


def test_a_fellow_s_file_is_no_page_of_this_server(page: Page, course: Course) -> None:
    sent = course.desk.files(words="[my page](mine.html)")
    sent |= {"mine.html": f"<script>{call('file')}</script>".encode(), "picture.png": b"\x89PNG"}
    course.desk.record(course.desk.submit(sent, "basil"))
    with course.desk.book() as book:
        submission = book.find_submission_notebook(UNIT, UNIT, "basil").id

    for name, disposition in (("mine.html", "attachment"), ("picture.png", None)):
        _, headers, _ = _raw(course, f"formgrader/submissions/{submission}/{name}")
        assert headers["Content-Security-Policy"].startswith("sandbox;"), name
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers.get("Content-Disposition") == disposition


def _raw(course: Course, path: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"{course.address}/{path}", headers={"Authorization": "token test"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, dict(answer.headers), answer.read()


def test_without_a_token_formgrader_shows_nothing(course: Course) -> None:
    with course.desk.book() as book:
        submission = book.find_submission_notebook(UNIT, UNIT, "basil").id
    request = urllib.request.Request(f"{course.address}/formgrader/api/grades?submission_id={submission}")

    with urllib.request.urlopen(request, timeout=20) as answer:
        assert "/login" in answer.url


def _until(condition: Any, timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
