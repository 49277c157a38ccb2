"""A walk as mentor, trainer, coordinator and fellow through the demo year, by the keyboard alone, in both languages.

What is pressed has been reached by Tab; half of the walks go without scripts.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from passerelle.model.people import LANGUAGES
from tests.browser.demo_served import demo_desk
from tests.browser.keyboard import fill_in, press, tab_to, type_moment
from tests.browser.test_pages import CHROMIUM, FLAGS, Desk

pytestmark = pytest.mark.slow

AFTER_THE_MEETING = datetime(2026, 12, 12, 10, 15, tzinfo=UTC)
Said = Callable[[str], str]
FRENCH = {
    "Plan a meeting": "Prévoir une rencontre",
    "Day": "Jour",
    "Time": "Heure",
    "Plan this meeting": "Prévoir cette rencontre",
    "Saturday 12 December": "samedi 12 décembre",
    "We have met": "La rencontre a eu lieu",
    "What you agreed and what comes next": "Ce que vous avez convenu, et la suite",
    "Save and share": "Enregistrer et partager",
    "What, in one line": "Quoi, en une ligne",
    "Agree on this": "Convenir de cela",
    "Lina: a table": "Lina : a table",
    "Done": "Fait",
    "done on Saturday 12 December": "fait le samedi 12 décembre",
    "What waits for a trainer": "Ce qui attend l’équipe de formation",
    "Lamia · is stuck": "Lamia · est bloquée",
    "Answer · Lamia": "Répondre · Lamia",
    "Your answer;": "Votre réponse",
    "Send the answer": "Envoyer la réponse",
    "Read and mark": "Lire et noter",
    "A comment for her": "Un commentaire pour elle",
    "Keep the mark": "Enregistrer la note",
    "Phishing has been open for 29 days": "« Hameçonnage » est ouvert depuis 29 jours",
    "Rule:": "Règle :",
    "Suggested · Mina linseed": "Proposition · Mina linseed",
    "Pair": "Former le binôme",
    "Change · Emma clover": "Modifier · Emma clover",
    "End the enrolment": "Mettre fin à l’inscription",
    "What the rules notice": "Ce que les règles remarquent",
    "Put this aside": "Mettre ceci de côté",
    "Why it can be put aside": "Pourquoi on peut le mettre de côté",
    "Put aside": "Mettre de côté",
    "What you put aside": "Ce que tu as mis de côté",
    "What I would like to talk about": "Ce dont je voudrais parler",
    "Keep my question": "Garder ma question",
    "What I work towards": "Ce vers quoi je vais",
    "Keep my goal": "Garder mon objectif",
    "Begin a pause": "Commencer une pause",
    "You are on a pause. Nobody asks why": "Tu es en pause. Personne ne demande pourquoi",
    "My data": "Mes données",
    "Download everything (ZIP)": "Tout télécharger (ZIP)",
}
"""What the walks read and press, in English, and how a French page says it."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def year(browser: Browser, written: Path, tmp_path: Path) -> Iterator[Desk]:
    """A year of a walk's own: what one changes, no other one meets."""
    data = shutil.copytree(written, tmp_path / "var")
    with demo_desk(browser, data) as desk:
        yield desk
        assert desk.complaints == []


@pytest.fixture(params=LANGUAGES)
def said(year: Desk, request: pytest.FixtureRequest) -> Said:
    """The words of a language, which everybody reads from now on."""
    year.speak(request.param)
    return FRENCH.__getitem__ if request.param == "fr" else str


def test_a_mentor_meets_somebody_new(year: Desk, said: Said) -> None:
    with year.window("lotus", 320, scripts=False) as page:
        page.goto(year.served.url())
        press(page, "Lina")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lina")
        page.goto(year.served.url())
        press(page, said("Plan a meeting"))
        type_moment(page, said("Day"), said("Time"))
        press(page, said("Plan this meeting"))
        press(page, said("Saturday 12 December"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Lina")

        year.served.clock.now = AFTER_THE_MEETING
        press(page, said("We have met"))
        fill_in(page, said("What you agreed and what comes next"), "A table each.")
        press(page, said("Save and share"))
        fill_in(page, said("What, in one line"), "a table")
        press(page, said("Agree on this"))
        expect(page.get_by_text(said("Lina: a table"))).to_be_visible()
        address = page.url
    with year.window("jasmine", 320, scripts=False) as page:
        page.goto(address)
        expect(page.get_by_text("A table each.")).to_be_visible()
        press(page, said("Done"))
        expect(page.get_by_text(said("done on Saturday 12 December"))).to_be_visible()


def test_a_trainer_answers_a_question_and_marks_by_rubric(year: Desk, said: Said) -> None:
    with year.window("tansy", 320, scripts=False) as page:
        page.goto(year.served.url())
        press(page, said("What waits for a trainer"))
        asked = page.locator("li", has_text=said("Lamia · is stuck"))
        expect(asked).to_have_count(1)
        tab_to(page, said("Answer · Lamia"))
        page.keyboard.press("Enter")
        fill_in(page, said("Your answer;"), "Run all cells from the top, then look at one row.")
        press(page, said("Send the answer"))
        expect(asked).to_have_count(0)

        waiting = page.get_by_role("link", name=said("Read and mark"))
        before = waiting.count()
        press(page, said("Read and mark"))
        expect(page.locator(".hers-html")).to_contain_text(re.compile(r"\w{4}"))
        for _ in range(page.locator("fieldset.levels").count()):
            _to_a_radio_button(page)
            page.keyboard.press("ArrowDown")
        fill_in(page, said("A comment for her"), "Which one would you keep?")
        press(page, said("Keep the mark"))
        expect(page.get_by_role("heading", level=1)).to_have_text(said("What waits for a trainer"))
        expect(waiting).to_have_count(before - 1)
    with year.window("holly", scripts=False) as page:
        page.goto(year.served.url())
        expect(page.get_by_text("Run all cells from the top, then look at one row.")).to_be_visible()


def test_a_coordinator_pairs_ends_and_sees_who_is_quiet(year: Desk, said: Said) -> None:
    with year.window("thyme") as page:
        page.goto(year.served.url())
        quiet = page.locator("li", has_text="Eva cosmos")
        expect(quiet).to_contain_text(said("Phishing has been open for 29 days"))
        expect(quiet).to_contain_text(said("Rule:"))
        unpaired = page.locator("#without ~ ul").first.get_by_role("listitem")
        expect(unpaired).to_have_count(2)
        tab_to(page, said("Suggested · Mina linseed"))
        press(page, said("Pair"))
        expect(unpaired).to_have_count(1)

        press(page, "Automne · Autumn")
        row = page.locator("li", has_text="Emma clover")
        expect(row.get_by_text(said("End the enrolment"))).to_have_count(1)
        tab_to(page, said("Change · Emma clover"))
        page.keyboard.press("Enter")
        press(page, f"{said('End the enrolment')} · Emma")
        expect(row.get_by_text(said("Change · Emma clover"))).to_have_count(1)
        expect(row.get_by_text(said("End the enrolment"))).to_have_count(0)


def test_a_fellow_says_what_is_hers_to_say(year: Desk, said: Said) -> None:
    with year.window("cosmos") as page:
        page.goto(year.served.url())
        tab_to(page, said("Put this aside"))
        page.keyboard.press("Enter")
        fill_in(page, said("Why it can be put aside"), "I finish the unit before.")
        press(page, said("Put aside"))
        expect(page.get_by_text(said("What the rules notice"))).to_have_count(0)
        expect(page.locator("details", has_text=said("What you put aside"))).to_contain_text(
            "I finish the unit before."
        )

        fill_in(page, said("What I would like to talk about"), "What does a first day look like?")
        press(page, said("Keep my question"))
        expect(page.get_by_label(said("What I would like to talk about"))).to_have_value(
            "What does a first day look like?"
        )
        fill_in(page, said("What I work towards"), "A first job in September.")
        press(page, said("Keep my goal"))
        expect(page.get_by_label(said("What I work towards"))).to_have_value("A first job in September.")
        press(page, said("Begin a pause"))
        expect(page.get_by_text(said("You are on a pause. Nobody asks why"))).to_be_visible()

        press(page, said("My data"))
        tab_to(page, said("Download everything (ZIP)"))
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
