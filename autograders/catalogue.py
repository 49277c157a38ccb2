"""Puts messages into words: the unit's own first, then the general ones of `autograders`."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from autograders.sentences import SENTENCES

_chosen: str | None = None
_PLACE = re.compile(r"\{(\w+)\}")


def set_language(new: str) -> None:
    """Choose the reader's language for this kernel; hint ladders on show follow at once."""
    global _chosen  # noqa: PLW0603  one kernel has one reader
    _chosen = new
    from autograders import ladder  # noqa: PLC0415  the ladder imports this module

    ladder.say_again()


def language() -> str:
    """Return the reader's language: chosen here, else PASSERELLE_LANGUAGE, else English."""
    return _chosen or os.environ.get("PASSERELLE_LANGUAGE") or "en"


def unit_here() -> dict[str, Any]:
    """Return the `unit.json` of the working directory; {} where there is none."""
    try:
        unit = json.loads(Path("unit.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return unit if isinstance(unit, dict) else {}


@cache
def _translations(lang: str) -> dict[str, str]:
    """Return the general sentences of a language, by id."""
    file = Path(__file__).parent / "locale" / f"{lang}.po"
    if lang == "en" or not file.is_file():
        return {}
    import polib  # noqa: PLC0415  only a reader of another language pays for it

    return {entry.msgctxt: entry.msgstr for entry in polib.pofile(str(file)) if entry.msgstr}


def words(message: str, args: dict[str, Any], language: str, unit: dict[str, Any] | None = None) -> str:
    """Put a message into words.

    Args:
        message: its id, looked up in `unit["messages"]` first, then among the general sentences; `task:<id>` is
            the title of a task.
        args: JSON values for its `{name}` places; `{"id": …, "args": …}` is a message itself; numbers are
            written as the language writes them. A place without a value becomes «…».
        language: `en`, `fr` …; English where the message has no such language.
        unit: the parsed `unit.json`.

    Returns:
        The sentence; the id itself where nobody knows it.
    """
    table, _, id_ = message.rpartition(":")
    own = ((unit or {}).get("tasks" if table == "task" else "messages") or {}).get(id_ if table == "task" else message)
    text = (own.get(language) or own.get("en")) if isinstance(own, dict) else None
    text = text or _translations(language).get(message) or SENTENCES.get(message) or message
    return _PLACE.sub(lambda place: in_words(args.get(place[1], "…"), language, unit), text)


def in_words(value: Any, language: str, unit: dict[str, Any] | None = None) -> str:
    """Write one argument as the language writes it."""
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return words(value["id"], value.get("args") or {}, language, unit)
    if isinstance(value, list):
        return ", ".join(in_words(one, language, unit) for one in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value, language)
    return str(value)


def number(value: float, language: str) -> str:
    """Write a number: 12,345.5 in English, 12 345,5 in French (narrow no-break space); exact where it is short."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124  NaN
        return str(value)
    text = f"{value:,}" if isinstance(value, int) or abs(value) < 1e16 else repr(value)
    if abs(value) < 10_000:
        text = text.replace(",", "")
    if language == "fr":
        text = text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
    return text
