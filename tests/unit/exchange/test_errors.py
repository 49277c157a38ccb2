import string
from pathlib import Path

import polib
import pytest

from passerelle.exchange import errors
from passerelle.exchange.errors import TEXTS, ApiError
from passerelle.model.people import LANGUAGES


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_is_there_in_every_language_with_the_same_places(language: str) -> None:
    catalogue = {
        entry.msgctxt: entry for entry in polib.pofile(str(Path(errors.__file__).parent / "locale" / f"{language}.po"))
    }

    assert {words_id: entry.msgid for words_id, entry in catalogue.items()} == TEXTS
    for words_id, entry in catalogue.items():
        assert entry.msgstr, words_id
        assert places(entry.msgstr) == places(entry.msgid), words_id


def test_a_language_that_we_do_not_have_is_english() -> None:
    assert ApiError.of(404, "not-found").words("xx") == TEXTS["not-found"]
