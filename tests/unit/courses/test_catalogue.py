from pathlib import Path

import polib
import pytest

from passerelle.courses import CourseTextError, Gap
from passerelle.courses.catalogue import Catalogue, update_catalogue
from passerelle.courses.texts import SourceText

INTRO = SourceText("intro", "Hello you")
MESSAGE = SourceText("unit.toml:messages.rows", "Found {rows} rows.")


def write(path: Path, *entries: polib.POEntry) -> Path:
    file = polib.POFile()
    file.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    file.extend(entries)
    file.save(str(path))
    return path


def entry(text: SourceText, translation: str, *flags: str) -> polib.POEntry:
    return polib.POEntry(msgctxt=text.context, msgid=text.english, msgstr=translation, flags=list(flags))


@pytest.mark.parametrize(
    ("entries", "gaps"),
    [
        pytest.param([entry(INTRO, "Bonjour"), entry(MESSAGE, "{rows} lignes.")], [], id="complete"),
        pytest.param([entry(MESSAGE, "{rows} lignes.")], [(Gap.MISSING, INTRO)], id="absent"),
        pytest.param([entry(INTRO, " "), entry(MESSAGE, "{rows} lignes.")], [(Gap.MISSING, INTRO)], id="blank"),
        pytest.param([entry(INTRO, "Bonjour", "fuzzy"), entry(MESSAGE, "{rows}")], [(Gap.FUZZY, INTRO)], id="fuzzy"),
        pytest.param(
            [entry(INTRO, "Bonjour"), entry(MESSAGE, "{lignes} lignes.")], [(Gap.PLACES, MESSAGE)], id="other-places"
        ),
        pytest.param(
            [entry(INTRO, "Bonjour"), entry(MESSAGE, "{rows}"), entry(SourceText("old", "Bye"), "Au revoir")],
            [(Gap.STALE, SourceText("old", "Bye"))],
            id="stale",
        ),
        pytest.param(
            [entry(INTRO, "Bonjour"), entry(INTRO, "Salut"), entry(MESSAGE, "{rows}")], [(Gap.TWICE, INTRO)], id="twice"
        ),
    ],
)
def test_gaps_are_told_apart(tmp_path: Path, entries: list[polib.POEntry], gaps: list[tuple[Gap, SourceText]]) -> None:
    catalogue = Catalogue.read(write(tmp_path / "fr.po", *entries), "u/fr.po")

    assert [(gap.kind, gap.text) for gap in catalogue.gaps([INTRO, MESSAGE])] == gaps


def test_a_translation_that_cannot_be_used_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "fr.po", entry(INTRO, "Bonjour", "fuzzy"), entry(MESSAGE, "{lignes} lignes."))

    catalogue = Catalogue.read(path, "u/fr.po")

    assert catalogue.translation(*INTRO) is None
    assert catalogue.translation(*MESSAGE) is None


def test_the_context_tells_equal_texts_apart(tmp_path: Path) -> None:
    other = SourceText("outro", "Hello you")
    catalogue = Catalogue.read(write(tmp_path / "fr.po", entry(INTRO, "Bonjour"), entry(other, "Salut")), "u/fr.po")

    assert (catalogue.translation(*INTRO), catalogue.translation(*other)) == ("Bonjour", "Salut")


def test_a_file_that_is_no_catalogue_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "fr.po").write_text('msgid "a"\nmsgstr "b"\nthis is no po\n')

    with pytest.raises(CourseTextError, match=r"u/fr\.po: not readable as PO .*line 3"):
        Catalogue.read(tmp_path / "fr.po", "u/fr.po")


def test_an_update_writes_a_skeleton_in_the_order_of_the_unit(tmp_path: Path) -> None:
    changed = update_catalogue(tmp_path / "fr.po", "fr", [INTRO, MESSAGE], "u/fr.po")

    written = polib.pofile(str(tmp_path / "fr.po"))
    assert changed
    assert [(one.msgctxt, one.msgid, one.msgstr) for one in written] == [(*INTRO, ""), (*MESSAGE, "")]
    assert written.metadata["Language"] == "fr"


def test_an_update_keeps_translations_and_is_repeatable(tmp_path: Path) -> None:
    path = write(tmp_path / "fr.po", entry(MESSAGE, "{rows} lignes."))
    update_catalogue(path, "fr", [INTRO, MESSAGE], "u/fr.po")
    first = path.read_bytes()

    assert not update_catalogue(path, "fr", [INTRO, MESSAGE], "u/fr.po")
    assert path.read_bytes() == first
    assert Catalogue.read(path, "u/fr.po").translation(*MESSAGE) == "{rows} lignes."


def test_a_text_that_changed_a_little_keeps_its_translation_as_fuzzy(tmp_path: Path) -> None:
    path = write(tmp_path / "fr.po", entry(INTRO, "Bonjour"))

    update_catalogue(path, "fr", [SourceText("intro", "Hello, you")], "u/fr.po")

    (renewed,) = polib.pofile(str(path))
    assert (renewed.msgid, renewed.msgstr, renewed.fuzzy) == ("Hello, you", "Bonjour", True)
    assert renewed.previous_msgid == "Hello you"


def test_a_text_that_moved_keeps_its_translation(tmp_path: Path) -> None:
    path = write(tmp_path / "fr.po", entry(INTRO, "Bonjour"))
    moved = SourceText("welcome", INTRO.english)

    update_catalogue(path, "fr", [moved], "u/fr.po")

    assert Catalogue.read(path, "u/fr.po").translation(*moved) == "Bonjour"


def test_a_translation_without_a_text_is_kept_as_obsolete_and_comes_back(tmp_path: Path) -> None:
    path = write(tmp_path / "fr.po", entry(INTRO, "Bonjour"))

    update_catalogue(path, "fr", [MESSAGE], "u/fr.po")

    assert '#~ msgstr "Bonjour"' in path.read_text("utf-8")
    assert [gap.kind for gap in Catalogue.read(path, "u/fr.po").gaps([MESSAGE])] == [Gap.MISSING]
    update_catalogue(path, "fr", [MESSAGE, INTRO], "u/fr.po")
    assert Catalogue.read(path, "u/fr.po").translation(*INTRO) == "Bonjour"
