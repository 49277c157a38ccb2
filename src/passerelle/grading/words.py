"""The few sentences of this room, in the reader's language."""

from functools import cache
from pathlib import Path

import polib

_CATALOGUES = Path(__file__).parent / "locale"


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return the translations into a language by their English text; English has none."""
    path = _CATALOGUES / f"{language}.po"
    if not path.is_file():
        return {}
    return {entry.msgid: entry.msgstr for entry in polib.pofile(path.read_text("utf-8")) if entry.translated()}


def words(text: str, language: str) -> str:
    """Return a sentence in a language, or as it is where that language does not have it."""
    return catalogue(language).get(text, text)
