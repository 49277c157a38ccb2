"""Every page of the demo year, filled: its words first, then axe, widths and bytes, in both languages."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from passerelle.hub import demo_courses
from passerelle.model.people import LANGUAGES
from tests.browser.demo_served import demo_desk
from tests.browser.test_pages import CHROMIUM, FLAGS, Desk
from tests.unit.review.served import PREFIX
from tests.unit.review.test_saved import saved

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
    "meeting": (
        "myrtle",
        "mentee/daisy/meetings#next",
        {"en": ("Gaia", "30 minutes", "We have met"), "fr": ("Gaia", "30 minutes", "La rencontre a eu lieu")},
    ),
    "meeting-held": (
        "myrtle",
        "mentee/daisy/meetings#held",
        {
            "en": ("Gaia", "held", "Last saved: ", "What went well"),
            "fr": ("Gaia", "Dernier enregistrement : ", "Ce qui s’est bien passé"),
        },
    ),
    "sheet-with-something-aside": (
        "primrose",
        "mentee/hawthorn",
        {"en": ("Julia", "What she put aside, and why"), "fr": ("Julia", "Ce qu’elle a mis de côté, et pourquoi")},
    ),
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
    "my-data": (
        "daisy",
        "mydata",
        {
            "en": ("Gaia", "Nora", "an export of the whole track, without names"),
            "fr": ("Gaia", "Nora", "un export de tout le parcours, sans noms"),
        },
    ),
    "my-data-with-a-wish": (
        "aspen",
        "mydata",
        {"en": ("Anouk", "You asked for erasure on"), "fr": ("Anouk", "Tu as demandé l’effacement le")},
    ),
    "saved": (
        "daisy",
        "mentee/daisy/saved",
        {"en": ("My saved progress", "Progress file"), "fr": ("Ma progression gardée", "Fichier de progression")},
    ),
    "saved-for-her-mentor": (
        "myrtle",
        "mentee/daisy/saved",
        {"en": ("Saved progress of Gaia",), "fr": ("Progression gardée par Gaia",)},
    ),
    "course": ("sorrel", "", {"en": ("Emma", "Uncertainty"), "fr": ("Emma", "Incertitude")}),
    "course-of-all-kinds": ("tansy", "", {"en": ("Gaia", "Phishing"), "fr": ("Gaia", "Hameçonnage")}),
    "queue": ("tansy", "queue", {"en": ("Lamia · is stuck", "Iris"), "fr": ("Lamia", "Iris")}),
    "mark": ("tansy", "queue#mark", {"en": ("Phishing",), "fr": ("Hameçonnage",)}),
    "marking": ("tansy", "marking/demo-security", {"en": ("Passwords",), "fr": ("Mots de passe",)}),
    "stuck": ("tansy", "stuck/demo-security", {"en": ("Mina",), "fr": ("Mina",)}),
    "stuck-where": ("tansy", "stuck-where/demo-security", {"en": ("Cybersecurity",), "fr": ("Cybersécurité",)}),
    "programme": ("thyme", "", {"en": ("Eva", "Mina", "Spring"), "fr": ("Eva", "Mina", "Printemps")}),
    "quiet": ("thyme", "programme/quiet", {"en": ("Eva cosmos", "Rule:"), "fr": ("Eva cosmos", "Hameçonnage")}),
    "owed": ("thyme", "programme/owed", {"en": ("Iris foxglove",), "fr": ("Iris foxglove",)}),
    "mentors": ("thyme", "programme/mentors", {"en": ("Nadia lotus", "Emma"), "fr": ("Nadia lotus", "Emma")}),
    "cohort": ("thyme", "programme/cohort/demo-autumn", {"en": ("Emma clover",), "fr": ("Emma clover",)}),
    "cohort-of-before": ("thyme", "programme/cohort/demo-spring", {"en": ("Alma alder",), "fr": ("Alma alder",)}),
    "erasures": (
        "thyme",
        "erasures",
        {
            "en": ("Anouk aspen", "Erase everything of Anouk"),
            "fr": ("Anouk aspen", "Effacer tout ce qui concerne Anouk"),
        },
    ),
}
"""A page's name: who looks, its path (after a #, a link of that kind is followed), what it has to hold."""

FOLDED: dict[str, dict[str, tuple[str, ...]]] = {
    "sheet-with-something-aside": {
        "en": ("The rule: no submission for 10 days",),
        "fr": ("La règle : aucun envoi depuis 10 jours",),
    },
    "programme": {
        "en": ("demo-data, 1 fellow by name, pdf", "for Association Exemple", "with user names: "),
        "fr": ("demo-data, 1 apprenante nommée, pdf", "pour Association Exemple", "avec les identifiants : "),
    },
}
"""What a page has to hold once all that is folded is open."""

FOLLOWED = {
    "next": r"meeting/\d+",
    "held": r"meeting/\d+(?!.*meeting/\d)",
    "attempt": r"attempt/[0-9a-f]+",
    "mark": r"mark/[0-9a-f]+/[a-z-]+",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def year(browser: Browser, written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    data = shutil.copytree(written, tmp_path_factory.mktemp("pages") / "var")
    with demo_desk(browser, data) as desk:
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
        found = re.search(FOLLOWED[link], year.served.get(who, path).text, re.DOTALL)
        assert found, f"{path} of {who} leads to no {link}"
        path = found[0]
    return who, path


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_year_serves_everybody(year: Desk, page: Page, language: str, name: str) -> None:
    who, path = address(year, name)
    year.complaints.clear()
    be(year, page, who)
    answer = page.goto(year.served.url(path))

    assert answer is not None
    assert answer.status == 200
    assert page.locator("html").get_attribute("lang") == language
    assert [one for one in PAGES[name][2][language] if one not in words(page)] == []
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert [one for one in FOLDED.get(name, {}).get(language, ()) if one not in words(page)] == []
    serves_everybody(page)
    assert year.complaints == []


@pytest.mark.parametrize("who", ["daisy", "myrtle"])
def test_a_progress_file_of_the_year_serves_everybody(year: Desk, page: Page, language: str, who: str) -> None:
    year.complaints.clear()
    be(year, page, who)
    page.goto(year.served.url("mentee/daisy/saved"))
    card = demo_courses.course("demo-security").unit("c2-passwords").card
    task = {"task": "found", "checks": [{"check": "check-found", "passed": "2026-11-22T06:40:00.000Z"}]}
    unit = {"track": card.track, "unit": card.unit, "version": card.version, "tasks": [task]}
    content = saved(**unit)
    page.locator("input[type=file]").set_input_files(
        {"name": "passerelle-progress.json", "mimeType": "application/json", "buffer": content}
    )
    with page.expect_navigation():
        page.locator("form[enctype] button").click()

    told = {
        "en": ("Self-checked", "Passwords", "What was to be found checks passed: 1 of 1"),
        "fr": ("Vérifié par", "Mots de passe", "Ce qu’il fallait trouver vérifications réussies : 1 sur 1"),
    }
    assert [one for one in told[language] if one not in words(page)] == []
    serves_everybody(page)
    assert year.complaints == []


def be(year: Desk, page: Page, who: str) -> None:
    """Let a page be somebody's."""
    cookie = year.served.cookie(who)
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "service-passerelle", "value": cookie, "domain": "127.0.0.1", "path": PREFIX}])


def words(page: Page) -> str:
    """Return what a page says, every space as one plain space."""
    return " ".join(page.locator("main").inner_text().split())


def serves_everybody(page: Page) -> None:
    """Check that a page fits a telephone and a large screen, and that axe finds nothing at either width."""
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", FIRST_PAGES)
def test_a_first_page_of_the_year_is_small(year: Desk, language: str, name: str) -> None:
    who, path = address(year, name)
    shown = year.served.get(who, path)
    parts = re.findall(rf'(?:href|src)="{PREFIX}(static/[^"]+)"', shown.text)
    weights = {part: len(year.served.get(who, part).content) for part in sorted(set(parts))}

    assert f'lang="{language}"' in shown.text
    assert any(".css" in part for part in weights)
    assert len(shown.content) + sum(weights.values()) <= LARGEST_FIRST_PAGE_BYTES, (len(shown.content), weights)
