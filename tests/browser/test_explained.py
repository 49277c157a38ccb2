"""Errors explained in her notebook, in a real browser: both languages, the fold, on and off."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.fellow_lab import axe_violations, bar, button, cell, choose, hers, open_unit, picture, write

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]


def run(page: Page, text: str) -> Locator:
    """Run the cell that holds a text; return its output."""
    shown = cell(page, text)
    shown.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return shown.locator(".jp-Cell-outputArea")


def test_an_error_is_explained_in_her_language_and_python_s_message_is_a_key_away(page: Page) -> None:
    write(page, "mean = ...", "average = 3\naverege")
    output = run(page, "averege")
    expect(output).to_contain_text("In plain words")
    expect(output).to_contain_text("no object with the name averege exists")
    expect(output).to_contain_text("NameError: name 'averege' is not defined")
    expect(output.locator("details pre")).not_to_be_visible()
    picture(page, "explained-en")
    choose(page, "fr")
    output = run(page, "averege")

    expect(output).to_contain_text("aucun objet portant le nom averege n'existe")
    output.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(output.locator("details pre")).to_contain_text("Traceback (most recent call last)")
    expect(output.locator("details pre")).to_be_visible()
    picture(page, "explained-fr")


def test_she_turns_it_off_for_all_her_notebooks_and_on_again(page: Page, server: tuple[str, object]) -> None:
    write(page, "mean = ...", "average = 3\naverege")
    button(page, "More").click()
    button(page, "Explain errors: on").click()
    expect(button(page, "Explain errors: off")).to_be_visible()
    output = run(page, "averege")
    expect(output).to_contain_text("Traceback (most recent call last)")
    expect(output).not_to_contain_text("In plain words")
    assert axe_violations(page) == []
    open_unit(page, server[0])
    button(page, "More").click()
    expect(button(page, "Explain errors: off")).to_be_visible()

    button(page, "Explain errors: off").click()
    expect(bar(page)).to_contain_text("Explain errors: on")
    kept = page.request.get(f"{server[0]}passerelle/explaining", headers=hers()).json()
    assert kept == {"on": True}
