"""«I'm stuck» in the notebook's bar, in a real browser on a real fellow's server."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fellow_lab import axe_violations, bar, button, cell, checks, choose, ill_placed, picture
from tests.fellow_server import Exchange

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]


def said(page: Page) -> Locator:
    return page.locator(".passerelle-bar-stuck")


def begin(page: Page) -> None:
    button(page, "More").click()
    button(page, "I’m stuck").click()
    expect(said(page)).to_contain_text("Your question goes to the trainers, with this unit: D1 Tables.")


def test_a_question_goes_with_the_unit_and_the_check_that_does_not_pass(page: Page, exchange: Exchange) -> None:
    button(page, "Restart and check").click()
    # The first check stops with an error; the others pass.
    expect(checks(page)).to_have_text("Checks passed: 2 of 3")
    begin(page)
    page.get_by_label("In your words").fill("What is a mean?")
    picture(page, "stuck")
    assert axe_violations(page) == []
    assert ill_placed(page, 1280) == []

    button(page, "Ask for help").click()

    expect(said(page)).to_have_text(
        "Your question is with the trainers. You get an answer by Thursday\u00a026\u00a0November, on My path."
    )
    [question] = exchange.questions.values()
    assert question["words"] == "What is a mean?"
    assert question["check"] == "check-mean"
    button(page, "Go back to my work").click()
    choose(page, "fr")
    expect(button(page, "Je suis bloquée")).to_be_visible()


def test_on_a_telephone_the_keyboard_reaches_all_of_it(page: Page, exchange: Exchange) -> None:
    """The bar is longer than its place there: what is focused, or told, is brought into sight."""
    page.set_viewport_size({"width": 320, "height": 568})
    begin(page)
    expect(page.get_by_label("In your words")).to_be_focused()
    expect(page.get_by_label("In your words")).to_be_in_viewport(ratio=1)
    page.keyboard.type("Why?")
    for name in ("Ask for help", "Go back to my work"):
        page.keyboard.press("Tab")
        expect(button(page, name)).to_be_focused()
        expect(button(page, name)).to_be_in_viewport(ratio=1)
    picture(page, "stuck-320")
    assert axe_violations(page) == []
    assert ill_placed(page, 320) == []
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    expect(said(page)).to_contain_text("Your question is with the trainers.")
    expect(said(page)).to_be_in_viewport(ratio=1)
    assert [one["words"] for one in exchange.questions.values()] == ["Why?"]
    button(page, "Go back to my work").focus()
    page.keyboard.press("Enter")
    expect(button(page, "I’m stuck")).to_be_focused()


def test_a_line_that_drops_makes_one_question_and_is_said_plainly(page: Page, exchange: Exchange) -> None:
    exchange.lost_answers = 2
    begin(page)
    button(page, "Ask for help").click()

    expect(said(page)).to_contain_text("Your question is with the trainers.")
    assert exchange.lost_answers == 0
    assert len(exchange.questions) == 1


def test_without_an_answer_her_words_stay_and_the_same_question_is_sent_again(page: Page, exchange: Exchange) -> None:
    begin(page)
    page.get_by_label("In your words").fill("My words")
    page.route("**/passerelle/help/**", lambda route: route.abort())
    button(page, "Ask for help").click()
    expect(said(page)).to_contain_text("The line dropped; trying again…")
    button(page, "Stop trying").click()
    expect(said(page)).to_contain_text("We do not know yet whether your question arrived")
    expect(page.get_by_label("In your words")).to_have_value("My words")
    assert exchange.questions == {}
    page.unroute("**/passerelle/help/**")

    button(page, "Ask for help").click()

    expect(said(page)).to_contain_text("Your question is with the trainers.")
    assert [one["words"] for one in exchange.questions.values()] == ["My words"]
    expect(button(page, "I’m stuck")).to_be_focused()


def test_escape_goes_back_to_her_work_and_nothing_is_sent(page: Page, exchange: Exchange) -> None:
    begin(page)
    page.keyboard.press("Escape")

    expect(said(page)).to_be_empty()
    assert exchange.questions == {}
    expect(cell(page, "mean = ...")).to_be_visible()
    expect(bar(page)).to_be_visible()


def test_a_no_of_the_exchange_is_said_and_her_words_stay(page: Page, exchange: Exchange) -> None:
    exchange.refusal = (409, "20 of your questions wait for an answer already.")
    begin(page)
    page.get_by_label("In your words").fill("One more")
    button(page, "Ask for help").click()

    expect(said(page)).to_contain_text("Your question was not sent. 20 of your questions wait for an answer already.")
    expect(page.get_by_label("In your words")).to_have_value("One more")
