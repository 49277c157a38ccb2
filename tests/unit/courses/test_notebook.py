from pathlib import Path

import pytest
from nbformat import NotebookNode

from passerelle.courses import CourseTextError, build_course, notebook_in_language, read_unit, unit_source
from passerelle.courses.notebook import build_notebook, cell_id
from tests.unit.courses.example import edit


@pytest.fixture
def notebook(course: Path) -> NotebookNode:
    return build_notebook(read_unit(course, "mini"))


def by_key(notebook: NotebookNode, key: str) -> NotebookNode:
    (cell,) = [cell for cell in notebook.cells if cell.metadata.passerelle.key == key]
    return cell


def test_a_cell_id_hangs_on_unit_and_key_alone(course: Path, unit: Path) -> None:
    before = by_key(build_notebook(read_unit(course, "mini")), "answer-mean").id
    edit(unit / "unit.md", "# A mean\n", "# The mean\n\nA new block.\n")

    after = by_key(build_notebook(read_unit(course, "mini")), "answer-mean").id

    assert before == after == cell_id("mini", "answer-mean") == "52164b908b92"


@pytest.mark.parametrize(
    ("key", "grade", "solution", "locked", "points"),
    [
        pytest.param("answer-mean", False, True, False, None, id="answer"),
        pytest.param("check-mean", True, False, True, 2.0, id="check"),
        pytest.param("answer-words", True, True, False, 1.0, id="manual"),
    ],
)
def test_nbgrader_sees_what_it_marks(
    notebook: NotebookNode, key: str, grade: bool, solution: bool, locked: bool, points: float | None
) -> None:
    metadata = by_key(notebook, key).metadata.nbgrader

    assert (metadata.grade_id, metadata.schema_version) == (key, 3)
    assert (metadata.grade, metadata.solution, metadata.locked) == (grade, solution, locked)
    assert metadata.get("points") == points


@pytest.mark.parametrize("key", ["intro", "task-mean", "example-sum", "hints-mean"])
def test_nbgrader_does_not_see_prose_examples_and_hints(notebook: NotebookNode, key: str) -> None:
    assert "nbgrader" not in by_key(notebook, key).metadata


def test_hints_are_not_lost_by_a_slip(notebook: NotebookNode) -> None:
    assert not by_key(notebook, "hints-mean").metadata.editable
    assert "editable" not in by_key(notebook, "example-sum").metadata


def test_the_notebook_says_what_it_is(course: Path, tmp_path: Path) -> None:
    built = build_course(course, tmp_path / "built").unit("mini").card

    metadata = unit_source(tmp_path / "built", "mini").metadata

    assert metadata.passerelle == {
        "unit": "mini",
        "track": "demo",
        "version": built.version,
        "language": "en",
        "title": {"en": "A mean", "fr": "Une moyenne"},
    }
    assert metadata.kernelspec.name == "python3"


def test_a_unit_of_pages_names_them_for_the_preview(course: Path, unit: Path, tmp_path: Path) -> None:
    table = unit / "unit.toml"
    table.write_text('pages = ["index.html", "about/me.html"]\n' + table.read_text("utf-8"), encoding="utf-8")
    build_course(course, tmp_path / "built")

    metadata = unit_source(tmp_path / "built", "mini").metadata

    assert metadata.passerelle["pages"] == ["index.html", "about/me.html"]


@pytest.mark.parametrize("page", ["/etc/passwd.html", "../index.html", "style.css", "a b.html"])
def test_a_page_is_a_file_below_the_unit(unit: Path, course: Path, tmp_path: Path, page: str) -> None:
    table = unit / "unit.toml"
    table.write_text(f'pages = ["{page}"]\n' + table.read_text("utf-8"), encoding="utf-8")

    with pytest.raises(CourseTextError, match=r"pages\.0: is not a page"):
        build_course(course, tmp_path / "built")


def test_a_language_changes_prose_and_nothing_else(notebook: NotebookNode) -> None:
    french = notebook_in_language(notebook, "fr")

    assert by_key(french, "intro").source.startswith("# Une moyenne\n\nUne **moyenne**")
    assert french.metadata.passerelle.language == "fr"
    changed = [
        one.metadata.passerelle.key for one, other in zip(notebook.cells, french.cells, strict=True) if one != other
    ]
    assert changed == ["intro", "task-mean", "task-words"]


def test_the_way_back_is_the_same_notebook_and_the_first_is_untouched(notebook: NotebookNode) -> None:
    french = notebook_in_language(notebook, "fr")

    assert by_key(notebook, "intro").source.startswith("# A mean")
    assert notebook_in_language(french, "en") == notebook


def test_prose_that_she_edited_stays_hers(notebook: NotebookNode) -> None:
    by_key(notebook, "intro").source = "My own words"

    assert by_key(notebook_in_language(notebook, "fr"), "intro").source == "My own words"


def test_a_cell_that_she_added_stays(notebook: NotebookNode) -> None:
    added = NotebookNode(cell_type="markdown", id="mine", metadata=NotebookNode(), source="A note")
    notebook.cells.append(added)

    assert notebook_in_language(notebook, "fr").cells[-1] == added


def test_a_language_without_translation_is_read_in_english(notebook: NotebookNode) -> None:
    assert by_key(notebook_in_language(notebook, "uk"), "intro").source.startswith("# A mean")
