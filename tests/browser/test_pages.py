"""The pages in a real browser: three widths, two languages, axe, keyboard, without scripts, in print."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from passerelle import ledger
from passerelle.courses import build_course
from passerelle.ledger import erasure, people, queue
from passerelle.ledger.tables import Job
from passerelle.model.people import LANGUAGES, Role
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict
from tests.browser.fellow_lab import PICTURES
from tests.browser.keyboard import go_to
from tests.unit.review.meeting_story import meet
from tests.unit.review.programme import NOW, START, TRACK, Programme, fill, new_programme, ours, verdict
from tests.unit.review.served import PREFIX, Served, serve
from tests.unit.review.test_saved import saved

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WIDTHS = (320, 768, 1280)
# Links in the middle of a sentence may be as high as their line (WCAG 2.5.8).
TOO_SMALL_TO_TAP = """() => [...document.querySelectorAll("a, button, summary")]
    .filter(one => !one.matches(".skip, p a:not(.button)"))
    .filter(one => one.getBoundingClientRect().height < 44)
    .map(one => one.textContent.trim())"""
PAGES = {
    "my-path": ("fern", ""),
    "unit": ("fern", "unit/data-science/d1-tables"),
    "unit-not-open": ("fern", "unit/data-science/d5-uncertainty"),
    "marked": ("fern", "d2-clean"),
    "with-a-comment": ("fern", "d1-tables"),
    "being-marked": ("fern", "d3-charts"),
    "waiting-for-us": ("cedar", "d1-tables"),
    "for-her-trainer": ("maple", "d1-tables"),
    "mentees": ("oak", ""),
    "review-sheet": ("oak", "mentee/fern"),
    "review-sheet-for-her-trainer": ("maple", "mentee/fern"),
    "units": ("oak", "mentee/fern/units"),
    "units-for-her-trainer": ("maple", "mentee/fern/units"),
    "meetings": ("oak", "mentee/fern/meetings"),
    "meetings-for-her": ("fern", "mentee/fern/meetings"),
    "meeting-held": ("oak", "meeting/1"),
    "meeting-held-for-her": ("fern", "meeting/1"),
    "meeting-planned": ("oak", "meeting/2"),
    "first-mentees": ("willow", ""),
    "course": ("maple", ""),
    "stuck": ("maple", "stuck/data-science"),
    "marking": ("maple", "marking/data-science"),
    "queue": ("maple", "queue"),
    "to-mark": ("maple", "queue#1"),
    "stuck-where": ("maple", "stuck-where/data-science"),
    "help": ("fern", "help/data-science?unit=d1-tables"),
    "programme": ("linden", ""),
    "cohort": ("linden", "programme/cohort/2026"),
    "mentors": ("linden", "programme/mentors"),
    "quiet": ("linden", "programme/quiet"),
    "owed": ("linden", "programme/owed"),
    "erasures": ("linden", "erasures"),
    "my-data": ("fern", "mydata"),
    "saved": ("fern", "mentee/fern/saved"),
    "saved-for-her-mentor": ("oak", "mentee/fern/saved"),
    "not-hers": ("fern", "mentee/cedar"),
    "not-here": ("fern", "nothing"),
}


@dataclass
class Desk:
    """A browser before the served pages of a filled programme."""

    browser: Browser
    served: Served
    programme: Programme
    complaints: list[str] = field(default_factory=list)

    def path(self, name: str) -> tuple[str, str]:
        """Return whose page it is and its path; a unit's name is the newest attempt at it, queue#1 what to mark first."""
        handle, path = PAGES[name]
        if re.fullmatch(r"d\d-\w+", path):
            owner = "fern" if handle == "maple" else handle
            path = re.findall(r"attempt/[0-9a-f]+", self.served.get(owner, f"unit/{TRACK}/{path}").text)[0]
        if path == "queue#1":
            path = re.findall(r"mark/[0-9a-f]+/[a-z-]+", self.served.get(handle, "queue").text)[0]
        return handle, path

    @contextmanager
    def page(self, name: str, width: int = 1280, *, scripts: bool = True) -> Iterator[Page]:
        """Open a page as its reader; complaints of the browser's console are kept."""
        handle, path = self.path(name)
        with self.window(handle, width, scripts=scripts) as page:
            page.goto(self.served.url(path))
            yield page

    @contextmanager
    def window(self, handle: str, width: int = 1280, *, scripts: bool = True) -> Iterator[Page]:
        """Open an empty window, logged in."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            color_scheme="light",
            reduced_motion="reduce",
        )
        context.add_cookies(
            [{"name": "service-passerelle", "value": self.served.cookie(handle), "domain": "127.0.0.1", "path": PREFIX}]
        )
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            yield page
        finally:
            context.close()

    def speak(self, language: str) -> None:
        """Give everybody a language."""
        with ledger.session(self.programme.engine) as session:
            for person in people.people(session):
                person.language = language


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    programme = new_programme(tmp_path_factory.mktemp("programme"))
    fill(programme)
    meet(programme)
    with ledger.session(programme.engine) as session:
        erasure.ask(session, "fern", "fern", NOW - timedelta(hours=2))
    with serve(programme) as served:
        yield Desk(browser, served, programme)
    programme.engine.dispose()


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.complaints.clear()
    return shared


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_serves_everybody(desk: Desk, name: str, language: str) -> None:
    """One window a page, turned and looked at from all sides: opening it is what takes time."""
    desk.speak(language)
    with desk.page(name) as page:
        assert page.locator("html").get_attribute("lang") == language
        assert (page.locator("h1").count(), page.locator("main").count()) == (1, 1)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()

        page.emulate_media(color_scheme="dark")
        dark = Axe().run(page, options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]})
        assert dark.violations_count == 0, dark.generate_report()

        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(TOO_SMALL_TO_TAP) == []
    assert [one for one in desk.complaints if not re.search(r"status of 40[34]", one)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_interrupted_sign_in_serves_everybody(desk: Desk, language: str) -> None:
    context = desk.browser.new_context(locale=language)
    page = context.new_page()
    try:
        answer = page.goto(desk.served.url("oauth_callback?error=access_denied"))
        assert answer is not None
        assert answer.status == 400
        assert page.locator("html").get_attribute("lang") == language
        expect(page.locator("main a")).to_have_attribute("href", PREFIX)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(TOO_SMALL_TO_TAP) == []
    finally:
        context.close()


def test_a_keyboard_reaches_the_content_first(desk: Desk) -> None:
    desk.speak("en")
    with desk.page("my-path") as page:
        page.keyboard.press("Tab")
        focused = page.locator(":focus")

        expect(focused).to_have_text("Skip to the content")
        expect(focused).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Open the notebook")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_feedback_comes_by_itself_and_the_page_does_not_jump(browser: Browser, tmp_path: Path) -> None:
    programme = new_programme(tmp_path)
    programme.enrol("fern")
    programme.release("d1-tables")
    receipt = programme.send("fern", "d1-tables", NOW)
    with serve(programme) as served:
        desk = Desk(browser, served, programme)
        with desk.window("fern", 320) as page:
            page.goto(served.url(f"attempt/{receipt}"))
            expect(page.get_by_text("Your work is being marked.")).to_be_visible()
            page.set_viewport_size({"width": 320, "height": 300})
            page.evaluate("window.scrollTo(0, 120)")
            link = page.get_by_role("link", name="All attempts")
            link.focus()
            before = link.bounding_box()
            programme.mark(receipt, verdict("d1-tables", {"check-mean": 2.0, "check-missing": 2.0}, "a"), NOW)

            expect(page.get_by_role("heading", name="What was found")).to_be_attached(timeout=15_000)
            after = link.bounding_box()
            assert before is not None
            assert after is not None
            # Where she looks, nothing moves, whatever was put in above it.
            assert abs(after["y"] - before["y"]) <= 1
            expect(link).to_be_focused()
            assert page.locator("#result").get_attribute("aria-live") == "polite"
        assert desk.complaints == []
    programme.engine.dispose()


def test_what_is_marked_again_leaves_its_list_by_itself(browser: Browser, tmp_path: Path) -> None:
    programme = new_programme(tmp_path)
    programme.enrol("fern")
    programme.enrol("maple", role=Role.TRAINER)
    receipt = programme.send("fern", "d1-tables", NOW)
    programme.mark(receipt, ours("d1-tables"), NOW)
    with serve(programme) as served:
        desk = Desk(browser, served, programme)
        with desk.window("maple") as page:
            page.goto(served.url(f"stuck/{TRACK}"))
            page.get_by_role("button", name="Mark again").click()
            expect(page.get_by_text("It is the next in turn.")).to_be_visible()
            programme.mark(receipt, verdict("d1-tables", {"check-mean": 2.0, "check-missing": 2.0}, "a"), NOW)

            expect(page.get_by_text("Everything that was sent is marked, or on its way.")).to_be_visible(timeout=15_000)
        assert desk.complaints == []
    programme.engine.dispose()


def test_asking_for_feedback_ends(desk: Desk) -> None:
    with desk.window("fern") as page:
        page.clock.install()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "part=1" in request.url else None)
        page.goto(desk.served.url(desk.path("being-marked")[1]))
        until = time.monotonic() + 120
        while len(asked) < 24 and time.monotonic() < until:
            page.clock.run_for(30_000)
            page.wait_for_timeout(20)  # for the answer, after which the page waits anew
        for _ in range(20):
            page.clock.run_for(30_000)
            page.wait_for_timeout(20)

    assert len(asked) == 24


def test_without_scripts_a_link_looks_again(desk: Desk) -> None:
    desk.speak("en")
    with desk.page("being-marked", scripts=False) as page:
        address = page.url
        page.get_by_role("link", name="Look again").click()

        assert page.url == address
        expect(page.get_by_text("Your work is being marked.")).to_be_visible()


def test_the_language_is_switched_on_the_page_one_reads(desk: Desk) -> None:
    desk.speak("en")
    with desk.page("unit", 320, scripts=False) as page:
        page.get_by_role("button", name="Français").click()

        assert page.url.endswith("unit/data-science/d1-tables")
        expect(page.get_by_role("heading", name="Tes essais")).to_be_visible()
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="Your attempts")).to_be_visible()


def test_the_marking_page_follows_what_is_marked_again(browser: Browser, tmp_path: Path) -> None:
    programme = new_programme(tmp_path)
    fill(programme)
    with serve(programme) as served:
        desk = Desk(browser, served, programme)
        desk.speak("en")
        with desk.page("marking") as page:
            queue_part = page.locator("section[aria-labelledby=queue]")
            waiting = queue_part.get_by_role("listitem").count()
            page.get_by_role("button", name="Mark again, and record it").click()
            expect(page.get_by_text("is still to be marked again.")).to_be_visible()
            expect(queue_part.get_by_role("listitem")).to_have_count(waiting + 1)
            with ledger.session(programme.engine) as session:
                for job in session.query(Job).where(Job.state == queue.QUEUED):
                    job.state, job.done = queue.DONE, NOW

            expect(page.get_by_text("Marked again on")).to_be_visible(timeout=20_000)
            expect(queue_part.get_by_role("listitem")).to_have_count(0)
    programme.engine.dispose()
    assert desk.complaints == []


def test_right_to_left_is_a_flag(desk: Desk) -> None:
    with desk.page("my-path", 320) as page:
        page.evaluate("document.documentElement.dir = 'rtl'")
        shape, title = page.locator(".rows.tight .shape").first, page.locator(".rows.tight .what").first

        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert shape.bounding_box()["x"] > title.bounding_box()["x"]  # type: ignore[index]  # it is on the page


def test_the_style_names_no_side() -> None:
    style = (ROOT / "src/passerelle/review/static/passerelle.css").read_text(encoding="utf-8")
    physical = r"[\s;{](?:(?:margin|padding|border|inset)-(?:left|right|top|bottom)|left|right|top|bottom|(?:min-|max-)?(?:width|height))\s*:"

    assert re.findall(physical, style) == []
    assert re.findall(r"text-align:\s*(?:left|right)|float:|@import|url\(|@font-face", style) == []


def test_a_chart_is_told_in_words_too(desk: Desk) -> None:
    desk.speak("en")
    with desk.page("unit") as page:
        drawn = page.locator("svg.chart text").all_text_contents()
        listed = " ".join(page.locator("section:has(svg.chart) li").all_inner_texts())

    assert drawn[::2] == ["2", "5.5", "7.5"]
    assert [f"{points} of 8 points" in listed for points in drawn[::2]] == [True, True, True]


def test_the_sheet_prints_without_what_one_clicks(desk: Desk) -> None:
    with desk.page("review-sheet") as page:
        page.emulate_media(media="print")

        expect(page.locator("header.top")).to_be_hidden()
        expect(page.locator(".button").first).to_be_hidden()
        expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_real_unit_reads_well(browser: Browser, tmp_path: Path, language: str) -> None:
    programme = new_programme(tmp_path)
    course = build_course(ROOT / "courses" / TRACK, programme.settings.courses / TRACK)
    fill(programme)
    card = course.unit("d1-tables").card
    message = next(iter(card.messages))
    checks = [
        CheckResult(
            key=one.key,
            points=one.points if place else 0.0,
            max_points=one.points,
            state=CheckState.PASSED if place else CheckState.MISSED,
            messages=() if place else (Message(id=message),),
        )
        for place, one in enumerate(one for one in card.checks if not one.manual)
    ]
    by_hand = {one.key: "hash" for one in card.checks if one.manual}
    found = Verdict(
        key="real",
        unit=card.unit,
        version=card.version,
        engine="test",
        outcome=Outcome.MARKED,
        checks=tuple(checks),
        manual_answers=by_hand,
    )
    receipt = programme.send("iris", "d1-tables", START, found)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "iris", starts=START)
    with serve(programme) as served:
        desk = Desk(browser, served, programme)
        desk.speak(language)
        for handle, path in (
            ("iris", f"attempt/{receipt}"),
            ("iris", ""),
            ("oak", "mentee/iris"),
            ("oak", "mentee/iris/units"),
            ("maple", ""),
        ):
            for width in (320, 1280):
                with desk.window(handle, width) as page:
                    page.goto(served.url(path))
                    for notes in page.locator("summary").all():
                        notes.click()

                    assert page.evaluate("document.documentElement.scrollWidth") <= width
                    report = Axe().run(page, options={"resultTypes": ["violations"]})
                    assert report.violations_count == 0, report.generate_report()
        with desk.window("iris") as page:
            page.goto(served.url(f"attempt/{receipt}"))
            expect(page.get_by_text(card.messages[message][language]).first).to_be_visible()
    programme.engine.dispose()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["saved", "saved-for-her-mentor"])
def test_a_progress_file_is_opened_by_the_keyboard_without_scripts(
    desk: Desk, name: str, language: str, tmp_path: Path
) -> None:
    """The page after the form: what the file says, and what a refused one is told."""
    desk.speak(language)
    file, other = tmp_path / "passerelle-progress.json", tmp_path / "page.json"
    file.write_bytes(saved())
    other.write_text("<html>", "utf-8")
    handle, path = PAGES[name]
    with desk.window(handle, scripts=False) as page:
        page.goto(desk.served.url(path))
        for sent, shown in ((other, page.get_by_role("alert")), (file, page.locator("section.card"))):
            page.locator("input[type=file]").set_input_files(sent)
            go_to(page, page.locator("form.fields button"))
            page.keyboard.press("Enter")

            expect(shown).to_be_visible()
        expect(page.locator(".note")).to_contain_text({"en": "Self-checked", "fr": "Vérifié par"}[language])
    with desk.window(handle) as page:
        page.goto(desk.served.url(path))
        page.locator("input[type=file]").set_input_files(file)
        page.locator("form.fields button").click()
        expect(page.locator("section.card")).to_be_visible()
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(TOO_SMALL_TO_TAP) == []
            if PICTURES and width != 768:
                page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{language}.png"), full_page=True)
