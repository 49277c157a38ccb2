"""A course made with stock nbgrader, marked by us: the same gradebook, and stock nbgrader goes on with it.

Real boxes and examiners, real nbgrader; one course for all of it, in the order of a term.
"""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner, Result

from passerelle.cli.commands import app
from passerelle.grading.report import ChangeRecord, MarkRecord
from tests.unit.grading.elsewhere import (
    IN_TIME,
    LATE,
    ONE,
    PS,
    TWO,
    comments,
    generate,
    grades,
    hand_in,
    make_course,
    nbgrader,
    numbers,
    penalties,
    submission,
)

pytestmark = pytest.mark.slow

WEAK = {
    "square": "def square(number):\n    return 4",
    "halves": "def halves(rows):\n    return [1, 3]",
    "why": None,
    "shout": None,
}


def passerelle(course: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["mark", PS, "--course-dir", str(course), "--learner", sys.prefix, *arguments])


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two copies of one course with its submissions: marked by us, and by stock nbgrader."""
    ours = make_course(tmp_path_factory.mktemp("elsewhere"))
    hand_in(ours, "anna", submission(ours), IN_TIME)
    hand_in(ours, "bea", submission(ours, WEAK), LATE)
    hand_in(ours, "cleo", submission(ours, names=(ONE,)), LATE)
    without = submission(ours)
    for name, key in ((ONE, "test-square"), (TWO, "why")):
        without[name].cells = [
            one for one in without[name].cells if one.metadata.get("nbgrader", {}).get("grade_id") != key
        ]
    hand_in(ours, "dora", without, IN_TIME)
    theirs = tmp_path_factory.mktemp("stock") / "course"
    shutil.copytree(ours, theirs)
    done = nbgrader(theirs, "autograde", PS)
    assert done.returncode == 0, done.stderr
    return ours, theirs


@pytest.fixture(scope="module")
def first(courses: tuple[Path, Path]) -> list[MarkRecord]:
    done = passerelle(courses[0], "--json", "--workers", "2")
    assert done.exit_code == 0, done.output
    return [MarkRecord.model_validate_json(line) for line in done.stdout.splitlines()]


def test_every_submission_has_its_record(first: list[MarkRecord]) -> None:
    assert [(one.fellow, one.state, one.points, one.max_points) for one in first] == [
        ("anna", "marked", 6.0, 13.0),
        ("bea", "marked", 1.5, 13.0),
        ("cleo", "marked", 5.0, 13.0),
        ("dora", "marked", 4.0, 13.0),
    ]
    assert {one.course for one in first} == {"elsewhere101"}


@pytest.mark.parametrize("handle", ["anna", "bea", "cleo", "dora"])
def test_the_gradebook_is_nbgrader_s(courses: tuple[Path, Path], first: list[MarkRecord], handle: str) -> None:
    assert first
    ours, theirs = courses

    assert grades(ours, handle) == grades(theirs, handle)
    assert penalties(ours, handle) == penalties(theirs, handle)
    assert comments(ours, handle) == comments(theirs, handle)


def test_the_folders_are_nbgrader_s(courses: tuple[Path, Path], first: list[MarkRecord]) -> None:
    assert first
    ours, theirs = (
        {path.relative_to(root).as_posix() for path in (root / "autograded").rglob("*")} for root in courses
    )

    assert ours == theirs


def test_stock_feedback_and_export_go_on_working(courses: tuple[Path, Path], first: list[MarkRecord]) -> None:
    assert first
    ours = courses[0]
    for root in courses:
        done = nbgrader(root, "generate_feedback", PS)
        assert done.returncode == 0, done.stderr
        done = nbgrader(root, "export")
        assert done.returncode == 0, done.stderr

    assert (ours / "feedback" / "bea" / PS / f"{ONE}.html").is_file()
    tables = [list(csv.DictReader((root / "grades.csv").read_text().splitlines())) for root in courses]
    columns = ("assignment", "student_id", "raw_score", "late_submission_penalty", "score", "max_score")
    # nbgrader sorts by the names of people, which nobody gave: else it is the order in which each was recorded first,
    # and of several that are marked at once that is any.
    by_handle = [sorted(table, key=lambda row: row["student_id"]) for table in tables]
    kept = [[{name: row[name] for name in columns} for row in table] for table in by_handle]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 4


def test_a_correction_is_rehearsed_and_then_done_and_touches_no_mark_of_a_person(
    courses: tuple[Path, Path], first: list[MarkRecord]
) -> None:
    ours = courses[0]
    with Gradebook(f"sqlite:///{ours / 'gradebook.db'}") as book:
        grade = book.find_grade("why", TWO, PS, "anna")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()
    made = numbers()
    test = next(cell for cell in made.cells if cell.id == "test-square")
    test.source = "assert square(2) == 4"  # the hidden -3 was too much
    (ours / "source" / PS / f"{ONE}.ipynb").write_text(nbformat.writes(made), "utf-8")
    generate(ours)
    database = (ours / "gradebook.db").read_bytes(), (ours / ".passerelle" / "ledger.db").read_bytes()

    rehearsed = passerelle(ours, "--json", "--dry-run", "--workers", "2")

    changes = {one.fellow: one for one in map(ChangeRecord.model_validate_json, rehearsed.stdout.splitlines())}
    assert {fellow: one.changes for fellow, one in changes.items() if one.changes} == {
        "bea": {f"{ONE}/test-square": (0.0, 2.0)}
    }
    assert {one.state for one in changes.values()} == {"changed"}
    assert changes["anna"].points == 7.5
    assert ((ours / "gradebook.db").read_bytes(), (ours / ".passerelle" / "ledger.db").read_bytes()) == database

    done = passerelle(ours, "--json", "--workers", "2")

    records = {one.fellow: one for one in map(MarkRecord.model_validate_json, done.stdout.splitlines())}
    assert records["bea"].points == 3.5
    assert records["anna"].points == 7.5
    assert {one.key for one in records.values()}.isdisjoint(one.key for one in first)
    with Gradebook(f"sqlite:///{ours / 'gradebook.db'}") as book:
        grade = book.find_grade("why", TWO, PS, "anna")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.5, False)
    with closing(sqlite3.connect(ours / ".passerelle" / "ledger.db")) as ledger:
        assert ledger.execute("select count(*) from verdict").fetchone() == (8,), "every verdict is kept"


def test_a_second_look_changes_nothing(courses: tuple[Path, Path], first: list[MarkRecord]) -> None:
    assert first
    done = passerelle(courses[0], "--dry-run")

    assert done.exit_code == 0
    assert [line.split(":")[1].split("(")[0].strip() for line in done.stdout.splitlines()] == ["nothing changes"] * 4


def test_the_record_is_one_line_of_json_for_every_reader(courses: tuple[Path, Path], first: list[MarkRecord]) -> None:
    assert first
    done = passerelle(courses[0], "--json", "--fellow", "bea")

    (line,) = done.stdout.splitlines()
    assert json.loads(line)["schema_version"] == 1
    assert json.loads(line)["checks"][0]["messages"] == []


def shell(course: Path, unit: str, learner: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Mark from a shell, as a script of a school would."""
    line = [sys.executable, "-m", "passerelle.cli", "mark", unit, "--course-dir", str(course), "--learner", learner]
    return subprocess.run([*line, *more], capture_output=True, text=True, timeout=120, check=False)


def test_a_shell_is_told_by_the_exit_code_what_waits_and_what_was_refused(
    courses: tuple[Path, Path], first: list[MarkRecord], tmp_path: Path
) -> None:
    assert first
    course, nowhere = shutil.copytree(courses[0], tmp_path / "course"), str(tmp_path / "nowhere")

    fine = shell(course, PS, sys.prefix, "--dry-run")
    waits = shell(course, PS, nowhere, "--dry-run", "--force", "--fellow", "anna")
    refused = [shell(course, "nosuch", sys.prefix), shell(course, PS, nowhere, "--force", "--fellow", "anna")]
    misspelled = shell(course, PS, sys.prefix, "--fellows")

    assert (fine.returncode, waits.returncode, misspelled.returncode) == (0, 1, 2)
    assert [one.returncode for one in refused] == [2, 2]
    assert waits.stdout.startswith("anna: waits for us: box: ")
    assert nowhere in refused[1].stderr
    assert "Traceback" not in "".join(one.stderr for one in (fine, waits, *refused, misspelled))
