"""What is built is an ordinary nbgrader course: the stock commands work on a plain copy of it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from passerelle.courses import build_course

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copy(shared_course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course directory that holds nothing of ours but the source, and a release by nbgrader."""
    build_course(shared_course, shared_course.parent / "built")
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(shared_course.parent / "built" / "source", copy / "source")
    done = nbgrader(copy, "generate_assignment", "mini")
    assert done.returncode == 0, done.stderr
    return copy


def nbgrader(course_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_NO_CONFIG": "1",
        "HOME": str(course_dir),
        "IPYTHONDIR": str(course_dir / ".ipython"),
    }
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course_dir,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_validate_passes_the_solution(copy: Path) -> None:
    done = nbgrader(copy, "validate", "source/mini/mini.ipynb")

    assert "Success! Your notebook passes all the tests." in done.stdout


def test_validate_says_what_a_blank_release_misses(copy: Path) -> None:
    done = nbgrader(copy, "validate", "release/mini/mini.ipynb")

    # The check, and the manual answer that is not written yet.
    assert "VALIDATION FAILED ON 2 CELL(S)" in done.stdout
    assert "assert mean([1, 2, 6]) == 3" in done.stdout


def test_autograde_gives_the_solution_all_points_a_blank_none_and_keeps_our_metadata(copy: Path) -> None:
    for handle, folder in (("acacia", "source"), ("basil", "release")):
        shutil.copytree(copy / folder / "mini", copy / "submitted" / handle / "mini")

    done = nbgrader(copy, "autograde", "mini")

    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(copy / "gradebook.db")) as gradebook:
        scores = gradebook.execute(
            "select student_id, sum(auto_score) from grade join submitted_notebook on grade.notebook_id = submitted_notebook.id"
            " join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id"
            " group by student_id order by student_id"
        ).fetchall()
    assert scores == [("acacia", 2.0), ("basil", 0.0)]
    graded = (copy / "autograded" / "acacia" / "mini" / "mini.ipynb").read_text("utf-8")
    assert "Une **moyenne** est une somme" in graded, "translations survive marking"
    assert '"key": "task-words"' in graded, "keys survive marking"
