"""A walk as mentor, trainer, coordinator and fellow through the demo year, by the keyboard alone.

What is pressed has been reached by Tab; two walks are in French, two in English, and two go without scripts.
"""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.demo_served import demo_desk, write_year
from tests.browser.keyboard import fill_in, press, tab_to, type_moment
from tests.browser.test_pages import CHROMIUM, FLAGS, Desk

pytestmark = pytest.mark.slow

AFTER_THE_MEETING = datetime(2026, 12, 12, 10, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_year(tmp_path_factory.mktemp("year"))


@pytest.fixture
def year(browser: Browser, written: Path, tmp_path: Path) -> Iterator[Desk]:
    """A year of a walk's own: what one changes, no other one meets."""
    data = shutil.copytree(written, tmp_path / "var")
    with demo_desk(browser, data) as desk:
        yield desk
        assert desk.complaints == []


def test_a_mentor_meets_somebody_new(year: Desk) -> None:
    year.speak("fr")
    with year.window("lotus", 320, scripts=False) as page:
        page.goto(year.served.url())
        press(page, "Lina")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lina")
        page.goto(year.served.url())
        press(page, "Prévoir une rencontre")
        type_moment(page, "Jour", "Heure")
        press(page, "Prévoir cette rencontre")
        press(page, "samedi 12 décembre")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lina")

        year.served.clock.now = AFTER_THE_MEETING
        press(page, "La rencontre a eu lieu")
        fill_in(page, "Ce que vous avez convenu, et la suite", "Un tableau chacune.")
        press(page, "Enregistrer et partager")
        fill_in(page, "Quoi, en une ligne", "apporter un tableau")
        press(page, "Convenir de cela")
        expect(page.get_by_text("Lina : apporter un tableau")).to_be_visible()
        address = page.url
    with year.window("jasmine", 320, scripts=False) as page:
        page.goto(address)
        expect(page.get_by_text("Un tableau chacune.")).to_be_visible()
        press(page, "Fait")
        expect(page.get_by_text("fait le samedi 12 décembre")).to_be_visible()


def test_a_trainer_answers_a_question_and_marks_by_rubric(year: Desk) -> None:
    year.speak("en")
    with year.window("tansy", 320, scripts=False) as page:
        page.goto(year.served.url())
        press(page, "What waits for a trainer")
        asked = page.locator("li", has_text="Lamia · is stuck")
        expect(asked).to_have_count(1)
        tab_to(page, "Answer · Lamia")
        page.keyboard.press("Enter")
        fill_in(page, "Your answer;", "Run all cells from the top, then look at one row.")
        press(page, "Send the answer")
        expect(asked).to_have_count(0)

        waiting = page.get_by_role("link", name="Read and mark")
        before = waiting.count()
        press(page, "Read and mark")
        expect(page.locator(".hers-html")).to_contain_text(re.compile(r"\w{4}"))
        for _ in range(page.locator("fieldset.levels").count()):
            _to_a_radio_button(page)
            page.keyboard.press("ArrowDown")
        fill_in(page, "A comment for her", "Which one would you keep?")
        press(page, "Keep the mark")
        expect(page.get_by_role("heading", level=1)).to_have_text("What waits for a trainer")
        expect(waiting).to_have_count(before - 1)
    with year.window("holly", scripts=False) as page:
        page.goto(year.served.url())
        expect(page.get_by_text("Run all cells from the top, then look at one row.")).to_be_visible()


def test_a_coordinator_pairs_ends_and_sees_who_is_quiet(year: Desk) -> None:
    year.speak("fr")
    with year.window("thyme") as page:
        page.goto(year.served.url())
        quiet = page.locator("li", has_text="Eva cosmos")
        expect(quiet).to_contain_text("« Hameçonnage » est ouvert depuis 29 jours")
        expect(quiet).to_contain_text("Règle :")
        unpaired = page.locator("#without ~ ul").first.get_by_role("listitem")
        expect(unpaired).to_have_count(2)
        tab_to(page, "Proposition · Mina linseed")
        press(page, "Former le binôme")
        expect(unpaired).to_have_count(1)

        press(page, "Automne · Autumn")
        row = page.locator("li", has_text="Emma clover")
        expect(row.get_by_text("Mettre fin à l’inscription")).to_have_count(1)
        tab_to(page, "Modifier · Emma clover")
        page.keyboard.press("Enter")
        press(page, "Mettre fin à l’inscription · Emma")
        expect(row.get_by_text("Modifier · Emma clover")).to_have_count(1)
        expect(row.get_by_text("Mettre fin à l’inscription")).to_have_count(0)


def test_a_fellow_says_what_is_hers_to_say(year: Desk) -> None:
    year.speak("en")
    with year.window("cosmos") as page:
        page.goto(year.served.url())
        tab_to(page, "Put this aside")
        page.keyboard.press("Enter")
        fill_in(page, "Why it can be put aside", "I finish the unit before.")
        press(page, "Put aside")
        expect(page.get_by_text("What the rules notice")).to_have_count(0)
        expect(page.locator("details", has_text="What you put aside")).to_contain_text("I finish the unit before.")

        fill_in(page, "What I would like to talk about", "What does a first day look like?")
        press(page, "Keep my question")
        expect(page.get_by_label("What I would like to talk about")).to_have_value("What does a first day look like?")
        fill_in(page, "What I work towards", "A first job in September.")
        press(page, "Keep my goal")
        expect(page.get_by_label("What I work towards")).to_have_value("A first job in September.")
        press(page, "Begin a pause")
        expect(page.get_by_text("You are on a pause. Nobody asks why")).to_be_visible()

        press(page, "My data")
        tab_to(page, "Download everything (ZIP)")
        with page.expect_download() as started:
            page.keyboard.press("Enter")
        assert started.value.suggested_filename.endswith(".zip")
    with year.window("mallow") as page:
        page.goto(year.served.url("mentee/cosmos"))
        expect(page.locator("main")).to_contain_text("What does a first day look like?")
        expect(page.locator("main")).to_contain_text("A first job in September.")


def _to_a_radio_button(page: Page) -> None:
    """Press Tab until a radio button has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("type") == "radio":
            return
    raise AssertionError("Tab reaches no radio button")
