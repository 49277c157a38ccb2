"""Asking for help and marking by rubric in a real browser: for everybody, at every width, by the keyboard alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from passerelle import ledger
from passerelle.ledger import people
from passerelle.model.people import LANGUAGES, Role
from tests.browser.fellow_lab import PICTURES
from tests.browser.help_pictures import story
from tests.browser.test_pages import CHROMIUM, FLAGS, TOO_SMALL_TO_TAP, WIDTHS, Desk
from tests.unit.grading.desk import MANUAL, MORNING, make_course
from tests.unit.grading.desk import TRACK as DEMO
from tests.unit.grading.desk import Desk as Marked
from tests.unit.review.programme import TRACK, new_programme
from tests.unit.review.served import serve

pytestmark = pytest.mark.slow
LARGEST_PAGE_BYTES = 100_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def looks(path_to_mark: str) -> dict[str, tuple[str, str]]:
    """Return each page: who looks, its path, and what it has to hold first."""
    return {
        "": ("fern", "dtype"),
        f"help/{TRACK}?unit=d1-tables&check=check-large": ("fern", "option"),
        f"unit/{TRACK}/d1-tables": ("fern", "dtype"),
        "mydata": ("fern", "Fern"),
        "queue": ("maple", "Basil"),
        path_to_mark: ("maple", "Rennes"),
        f"stuck-where/{TRACK}": ("maple", "expect"),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_help_and_marks_serve_everybody(browser: Browser, tmp_path: Path, language: str) -> None:
    programme = new_programme(tmp_path)
    to_mark = story(programme, language)
    with serve(programme) as served:
        desk = Desk(browser, served, programme)
        for path, (who, holds) in looks(to_mark).items():
            answer = served.get(who, path)
            assert holds in answer.text
            assert len(answer.content) < LARGEST_PAGE_BYTES
            with desk.window(who) as page:
                page.goto(served.url(path))
                page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                found = Axe().run(page, options={"resultTypes": ["violations"]})
                assert found.violations_count == 0, path + found.generate_report()
                page.emulate_media(color_scheme="dark")
                dark = Axe().run(page, options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]})
                assert dark.violations_count == 0, path + dark.generate_report()
                page.emulate_media(color_scheme="light")
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    if PICTURES and width != 768:
                        name = re.sub(r"\W+", "-", f"{who}-{path.partition('?')[0]}")
                        page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{language}.png"), full_page=True)
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, path
                    assert page.evaluate(TOO_SMALL_TO_TAP) == [], path
        assert desk.complaints == []
    programme.engine.dispose()


def test_a_mark_is_given_by_the_keyboard_alone_and_without_scripts(browser: Browser, tmp_path: Path) -> None:
    marked = Marked.open(tmp_path / "data", make_course(tmp_path / "released"))
    with ledger.session(marked.engine) as session:
        people.add_cohort(session, "2024", "2024", MORNING)
        people.add_person(session, "maple", Role.TRAINER, "Maple", language="en")
        for handle in ("acacia", "maple"):
            people.enrol(session, handle, "2024", DEMO, starts=MORNING)
    marked.record(marked.submit(marked.files()))
    with serve(marked) as served:  # type: ignore[arg-type]  # it has what serving takes: settings and engine
        desk = Desk(browser, served, marked)  # type: ignore[arg-type]  # as above
        with desk.window("maple", 320, scripts=False) as page:
            page.goto(served.url("queue"))
            _tab_to(page, "Read and mark")
            page.keyboard.press("Enter")
            page.wait_for_url("**/mark/**")
            _tab_to(page, "")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Tab")
            page.keyboard.type("Which one?")
            _tab_to(page, "Keep the mark")
            page.keyboard.press("Enter")
            expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert marked.grade(MANUAL)["manual_score"] == 1.0
    assert marked.attempts()[0].points == 3.0
    marked.engine.dispose()


def _tab_to(page: Page, text: str) -> None:
    """Press Tab until what is focused says a text; a radio button where none is given."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        kind = focused.get_attribute("type")
        if (text and re.match(re.escape(text), focused.inner_text())) or (not text and kind == "radio"):
            return
    raise AssertionError(f"Tab does not reach {text!r}")
