"""Every page of the demo year, filled: its words first, then axe, widths and bytes, in both languages."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from passerelle.model.people import LANGUAGES
from tests.browser.demo_served import demo_desk, write_year
from tests.browser.test_pages import CHROMIUM, FLAGS, Desk
from tests.unit.review.served import PREFIX

pytestmark = pytest.mark.slow

LARGEST_FIRST_PAGE_BYTES = 100_000
"""A home or a sheet with its style, its script and its icon, as they are before any compression."""

GOAL = "To choose between two kinds of jobs, knowing both."
"""What Gaia wrote: her own words, in the language that she wrote them in."""

FIRST_PAGES = ("mentees", "sheet", "path", "course", "course-of-all-kinds", "programme")
PAGES: dict[str, tuple[str, str, dict[str, tuple[str, ...]]]] = {
    "mentees": ("lotus", "", {"en": ("Emma", "Lina", "No meeting planned yet."), "fr": ("Emma", "Lina")}),
    "sheet": (
        "myrtle",
        "mentee/daisy",
        {"en": ("Gaia", "Cybersecurity", GOAL), "fr": ("Gaia", "Cybersécurité", GOAL)},
    ),
    "units": ("myrtle", "mentee/daisy/units", {"en": ("Gaia", "Passwords"), "fr": ("Gaia", "Mots de passe")}),
    "meetings": ("myrtle", "mentee/daisy/meetings", {"en": ("Gaia", "held"), "fr": ("Gaia", "avec des notes")}),
    "meeting": ("myrtle", "mentee/daisy/meetings#held", {"en": ("Gaia", "30 minutes"), "fr": ("Gaia", "30 minutes")}),
    "path": ("daisy", "", {"en": ("Hello Gaia", "Threat model"), "fr": ("Bonjour Gaia", "Modéliser les menaces")}),
    "path-with-a-cue": ("cosmos", "", {"en": ("Eva", "Phishing"), "fr": ("Eva", "Hameçonnage")}),
    "path-in-a-pause": ("fennel", "", {"en": ("Ida", "on a pause"), "fr": ("Ida", "en pause")}),
    "path-of-who-is-new": ("jasmine", "", {"en": ("Hello Lina",), "fr": ("Bonjour Lina",)}),
    "unit": ("daisy", "unit/demo-security/c2-passwords", {"en": ("Passwords",), "fr": ("Mots de passe",)}),
    "attempt": ("daisy", "unit/demo-security/c2-passwords#attempt", {"en": ("Passwords",), "fr": ("Mots de passe",)}),
    "help": (
        "daisy",
        "help/demo-security?unit=c2-passwords",
        {"en": ("Passwords",), "fr": ("Mots de passe",)},
    ),
    "my-data": ("daisy", "mydata", {"en": ("Gaia", "Nora"), "fr": ("Gaia", "Nora")}),
    "saved": ("daisy", "mentee/daisy/saved", {"en": (), "fr": ()}),
    "course": ("sorrel", "", {"en": ("Emma", "Uncertainty"), "fr": ("Emma", "Incertitude")}),
    "course-of-all-kinds": ("tansy", "", {"en": ("Gaia", "Phishing"), "fr": ("Gaia", "Hameçonnage")}),
    "queue": ("tansy", "queue", {"en": ("Lamia · is stuck", "Iris"), "fr": ("Lamia", "Iris")}),
    "mark": ("tansy", "queue#mark", {"en": ("Phishing",), "fr": ("Hameçonnage",)}),
    "marking": ("tansy", "marking/demo-security", {"en": ("Passwords",), "fr": ("Mots de passe",)}),
    "stuck": ("tansy", "stuck/demo-security", {"en": ("Julia",), "fr": ("Julia",)}),
    "stuck-where": ("tansy", "stuck-where/demo-security", {"en": ("Cybersecurity",), "fr": ("Cybersécurité",)}),
    "programme": ("thyme", "", {"en": ("Eva", "Mina", "Spring"), "fr": ("Eva", "Mina", "Printemps")}),
    "quiet": ("thyme", "programme/quiet", {"en": ("Eva cosmos", "Rule:"), "fr": ("Eva cosmos", "Hameçonnage")}),
    "owed": ("thyme", "programme/owed", {"en": ("Iris foxglove",), "fr": ("Iris foxglove",)}),
    "mentors": ("thyme", "programme/mentors", {"en": ("Nadia lotus", "Emma"), "fr": ("Nadia lotus", "Emma")}),
    "cohort": ("thyme", "programme/cohort/demo-autumn", {"en": ("Emma clover",), "fr": ("Emma clover",)}),
    "cohort-of-before": ("thyme", "programme/cohort/demo-spring", {"en": ("Alma alder",), "fr": ("Alma alder",)}),
    "erasures": ("thyme", "erasures", {"en": (), "fr": ()}),
}
"""A page's name: who looks, its path (after a #, the first link of that kind is followed), what it has to hold."""

FOLLOWED = {"held": r"meeting/\d+", "attempt": r"attempt/[0-9a-f]+", "mark": r"mark/[0-9a-f]+/[a-z-]+"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def year(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with demo_desk(browser, write_year(tmp_path_factory.mktemp("year"))) as desk:
        yield desk


@pytest.fixture(scope="module", params=LANGUAGES)
def language(year: Desk, request: pytest.FixtureRequest) -> str:
    year.speak(request.param)
    return str(request.param)


@pytest.fixture(scope="module")
def page(year: Desk, language: str) -> Iterator[Page]:
    """One page a language, which goes from address to address."""
    context = year.browser.new_context(locale=language, color_scheme="light", reduced_motion="reduce")
    opened = context.new_page()
    opened.on("console", lambda message: year.complaints.append(message.text))
    opened.on("pageerror", lambda error: year.complaints.append(str(error)))
    yield opened
    context.close()


def address(year: Desk, name: str) -> tuple[str, str]:
    """Return who looks at a page, and its path."""
    who, path, _ = PAGES[name]
    path, _, link = path.partition("#")
    if link:
        found = re.search(FOLLOWED[link], year.served.get(who, path).text)
        assert found, f"{path} of {who} leads to no {link}"
        path = found[0]
    return who, path


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_year_serves_everybody(year: Desk, page: Page, language: str, name: str) -> None:
    who, path = address(year, name)
    year.complaints.clear()
    cookie = year.served.cookie(who)
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "service-passerelle", "value": cookie, "domain": "127.0.0.1", "path": PREFIX}])
    answer = page.goto(year.served.url(path))

    assert answer is not None
    assert answer.status == 200
    assert page.locator("html").get_attribute("lang") == language
    said = " ".join(page.locator("main").inner_text().split())
    assert [one for one in PAGES[name][2][language] if one not in said] == []
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
    assert year.complaints == []


@pytest.mark.parametrize("name", FIRST_PAGES)
def test_a_first_page_of_the_year_is_small(year: Desk, language: str, name: str) -> None:
    who, path = address(year, name)
    shown = year.served.get(who, path)
    parts = re.findall(rf'(?:href|src)="{PREFIX}(static/[^"]+)"', shown.text)
    weights = {part: len(year.served.get(who, part).content) for part in sorted(set(parts))}

    assert f'lang="{language}"' in shown.text
    assert any(".css" in part for part in weights)
    assert len(shown.content) + sum(weights.values()) <= LARGEST_FIRST_PAGE_BYTES, (len(shown.content), weights)
