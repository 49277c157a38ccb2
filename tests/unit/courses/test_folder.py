import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from passerelle.courses import CourseTextError, read_course_table, read_unit, update_catalogues
from tests.unit.courses.example import edit


def test_the_documents_example_is_a_complete_unit(course: Path) -> None:
    folder = read_unit(course, "mini")

    assert folder.gaps("fr") == ()
    assert [wrong.name for wrong in folder.wrong] == ["divides-by-two", "sum-not-mean"]
    assert folder.wrong[0].answers["answer-mean"].startswith("def mean")


def test_the_documents_catalogue_is_what_an_update_writes(course: Path, unit: Path) -> None:
    written = (unit / "fr.po").read_bytes()

    assert update_catalogues(course) == []
    assert (unit / "fr.po").read_bytes() == written


def test_an_update_starts_a_catalogue(course: Path, unit: Path) -> None:
    (unit / "fr.po").unlink()

    assert update_catalogues(course) == [unit / "fr.po"]
    assert all(gap.kind == "missing" for gap in read_unit(course, "mini").gaps("fr"))


def _data(unit: Path, name: str, content: bytes) -> None:
    (unit / "data" / name).parent.mkdir(parents=True, exist_ok=True)
    (unit / "data" / name).write_bytes(content)


def _link(unit: Path) -> None:
    _data(unit, "towns.csv", b"a")
    (unit / "data" / "passwords").symlink_to("/etc/passwd")


DEFECTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("no-unit-toml", lambda u: (u / "unit.toml").unlink(), "mini/unit.toml: the file is absent; write it"),
    ("no-mentor-notes", lambda u: (u / "mentor.md").unlink(), "mini/mentor.md: the file is absent; write it"),
    ("no-unit-md", lambda u: (u / "unit.md").unlink(), "mini/unit.md: the file is absent"),
    ("unit-md-in-latin-1", lambda u: (u / "unit.md").write_bytes("é".encode("latin-1")), "not UTF-8; save it as UTF-8"),
    ("broken-toml", lambda u: (u / "unit.toml").write_text("title ="), "not readable as TOML"),
    ("no-title", lambda u: edit(u / "unit.toml", 'title = "A mean"\n', ""), "mini/unit.toml, title: is absent"),
    ("empty-summary", lambda u: edit(u / "unit.toml", "You write a function that returns a mean.", " "), "summary: is empty"),
    ("unknown-field", lambda u: edit(u / "unit.toml", "minutes = 20", "minutes = 20\nweeks = 2"), "weeks: is not a field"),
    ("two-hint-steps", lambda u: edit(u / "unit.toml", 'outline = "`return sum(…) / …`"\n', ""), "hints.mean.outline: is absent"),
    ("hints-of-no-task", lambda u: edit(u / "unit.toml", "[hints.mean]", "[hints.median]"), "that [tasks] does not name: median"),
    ("task-not-named", lambda u: edit(u / "unit.toml", 'words = "The mean in your words"\n', ""), "the task 'words' is not in unit.toml"),
    ("blank-of-no-check", lambda u: edit(u / "unit.toml", "[staff]", "[blank]\nno-such = 1\n[staff]"), "there is no check 'no-such'"),
    (
        "wrong-answer-of-no-cell",
        lambda u: edit(u / "wrong" / "sum-not-mean.toml", "answer-mean =", "answer-man ="),
        "mini/wrong/sum-not-mean.toml, answers: there is no answer cell 'answer-man'; mend the key",
    ),
    ("points-of-no-check", lambda u: edit(u / "wrong" / "sum-not-mean.toml", "check-mean", "check-m"), "no check cell 'check-m'"),
    ("too-many-points", lambda u: edit(u / "wrong" / "sum-not-mean.toml", "mean = 0", "mean = 3"), "points.check-mean: 3 is more than 2"),
    ("data-link", _link, "mini/data/passwords: this is a link"),
    ("data-notebook", lambda u: _data(u, "x.ipynb", b"{}"), "nbgrader would mark this notebook"),
    ("data-too-large", lambda u: _data(u, "big.csv", b"0" * 5_000_001), "over 5 MB"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), [pytest.param(spoil, said, id=name) for name, spoil, said in DEFECTS])
def test_a_defect_is_said_with_its_place_and_cure(
    course: Path, unit: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(unit)

    with pytest.raises(CourseTextError) as caught:
        read_unit(course, "mini")

    assert said in str(caught.value)
    assert ";" in str(caught.value)


def test_leftovers_of_editors_are_passed_over(course: Path, unit: Path) -> None:
    _data(unit, "towns.csv", b"a")
    _data(unit, ".ipynb_checkpoints/towns.csv", b"a")
    _data(unit, "towns.csv~", b"a")

    assert list(read_unit(course, "mini").data) == ["data/towns.csv"]


def test_a_datasheet_is_translated_with_the_unit(course: Path, unit: Path) -> None:
    _data(unit, "DATASHEET.md", b"# Towns\n\nInvented.\n")

    gaps = read_unit(course, "mini").gaps("fr")

    assert [gap.text for gap in gaps] == [("data/DATASHEET.md", "# Towns"), ("data/DATASHEET.md", "Invented.")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param('unit = "mini"', 'unit = "maxi"', "the unit 'maxi' has no folder", id="unit-without-folder"),
        pytest.param("weeks = [1, 2]", "weeks = [2, 1]", "first and the last week", id="weeks-backwards"),
        pytest.param('fr = "Démonstration"', "", "title: is not there in: fr", id="title-in-one-language"),
        pytest.param(
            "weeks = [1, 2]", 'weeks = [1, 2]\n[[units]]\nunit = "mini"\nweeks = [3, 3]', "named twice", id="unit-twice"
        ),
    ],
)
def test_a_defect_of_course_toml_is_said(course: Path, old: str, new: str, said: str) -> None:
    edit(course / "course.toml", old, new)

    with pytest.raises(CourseTextError, match=r"demo/course\.toml") as caught:
        read_course_table(course)

    assert said in str(caught.value)


def test_a_course_without_course_toml_is_said(course: Path) -> None:
    shutil.rmtree(course)

    with pytest.raises(CourseTextError, match=r"demo/course\.toml: the file is absent"):
        read_course_table(course)
