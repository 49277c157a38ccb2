"""A mentor who has never met anybody here: led from My mentees to shared notes, by the keyboard, without scripts."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from passerelle import ledger
from passerelle.ledger import mentoring
from tests.browser.keyboard import go_to
from tests.browser.test_pages import CHROMIUM, FLAGS, Desk
from tests.unit.review.programme import NOW, fill, new_programme
from tests.unit.review.served import serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def press(page: Page, where: Locator) -> None:
    """Go to a button or link by Tab, press it, and wait for the page that it leads to."""
    go_to(page, where)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_first_meeting_is_led_by_the_pages(browser: Browser, tmp_path: Path) -> None:
    programme = new_programme(tmp_path)
    fill(programme)
    with ledger.session(programme.engine) as session:
        mentoring.ask(session, "basil", "What is a join?", NOW)
    with serve(programme) as served:
        desk = Desk(browser, served, programme)
        desk.speak("en")
        with desk.window("oak", 320, scripts=False) as page:
            page.goto(served.url())
            expect(page.get_by_role("heading", name="How it goes")).to_be_visible()
            card = page.locator("section.card", has=page.get_by_role("link", name="Basil"))
            press(page, card.get_by_role("link", name="Plan a meeting"))
            page.get_by_label("Day").fill("2026-11-25")
            page.get_by_label("Time").fill("18:30")
            press(page, page.get_by_role("button", name="Plan this meeting"))
            press(page, page.get_by_role("link", name="Wednesday"))
            expect(page.get_by_text("Your first meeting: the page leads you.")).to_be_visible()
            expect(page.get_by_text("What is a join?")).to_be_visible()

            served.clock.now = NOW + timedelta(days=2)
            page.goto(served.url())
            press(page, page.get_by_role("link", name="Write down what you agreed"))
            press(page, page.get_by_role("button", name="We have met"))
            go_to(page, page.get_by_label("What you agreed and what comes next"))
            page.keyboard.type("One table each.")
            press(page, page.get_by_role("button", name="Save and share"))
            go_to(page, page.get_by_label("What, in one line"))
            page.keyboard.type("Bring a table")
            press(page, page.get_by_role("button", name="Agree on this"))
            expect(page.get_by_text("Basil: Bring a table")).to_be_visible()
            address = page.url
        with desk.window("basil", 320, scripts=False) as page:
            page.goto(address)
            expect(page.get_by_text("One table each.")).to_be_visible()
            press(page, page.get_by_role("button", name=re.compile(r"Done\s*: Bring a table")))
            expect(page.get_by_text("done on Thursday")).to_be_visible()
        with desk.window("oak", scripts=False) as page:
            page.goto(served.url())
            expect(page.get_by_text("Since your meeting of")).to_be_visible()
            expect(page.get_by_text("1 action done")).to_be_visible()
            expect(page.get_by_role("heading", name="How it goes")).to_have_count(0)
        assert desk.complaints == []
    programme.engine.dispose()
