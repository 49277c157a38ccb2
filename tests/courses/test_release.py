"""The release of a built unit: what is in it, when it is made anew, and what a refusal leaves."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from passerelle.courses import build_course, load_course
from passerelle.courses.trees import read_tree
from passerelle.grading import release as releasing
from passerelle.grading.release import ReleaseError, generate
from passerelle.model.errors import ContentError
from tests.unit.courses.example import edit

pytestmark = pytest.mark.slow


def source_of(notebook: Path, key: str) -> str:
    cells = nbformat.reads(notebook.read_text("utf-8"), as_version=4).cells
    return next(str(cell.source) for cell in cells if cell.metadata["passerelle"]["key"] == key)


def test_a_release_holds_neutral_stubs_and_no_answers(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")

    release = generate(tmp_path / "built", "mini")

    assert sorted(read_tree(release)) == ["mini.ipynb", "unit.json"]
    assert source_of(release / "mini.ipynb", "answer-mean") == "def mean(numbers):\n    ..."
    assert source_of(release / "mini.ipynb", "answer-words") == "..."
    assert source_of(release / "mini.ipynb", "check-mean") == "assert mean([1, 2, 6]) == 3"
    with closing(sqlite3.connect(tmp_path / "built" / "gradebook.db")) as gradebook:
        points = gradebook.execute(
            "select base_cell.name, max_score from grade_cells join base_cell using (id) order by base_cell.name"
        ).fetchall()
    assert points == [("answer-words", 1.0), ("check-mean", 2.0)]


# nbgrader's own add_submission under SQLAlchemy 2.
@pytest.mark.filterwarnings("ignore:Object of type <Submitted")
def test_a_release_follows_the_unit_and_a_refusal_leaves_the_old_one(course: Path, tmp_path: Path) -> None:
    """One history of a unit, for each step costs nbgrader seconds."""
    built, text = tmp_path / "built", course / "units" / "mini" / "unit.md"
    build_course(course, built)
    with ThreadPoolExecutor() as pool:
        first, _ = pool.map(generate, [built, built], ["mini", "mini"])
    before = {file: file.stat().st_mtime_ns for file in first.rglob("*")}
    generate(built, "mini")
    assert {file: file.stat().st_mtime_ns for file in first.rglob("*")} == before, "the same version is left alone"

    edit(text, "assert mean([1, 2, 6]) == 3", "assert mean([2, 4]) == 3")
    version = build_course(course, built).unit("mini").card.version
    generate(built, "mini")
    assert source_of(first / "mini.ipynb", "check-mean") == "assert mean([2, 4]) == 3"
    assert version in (first / "mini.ipynb").read_text("utf-8")

    _submit(built)
    edit(text, "key: check-mean", "key: check-of-mean")
    for wrong in (course / "units" / "mini" / "wrong").iterdir():
        edit(wrong, "check-mean", "check-of-mean")
    build_course(course, built)
    with pytest.raises(ReleaseError, match="keep these cells and their keys, or give the changed unit a new name"):
        generate(built, "mini")
    assert version in (first / "mini.ipynb").read_text("utf-8")
    assert [path.name for path in built.glob(".release-*")] == []


def test_a_gradebook_that_is_held_is_not_put_on_the_units_text(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_course(course, tmp_path / "built")
    released = generate(tmp_path / "built", "mini") / "mini.ipynb"
    before = released.read_text("utf-8")
    edit(course / "units" / "mini" / "unit.md", "assert mean([1, 2, 6]) == 3", "assert mean([2, 4]) == 3")
    build_course(course, tmp_path / "built")
    monkeypatch.setattr(releasing, "_TIMEOUT_S", 0.01)

    with closing(sqlite3.connect(tmp_path / "built" / "gradebook.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ReleaseError) as refused:
            generate(tmp_path / "built", "mini")

    assert str(refused.value) == (
        "built/mini: no release was made: gradebook.db cannot be written: database is locked; "
        "leave the unit's text as it is, look what holds the machine or gradebook.db, then release it again"
    )
    assert released.read_text("utf-8") == before
    assert [path.name for path in (tmp_path / "built").glob(".release*")] == [".release.lock"]


def test_a_gradebook_of_another_nbgrader_is_left_as_it_is(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")
    released = generate(tmp_path / "built", "mini")
    with closing(sqlite3.connect(tmp_path / "built" / "gradebook.db")) as book, book:
        book.execute("update alembic_version set version_num = '50a4d84c131a'")
    shutil.rmtree(released)

    with pytest.raises(ReleaseError, match=r"gradebook\.db is 50a4d84c131a.*run «nbgrader db upgrade»"):
        generate(tmp_path / "built", "mini")

    assert not released.exists()


def test_a_unit_that_is_not_built_has_no_release(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")
    shutil.rmtree(tmp_path / "built" / "source" / "mini")

    assert load_course(tmp_path / "built").track == "demo"
    with pytest.raises(ContentError, match="build the course first"):
        generate(tmp_path / "built", "mini")


def _submit(course_dir: Path) -> None:
    """Record a submission, as marking would."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course_dir / 'gradebook.db'}") as gradebook:
        gradebook.add_student("acacia")
        gradebook.add_submission("mini", "acacia")
