import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from passerelle.grading.feedback import feedback_page
from passerelle.grading.safe_html import clean
from passerelle.hub.formgrader import formgrade_exporter
from tests.unit.grading.desk import ANSWER, MANUAL, UNIT, notebook
from tests.unit.grading.hostile import call, make_hostile

RESOURCES = {"base_url": "/user/course-demo", "notebook_id": UNIT, "submission_id": "0", "index": 0, "total": 1}
FACTS = {"notebook": UNIT, "score": 0.0, "max_score": 3.0, "late_penalty": 0.0, "cells": {}, "comments": {}}


def formgrade(shown: nbformat.NotebookNode) -> str:
    return str(formgrade_exporter().from_notebook_node(shown, resources=dict(RESOURCES))[0])


def feedback(shown: nbformat.NotebookNode) -> str:
    return feedback_page(shown, FACTS, "fr")


PAGES = pytest.mark.parametrize("render", [formgrade, feedback], ids=["formgrade", "feedback"])


@PAGES
def test_nothing_in_a_hostile_submission_can_run(released_course: Path, render: object) -> None:
    assert callable(render)
    page = BeautifulSoup(render(make_hostile(notebook(released_course), MANUAL, ANSWER)), "html.parser")
    plain = BeautifulSoup(render(notebook(released_course)), "html.parser")

    def running(soup: BeautifulSoup) -> list[str]:
        scripts = [str(tag) for tag in soup.find_all(["script", "iframe", "object", "embed", "base", "form", "svg"])]
        events = [
            f"{name}={value}" for tag in soup.find_all(True) for name, value in tag.attrs.items() if name[:2] == "on"
        ]
        return scripts + events

    assert running(page) == running(plain)  # nbgrader's own, which are there for every submission
    for tag in page.find_all(True):
        for name in ("href", "src", "action", "formaction", "xlink:href", "srcdoc"):
            assert not re.match(r"\s*(javascript|vbscript|data:(?!image/))", tag.get(name) or "", re.IGNORECASE), tag


@PAGES
def test_a_submission_cannot_look_like_the_page_around_it(released_course: Path, render: object) -> None:
    assert callable(render)
    page = BeautifulSoup(render(make_hostile(notebook(released_course), MANUAL, ANSWER)), "html.parser")
    plain = BeautifulSoup(render(notebook(released_course)), "html.parser")

    for selector in (".nbgrader_cell", "#answer-words", "#check-mean", ".score"):
        assert len(page.select(selector)) == len(plain.select(selector)), selector
    assert "position: fixed" not in "".join(tag.get("style", "") for tag in page.find_all(True))


@PAGES
def test_nothing_is_loaded_from_elsewhere(released_course: Path, render: object) -> None:
    assert callable(render)
    page = BeautifulSoup(render(notebook(released_course)), "html.parser")

    loaded = [tag.get("src") or tag.get("href") for tag in page.find_all(["script", "link", "img", "iframe"])]
    assert [address for address in loaded if address and re.match(r"https?:|//", address)] == []


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        pytest.param("<b>bold</b>", "<b>bold</b>", id="bold"),
        pytest.param('<table class="dataframe nbgrader_cell"><tr><td>1</td></tr></table>',
                     '<table class="dataframe"><tbody><tr><td>1</td></tr></tbody></table>', id="a-frame"),
        pytest.param('<img src="data:image/png;base64,AAAA" alt="x">', '<img src="data:image/png;base64,AAAA" alt="x">', id="a-picture"),
        pytest.param('<img src="data:image/svg+xml;base64,AAAA" alt="x">', '<img alt="x">', id="no-svg-by-address"),
        pytest.param('<img src="https://example.invalid/seen" alt="x">', '<img alt="x">', id="nobody-learns-that-it-was-read"),
        pytest.param('<p style="color: red; position: fixed">x</p>', '<p style="color:red">x</p>', id="colour-but-no-place"),
        pytest.param(f"a<script>{call('x')}</script>b", "ab", id="a-script-with-its-text"),
    ],
)  # fmt: skip
def test_what_is_kept(html: str, kept: str) -> None:
    assert clean(html) == kept


def test_prose_stays_readable(released_course: Path) -> None:
    shown = notebook(released_course, words="> quoted\n\n```python\na < b\n```\n\n$x < y$ and **bold**")
    page = BeautifulSoup(formgrade(shown), "html.parser").get_text()

    assert "quoted" in page
    assert "a < b" in page
    assert "$x < y$ and bold" in page
