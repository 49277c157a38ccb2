"""A unit's notebook and its bar in a browser, as the tests look at them and write in them."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.fellow_server import TOKEN, UNIT_PATH

WAIT_MS = 60_000
# Where to put pictures that a person looks at; none by default.
PICTURES = os.environ.get("PASSERELLE_PICTURES")
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def hers() -> dict[str, str]:
    return {"Authorization": f"token {TOKEN}"}


def open_unit(page: Page, address: str, path: str = UNIT_PATH) -> None:
    page.goto(f"{address}lab/workspaces/passerelle/tree/{path}?reset&token={TOKEN}")
    expect(bar(page)).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible(timeout=WAIT_MS)


def close_kernels(page: Page, address: str) -> None:
    for kernel in page.request.get(f"{address}api/kernels", headers=hers()).json():
        page.request.delete(f"{address}api/kernels/{kernel['id']}", headers=hers())


def leave(context: BrowserContext) -> None:
    """Close her windows after all that they save: written later, it would stand in the next test's notebook."""
    # What a tab begins to save as it goes ends here; what was on its way is waited for.
    context.route("**/api/contents/**", lambda route: route.abort())
    for page in context.pages:
        for request in page.requests():
            if request.method == "PUT":
                request.response()
        page.goto("about:blank")
    context.close()


def bar(page: Page) -> Locator:
    return page.locator(".passerelle-bar")


def checks(page: Page) -> Locator:
    return page.locator(".passerelle-bar-count")


def news(page: Page) -> Locator:
    return page.locator(".passerelle-bar-news")


def button(page: Page, name: str) -> Locator:
    return bar(page).get_by_role("button", name=name, exact=True)


def cell(page: Page, text: str) -> Locator:
    return page.locator(".jp-Notebook-cell").filter(has_text=text).first


def write(page: Page, old: str, new: str) -> None:
    """Replace the text of the code cell that reads `old`."""
    # JupyterLab makes the editor of a cell when the cell comes into sight, or when it finds the time.
    cell(page, old).scroll_into_view_if_needed()
    cell(page, old).locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(new)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def axe_violations(page: Page) -> list[str]:
    found: list[dict[str, Any]] = Axe().run(page, ".passerelle-bar", AXE).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}" for one in found]


def choose(page: Page, language: str) -> None:
    with page.expect_response(lambda answer: answer.request.method == "PUT" and "passerelle/language" in answer.url):
        bar(page).locator("select").select_option(language)


def ask_to_submit(page: Page) -> None:
    """Press Submit with checks still open, and go on all the same."""
    button(page, "Submit").click()
    expect(news(page)).to_contain_text("Still open")
    button(page, "Submit as it is").click()


def ill_placed(page: Page, width: int) -> list[str]:
    """Return the bar's controls that are too small to hit, or that reach out of the window."""
    found = []
    for control in bar(page).locator("button:visible, select, a:visible").all():
        box = control.bounding_box()
        assert box is not None
        hit = min(box["width"], box["height"]) >= 44
        if not hit or box["x"] < 0 or box["x"] + box["width"] > width:
            found.append(f"{control.inner_text()}: {box}")
    return found
