"""What the fellow's server says, in her language: English is the source and the key of the catalogue."""

import json
from datetime import date, datetime
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr")
LOCALES = {"en": "en", "fr": "fr_FR"}
_CATALOGUES = Path(__file__).parent / "locale"
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
}
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}


NO_BREAK = "\u00a0"


def say(language: str, text: str, **values: object) -> str:
    """Put a text into a language and fill its `{places}`; English where the language has no such text."""
    return _catalogue(language).get(text, text).format_map(values)


def moment(language: str, when: datetime) -> str:
    """Return a moment as people say it: «mardi 18:42:07», in the server's time zone."""
    local = when.astimezone()
    return f"{_DAYS[language][local.weekday()]} {local:%H:%M:%S}"


def day(language: str, when: date) -> str:
    """Return a day of the calendar as people say it: «jeudi 26 novembre»."""
    ordinal = "1er" if language == "fr" and when.day == 1 else when.day
    # No end of a line takes a date apart.
    return f"{_DAYS[language][when.weekday()]}{NO_BREAK}{ordinal}{NO_BREAK}{_MONTHS[language][when.month - 1]}"


def dated_moment(language: str, when: datetime) -> str:
    """Return a moment further back: «mardi 24 novembre, 18:42:07», in the server's time zone."""
    local = when.astimezone()
    day = f"{_DAYS[language][local.weekday()]} {local.day} {_MONTHS[language][local.month - 1]}"
    # No end of a line takes a date apart.
    return f"{day.replace(' ', NO_BREAK)}, {local:%H:%M:%S}"


@cache
def _catalogue(language: str) -> dict[str, str]:
    path = _CATALOGUES / LOCALES[language] / "LC_MESSAGES" / "passerelle_lab.json"
    if not path.is_file():
        return {}
    return {text: forms[0] for text, forms in json.loads(path.read_text(encoding="utf-8")).items() if text}
