"""A release made by ours and by stock nbgrader from the same source: the same bytes, the same rows of the gradebook."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Base
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from passerelle.courses import build_course
from passerelle.courses.trees import read_tree
from passerelle.grading.handout import handout
from passerelle.grading.release import ReleaseError, make_release
from passerelle.grading.unit_rows import has_unit, put_unit
from tests import postgres
from tests.grading.differential.making import nbgrader, write_course
from tests.grading.differential.submissions import ALL
from tests.unit.courses.example import write_example

pytestmark = pytest.mark.slow

COURSES = Path(__file__).parents[2] / "courses"
TRACK = "odd"
CONFIG = f"""\
c = get_config()
c.CourseDirectory.course_id = {TRACK!r}
c.ClearSolutions.code_stub = {{"python": "..."}}
c.ClearSolutions.text_stub = "..."
"""
ROWS = {
    "kernels": "select assignment.name, course_id, duedate, notebook.name, kernelspec from notebook"
    " join assignment on assignment.id = assignment_id",
    "cells": "select assignment.name, notebook.name, base_cell.name, type, grade_cells.max_score, grade_cells.cell_type,"
    " solution_cells.id is not null, task_cells.max_score, task_cells.cell_type from base_cell"
    " join notebook on notebook.id = notebook_id join assignment on assignment.id = assignment_id"
    " left join grade_cells on base_cell.id = grade_cells.id left join solution_cells on base_cell.id = solution_cells.id"
    " left join task_cells on base_cell.id = task_cells.id",
    "sources": "select assignment.name, notebook.name, source_cell.name, cell_type, locked, source, checksum"
    " from source_cell join notebook on notebook.id = notebook_id join assignment on assignment.id = assignment_id",
    "courses": "select id from course",
    "version": "select version_num from alembic_version",
    "tables": "select name, trim(replace(replace(sql, char(9), '    '), ', ' || char(10), ',' || char(10))) from sqlite_master",
}


def rows(course_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the gradebook says, without nbgrader's random ids."""
    with closing(sqlite3.connect(course_dir / "gradebook.db")) as book:
        return {name: sorted(book.execute(query).fetchall(), key=repr) for name, query in ROWS.items()}


def ids(course_dir: Path) -> dict[str, str]:
    """Return the ids of notebooks and cells by what they are and where."""
    place = "notebook join assignment on assignment.id = assignment_id"
    with closing(sqlite3.connect(course_dir / "gradebook.db")) as book:
        return dict(
            book.execute(
                f"select assignment.name || '/' || notebook.name, notebook.id from {place}"
                " union select assignment.name || '/' || notebook.name || '/' || base_cell.name || type, base_cell.id"
                f" from {place} join base_cell on notebook.id = notebook_id"
                " union select assignment.name || '/' || notebook.name || '/' || source_cell.name, source_cell.id"
                f" from {place} join source_cell on notebook.id = notebook_id"
            ).fetchall()
        )


def released(course_dir: Path) -> dict[str, bytes]:
    return read_tree(course_dir / "release")


def modes(course_dir: Path) -> dict[str, int]:
    release = course_dir / "release"
    return {str(path.relative_to(release)): path.stat().st_mode & 0o777 for path in release.rglob("*.*")}


def by_both(root: Path, *refused: str) -> tuple[Path, Path]:
    """Release every unit of `root/stock` with nbgrader, and of a copy of its sources with ours; return both places."""
    stock, ours = root / "stock", root / "ours"
    shutil.rmtree(ours / "source", ignore_errors=True)
    shutil.copytree(stock / "source", ours / "source")
    done = nbgrader(stock, "generate_assignment", "*", "--force")
    assert (done.returncode != 0) == bool(refused), done.stderr
    said = []
    for unit in sorted(path.name for path in (ours / "source").iterdir()):
        try:
            make_release(ours, unit, TRACK)
        except ReleaseError:
            said.append(unit)
    assert said == sorted(refused)
    return stock, ours


def cell(name: str, source: str = "...", cell_type: str = "code", **flags: Any) -> NotebookNode:
    made = (nbformat.v4.new_code_cell if cell_type == "code" else nbformat.v4.new_markdown_cell)(source)
    known = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "grade_id": name}
    made.metadata["nbgrader"] = known | flags
    return made


def save(root: Path, unit: str, name: str, *cells: NotebookNode, minor: int = 5, **metadata: Any) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel} | metadata)
    notebook["nbformat_minor"] = minor
    for number, one in enumerate(notebook.cells):
        if minor < 5:
            del one["id"]
        else:
            one["id"] = f"cell-{number}"
    path = root / "stock" / "source" / unit / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), "utf-8")


ANSWER = "def half(number):\n    ### BEGIN SOLUTION\n    return number / 2\n    ### END SOLUTION"
CHECK = "assert half(2) == 1\n### BEGIN HIDDEN TESTS\nassert half(3) == 1.5\n### END HIDDEN TESTS"
SCHEME = "Draw a map.\n### BEGIN MARK SCHEME\nOne point a town.\n### END MARK SCHEME"


def odd_cells() -> list[NotebookNode]:
    """Return one cell of every kind."""
    ran = cell("half", ANSWER, solution=True)
    ran.outputs, ran.execution_count = [nbformat.v4.new_output("stream", text="ran")], 7
    ran.metadata |= {"collapsed": True, "scrolled": False, "tags": ["mine"]}
    return [
        nbformat.v4.new_markdown_cell("# Été"),
        cell("given", "import math", locked=True),
        ran,
        cell("test-half", CHECK, grade=True, locked=True, points=2, checksum="0" * 32, cell_type="code"),
        cell("why", "Because.", cell_type="markdown", grade=True, solution=True, points=1.5),
        cell("code-by-hand", "x = 1", grade=True, solution=True, points=3),
        cell("map", SCHEME, cell_type="markdown", task=True, points=4),
        cell("read-only", "Read me.", cell_type="markdown", locked=True),
        cell("none-of-these", "1 + 1"),
        nbformat.v4.new_raw_cell("raw"),
        nbformat.v4.new_code_cell("print('free')"),
    ]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    for side in ("stock", "ours"):
        (tmp_path / side).mkdir()
    (tmp_path / "stock" / "nbgrader_config.py").write_text(CONFIG)
    save(tmp_path, "two", "one", *odd_cells(), celltoolbar="Create Assignment")
    save(tmp_path, "two", "other", *odd_cells()[:4], minor=4)
    save(tmp_path, "alone", "alone", *odd_cells())
    for name in (
        "data/rows.csv",
        "data/__pycache__/x.pyc",
        ".ipynb_checkpoints/one-checkpoint.ipynb",
        "feedback/f.txt",
    ):
        path = tmp_path / "stock" / "source" / "two" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    return tmp_path


def test_every_unit_of_every_course_is_released_as_nbgrader_releases_it(tmp_path: Path) -> None:
    write_example(tmp_path)
    for source in (*sorted(path.parent for path in COURSES.glob("*/course.toml")), tmp_path / "courses" / "demo"):
        built = build_course(source, tmp_path / source.name / "stock")
        done = nbgrader(tmp_path / source.name / "stock", "generate_assignment", "*", "--force")
        assert done.returncode == 0, done.stderr
        build_course(source, tmp_path / source.name / "ours")
        for unit in built.units:
            make_release(tmp_path / source.name / "ours", unit.card.unit, source.name)

        stock, ours = tmp_path / source.name / "stock", tmp_path / source.name / "ours"
        assert released(ours) == released(stock)
        assert rows(ours) == rows(stock)
        assert modes(ours) == modes(stock)


def test_assignments_of_every_kind_are_released_as_nbgrader_releases_them(tmp_path: Path) -> None:
    for side in ("stock", "ours"):
        (tmp_path / side).mkdir()
    write_course(tmp_path / "stock", ALL)
    (tmp_path / "stock" / "nbgrader_config.py").write_text(CONFIG)

    stock, ours = by_both(tmp_path)

    assert len(released(ours)) > len(ALL)
    assert released(ours) == released(stock)
    assert rows(ours) == rows(stock)


def test_a_unit_released_again_follows_its_source_until_there_are_submissions(odd: Path) -> None:
    """One history of odd units, for each step costs nbgrader seconds."""
    stock, ours = by_both(odd)
    assert (released(ours), rows(ours), modes(ours)) == (released(stock), rows(stock), modes(stock))
    assert sorted(released(ours)) == ["alone/alone.ipynb", "two/data/rows.csv", "two/one.ipynb", "two/other.ipynb"]
    before = ids(ours)

    # A notebook goes, one comes; a cell goes, one comes, one is another kind and has other points; another kernel.
    (odd / "stock" / "source" / "two" / "other.ipynb").unlink()
    save(odd, "two", "third", *odd_cells()[:4])
    changed = [
        *odd_cells()[1:6],
        cell("map", "Now read only.", cell_type="markdown", locked=True),
        cell("new", locked=True),
    ]
    changed[2].metadata.nbgrader["points"] = 5
    save(odd, "alone", "alone", *changed, kernelspec={"name": "python3", "display_name": "Other", "language": "python"})
    stock, ours = by_both(odd)
    assert (released(ours), rows(ours)) == (released(stock), rows(stock))
    after = ids(ours)
    kept = set(before) & set(after)
    assert {"two/one", "alone/alone", "alone/alone/test-half", "alone/alone/test-halfGradeCell"} <= kept
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}, "what stays keeps its ids"

    submit(stock, ours)
    # Points and text may change now; neither cells nor notebooks may come or go.
    changed[2].metadata.nbgrader["points"] = 6
    save(odd, "alone", "alone", *changed, kernelspec={"name": "python3", "display_name": "Third", "language": "python"})
    stock, ours = by_both(odd)
    assert (released(ours), rows(ours)) == (released(stock), rows(stock))
    assert "Other" in str(rows(ours)["kernels"])

    stood = rows(ours)
    save(odd, "alone", "alone", *changed[1:])
    save(odd, "two", "fourth", *odd_cells()[:4])
    stock, ours = by_both(odd, "alone", "two")
    assert rows(stock) == stood
    assert rows(ours) == stood


def submit(*course_dirs: Path) -> None:
    """Record a submission of each unit, as marking does."""
    for course_dir in course_dirs:
        with closing(sqlite3.connect(course_dir / "gradebook.db")) as book, book:
            book.execute("insert into student (id) values ('acacia')")
            book.execute(
                "insert into submitted_assignment (id, assignment_id, student_id) select 's' || id, id, 'acacia' from assignment"
            )
            book.execute(
                "insert into submitted_notebook (id, assignment_id, notebook_id)"
                " select 's' || id, 's' || assignment_id, id from notebook"
            )


def test_the_rows_are_the_same_on_postgresql(odd: Path) -> None:
    shutil.copytree(odd / "stock" / "source", odd / "ours" / "source")
    notebooks = {
        path.stem: handout(path.read_text("utf-8")) for path in (odd / "ours" / "source" / "two").glob("*.ipynb")
    }
    make_release(odd / "ours", "two", TRACK)
    engine = create_engine(postgres.empty_database(), poolclass=NullPool)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
    for _ in range(2):  # the second time finds what the first one wrote
        with engine.begin() as connection:
            put_unit(connection, TRACK, "two", notebooks)

    with engine.connect() as connection:
        found = {
            name: sorted((tuple(row) for row in connection.exec_driver_sql(ROWS[name])), key=repr)
            for name in ("kernels", "cells", "courses")
        }
        sources = connection.exec_driver_sql("select name, cell_type, locked, source, checksum from source_cell").all()
        assert has_unit(connection, "two")
        assert not has_unit(connection, "one")

    known = rows(odd / "ours")
    assert found == {name: known[name] for name in found}
    assert sorted(tuple(row) for row in sources) == sorted(row[2:] for row in known["sources"] if row[0] == "two")


def nested() -> NotebookNode:
    return cell("half", "### BEGIN SOLUTION\n" + ANSWER, solution=True)


REFUSED: dict[str, Callable[[], list[NotebookNode]]] = {
    "attachment": lambda: [
        cell("map", SCHEME.replace("One", "![x](attachment:x.png)"), cell_type="markdown", task=True, points=1)
    ],
    "autotest": lambda: [cell("test", "### AUTOTEST half(2)", grade=True, locked=True, points=1)],
    "code-task": lambda: [cell("map", task=True, points=1)],
    "corrupted": lambda: [cell("x", locked=True, mine=1)],
    "hidden-in-what-is-given": lambda: [cell("given", CHECK, locked=True)],
    "marked-prose": lambda: [cell("why", "…", cell_type="markdown", grade=True, locked=True, points=1)],
    "negative-points": lambda: [cell("test", CHECK, grade=True, locked=True, points=-1)],
    "nested": lambda: [nested()],
    "no-end": lambda: [cell("half", "### BEGIN SOLUTION\nx", solution=True)],
    "no-id": lambda: [cell("", locked=True)],
    "no-points": lambda: [cell("test", CHECK, grade=True, locked=True)],
    "scheme-in-a-check": lambda: [cell("test", SCHEME, grade=True, locked=True, points=1)],
    "solution-in-free-code": lambda: [nbformat.v4.new_code_cell(ANSWER)],
    "twice": lambda: [cell("half", ANSWER, solution=True), cell("half", "x", locked=True)],
    # Last: nbgrader goes no further.
    "z-old": lambda: [cell("half", ANSWER, solution=True, schema_version=2)],
}


def test_what_nbgrader_refuses_is_refused(odd: Path) -> None:
    for name, cells in REFUSED.items():
        save(odd, name, name, *cells())
    # Its words for a cell without any, and for one in another language.
    save(odd, "in-r", "in-r", *odd_cells(), kernelspec={"name": "ir", "display_name": "R", "language": "R"})

    stock, ours = by_both(odd, "in-r", *REFUSED)

    assert sorted(path.name for path in (ours / "release").iterdir()) == ["alone", "two"]
    assert released(ours) == released(stock)
