"""An author opens a unit's text in JupyterLab, edits and saves it there: no key is lost, nothing else is written."""

import shutil
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from passerelle.courses import new_unit
from passerelle.courses.cells import Cell, read_cells
from passerelle.courses.trees import read_tree
from tests.browser.fellow_lab import WAIT_MS, picture
from tests.browser.plain_lab import TOKEN, plain_lab
from tests.unit.courses.example import write_example

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]
COURSES = Path(__file__).parents[2] / "courses"
LEARN = "## 1. Count with a condition\n\nA condition has two answers."


def cells(path: Path) -> dict[str, Cell]:
    return {cell.key: cell for cell in read_cells(path.read_text("utf-8"), path.name)}


def open_as_notebook(page: Page, address: str, folder: str, name: str) -> None:
    """Open a text as the guide says."""
    page.goto(f"{address}lab/tree/{folder}?token={TOKEN}")
    page.locator(".jp-DirListing-item").filter(has_text=name).click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Open With").hover()
    page.locator(".lm-Menu-item").filter(has_text="Jupytext Notebook").click()
    expect(page.locator(".jp-Notebook-cell").first).to_be_visible(timeout=WAIT_MS)


def write_in(page: Page, found_by: str, text: str) -> None:
    """Write a Markdown cell anew: double click, the new text, Ctrl+Enter shows it."""
    cell = page.locator(".jp-Notebook-cell").filter(has_text=found_by)
    expect(cell).to_have_count(1)
    cell.locator(".jp-RenderedMarkdown").dblclick()
    editor = cell.locator(".cm-content")
    editor.click()
    expect(editor).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".jp-RenderedMarkdown").filter(has_text=text.splitlines()[-1])).to_be_visible()


def test_a_unit_is_edited_in_jupyterlab_and_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    course = write_example(tmp_path)
    text = new_unit(course, "d2-clean") / "unit.md"
    shutil.copy(COURSES / "jupytext.toml", tmp_path / "courses")
    home = tmp_path / "home"
    home.mkdir()
    before, files = cells(text), set(read_tree(tmp_path / "courses"))
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(WAIT_MS)
    # The text names no kernel: where Lab asks for one, what it offers is taken.
    page.add_locator_handler(page.locator(".jp-Dialog .jp-mod-accept"), lambda offered: offered.click())
    with plain_lab([sys.executable, "-m", "jupyterlab"], tmp_path, home, {}) as address:
        open_as_notebook(page, address, text.parent.relative_to(tmp_path).as_posix(), "unit.md")
        write_in(page, "TODO: learn one idea", LEARN)
        # The last cell is run as one does: Lab adds an empty one below it.
        last = page.locator(".jp-Notebook-cell").last
        last.click()
        page.keyboard.press("Escape")
        count = page.locator(".jp-Notebook-cell").count()
        page.keyboard.press("Shift+Enter")
        expect(page.locator(".jp-Notebook-cell")).to_have_count(count + 1)
        picture(page, "author-lab")
        with page.expect_response(lambda answer: answer.request.method == "PUT" and "unit.md" in answer.url) as saved:
            page.keyboard.press("ControlOrMeta+s")
        assert saved.value.ok
        page.close()

    after = cells(text)
    assert after["learn-count"].source == LEARN
    assert list(after) == list(before)
    for key, cell in before.items():
        now = after[key]
        assert (now.kind, now.task, now.points, now.title) == (cell.kind, cell.task, cell.points, cell.title)
        assert now.source == cell.source or key == "learn-count"
    new = {name for name in read_tree(tmp_path / "courses") if ".ipynb_checkpoints" not in name} - files
    assert new == set(), "no notebook lies beside the text"
