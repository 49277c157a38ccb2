"""What a fellow gets to read as nbgrader's feedback page."""

from typing import Any

import pytest
from traitlets.config import Config

from passerelle.grading.feedback import feedback_page
from passerelle.grading.redirect import install
from passerelle.grading.safe_html import FeedbackHTMLExporter
from tests.unit.grading.trial import HIDDEN_NAME, SECRET, source

FACTS: dict[str, Any] = {
    "notebook": "trial",
    "score": 0.0,
    "max_score": 6.0,
    "late_penalty": 0.0,
    "cells": {},
    "comments": {},
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_hidden_tests_are_not_on_it(language: str) -> None:
    page = feedback_page(source(tables=True), FACTS, language)

    assert "check-double" in page  # the check itself is
    assert str(SECRET) not in page
    assert HIDDEN_NAME not in page
    assert "HIDDEN TESTS" not in page


def test_nor_on_pages_that_nbgrader_makes_in_a_course_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbgrader.converters.Autograde.start", None)
    config = Config()

    install(config)

    module, _, name = config.GenerateFeedback.exporter_class.rpartition(".")
    assert (module, name) == (FeedbackHTMLExporter.__module__, FeedbackHTMLExporter.__name__)
