"""Any nbgrader course directory: our totals are nbgrader's, what was not submitted is not 0, the file stays as it is."""

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import traceback
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from benchmarks.exports import fill, make_gradebook, nbgrader_s
from passerelle.model.settings import Settings
from passerelle.progress import Wanted, course_export
from passerelle.progress.gradebooks import ASSIGNMENTS, GradebookError, assignments_table
from passerelle.progress.tables import Table
from tests.gradebooks import on_postgresql

PARIS = ZoneInfo("Europe/Paris")
AT = datetime(2026, 12, 1, tzinfo=UTC)
NAMES = [one.name for one in ASSIGNMENTS]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty gradebook, as nbgrader makes it."""
    return make_gradebook(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def course(empty: Path, tmp_path: Path) -> Path:
    made = tmp_path / "a course"
    made.mkdir()
    shutil.copy(empty, made)
    fill(made / "gradebook.db", 12, assignments=6, cells=4, seed=7)
    return made


@pytest.mark.slow
def test_a_gradebook_on_postgresql_says_what_its_file_says(course: Path) -> None:
    expected = assignments_table(course, AT, PARIS)
    url = on_postgresql(course / "gradebook.db")
    (course / "gradebook.db").unlink()
    (course / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")

    assert assignments_table(course, AT, PARIS) == expected
    assert len(expected.rows) == 12 * 6


@pytest.mark.slow
def test_a_gradebook_that_no_server_has_is_said_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://passerelle:open-sesame@localhost/none?host={tmp_path}"
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")

    with pytest.raises(GradebookError, match=r"passerelle:\*\*\*@localhost/none: .*connection") as caught:
        assignments_table(tmp_path, AT, PARIS)

    assert "open-sesame" not in "".join(traceback.format_exception(caught.value))


def records(table: Table) -> list[dict[str, object]]:
    return [dict(zip(NAMES, row, strict=True)) for row in table.rows]


def identified(course: Path) -> list[dict[str, object]]:
    return records(assignments_table(course, AT, PARIS))


@pytest.mark.slow
def test_totals_are_those_of_nbgrader_and_unsubmitted_is_not_nought(course: Path, tmp_path: Path) -> None:
    nbgrader_s(course, tmp_path / "theirs.csv")
    with (tmp_path / "theirs.csv").open(newline="") as file:
        theirs = {(row["student_id"], row["assignment"]): row for row in csv.DictReader(file)}
    ours = {(str(row["fellow"]), str(row["assignment"])): row for row in identified(course)}

    assert ours.keys() == theirs.keys()
    compared = 0
    for place, row in ours.items():
        other = theirs[place]
        assert row["max_points"] == float(other["max_score"])
        if row["submitted"] is None:
            assert (row["points"], row["points_after_penalty"], float(other["score"])) == (None, None, 0.0)
            assert row["state"] in ("missing", "not-due")
        elif row["state"] == "submitted":
            assert row["points"] is None
        else:
            compared += 1
            assert row["points"] == pytest.approx(float(other["raw_score"]), abs=1e-6)
            assert row["points_after_penalty"] == pytest.approx(float(other["score"]), abs=1e-6)
            assert row["late_penalty"] == float(other["late_submission_penalty"])
    assert compared > 40
    assert {row["state"] for row in ours.values()} == {"missing", "not-due", "submitted", "waiting-for-us", "graded"}


def test_reading_changes_no_byte_and_leaves_nothing_behind(course: Path) -> None:
    before = sha256((course / "gradebook.db").read_bytes()).hexdigest()
    (course / "gradebook.db").chmod(0o400)

    identified(course)

    assert sha256((course / "gradebook.db").read_bytes()).hexdigest() == before
    assert os.listdir(course) == ["gradebook.db"]  # noqa: PTH208  names are asked for


def test_it_is_read_while_somebody_writes(course: Path) -> None:
    before = identified(course)
    writer = sqlite3.connect(course / "gradebook.db")
    writer.execute("UPDATE grade SET manual_score = 0")

    during = identified(course)
    writer.commit()
    writer.close()

    assert during == before
    assert identified(course) != before


def test_an_extension_moves_what_is_due(course: Path) -> None:
    with sqlite3.connect(course / "gradebook.db") as writer:
        dues = dict(writer.execute("SELECT name, duedate FROM assignment"))
        extended = {
            (fellow, dues_of) for fellow, dues_of in writer.execute(
                "SELECT s.student_id, a.name FROM submitted_assignment s JOIN assignment a ON a.id = s.assignment_id"
                " WHERE s.extension IS NOT NULL AND a.duedate IS NOT NULL")
        }  # fmt: skip

    rows = {(row["fellow"], row["assignment"]): row["due"] for row in identified(course)}

    assert extended
    for (fellow, name), due in rows.items():
        planned = dues[name] and datetime.fromisoformat(dues[name]).replace(tzinfo=UTC)
        moved = timedelta(days=2) if (fellow, name) in extended else timedelta()
        assert due == (planned and (planned + moved).astimezone(PARIS).replace(tzinfo=None))


def test_ids_are_stable_and_different_for_everybody_outside(course: Path, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "var")

    def ids(wanted: Wanted) -> set[object]:
        return {row[1] for row in course_export(course, settings, AT, wanted, ["fellow-00003"]).tables[0].rows}

    inside, again, outside = ids(Wanted()), ids(Wanted()), ids(Wanted("a partner", named=True))
    assert inside == again
    assert len(inside | outside) == 2
    assert "fellow-00003" not in inside | outside
    assert ids(Wanted(identified=True)) == {"fellow-00003"}


def test_somebody_outside_gets_the_summary_alone(course: Path, tmp_path: Path) -> None:
    made = course_export(course, Settings(data=tmp_path / "var"), AT, Wanted("a partner"))
    record = json.loads(made.content("json"))

    assert sorted(record) == ["as_of", "course", "schema_version", "summary"]
    assert {row["fellows"] for row in record["summary"]} == {12}
    assert all(value is None or value >= 5 for row in record["summary"] for name, value in row.items()
               if name not in ("track", "cohort", "unit"))  # fmt: skip


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(None, "there is no gradebook", id="none"),
        pytest.param(b"no database at all, but long enough to be looked at" * 20, "not a database", id="no-database"),
        pytest.param(b"", "it has no table assignment", id="empty"),
    ],
)
def test_what_is_no_gradebook_is_said_with_the_cure(tmp_path: Path, make: bytes | None, said: str) -> None:
    if make is not None:
        (tmp_path / "gradebook.db").write_bytes(make)

    with pytest.raises(GradebookError, match=said):
        assignments_table(tmp_path, AT, PARIS)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE grade SET auto_score = '=1+1', manual_score = NULL",
        "UPDATE submitted_notebook SET late_submission_penalty = '@SUM(A1)'",
        "UPDATE submitted_assignment SET timestamp = '=1+1'",
    ],
)
def test_a_value_of_another_kind_is_said_in_one_line(course: Path, change: str) -> None:
    with sqlite3.connect(course / "gradebook.db") as writer:
        writer.execute(change)

    with pytest.raises(GradebookError, match=r"gradebook\.db: it has a value that is none of nbgrader's"):
        identified(course)


STARTS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "<r><f>1+1</f></r>")


@pytest.mark.slow
def test_nobody_is_called_like_a_formula(course: Path, tmp_path: Path) -> None:
    """Of ids of students and names of assignments, opened again as a spreadsheet would."""
    with sqlite3.connect(course / "gradebook.db") as writer:
        for place, start in enumerate(STARTS):
            there = f"fellow-{place:05}"
            writer.execute("UPDATE student SET id = ? WHERE id = ?", (start, there))
            writer.execute("UPDATE submitted_assignment SET student_id = ? WHERE student_id = ?", (start, there))
        for place, start in enumerate(STARTS[:6]):
            writer.execute("UPDATE assignment SET name = ? WHERE name = ?", (start, f"unit-{place:02}"))
    settings = Settings(data=tmp_path / "var")
    made = course_export(course, settings, AT, Wanted(identified=True))
    said = list(csv.reader(io.StringIO(made.content("csv").decode("utf-8-sig"), newline=""), delimiter=";"))
    (tmp_path / "a.xlsx").write_bytes(made.content("xlsx"))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]

    assert {row[1] for row in said} >= {"'" + start for start in STARTS[:7]}
    assert [cell for row in said for cell in row if cell.lstrip(" \u00a0")[:1] in tuple("=+-@\t\r")] == []
    assert len(sheets) == 2
    for sheet in sheets:
        texts = ["".join(cell.itertext()) for cell in ElementTree.fromstring(sheet).findall(".//{*}is")]
        assert "<f>" not in sheet
        assert [one for one in texts if one.lstrip(" \u00a0")[:1] in tuple("=+-@\t\r")] == []
    assert {row["fellow"] for row in json.loads(made.content("json"))["assignments"]} >= set(STARTS)


HEAVY = (
    "sqlalchemy",
    "alembic",
    "pandas",
    "nbgrader",
    "pyarrow",
    "xlsxwriter",
    "weasyprint",
    "rich",
    "pydantic_settings",
)


def test_an_export_of_a_course_directory_starts_without_what_it_does_not_need(course: Path, tmp_path: Path) -> None:
    """A hundred fellows are written in less time than the ledger takes to import."""
    code = (
        "import sys\nfrom passerelle.cli import main\ntry:\n    main()\nfinally:\n"
        f"    print([one for one in {HEAVY} if one in sys.modules])"
    )
    line = [sys.executable, "-c", code, "export", "--course-dir", str(course), "--format", "csv"]
    done = subprocess.run(
        [*line, "--out", str(tmp_path / "out")], env={**os.environ, "PASSERELLE_DATA": str(tmp_path / "var")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("out", "said"), [("a-file/out", "Not a directory"), ("/proc/no-such-place", "No such file or directory")]
)
def test_where_nothing_can_be_written_is_said_with_the_cure(course: Path, tmp_path: Path, out: str, said: str) -> None:
    (tmp_path / "a-file").touch()
    line = [sys.executable, "-m", "passerelle.cli", "export", "--course-dir", str(course), "--format", "csv"]
    done = subprocess.run(
        [*line, "--out", str(tmp_path / out)], env={**os.environ, "PASSERELLE_DATA": str(tmp_path / "var")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{tmp_path / out}: {said}; say another directory with --out\n"


@pytest.mark.slow
def test_the_command_writes_a_course_directory(course: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "passerelle.cli", "export", "--course-dir", str(course), "--format", "csv"]
    done = subprocess.run(
        [*line, "--out", str(tmp_path / "out")], env={**os.environ, "PASSERELLE_DATA": str(tmp_path / "var")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a course-summary.csv", "a course.csv"]
    assert os.listdir(course) == ["gradebook.db"]  # noqa: PTH208  names are asked for
