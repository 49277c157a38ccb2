"""The hub's own pages: every word in both languages, and no log-in needed to see them."""

import re
from pathlib import Path

import polib
import pytest

from passerelle import hub
from passerelle.hub.look import words

ROOM = Path(hub.__file__).parent
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))
FRENCH = polib.pofile(str(ROOM / "locale" / "fr.po"))


def said_in(template: Path) -> set[str]:
    return {one or other for one, other in re.findall(r"""_\(\s*(?:"([^"]*)"|'([^']*)')""", template.read_text())}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_word_of_a_template_is_in_french(template: Path) -> None:
    known = {entry.msgid for entry in FRENCH if entry.translated()}

    assert said_in(template) <= known


def test_the_catalogue_holds_nothing_else() -> None:
    used = set().union(*(said_in(template) for template in TEMPLATES))

    assert {entry.msgid for entry in FRENCH} == used


def test_no_template_has_words_outside_the_catalogue() -> None:
    for template in TEMPLATES:
        text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", " ", template.read_text(), flags=re.S)
        left = set(re.findall(r"[A-Za-zÀ-ÿ]{2,}", text)) - {"Passerelle"}

        assert left == set(), template.name


def test_both_languages_keep_the_same_places() -> None:
    for entry in FRENCH:
        assert sorted(re.findall(r"\{\w+\}", entry.msgid)) == sorted(re.findall(r"\{\w+\}", entry.msgstr)), entry.msgid


def test_words_fall_back_to_the_source() -> None:
    assert words("Sign in", "fr") == "Se connecter"
    assert words("Sign in", "en") == "Sign in"
    assert words("not in any catalogue", "fr") == "not in any catalogue"


def test_our_style_sheet_knows_no_left_and_right() -> None:
    sheet = (ROOM / "static" / "hub.css").read_text()

    assert not re.search(
        r"(margin|padding|border)-(left|right|top|bottom)|text-align:\s*(left|right)|(?<!-)\b(width|height):",
        sheet,
    )
