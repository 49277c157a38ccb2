"""Words, dates and numbers in the reader's language.

Sources are English; `locale/<language>/LC_MESSAGES/passerelle.po` holds the other languages and is read as it
is, without a compile step.
"""

import gettext
import io
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polib
from babel.core import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

from passerelle.model.course import Text, in_language
from passerelle.model.people import LANGUAGES

LOCALES = Path(__file__).parents[1] / "locale"
LANGUAGE_NAMES: dict[str, str] = {"en": "English", "fr": "Français"}
"""Every language in its own words: who looks for hers finds it."""

RIGHT_TO_LEFT: frozenset[str] = frozenset({"ar", "fa", "he", "ps", "ur"})
NO_BREAK = "\u00a0"
"""Between the words of a date, which no end of a line takes apart."""

# Parsed once: a page of a class has hundreds of figures and dates.
_FORMATS: dict[str, Locale] = {"en": Locale.parse("en_GB"), "fr": Locale.parse("fr_FR")}


def to_translate(text: str) -> str:
    """Mark a string that is translated later, where the reader is known; return it as it is."""
    return text


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the catalogue of a language; English, the source, for one that has none."""
    catalogue = LOCALES / language / "LC_MESSAGES" / "passerelle.po"
    if language not in LANGUAGES or not catalogue.is_file():
        return gettext.NullTranslations()
    compiled = polib.pofile(str(catalogue), encoding="utf-8").to_binary()
    return gettext.GNUTranslations(io.BytesIO(compiled))


def direction(language: str) -> str:
    """Return the writing direction of a language, `ltr` or `rtl`."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def accepted(header: str) -> str:
    """Return the language of ours that a browser likes best (its Accept-Language), English where it has none."""
    wishes: list[tuple[float, str]] = []
    for wish in header.split(","):
        tag, _, quality = wish.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        wishes.append((-weight, tag.strip().lower().partition("-")[0]))
    ours = [tag for weight, tag in sorted(wishes, key=lambda wish: wish[0]) if weight < 0 and tag in LANGUAGES]
    return ours[0] if ours else LANGUAGES[0]


@lru_cache(maxsize=1000)  # points are the same few on every page
def _decimal(number: float, language: str) -> str:
    return format_decimal(number, format="#,##0.##", locale=_FORMATS[language])


class Reader:
    """How one reader has things said: language and time zone."""

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self.zone = zone or ZoneInfo("Europe/Paris")
        self.catalogue = translations(self.language)
        self.say: Callable[[str], str] = self.catalogue.gettext

    def text(self, text: Text) -> str:
        """Return a text of a course in the reader's language."""
        return in_language(text, self.language)

    def day(self, moment: datetime, now: datetime | None = None) -> str:
        """Return «Tuesday 24 November», with the year where it is not this one."""
        return self._format(moment, "EEEE d MMMM", now)

    def last_day(self, until: datetime, now: datetime | None = None) -> str:
        """Return the last day that lies before a moment: of midnight, «Sunday 29 November», which it ends."""
        return self.day(until - timedelta(microseconds=1), now)

    def calendar_day(self, day: date, now: datetime | None = None) -> str:
        """Return a day of the calendar in the same words."""
        return self.day(datetime.combine(day, time(12), self.zone), now)

    def iso_day(self, moment: datetime) -> str:
        """Return «2026-11-24», as a form's field for a day holds it."""
        return moment.astimezone(self.zone).date().isoformat()

    def clock(self, moment: datetime) -> str:
        """Return «18:30», as a form's field for a time holds it."""
        return f"{moment.astimezone(self.zone):%H:%M}"

    def short_day(self, moment: datetime) -> str:
        """Return «24 Nov», for the foot of a chart."""
        return self._format(moment, "d MMM", None)

    def moment(self, moment: datetime, now: datetime | None = None) -> str:
        """Return «Tuesday 24 November, 18:30»."""
        return f"{self.day(moment, now)}, {self._format(moment, 'HH:mm', None)}"

    def second(self, moment: datetime, now: datetime | None = None) -> str:
        """Return «Tuesday 24 November, 18:42:07», for receipts."""
        return f"{self.day(moment, now)}, {self._format(moment, 'HH:mm:ss', None)}"

    def number(self, number: float) -> str:
        """Return a number as the language writes it, with at most two decimals."""
        return _decimal(round(number, 2), self.language)

    def plural(self, number: float) -> int:
        """Return the whole number with the same plural form: 1.5 is «points», in French «point»."""
        if number == 1:
            return 1
        return 0 if number < 2 else math.ceil(number)

    def _format(self, moment: datetime, pattern: str, now: datetime | None) -> str:
        local = moment.astimezone(self.zone)
        if now is not None and now.astimezone(self.zone).year != local.year:
            pattern += " y"
        said = format_datetime(local, pattern, tzinfo=self.zone, locale=_FORMATS[self.language])
        if self.language == "fr" and local.day == 1:
            # The first of a month is an ordinal in French; the pattern language cannot say so.
            said = " ".join("1er" if word == "1" else word for word in said.split(" "))
        return said.replace(" ", NO_BREAK)
