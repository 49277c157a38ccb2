"""Messages in words: the unit's first, both languages, numbers as each writes them."""

import re
from pathlib import Path

import polib
import pytest

import autograders
from autograders import CheckFailed, expect, set_language, words
from autograders.sentences import SENTENCES

CATALOGUE = polib.pofile(str(Path(autograders.__file__).parent / "locale" / "fr.po"))
FRENCH = {entry.msgctxt: entry for entry in CATALOGUE}
PLACE = re.compile(r"\{\w+\}")
UNIT = {"messages": {"mine": {"en": "Mine: {found}", "fr": "À moi : {found}"}}, "tasks": {"mean": {"en": "The mean"}}}


def test_every_sentence_is_in_french_and_no_other() -> None:
    assert set(FRENCH) == set(SENTENCES)
    assert {key for key, entry in FRENCH.items() if not entry.msgstr} == set()
    assert {key: entry.msgid for key, entry in FRENCH.items()} == SENTENCES


@pytest.mark.parametrize("key", sorted(SENTENCES))
def test_a_translation_has_the_same_places(key: str) -> None:
    assert sorted(PLACE.findall(FRENCH[key].msgstr)) == sorted(PLACE.findall(SENTENCES[key]))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_sentence_blames(language: str) -> None:
    said = " ".join(SENTENCES.values() if language == "en" else (entry.msgstr for entry in CATALOGUE)).lower()

    assert not re.search(r"\b(wrong|failed|late|only|incorrect|faux|fausse|échou\w*|raté\w*|retard)\b", said)


def test_the_unit_s_own_message_comes_first() -> None:
    assert words("mine", {"found": 1.5}, "fr", UNIT) == "À moi : 1,5"
    assert words("mine", {"found": 1.5}, "en", UNIT) == "Mine: 1.5"
    assert words("task:mean", {}, "fr", UNIT) == "The mean"


def test_an_unknown_message_is_its_id_and_an_unknown_place_is_an_ellipsis() -> None:
    assert words("nobody-knows", {}, "fr") == "nobody-knows"
    assert words("mine", {}, "en", UNIT) == "Mine: …"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (3, "3", "3"),
        (1234, "1234", "1234"),
        (12345, "12,345", "12\u202f345"),
        (0.5, "0.5", "0,5"),
        (-12345.25, "-12,345.25", "-12\u202f345,25"),
        (float("nan"), "nan", "nan"),
        ([1.5, "x"], "1.5, x", "1,5, x"),
        (True, "True", "True"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(value: object, english: str, french: str) -> None:
    said = [words("mine", {"found": value}, language, UNIT) for language in ("en", "fr")]

    assert said == [f"Mine: {english}", f"À moi : {french}"]


def test_text_of_hers_is_never_taken_for_a_message() -> None:
    assert words("mine", {"found": "{expected}"}, "en", UNIT) == "Mine: {expected}"


def test_a_check_that_is_not_met_says_a_few_calm_lines(notebook: dict[str, object]) -> None:
    notebook["mean"] = 36.7
    with pytest.raises(CheckFailed) as caught:
        expect("mean").equals(36.9, look="look-call-slow")

    assert caught.value._render_traceback_() == [
        "`mean`: expected 36.9, found 36.7.",
        "Look at: the loops: does each of them come to an end?",
    ]
    set_language("fr")
    assert caught.value._render_traceback_()[0] == "`mean`\u00a0: attendu 36,9, trouvé 36,7."


def test_the_language_is_that_of_the_environment_until_one_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_LANGUAGE", "fr")

    assert autograders.language() == "fr"
    set_language("en")
    assert autograders.language() == "en"
