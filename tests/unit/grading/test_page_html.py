"""A feedback page is the one that nbconvert would make, and nothing that a fellow wrote is kept of it."""

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup

from passerelle.grading.feedback import exporter_in, feedback_page
from passerelle.grading.page_html import PageExporter
from passerelle.grading.safe_html import FeedbackHTMLExporter
from tests.unit.grading.desk import ANSWER, MANUAL, notebook
from tests.unit.grading.hostile import PIXEL, make_hostile
from tests.unit.grading.trial import source

FACTS = {"notebook": "mini", "score": 1.5, "max_score": 3.0, "late_penalty": 0.5}


def odd(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Add what the fast way could get wrong: pictures with and without words, magics, addresses, no text at all."""
    new = nbformat.v4
    made.cells += [
        new.new_code_cell(""),
        new.new_code_cell("%%html\n<b>x</b>"),
        new.new_code_cell("%%bash\nls 'a'"),
        new.new_markdown_cell("![](files/a.png) [x](files/b) <img src='c.png'> <p title=\"<img src=x>\">x</p>"),
        new.new_markdown_cell("![x](attachment:a.png)", attachments={"a.png": {"image/png": PIXEL}}),
        new.new_markdown_cell("~~~python\nx = '<img>'\n~~~\n\n$a < b$ & `<img>`\n\n| a |\n|---|\n| b |"),
        new.new_raw_cell("<b>raw</b>"),
    ]
    for data, about in [
        ({"image/png": PIXEL}, {}),
        ({"image/png": PIXEL}, {"image/png": {"width": 20, "alt": 'a "plot" of <b>'}}),
        ({"image/jpeg": PIXEL, "text/plain": "x"}, {"image/jpeg": {"height": 3}}),
        ({"image/svg+xml": "<svg></svg>"}, {}),
        ({"text/html": "<table class=dataframe><tr><td><img src=d.png></td></tr></table>"}, {}),
        ({"text/latex": "$a<b$", "text/plain": "a"}, {}),
    ]:
        shown = new.new_output("display_data", data=data, metadata=about)
        error = new.new_output("error", ename="E", evalue="v", traceback=["\x1b[31mred\x1b[0m <i>"])
        said = new.new_output("stream", name="stderr", text="<b>\x1b[1mbold")
        made.cells.append(new.new_code_cell("x", outputs=[shown, error, said], execution_count=3))
    return made


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("which", ["plain", "hostile", "trial"])
def test_it_is_the_page_that_nbconvert_makes(released_course: Path, which: str, language: str) -> None:
    made = source(tables=True) if which == "trial" else notebook(released_course)
    made = odd(make_hostile(made, MANUAL, ANSWER) if which == "hostile" else made)
    for cell in made.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(score=0.5, comment="See **this**, files/x <img src=y>")
    own = {cell.source for cell in made.cells[::2]}
    resources = {"nbgrader": FACTS}

    stock, _ = exporter_in(language, FeedbackHTMLExporter).from_notebook_node(copy.deepcopy(made), resources=resources)
    fast = exporter_in(language, PageExporter)
    first, again = (fast.page(copy.deepcopy(made), dict(resources), own) for _ in range(2))

    assert first == again
    assert parsed(first) == parsed(stock)


def parsed(page: str) -> BeautifulSoup:
    """Read a page, so that what is the same to a browser is the same here."""
    return BeautifulSoup(str(BeautifulSoup(page, "html.parser")), "html.parser")


def test_nothing_is_kept_but_texts_of_the_unit(released_course: Path) -> None:
    exporter = exporter_in("en", PageExporter)
    made = notebook(released_course, answer="mine = 1", words="Mine.")
    own = {cell.source for cell in made.cells} - {"mine = 1", "Mine."}
    exporter.page(made, {"nbgrader": FACTS}, own)

    kept = exporter.kept()

    assert kept
    assert kept <= own


def test_pictures_without_words_get_some_and_nothing_else_moves(released_course: Path) -> None:
    made = notebook(released_course)
    made.cells.append(
        nbformat.v4.new_markdown_cell('<p title="<img src=x> onclick=alert(1) <img src=y>">x</p> <img src=z>')
    )
    facts: dict[str, Any] = {**FACTS, "cells": {}, "comments": {}}
    page = BeautifulSoup(feedback_page(made, facts, "en"), "html.parser")

    assert page.select("img:not([alt])") == []
    assert [tag.name for tag in page.find_all(True) if tag.get("onclick")] == []
    assert page.select_one("p[title]")["title"] == "<img src=x> onclick=alert(1) <img src=y>"
