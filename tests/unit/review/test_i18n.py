"""Every text has its French, and every French text is used."""

import ast
import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract
from jinja2.ext import babel_extract

from passerelle.model.people import LANGUAGES
from passerelle.review.i18n import LANGUAGE_NAMES, LOCALES, Reader, accepted, direction, translations

SOURCES = Path(__file__).parents[3] / "src" / "passerelle"
FRENCH = LOCALES / "fr" / "LC_MESSAGES" / "passerelle.po"
KEYWORDS = {"_": None, "gettext": None, "say": None, "to_translate": None, "ngettext": (1, 2)}
Said = str | tuple[str, str]


def said_in(path: Path) -> set[Said]:
    """Return the strings of a file that are translated; a plural one is a pair."""
    method = babel_extract if path.suffix == ".html" else "python"
    options = {"trimmed": "false", "silent": "false"} if path.suffix == ".html" else {}
    found = extract(method, BytesIO(path.read_bytes()), KEYWORDS, (), options)
    return {message if isinstance(message, str) else (message[0], message[1]) for _, message, _, _ in found if message}


def all_said() -> set[Said]:
    files = [*SOURCES.glob("review/**/*.html"), *SOURCES.glob("review/**/*.py")]
    return {message for path in files for message in said_in(path)}


@pytest.fixture(scope="module")
def catalogue() -> dict[Said, polib.POEntry]:
    entries = polib.pofile(str(FRENCH), encoding="utf-8", check_for_duplicates=True)
    return {(entry.msgid, entry.msgid_plural) if entry.msgid_plural else entry.msgid: entry for entry in entries}


def test_every_string_has_its_french(catalogue: dict[Said, polib.POEntry]) -> None:
    missing = {said for said in all_said() if said not in catalogue or not catalogue[said].translated()}

    assert not missing


def test_no_french_is_stale_or_fuzzy(catalogue: dict[Said, polib.POEntry]) -> None:
    stale = set(catalogue) - all_said()
    fuzzy = [entry.msgid for entry in catalogue.values() if entry.fuzzy or entry.obsolete]

    assert (stale, fuzzy) == (set(), [])


def test_a_translation_keeps_the_places_of_its_source(catalogue: dict[Said, polib.POEntry]) -> None:
    def places(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", text))

    different = [
        entry.msgid
        for entry in catalogue.values()
        for text in (entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr])
        if places(text) != places(entry.msgid)
    ]

    assert not different


def test_french_has_no_break_before_its_double_signs(catalogue: dict[Said, polib.POEntry]) -> None:
    texts = [text for entry in catalogue.values() for text in (entry.msgstr, *entry.msgstr_plural.values())]
    loose = [text for text in texts if re.search(r"[^\u00a0\u202f][:;!?»]|«[^\u00a0\u202f]|'", text)]

    assert not loose


def test_no_text_says_what_is_never_said(catalogue: dict[Said, polib.POEntry]) -> None:
    never = re.compile(r"\b(wrong|failed|failure|late|only|faux|échec|échoué|retard|seulement)\b", re.IGNORECASE)
    texts = [*map(str, all_said()), *(str(entry.msgstr) + str(entry.msgstr_plural) for entry in catalogue.values())]

    assert [text for text in texts if never.search(text)] == []


def test_templates_hold_no_untranslated_words() -> None:
    spoken = {}
    for path in SOURCES.glob("review/templates/*.html"):
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        words = set(re.findall(r"[^\W\d_]{2,}", text)) - {"Passerelle", "CSV", "JSON"}
        if words:
            spoken[path.name] = words

    assert spoken == {}


def test_the_catalogue_is_read_without_a_compile_step() -> None:
    assert translations("fr").gettext("My path") == "Mon parcours"
    assert translations("en").gettext("My path") == "My path"
    assert translations("xx").gettext("My path") == "My path"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        pytest.param("fr", "mardi\u00a024\u00a0novembre, 18:30", id="french"),
        pytest.param("en", "Tuesday\u00a024\u00a0November, 18:30", id="english"),
    ],
)
def test_dates_are_said_as_people_say_them(language: str, said: str) -> None:
    moment = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)

    assert Reader(language).moment(moment, moment) == said


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        pytest.param(
            datetime(2026, 12, 1, 9, 1, tzinfo=UTC), "mardi\u00a01er\u00a0décembre, 10:01", id="the-first-is-an-ordinal"
        ),
        pytest.param(
            datetime(2026, 7, 11, 22, 5, tzinfo=UTC), "dimanche\u00a012\u00a0juillet, 00:05", id="paris-in-summer"
        ),
        pytest.param(
            datetime(2025, 11, 24, 17, 30, tzinfo=UTC),
            "lundi\u00a024\u00a0novembre\u00a02025, 18:30",
            id="another-year",
        ),
    ],
)
def test_french_dates(moment: datetime, said: str) -> None:
    now = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)

    assert Reader("fr").moment(moment, now) == said


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        pytest.param("fr", 1.5, "1,5", id="comma"),
        pytest.param("en", 1.5, "1.5", id="point"),
        pytest.param("fr", 12000.0, "12\u202f000", id="narrow-space"),
        pytest.param("en", 2.0, "2", id="no-decimals-for-nothing"),
        pytest.param("en", 2 / 3, "0.67", id="two-decimals"),
    ],
)
def test_numbers_are_written_as_the_language_does(language: str, number: float, said: str) -> None:
    assert Reader(language).number(number) == said


@pytest.mark.parametrize(
    ("header", "language"),
    [
        pytest.param("fr-FR,fr;q=0.9,en;q=0.8", "fr", id="french-first"),
        pytest.param("ar,en;q=0.3,fr;q=0.7", "fr", id="best-of-ours"),
        pytest.param("uk", "en", id="none-of-ours"),
        pytest.param("", "en", id="nothing-said"),
        pytest.param("fr;q=x,en", "en", id="not-a-number"),
        pytest.param("fr;q=0", "en", id="refused"),
    ],
)
def test_the_browser_says_the_language_before_we_know_her(header: str, language: str) -> None:
    assert accepted(header) == language


def test_every_language_has_a_name_and_a_direction() -> None:
    assert set(LANGUAGE_NAMES) == set(LANGUAGES)
    assert {direction(language) for language in LANGUAGES} == {"ltr"}
    assert direction("ar") == "rtl"


def test_words_told_in_python_are_whole_strings() -> None:
    """A string put together before it is translated would never be found in the catalogue."""
    put_together = []
    for path in SOURCES.glob("review/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if name == "to_translate" and not isinstance(node.args[0], ast.Constant):
                put_together.append(f"{path.name}:{node.lineno}")

    assert not put_together
