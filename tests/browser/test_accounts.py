"""Links in a real browser: handed over by a coordinator, used by who gets them; without scripts, by keyboard alone."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from passerelle import ledger
from passerelle.ledger import invitations, people
from passerelle.model.people import LANGUAGES
from tests.browser.test_pages import TOO_SMALL_TO_TAP, Desk, browser
from tests.hub.running import RunningHub
from tests.unit.review.programme import Programme, fill, new_programme
from tests.unit.review.served import serve

__all__ = ["browser"]

pytestmark = pytest.mark.slow
PASSWORD = "trois tortues vertes"


def serves_everybody(page: Page, language: str) -> None:
    """Look at a page from all sides; with scripts in the window, since axe is one."""
    assert page.locator("html").get_attribute("lang") == language
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TOO_SMALL_TO_TAP) == []


@pytest.fixture(scope="module")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plain = new_programme(tmp_path_factory.mktemp("programme"))
    mail = {"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_from": "post@example.org"}
    programme = Programme(plain.engine, replace(plain.settings, **mail))
    fill(programme)
    with serve(programme) as served:
        yield Desk(browser, served, programme)
    programme.engine.dispose()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_coordinator_reads_and_hands_over_a_link(desk: Desk, language: str) -> None:
    desk.speak(language)
    with desk.window("linden") as page:
        page.goto(desk.served.url())
        serves_everybody(page, language)
        page.locator("form[action$='people/iris/link'] button").click()

        expect(page.locator("#link")).to_have_value(
            f"http://passerelle.localhost:8000/hub/welcome/{page.locator('#link').input_value().rpartition('/')[2]}"
        )
        serves_everybody(page, language)
    assert desk.complaints == []


@pytest.fixture
def link(hub: RunningHub) -> Iterator[tuple[str, str]]:
    """Make a link for somebody new; return her handle and the link."""
    handle = f"guest-{secrets.token_hex(4)}"
    engine = ledger.engine(hub.settings.database_url)
    with ledger.session(engine) as session:
        people.add_person(session, handle, "fellow", "Zohra", language="fr")
        made = invitations.make_link(session, handle, "linden")
    yield handle, f"{hub.settings.address}/hub/welcome/{made.token}"
    with ledger.session(engine) as session:
        people.close(session, handle, "test")
    engine.dispose()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_link_serves_everybody(
    browser: Browser, hub: RunningHub, link: tuple[str, str], language: str
) -> None:
    context = browser.new_context(locale=language)
    page = context.new_page()
    page.goto(link[1])
    serves_everybody(page, language)
    page.fill("#password_input", "motdepasse123")
    page.fill("#again_input", "motdepasse123")
    page.click("#welcome_submit")

    expect(page.get_by_role("alert")).to_be_visible()
    serves_everybody(page, language)
    page.goto(f"{hub.settings.address}/hub/welcome/{'x' * 43}")
    serves_everybody(page, language)
    context.close()


def test_she_chooses_a_password_by_keyboard_and_without_scripts(
    browser: Browser, hub: RunningHub, link: tuple[str, str]
) -> None:
    context = browser.new_context(locale="en", java_script_enabled=False)
    page = context.new_page()
    page.goto(link[1])
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("heading", name="Choisir un mot de passe")).to_be_visible()
    expect(page.locator("#username_input")).to_have_value(link[0])

    page.locator("#password_input").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Bonjour Zohra")
    context.close()
