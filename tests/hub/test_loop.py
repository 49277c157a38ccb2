"""The loop, as its people live it: real browser, real hub, real marking. One test, because each step needs the last."""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from passerelle import courses
from tests.hub.running import RunningHub, wait_for

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), "chromium"
)
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHROMIUM_ARGS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
TRACK, UNIT = "data-science", "d1-tables"
SPAWN_MS = 90_000
MARKED_MS = 60_000
RUN_MS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield launched
        launched.close()


def log_in(browser: Browser, hub: RunningHub, handle: str, language: str) -> Page:
    """Return the page where she lands, in a browser of her own."""
    context = browser.new_context(locale=language, viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(hub.url)
    page.fill("#username_input", handle)
    page.fill("#password_input", hub.passwords[handle])
    page.click("#login_submit")
    page.wait_for_url("**/services/passerelle/")
    return page


def place_of(hub: RunningHub, key: str) -> int:
    """Return which cell of the notebook a key names, counted from 0."""
    cells = courses.unit_source(hub.settings.courses / TRACK, UNIT).cells
    return next(index for index, cell in enumerate(cells) if cell.metadata.get("passerelle", {}).get("key") == key)


def solutions(hub: RunningHub) -> dict[str, str]:
    """Return the reference answer of each answer cell by task, as she would type it."""
    source = courses.unit_source(hub.settings.courses / TRACK, UNIT)
    answers = {}
    for cell in source.cells:
        about = cell.metadata.get("passerelle", {})
        if about.get("kind") in {"answer", "manual"}:
            answers[about["task"]] = re.sub(r"^\s*### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.MULTILINE)
    return answers


class Notebook:
    """D1 in JupyterLab, used with its bar, the mouse and the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.bar = page.locator(".passerelle-bar")

    def wait(self) -> None:
        expect(self.bar).to_be_visible(timeout=SPAWN_MS)
        expect(self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible(timeout=SPAWN_MS)

    def passed(self) -> int:
        found = re.findall(r"\d+", self.bar.locator(".passerelle-bar-count").inner_text())
        return int(found[0]) if len(found) == 2 else -1

    def cell(self, index: int) -> Locator:
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")

    def hint(self) -> int:
        """Press the bar's hint button; return the index of the hint cell it leads to, with its ladder shown."""
        self.bar.locator(".passerelle-bar-hint").click()
        cell = self.page.locator(".jp-Notebook .jp-CodeCell.jp-mod-active")
        expect(cell.locator(".jp-OutputArea-output button").first).to_be_visible(timeout=30_000)
        return int(cell.get_attribute("data-windowed-list-index") or -1)

    def answer(self, hints: int, text: str) -> Locator:
        """Type an answer into the cell below the hints, run it and its check; return the check cell."""
        self.cell(hints + 1).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Shift+Enter")
        expect(self.cell(hints + 2)).to_have_class(re.compile("jp-mod-active"))
        self.page.keyboard.press("Shift+Enter")
        return self.cell(hints + 2)

    def submit(self) -> str:
        """Submit from the bar, as it is where it asks; return what the bar says once it is marked."""
        self.bar.locator(".passerelle-bar-submit").click()
        news = self.bar.locator(".passerelle-bar-news")
        # Everything is run from the top first; where a check is open, she decides.
        ran = self.bar.get_by_role("button", name="Revenir à mon travail")
        expect(ran.or_(news.get_by_text(re.compile(r"[0-9a-f]{8}")))).to_be_visible(timeout=RUN_MS)
        if ran.is_visible():
            self.bar.locator(".passerelle-bar-asking button").first.click()
        expect(news.locator("a")).to_be_visible(timeout=MARKED_MS)
        return news.inner_text()


def gradebook(hub: RunningHub, question: str, *values: object) -> list[tuple[object, ...]]:
    database = hub.settings.courses / TRACK / "gradebook.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(question, values).fetchall()


def gradebook_points(hub: RunningHub, handle: str) -> dict[str, float]:
    """Return the points of each marked cell, as nbgrader has them."""
    question = """
        select base_cell.name, coalesce(grade.manual_score, grade.auto_score) from grade
        join base_cell on grade.cell_id = base_cell.id
        join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        where submitted_assignment.student_id = ?
    """
    return {str(cell): float(str(points)) for cell, points in gradebook(hub, question, handle)}


def asked(page: Page, address: str) -> requests.Response:
    """Get an address as this browser would; its own way to (`page.request`) does not find `*.localhost`."""
    cookies = {one["name"]: one["value"] for one in page.context.cookies(address)}
    return requests.get(address, cookies=cookies, timeout=30)


def text_of(page: Page, address: str) -> str:
    answer = asked(page, address)
    assert answer.status_code == 200, f"{answer.status_code} for {address}"
    return answer.content.decode()


def opens_the_unit_and_mends_an_answer(page: Page, answers: dict[str, str]) -> Notebook:
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bonjour")
    page.locator(f"a[href$='open/{TRACK}/{UNIT}']", has_text="Ouvrir le notebook").click()
    notebook = Notebook(page)
    notebook.wait()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("fr"))
    expect(page.locator(".jp-Notebook h1").first).to_contain_text("Tableaux")
    assert notebook.passed() == 0

    hints = notebook.hint()
    for step in ("1", "2", "3"):
        notebook.cell(hints).locator(".jp-OutputArea-output button").nth(int(step) - 1).click()
    check = notebook.answer(hints, 'import pandas as pd\n\ntowns = pd.read_csv("data/towns.csv")')
    expect(check.locator(".jp-OutputArea")).to_contain_text(re.compile("trouvé", re.IGNORECASE))
    check.scroll_into_view_if_needed()
    assert notebook.passed() == 0
    notebook.answer(notebook.hint(), answers["read"])
    wait_for(lambda: notebook.passed() == 1, "the first check passes", 30)
    return notebook


def does_all_the_rest(notebook: Notebook, answers: dict[str, str]) -> None:
    for done, task in enumerate(("large", "share", "profile", "regions"), start=2):
        notebook.answer(notebook.hint(), answers[task])
        wait_for(lambda done=done: notebook.passed() == done, f"{done} checks pass", 30)


def writes_the_finding(notebook: Notebook, index: int, text: str) -> None:
    page = notebook.page
    place = notebook.cell(index).locator(".jp-MarkdownOutput")

    def shown() -> bool:
        page.locator(".jp-WindowedPanel-outer").first.evaluate("node => node.scrollBy(0, 200)")
        page.wait_for_timeout(100)
        return place.is_visible()

    wait_for(shown, "the cell for the finding", 30)
    place.click()
    page.keyboard.press("Enter")
    expect(notebook.cell(index).locator(".cm-content")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    page.keyboard.press("Shift+Enter")
    expect(place).to_contain_text(text[:20])


def marks_by_hand(page: Page, hub: RunningHub, points: str) -> None:
    page.locator("a[href*='course-data-science']").first.click()
    page.wait_for_url("**/user/course-data-science/**formgrader**", timeout=SPAWN_MS)
    specs = json.loads(text_of(page, f"{hub.server('course-data-science')}/api/kernelspecs"))
    assert specs["kernelspecs"] == {}, "a submission's code must not run beside the gradebook"
    page.goto(f"{hub.server('course-data-science')}/formgrader/gradebook/{UNIT}/{UNIT}")
    page.get_by_role("link", name=re.compile("Submission")).first.click()
    box = page.locator(".nbgrader_cell input.score").last
    # The class comes with the grades; a mark typed before them would be lost.
    expect(box).to_have_class(re.compile("needs_manual_grade"))
    box.fill(points)
    box.scroll_into_view_if_needed()
    box.press("Tab")
    expect(page.locator(".score-saved, .comment-saved").first).to_be_attached()


def reads_where_she_stands(mentor: Page, hub: RunningHub, recorded: dict[str, float]) -> None:
    links = mentor.locator("a[href*='mentee/']")
    expect(links.first).to_be_visible()
    hers = {(one.get_attribute("href") or "").rsplit("/", 1)[-1] for one in links.all()}
    assert "acacia" in hers
    for handle in ("acacia", "basil", "cedar", "dahlia", "fern", "iris"):
        looked = asked(mentor, f"{hub.url}/services/passerelle/mentee/{handle}")
        assert looked.status_code == (200 if handle in hers else 403), handle
    mentor.locator("a[href$='mentee/acacia']").first.click()
    expect(mentor.get_by_text("Lui demander de montrer").first).to_be_visible()
    address = f"{hub.url}/services/passerelle/mentee/acacia"
    mentor.goto(f"{address}/units")
    expect(mentor.get_by_text("Cette unité").first).to_be_visible()
    expect(mentor.get_by_text(re.compile(r"12\D+12")).first).to_be_visible()
    rows = list(
        csv.DictReader(io.StringIO(text_of(mentor, f"{address}.csv?track={TRACK}").lstrip("\ufeff")), delimiter=";")
    )
    record = json.loads(text_of(mentor, f"{address}.json?track={TRACK}"))
    sent = {check["check"]: check["points"] for unit in record["fellows"][0]["units"] for check in unit["checks"]}
    assert sent == recorded
    assert sum(float(row["task_points"].replace(",", ".")) for row in rows) == 12
    assert "acacia" not in json.dumps([rows, record]), "exports are pseudonymous"
    assert nbformat.reads((hub.settings.courses / TRACK / "autograded/acacia" / UNIT / f"{UNIT}.ipynb").read_text(), 4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fellows_work_reaches_her_mentor(hub: RunningHub, browser: Browser) -> None:
    answers = solutions(hub)

    # 1, 2: she opens the unit, a check says what it found, a hint helps, she mends her answer.
    fellow = log_in(browser, hub, "acacia", "fr")
    notebook = opens_the_unit_and_mends_an_answer(fellow, answers)

    # 3, 4: two submissions are two attempts; marking starts by itself.
    first = notebook.submit()
    assert re.search(r"[0-9a-f]{8}", first), first
    assert re.search(r"\b2\b.* 12", first), first
    notebook.bar.locator("select").select_option("en")
    expect(fellow.locator(".jp-Notebook h1").first).to_contain_text("Tables with pandas")
    notebook.bar.locator("select").select_option("fr")
    assert notebook.passed() == 1, "the language switch keeps her answers"
    does_all_the_rest(notebook, answers)
    writes_the_finding(notebook, place_of(hub, "answer-finding"), answers["finding"])
    fellow.keyboard.press("Control+S")
    fellow.goto(f"{hub.url}/services/passerelle/")
    fellow.locator(f"a[href$='submit/{TRACK}/{UNIT}']", has_text="Envoyer mon travail").click()
    fellow.get_by_role("button", name="Envoyer").click()

    # 5: feedback by check, and what a person will still mark.
    expect(fellow.locator("[data-state=marked]")).to_be_visible(timeout=MARKED_MS)
    assert re.match(r"10\b.*12", fellow.locator(".sum").inner_text())
    feedback = fellow.url

    # 6: the trainer marks the manual task in formgrader; the fellow sees it at once.
    trainer = log_in(browser, hub, "maple", "fr")
    marks_by_hand(trainer, hub, "2")

    def twelve() -> bool:
        fellow.goto(feedback)
        return re.match(r"12\b.*12", fellow.locator(".sum").inner_text()) is not None

    wait_for(twelve, "the manual mark on the feedback page", 10)
    recorded = gradebook_points(hub, "acacia")
    assert sum(recorded.values()) == 12

    # 7: the mentor reads where she stands; the figures are the gradebook's.
    reads_where_she_stands(log_in(browser, hub, "oak", "fr"), hub, recorded)

    # She can read who looked at her page.
    fellow.goto(f"{hub.url}/services/passerelle/mydata")
    expect(fellow.get_by_role("main")).to_contain_text(re.compile("oak|Hélène|mentor", re.IGNORECASE))

    # The coordinator sees the cohort and its pairings.
    coordinator = log_in(browser, hub, "linden", "fr")
    expect(coordinator.get_by_role("main")).to_contain_text("acacia")
