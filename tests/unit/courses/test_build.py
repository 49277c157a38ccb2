from pathlib import Path

import nbformat
import pytest

from passerelle.courses import CourseTextError, NotBuiltError, build_course, load_course, unit_source
from passerelle.courses.trees import read_tree
from tests.unit.courses.example import edit


def test_two_builds_are_byte_identical(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "one")
    build_course(course, tmp_path / "two")

    assert read_tree(tmp_path / "one") == read_tree(tmp_path / "two")
    assert sorted(read_tree(tmp_path / "one")) == [
        "course.json",
        "nbgrader_config.py",
        "source/mini/mini.ipynb",
        "source/mini/unit.json",
    ]


def test_a_built_course_is_loaded_as_it_was_built(course: Path, tmp_path: Path) -> None:
    built = build_course(course, tmp_path / "built")

    assert load_course(tmp_path / "built") == built
    card = built.unit("mini").card
    assert (built.track, built.unit("mini").weeks, card.max_points) == ("demo", (1, 2), 3.0)
    assert card.title == {"en": "A mean", "fr": "Une moyenne"}
    assert [(check.key, check.manual) for check in card.checks] == [("check-mean", False), ("answer-words", True)]
    assert card.glossary["mean"]["fr"] == "moyenne\u00a0: une somme divisée par un effectif."


def test_what_did_not_change_is_not_touched(course: Path, tmp_path: Path) -> None:
    into = tmp_path / "built"
    build_course(course, into)
    before = {file: file.stat().st_mtime_ns for file in into.rglob("*")}

    build_course(course, into)

    assert {file: file.stat().st_mtime_ns for file in into.rglob("*")} == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("unit.md", "divide by how many there are", "divide by their count", id="prose"),
        pytest.param("unit.md", "[1, 2, 6]", "[1, 2, 9]", id="check"),
        pytest.param("unit.md", "[5, 6]).equals(5.5", "[5, 7]).equals(6.0", id="hidden-test"),
        pytest.param("unit.toml", "What do you do with the sum?", "And the sum?", id="hint"),
        pytest.param("fr.po", "Que fais-tu de la somme\u202f?", "Et la somme\u202f?", id="translation"),
    ],
)
def test_the_version_follows_what_fellows_and_marking_see(
    course: Path, unit: Path, tmp_path: Path, file: str, old: str, new: str
) -> None:
    before = build_course(course, tmp_path / "built").unit("mini").card.version

    edit(unit / file, old, new)

    assert build_course(course, tmp_path / "built").unit("mini").card.version != before


@pytest.mark.parametrize("file", ["mentor.md", "wrong/sum-not-mean.toml"])
def test_the_version_does_not_follow_what_only_staff_see(course: Path, unit: Path, tmp_path: Path, file: str) -> None:
    before = build_course(course, tmp_path / "built").unit("mini").card.version

    (unit / file).write_text((unit / file).read_text("utf-8") + "\n# more\n", "utf-8")

    assert build_course(course, tmp_path / "built").unit("mini").card.version == before


def test_new_data_is_a_new_version(course: Path, unit: Path, tmp_path: Path) -> None:
    before = build_course(course, tmp_path / "built").unit("mini").card.version
    (unit / "data").mkdir()
    (unit / "data" / "towns.csv").write_text("name\n")

    assert build_course(course, tmp_path / "built").unit("mini").card.version != before
    assert (tmp_path / "built" / "source" / "mini" / "data" / "towns.csv").read_text() == "name\n"


def test_notes_for_staff_are_in_course_json_alone(course: Path, tmp_path: Path) -> None:
    built = build_course(course, tmp_path / "built")

    assert built.unit("mini").notes.mentor["fr"] == "Une bonne réponse nomme une valeur extrême."
    public = b"".join(read_tree(tmp_path / "built" / "source").values()).decode()
    assert "names an outlier" not in public
    assert "nomme une valeur" not in public


def test_a_text_without_translation_is_built_in_english(course: Path, unit: Path, tmp_path: Path) -> None:
    (unit / "fr.po").unlink()

    card = build_course(course, tmp_path / "built").unit("mini").card

    assert card.title == {"en": "A mean"}


def test_a_datasheet_is_built_in_both_languages(course: Path, unit: Path, tmp_path: Path) -> None:
    (unit / "data").mkdir()
    (unit / "data" / "DATASHEET.md").write_text("# Towns\n", "utf-8")
    edit(
        unit / "fr.po",
        'msgctxt "intro"\nmsgid "# A mean"',
        'msgctxt "data/DATASHEET.md"\nmsgid "# Towns"\nmsgstr "# Villes"\n\nmsgctxt "intro"\nmsgid "# A mean"',
    )

    build_course(course, tmp_path / "built")

    data = tmp_path / "built" / "source" / "mini" / "data"
    assert (data / "DATASHEET.md").read_text("utf-8") == "# Towns\n"
    assert (data / "DATASHEET.fr.md").read_text("utf-8") == "# Villes\n"


def test_nothing_is_written_while_a_unit_cannot_be_built(course: Path, unit: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")
    before = read_tree(tmp_path / "built")
    edit(unit / "unit.md", "points: 2\n", "")

    with pytest.raises(CourseTextError, match="it has no points"):
        build_course(course, tmp_path / "built")

    assert read_tree(tmp_path / "built") == before


def test_a_unit_that_was_dropped_is_removed_and_foreign_folders_stay(course: Path, tmp_path: Path) -> None:
    into = tmp_path / "built"
    build_course(course, into)
    (into / "source" / "foreign").mkdir()
    (into / "source" / "mini").rename(into / "source" / "dropped")

    build_course(course, into)

    assert sorted(folder.name for folder in (into / "source").iterdir()) == ["foreign", "mini"]


def test_what_is_not_built_is_said_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError, match=r"course\.json: there is no such file; build the course first"):
        load_course(tmp_path)
    with pytest.raises(NotBuiltError, match=r"mini\.ipynb"):
        unit_source(tmp_path, "mini")


def test_the_built_notebook_is_valid(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")

    nbformat.validate(unit_source(tmp_path / "built", "mini"))


TASKS = "weeks = [1, 2]\n[units.tasks]\n"


def test_a_task_shows_its_own_skills_or_those_of_its_unit(course: Path, tmp_path: Path) -> None:
    edit(course / "course.toml", "weeks = [1, 2]", TASKS + "mean = { tables = 0.5 }")

    (unit,) = build_course(course, tmp_path / "built").units

    assert unit.skills_of("mean") == {"tables": 0.5}
    assert unit.skills_of("words") == unit.skills == {"tables": 1.0}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("median = { tables = 1.0 }", "mini: the unit has no task 'median'", id="task"),
        pytest.param("mean = { tablets = 1.0 }", "mini: there is no skill 'tablets'; add [skills.tablets]", id="skill"),
        pytest.param("mean = { tables = 0 }", "greater than 0", id="weight"),
    ],
)
def test_skills_of_what_is_not_there_are_said(course: Path, tmp_path: Path, line: str, said: str) -> None:
    edit(course / "course.toml", "weeks = [1, 2]", TASKS + line)

    with pytest.raises(CourseTextError, match=r"demo/course\.toml") as caught:
        build_course(course, tmp_path / "built")

    assert said in str(caught.value)
