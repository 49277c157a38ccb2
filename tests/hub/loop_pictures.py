"""Makes the pictures of the loop in the README and the guides anew, from a real hub, in both languages: `make pictures`.

A fellow of each language opens D1, meets a check that says what it found, mends her answer and submits; a trainer sees
who has sent what, and formgrader.
"""

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.pictures import keep
from tests.hub.running import RunningHub, settings_in, start
from tests.hub.test_loop import (
    CHROMIUM,
    CHROMIUM_ARGS,
    MARKED_MS,
    RUN_MS,
    SPAWN_MS,
    TRACK,
    UNIT,
    Notebook,
    does_all_the_rest,
    log_in,
    place_of,
    solutions,
    writes_the_finding,
)

FELLOWS = {"en": "basil", "fr": "acacia"}
STARTS_WITHIN_S = 400


def settled(page: Page, into: Path, name: str) -> None:
    """Keep a picture once the page has been painted."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)
    keep(page, into, name)


def a_fellow(browser: Browser, hub: RunningHub, language: str, into: Path) -> None:
    """Keep her page, a check, her notebook and what was found."""
    answers = solutions(hub)
    page = log_in(browser, hub, FELLOWS[language], language)
    expect.set_options(timeout=RUN_MS)
    settled(page, into, f"my-path-{language}")
    page.locator(f"a[href$='open/{TRACK}/{UNIT}']").first.click()
    notebook = Notebook(page)
    expect(notebook.bar).to_be_visible(timeout=1000 * STARTS_WITHIN_S)
    notebook.wait()
    hints = notebook.hint()
    for step in range(3):
        notebook.cell(hints).locator(".jp-OutputArea-output button").nth(step).click()
    check = notebook.answer(hints, 'import pandas as pd\n\ntowns = pd.read_csv("data/towns.csv")')
    expect(check.locator(".jp-OutputArea")).to_contain_text(re.compile("found|trouvé", re.IGNORECASE))
    check.scroll_into_view_if_needed()
    settled(page, into, f"check-{language}")
    notebook.answer(notebook.hint(), answers["read"])
    does_all_the_rest(notebook, answers)
    settled(page, into, f"unit-{language}")
    writes_the_finding(notebook, place_of(hub, "answer-finding"), answers["finding"])
    notebook.bar.locator(".passerelle-bar-submit").click()
    news = notebook.bar.locator(".passerelle-bar-news")
    asking = notebook.bar.locator(".passerelle-bar-asking button").first
    link = news.locator("a")
    expect(asking.or_(link).first).to_be_visible(timeout=RUN_MS)
    if asking.is_visible():
        expect(link.or_(notebook.bar.get_by_role("button", name=re.compile("^(Go back|Revenir)"))).first).to_be_visible(
            timeout=RUN_MS
        )
        if asking.is_visible():
            asking.click()
    expect(link).to_be_visible(timeout=MARKED_MS)
    page.goto(link.get_attribute("href") or "")
    expect(page.locator("[data-state=marked]")).to_be_visible(timeout=MARKED_MS)
    settled(page, into, f"feedback-{language}")
    page.context.close()


def a_trainer(browser: Browser, hub: RunningHub, into: Path) -> None:
    """Keep her courses in both languages, and formgrader, which speaks English."""
    page = log_in(browser, hub, "maple", "fr")
    settled(page, into, "course-fr")
    page.get_by_role("button", name="English").or_(page.get_by_role("link", name="English")).first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    settled(page, into, "course-en")
    page.locator("a[href*='course-data-science']").first.click()
    page.wait_for_url("**/user/course-data-science/**formgrader**", timeout=SPAWN_MS)
    page.goto(f"{hub.server('course-data-science')}/formgrader/gradebook/{UNIT}/{UNIT}")
    page.get_by_role("link", name=re.compile("Submission")).first.click()
    box = page.locator(".nbgrader_cell input.score").last
    expect(box).to_have_class(re.compile("needs_manual_grade"))
    box.fill("2")
    page.wait_for_timeout(1000)  # formgrader scrolls for half a second after it opens
    box.scroll_into_view_if_needed()
    settled(page, into, "formgrader")
    page.context.close()


def main() -> None:
    """Make them in a folder."""
    into = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        hub = start(settings_in(Path(folder) / "var"), timeout_s=STARTS_WITHIN_S)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
                for language in FELLOWS:
                    a_fellow(browser, hub, language, into)
                a_trainer(browser, hub, into)
                browser.close()
        finally:
            hub.stop()


if __name__ == "__main__":
    main()
