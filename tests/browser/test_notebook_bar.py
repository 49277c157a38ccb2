"""The bar above the first cell, in a real browser on a real fellow's server."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.fellow_lab import (
    ask_to_submit,
    axe_violations,
    bar,
    button,
    cell,
    checks,
    choose,
    ill_placed,
    news,
    open_unit,
    picture,
    write,
)
from tests.fellow_server import UNIT_PATH, Exchange, release

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]


def test_the_bar_shows_the_unit_and_counts_checks_that_pass(page: Page) -> None:
    expect(bar(page).locator("strong")).to_have_text("D1 Tables")
    expect(checks(page)).to_have_text("Checks passed: 0 of 3")
    expect(checks(page)).to_have_attribute("aria-live", "polite")
    button(page, "Restart and check").click()

    # The first check stops with an error; the others are run all the same.
    expect(checks(page)).to_have_text("Checks passed: 2 of 3")
    write(page, "mean = ...", "mean = 3")
    button(page, "Restart and check").click()
    expect(checks(page)).to_have_text("Checks passed: 3 of 3")
    picture(page, "all-checks")
    # Lab itself lets some requests go at a restart; none of our modules may.
    assert [stack for stack in page.faults if "passerelle-lab" in (stack or "")] == []  # type: ignore[attr-defined]


def test_python_is_restarted_once_more_where_it_is_not_heard(page: Page, server: tuple[str, Path]) -> None:
    restarts: list[str] = []
    lost: list[bytes | str] = []

    def deaf_after_the_first_restart(line: WebSocketRoute) -> None:
        kernel = line.connect_to_server()

        def pass_on(message: bytes | str) -> None:
            said = message if isinstance(message, bytes) else message.encode()
            if len(restarts) == 1 and b'"kernel_info_reply"' in said:
                lost.append(message)
            else:
                line.send(message)

        kernel.on_message(pass_on)

    page.on("request", lambda one: restarts.append(one.url) if one.url.partition("?")[0].endswith("/restart") else None)
    page.route_web_socket(re.compile("/api/kernels/.*/channels"), deaf_after_the_first_restart)
    open_unit(page, server[0])
    button(page, "Restart and check").click()

    # Half a minute she waits before the bar takes what Python said for lost.
    expect(checks(page)).to_have_text("Checks passed: 2 of 3", timeout=150_000)
    assert lost
    assert len(restarts) == 2


def test_an_edited_answer_takes_its_checks_out_of_the_count(page: Page) -> None:
    button(page, "Restart and check").click()
    expect(checks(page)).to_have_text("Checks passed: 2 of 3")
    write(page, "top = 4", "top = 5")
    expect(checks(page)).to_have_text("Checks passed: 0 of 3")
    cell(page, "assert top == 4").locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    # The kernel still has the old answer: this pass proves nothing about the new one.
    expect(cell(page, "assert top == 4").locator(".jp-InputPrompt")).to_have_text("[7]:")

    expect(checks(page)).to_have_text("Checks passed: 0 of 3")


def test_partial_points_are_no_pass(page: Page) -> None:
    write(page, "top = 4", "top = 5")
    cell(page, "assert top == 4").locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("assert top")
    button(page, "Restart and check").click()

    expect(checks(page)).to_have_text("Checks passed: 1 of 3")


def test_a_reload_keeps_what_was_proven_and_a_restart_does_not(page: Page, server: tuple[str, Path]) -> None:
    button(page, "Restart and check").click()
    expect(checks(page)).to_have_text("Checks passed: 2 of 3")
    page.keyboard.press("ControlOrMeta+s")
    open_unit(page, server[0])
    expect(checks(page)).to_have_text("Checks passed: 2 of 3")
    page.get_by_role("button", name=re.compile("Restart the kernel")).first.click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()

    expect(checks(page)).to_have_text("Checks passed: 0 of 3")


def test_the_language_switches_in_place_and_keeps_her_work(
    page: Page, server: tuple[str, Path], exchange: Exchange
) -> None:
    write(page, "mean = ...", "mean = 3  # my answer")
    mine = page.locator(".jp-MarkdownCell").filter(has_text="Put the greater")
    mine.click()
    page.keyboard.press("Enter")
    expect(mine.locator(".cm-content")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("My own note.")
    choose(page, "fr")

    expect(page.locator("h1").filter(has_text="Les tableaux")).to_be_visible()
    expect(bar(page).locator("strong")).to_have_text("D1 Les tableaux")
    expect(checks(page)).to_have_text("Vérifications réussies\u00a0: 0 sur 3")
    expect(cell(page, "mean = 3  # my answer")).to_be_visible()
    expect(cell(page, "My own note.")).to_be_visible()
    expect(bar(page)).to_have_attribute("lang", "fr")
    picture(page, "french")
    page.keyboard.press("ControlOrMeta+s")
    saved = server[1] / UNIT_PATH
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    notebook = json.loads(saved.read_text(encoding="utf-8"))
    assert notebook["metadata"]["passerelle"]["language"] == "fr"
    assert exchange.language == "fr"


def test_her_kernel_speaks_her_language_also_after_a_restart(page: Page) -> None:
    choose(page, "fr")
    write(page, "mean = ...", "import autograders; print('speaks', autograders.language())")
    button(page, "Relancer et vérifier").click()

    expect(cell(page, "import autograders").locator(".jp-OutputArea-output")).to_have_text("speaks fr")


def test_a_change_of_language_elsewhere_reaches_the_notebook(
    page: Page, server: tuple[str, Path], exchange: Exchange
) -> None:
    exchange.language = "fr"
    open_unit(page, server[0])

    expect(page.locator("h1").filter(has_text="Les tableaux")).to_be_visible()


def test_the_hint_of_her_task_is_run_and_focused(page: Page) -> None:
    cell(page, "mean = ...").locator(".cm-content").click()
    button(page, "Hint").click()

    expect(page.locator(".jp-OutputArea").get_by_role("button", name="More")).to_be_focused()


def test_submitting_shows_a_receipt_then_the_result(page: Page, exchange: Exchange, server: tuple[str, Path]) -> None:
    write(page, "mean = ...", "mean = 3")
    button(page, "Submit").click()
    expect(news(page)).to_contain_text("Received Tuesday")
    expect(news(page)).to_contain_text("3f9ac0de")
    expect(news(page)).to_contain_text("It is being marked.")
    picture(page, "receipt")
    exchange.result = {"state": "marked", "points": 4.5, "max": 5, "waits_for_person": True, "notices": []}

    expect(news(page)).to_contain_text("Points so far: 4.5 of 5. A trainer reads the rest.")
    expect(news(page).get_by_role("link")).to_have_attribute("href", "/services/passerelle/attempt/r1")
    choose(page, "fr")
    expect(news(page)).to_contain_text("Points pour l’instant\u00a0: 4,5 sur 5.")
    picture(page, "result-french")
    sent = next(iter(exchange.submissions.values()))
    assert b"mean = 3" in sent["d1-tables.ipynb"]
    assert len(exchange.submissions) == 1


def test_what_cannot_be_sent_is_said_in_the_bar(page: Page, exchange: Exchange) -> None:
    exchange.refusal = (422, "This unit is closed for you.")
    ask_to_submit(page)

    expect(news(page)).to_have_text("Nothing was sent yet. This unit is closed for you.")
    assert page.locator(".jp-Dialog").count() == 0


def test_a_copied_answer_is_asked_about_before_a_receipt(page: Page, exchange: Exchange) -> None:
    cell(page, "mean = ...").locator(".jp-InputPrompt").click()
    page.keyboard.press("c")
    page.keyboard.press("v")
    ask_to_submit(page)
    expect(news(page)).to_contain_text("is there 2 times")
    assert exchange.submissions == {}
    picture(page, "copied-answer")
    button(page, "Submit as it is").click()

    expect(news(page)).to_contain_text("Received")
    assert len(exchange.submissions) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_the_bar(page: Page, exchange: Exchange, theme: str) -> None:
    exchange.result = {"state": "marked", "points": 4.5, "max": 5, "waits_for_person": True, "notices": []}
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true" if theme == "light" else "false")
    ask_to_submit(page)
    expect(news(page).get_by_role("link")).to_be_visible()
    button(page, "More").click()

    for language in ("en", "fr"):
        choose(page, language)
        expect(bar(page)).to_have_attribute("lang", language)
        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            picture(page, f"bar-{theme}-{width}-{language}")
            assert axe_violations(page) == [], (language, width)
            assert ill_placed(page, width) == [], (language, width)


def test_the_bar_is_used_by_keyboard_alone(page: Page) -> None:
    bar(page).locator("select").focus()
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent"))
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    assert reached == ["Hint", "Restart and check", "Submit", "More"]
    expect(checks(page)).to_have_text("Checks passed: 2 of 3")


def test_a_fellows_menus_have_the_assignment_list_and_no_trainers_tools(page: Page) -> None:
    assert page.get_by_role("menuitem", name="Nbgrader").count() == 0
    assert page.get_by_text("Create Assignment").count() == 0
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name="Assignment List").click()

    expect(page.get_by_text("Submitted assignments", exact=True)).to_be_visible()


def test_the_assignment_list_is_french_where_the_interface_is(
    page: Page, server: tuple[str, Path], exchange: Exchange
) -> None:
    exchange.units, exchange.submissions["a-token-of-hers"] = ["d1-tables", "d2-clean"], release()
    choose(page, "fr")
    expect(page.locator("h1").filter(has_text="Les tableaux")).to_be_visible()
    open_unit(page, server[0])
    page.get_by_role("menuitem", name="Fichier", exact=True).click()
    page.get_by_role("menuitem", name="Liste des unités").click()
    shown = page.locator("#nbgrader-assignment-list")

    expect(shown.get_by_role("button", name="Télécharger", exact=True)).to_be_visible()
    expect(shown.get_by_role("button", name="Envoyer")).to_be_visible()
    expect(shown.get_by_role("button", name="Télécharger le retour")).to_be_visible()
    expect(shown.get_by_text("(retour à télécharger)")).to_be_visible()
    picture(page, "assignment-list")
    shown.get_by_role("button", name="d1-tables").click()
    expect(shown.get_by_role("button", name="Vérifier")).to_be_visible()
    expect(shown).not_to_contain_text(re.compile("assignment|Fetch|Submit|Loading|feedback"))

    exchange.unwell = True
    shown.get_by_title("Actualiser la liste des unités").click()
    expect(shown.get_by_text("La liste des unités ne s’ouvre pas pour l’instant.").first).to_be_visible()
    expect(shown).not_to_contain_text("exchange")
