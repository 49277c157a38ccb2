"""A unit's notebook in a language, while it is not open."""

from typing import Any

import pytest

from passerelle_lab.language import in_language

TEXTS = {"en": "# Tables\n\nRead this.", "fr": "# Tableaux\n\nLis ceci."}


def notebook(source: str | list[str], text: dict[str, str] | None = TEXTS) -> dict[str, Any]:
    about = {"key": "intro", "kind": "prose"} | ({"text": text} if text else {})
    cell = {"cell_type": "markdown", "source": source, "metadata": {"passerelle": about}}
    return {"cells": [cell], "metadata": {"passerelle": {"unit": "d1-tables", "language": "en"}}}


@pytest.mark.parametrize(
    ("source", "text", "reads"),
    [
        pytest.param("# Tables\n\nRead this.", TEXTS, "# Tableaux\n\nLis ceci.", id="prose-is-switched"),
        pytest.param(["# Tables\n", "\n", "Read this.\n"], TEXTS, "# Tableaux\n\nLis ceci.", id="prose-as-lines"),
        pytest.param("# Tables\n\nMy note.", TEXTS, "# Tables\n\nMy note.", id="what-she-changed-stays"),
        pytest.param("mean = 3", None, "mean = 3", id="a-cell-without-texts-stays"),
        pytest.param("# Tables\n\nRead this.", {"en": TEXTS["en"]}, TEXTS["en"], id="no-such-text-stays"),
    ],
)
def test_only_known_prose_is_switched(source: str | list[str], text: dict[str, str] | None, reads: str) -> None:
    switched = in_language(notebook(source, text), "fr")

    assert "".join(switched["cells"][0]["source"]) == reads
    assert switched["metadata"]["passerelle"]["language"] == "fr"


def test_there_and_back_is_the_same() -> None:
    original = notebook(TEXTS["en"].splitlines(keepends=True))

    assert in_language(in_language(original, "fr"), "en") == original


def test_a_notebook_that_is_no_unit_of_ours_gains_nothing() -> None:
    other: dict[str, Any] = {"cells": [], "metadata": {}}

    assert in_language(other, "fr") == {"cells": [], "metadata": {}}
