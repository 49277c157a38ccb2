"""Every text has its French, and what the browser reads is made from the catalogues as they are."""

import re
from pathlib import Path

import polib
import pytest

from passerelle_lab.catalogues import EXTENSION, MESSAGES, PACKAGE, made
from passerelle_lab.words import say

OWN = polib.pofile(str(MESSAGES / "passerelle_lab.po"))
PYTHON = (
    "handlers.py",
    "error_page.py",
    "explaining.py",
    "unit_handlers.py",
    "unit_folder.py",
    "copies.py",
    "contents.py",
)
CODE = [PACKAGE / name for name in PYTHON] + sorted((EXTENSION / "static").glob("*.js"))
# A text is said at once, or named `text` first; in the bar it may be a button's.
SAID = r"""\bsay\(\s*(?:[\w.]+,\s*)?"([^"]*)"|\banswer\("([^"]*)"|\btext = \(?((?:\s*"[^"]*")+)|FolderError\(\s*"([^"]*)\""""


def texts_in(path: Path) -> set[str]:
    said = (next(filter(None, groups)) for groups in re.findall(SAID, path.read_text(encoding="utf-8")))
    return {"".join(re.findall(r'"([^"]*)"', text)) or text for text in said}


def test_made_files_are_fresh() -> None:
    stale = [path.name for path, content in made().items() if path.read_text(encoding="utf-8") != content]

    assert stale == [], "run `python -m passerelle_lab.catalogues`"


def test_catalogue_and_code_have_the_same_texts() -> None:
    used = set().union(*(texts_in(path) for path in CODE))

    assert used == {entry.msgid for entry in OWN}


@pytest.mark.parametrize("name", ["passerelle_lab", "nbgrader"])
def test_every_text_has_its_french_with_the_same_places(name: str) -> None:
    for entry in polib.pofile(str(MESSAGES / f"{name}.po")):
        places = [sorted(re.findall(r"\{\w+\}|%\d", text)) for text in (entry.msgid, entry.msgstr)]

        assert entry.msgstr.strip(), entry.msgid
        assert places[0] == places[1], entry.msgid


def test_no_text_blames_her() -> None:
    words = re.compile(r"\b(wrong|failed|late|only|faux|fausse|échec|échoué|en retard)\b", re.IGNORECASE)

    assert [text for entry in OWN for text in (entry.msgid, entry.msgstr) if words.search(text)] == []


def test_a_text_is_said_in_her_language_with_its_values() -> None:
    assert say("fr", "Submit my work: {title}", title="D1") == "Envoyer mon travail\u00a0: D1"
    assert say("en", "Submit my work: {title}", title="D1") == "Submit my work: D1"
