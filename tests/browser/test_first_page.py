"""The first web unit as fellows get it: its instant checks open her page in a browser beside her kernel.

Marking runs no instant check of a page; that its practice can be done is seen here.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Browser, Locator, Page, expect

from passerelle.courses import build_course, read_unit
from passerelle.grading.release import generate
from passerelle.proof.submissions import Release, reference_answers
from passerelle_lab.unit_folder import place
from tests.browser.fellow_lab import (
    WAIT_MS,
    axe_violations,
    cell,
    choose,
    close_kernels,
    hers,
    leave,
    open_unit,
    picture,
    write,
)
from tests.fellow_server import ROOT, Exchange

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]

SOURCE, UNIT = ROOT / "courses" / "web-dev", "w1-first-page"
FOLDER = f"web-dev/{UNIT}"
ANSWERS = reference_answers(read_unit(SOURCE, UNIT))
UNSAID = ANSWERS["answer-page"].replace('<html lang="fr">', "<html>")
CHECK = "_page.language"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    course = tmp_path_factory.mktemp("built") / "web-dev"
    build_course(SOURCE, course, units=(UNIT,))
    return Release.read(generate(course, UNIT))


@pytest.fixture
def lab(browser: Browser, server: tuple[str, Path], exchange: Exchange, release: Release) -> Iterator[Page]:
    address, home = server
    shutil.rmtree(home / FOLDER, ignore_errors=True)
    place(home, "web-dev", UNIT, release.submission({"answer-page": UNSAID}), "en")
    exchange.language = "en"
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    context.request.put(f"{address}passerelle/language", data={"language": "en"}, headers=hers())
    page = context.new_page()
    open_unit(page, address, f"{FOLDER}/{UNIT}.ipynb")
    yield page
    close_kernels(page, address)
    leave(context)


def ran(page: Page, text: str) -> Locator:
    """Run the cell that holds a text; return its output."""
    shown = cell(page, text)
    shown.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return shown.locator(".jp-Cell-outputArea")


def test_a_check_of_her_page_says_what_it_found_in_both_languages(lab: Page) -> None:
    expect(ran(lab, "%%writefile index.html")).to_contain_text("index.html")
    expect(ran(lab, CHECK)).to_contain_text("does not say its language yet")
    picture(lab, "w1-1280-en")
    choose(lab, "fr")
    said = ran(lab, CHECK)
    expect(said).to_contain_text("ne dit pas encore sa langue")
    picture(lab, "w1-1280-fr")
    lab.set_viewport_size({"width": 320, "height": 800})
    said.scroll_into_view_if_needed()
    expect(said).to_be_in_viewport()
    picture(lab, "w1-320-fr")
    assert axe_violations(lab) == []
    lab.set_viewport_size({"width": 1280, "height": 900})

    write(lab, "%%writefile index.html", ANSWERS["answer-page"])
    ran(lab, "%%writefile index.html")

    expect(ran(lab, CHECK)).to_have_text(re.compile("●.*●.*●", re.DOTALL))
    expect(cell(lab, CHECK)).not_to_contain_text("○")


def test_the_practice_done_as_the_author_does_it_passes_its_own_checks(release: Release, tmp_path: Path) -> None:
    for name, content in release.submission(ANSWERS).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    notebook = nbformat.read(tmp_path / f"{UNIT}.ipynb", as_version=4)

    NotebookClient(notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}).execute()

    checks = [one for one in notebook.cells if one.cell_type == "code" and "expect.page" in one.source]
    said = {one.metadata["passerelle"]["key"]: json.dumps(one.outputs, ensure_ascii=False) for one in checks}
    assert {key: told for key, told in said.items() if "○" in told or '"error"' in told} == {}
    assert sum(one.metadata["passerelle"]["key"].startswith("try-") for one in checks) == 5
