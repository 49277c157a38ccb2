"""A new unit: where it comes to be, that nothing is lacking in it, and what is refused."""

import re
from pathlib import Path

import pytest

from passerelle.courses import new_unit, read_course_table, read_unit
from passerelle.courses.new import NewUnitError
from passerelle.courses.trees import read_tree
from passerelle.model.errors import ContentError
from tests.unit.courses.example import edit, write_example


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write_example(tmp_path)


def test_a_new_unit_is_the_last_of_its_track_and_complete_in_every_language(course: Path) -> None:
    folder = new_unit(course, "d2-clean")

    table = read_course_table(course)
    unit = read_unit(course, "d2-clean")
    assert folder == course / "units" / "d2-clean"
    assert [place.unit for place in table.units] == ["mini", "d2-clean"]
    assert table.units[-1].weeks == (3, 4)
    assert unit.gaps("fr") == ()
    assert unit.table.skills == {"tables": 1.0}
    assert len(unit.wrong) == len(unit.right) == 2


def test_what_is_to_write_is_marked_in_both_languages(course: Path) -> None:
    unit = read_unit(course, new_unit(course, "d2-clean").name)
    marked = [text for text in unit.texts.all() if "TODO" in text.english]

    assert len(marked) > 20
    for text in marked:
        assert "À FAIRE" in (unit.catalogues["fr"].translation(text.context, text.english) or ""), text


def test_what_stood_in_the_course_stays(course: Path) -> None:
    before = (course / "course.toml").read_text("utf-8")
    new_unit(course, "d2-clean")

    assert (course / "course.toml").read_text("utf-8").startswith(before.rstrip())


def test_a_track_without_units_takes_its_first(course: Path) -> None:
    text = (course / "course.toml").read_text("utf-8").partition("[[units]]")[0]
    (course / "course.toml").write_text("units = []\n" + text, "utf-8")
    new_unit(course, "first")

    assert [(place.unit, place.weeks) for place in read_course_table(course).units] == [("first", (1, 2))]


@pytest.mark.parametrize(
    "name", ["", "D2", "2d", "d2_clean", "d2 clean", "../d2", "d2/clean", "-d2", "d2-", "é", "d" * 41, "d2\n"]
)
def test_a_name_that_cannot_be_one_is_refused(course: Path, name: str) -> None:
    before = read_tree(course)
    with pytest.raises(NewUnitError, match="this is no name of a unit"):
        new_unit(course, name)

    assert read_tree(course) == before


def test_what_is_there_is_left_alone(course: Path) -> None:
    (course / "units" / "draft").mkdir()
    (course / "units" / "link").symlink_to(course / "units" / "nowhere")
    before = read_tree(course)
    for name in ("mini", "draft", "link"):
        with pytest.raises(NewUnitError, match="it is there already"):
            new_unit(course, name)

    assert read_tree(course) == before


def test_a_track_that_cannot_be_read_gets_no_unit(course: Path, tmp_path: Path) -> None:
    with pytest.raises(NewUnitError, match=re.escape(f"{tmp_path}: there is no course.toml")):
        new_unit(tmp_path, "d2-clean")
    edit(course / "course.toml", "weeks = 26", "weeks = many")
    with pytest.raises(ContentError, match="not readable as TOML"):
        new_unit(course, "d2-clean")

    assert not (course / "units" / "d2-clean").exists()
