"""`passerelle export`: what is refused, what is written down, and that each option holds."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from benchmarks.exports import fill, make_gradebook
from passerelle import ledger
from passerelle.cli.commands import app
from passerelle.cli.export import ExportCommandError
from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import ExportRecord
from passerelle.ledger.tables import Access
from passerelle.model.people import OPERATOR
from tests.unit.review.programme import TRACK, Programme, new_programme, verdict

NOW = datetime.now(UTC)
FULL = {"check-mean": 2.0, "check-missing": 4.0}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty gradebook, as nbgrader makes it."""
    return make_gradebook(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def programme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programme:
    """Two cohorts: fern and iris, of whom fern has sent something lately, and basil."""
    made = new_programme(tmp_path)
    monkeypatch.setenv("PASSERELLE_DATA", str(made.settings.root))
    monkeypatch.setenv("PASSERELLE_DATABASE", made.settings.database_url)
    starts = NOW - timedelta(weeks=6)
    made.enrol("fern", "iris", at=starts)
    with ledger.session(made.engine) as session:
        people.add_cohort(session, "later", "Later", starts)
        people.add_person(session, "basil", "fellow", "Basil")
        people.enrol(session, "basil", "later", TRACK, starts=starts)
    made.release("d1-tables", "d2-clean", at=starts)
    made.send("fern", "d1-tables", NOW - timedelta(weeks=5), verdict("d1-tables", FULL))
    made.send("fern", "d2-clean", NOW - timedelta(days=2), verdict("d2-clean", FULL))
    made.send("basil", "d1-tables", NOW - timedelta(weeks=5), verdict("d1-tables", FULL))
    return made


def run(out: Path, *arguments: str) -> list[Path]:
    """Export as JSON, and return the files."""
    done = CliRunner().invoke(
        app, ["export", "--format", "json", "--out", str(out), *arguments], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return [Path(line) for line in done.stdout.splitlines()]


def exported(out: Path, *arguments: str) -> Any:
    (path,) = run(out, *arguments)
    return json.loads(path.read_bytes())


def written_down(programme: Programme) -> list[tuple[str, str, str, bool, str | None]]:
    with ledger.reading(programme.engine) as session:
        rows = session.scalars(select(ExportRecord).order_by(ExportRecord.id)).all()
        return [(one.by, one.what, one.recipient, one.identified, one.reason) for one in rows]


def looks(programme: Programme) -> list[tuple[str, str, str]]:
    with ledger.reading(programme.engine) as session:
        rows = session.scalars(select(Access).where(Access.what.startswith("export")).order_by(Access.id)).all()
        return [(one.viewer, one.subject, one.what) for one in rows]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--identified"], "needs a reason", id="no-reason"),
        pytest.param(["--identified", "--reason", "  "], "needs a reason", id="blank-reason"),
        pytest.param(["--identified", "--reason", "r", "--for", "a partner"], "one fellow at a time", id="all-outside"),
        pytest.param(["--for", " Programme "], "names nobody outside", id="recipient-is-us"),
        pytest.param(["--since", "some day"], "--since", id="no-day"),
        pytest.param(["--fellow", "cedar"], "no progress of cedar", id="nobody"),
        pytest.param(["--cohort", "1999"], "no progress of cohort '1999'", id="no-cohort"),
    ],
)
def test_what_does_not_go_together_is_refused_and_leaves_no_trace(
    programme: Programme, tmp_path: Path, options: list[str], said: str
) -> None:
    with pytest.raises(ExportCommandError, match=said):
        run(tmp_path / "out", "--track", TRACK, *options)

    assert not (tmp_path / "out").exists()
    assert (written_down(programme), looks(programme)) == ([], [])


def test_user_names_leave_with_a_reason_that_is_written_down(programme: Programme, tmp_path: Path) -> None:
    made = exported(tmp_path / "out", "--track", TRACK, "--identified", "--reason", " a certificate ")

    assert [one["fellow"] for one in made["fellows"]] == ["basil", "fern", "iris"]
    assert written_down(programme) == [(OPERATOR, f"{TRACK}, json", "programme", True, "a certificate")]
    assert looks(programme) == [(OPERATOR, one, "export-identified") for one in ("basil", "fern", "iris")]


def test_without_it_nobody_is_named_and_that_is_written_down_too(programme: Programme, tmp_path: Path) -> None:
    made = exported(tmp_path / "out")

    assert len(made["fellows"]) == 3
    assert not {one["fellow"] for one in made["fellows"]} & {"basil", "fern", "iris"}
    assert written_down(programme) == [(OPERATOR, f"{TRACK}, json", "programme", False, None)]
    assert looks(programme) == [(OPERATOR, one, "export") for one in ("basil", "fern", "iris")]


def test_a_recipient_outside_gets_numbers_and_everybody_in_them_can_read_it(
    programme: Programme, tmp_path: Path
) -> None:
    made = exported(tmp_path / "out", "--for", "A  Partner")

    assert sorted(made) == ["as_of", "schema_version", "summary", "track"]
    assert written_down(programme) == [(OPERATOR, f"{TRACK}, json", "a partner", False, None)]
    assert looks(programme) == [(OPERATOR, one, "export-outside") for one in ("basil", "fern", "iris")]


def test_a_cohort_is_that_cohort_alone(programme: Programme, tmp_path: Path) -> None:
    made = exported(tmp_path / "out", "--cohort", "later", "--identified", "--reason", "r")

    assert [(one["fellow"], one["cohort"]) for one in made["fellows"]] == [("basil", "later")]
    assert {row["cohort"] for row in made["summary"]} == {"later"}
    assert written_down(programme) == [(OPERATOR, f"{TRACK}, cohort later, json", "programme", True, "r")]
    assert looks(programme) == [(OPERATOR, "basil", "export-identified")]


def test_a_fellow_is_that_fellow_alone(programme: Programme, tmp_path: Path) -> None:
    inside = exported(tmp_path / "in", "--fellow", "iris")
    outside = exported(tmp_path / "out", "--fellow", "iris", "--for", "a partner")

    assert [len(one["fellows"]) for one in (inside, outside)] == [1, 1]
    assert inside["fellows"][0]["fellow"] != outside["fellows"][0]["fellow"]
    assert "iris" not in json.dumps([inside, outside])
    assert [one[1] for one in written_down(programme)] == [f"{TRACK}, 1 named, json"] * 2
    assert looks(programme) == [(OPERATOR, "iris", "export"), (OPERATOR, "iris", "export-outside")]


def test_since_leaves_out_in_what_nothing_has_happened(programme: Programme, tmp_path: Path) -> None:
    day = (NOW - timedelta(weeks=1)).strftime("%Y-%m-%d")
    made = exported(tmp_path / "out", "--since", day, "--identified", "--reason", "r")

    units = {one["fellow"]: [unit["unit"] for unit in one["units"]] for one in made["fellows"]}
    assert units == {"basil": [], "fern": ["d2-clean"], "iris": []}
    assert written_down(programme)[0][1].startswith(f"{TRACK}, since ")


@pytest.fixture
def students(programme: Programme, empty: Path, tmp_path: Path) -> Path:
    """The hub's own course directory with a gradebook of twelve, of whom one has an account; a copy is elsewhere."""
    ours, elsewhere = programme.settings.courses / TRACK, tmp_path / "a course"
    shutil.copy(empty, ours)
    fill(ours / "gradebook.db", 12, assignments=3, cells=2, seed=7)
    shutil.copytree(ours, elsewhere)
    programme.enrol("fellow-00003", at=NOW - timedelta(weeks=6))
    return elsewhere


def test_the_hubs_own_course_directory_is_written_down(programme: Programme, students: Path, tmp_path: Path) -> None:
    link = tmp_path / "another-name"
    link.symlink_to(programme.settings.courses / TRACK)
    run(tmp_path / "out", "--course-dir", str(link))

    assert students.is_dir()
    assert written_down(programme) == [(OPERATOR, f"course directory {TRACK}, json", "programme", False, None)]
    assert looks(programme) == [(OPERATOR, "fellow-00003", "export")]


def test_a_course_from_elsewhere_is_written_down_where_it_leaves_or_has_names(
    programme: Programme, students: Path, tmp_path: Path
) -> None:
    run(tmp_path / "in", "--course-dir", str(students))
    assert (written_down(programme), looks(programme)) == ([], [])

    run(tmp_path / "out", "--course-dir", str(students), "--for", "a partner")
    run(tmp_path / "named", "--course-dir", str(students), "--identified", "--reason", "r", "--fellow", "fellow-00003")

    assert written_down(programme) == [
        (OPERATOR, "course directory a course, json", "a partner", False, None),
        (OPERATOR, "course directory a course, 1 named, json", "programme", True, "r"),
    ]
    assert looks(programme) == [(OPERATOR, "fellow-00003", one) for one in ("export-outside", "export-identified")]


def test_the_same_people_leave_in_one_partition_alone(programme: Programme, students: Path, tmp_path: Path) -> None:
    """The track's summary counts the mastered apart, the directory's does not: the difference gives small ones back."""
    ours = programme.settings.courses / TRACK
    run(tmp_path / "out", "--track", TRACK, "--for", "a partner")
    for more in ([], ["--fellow", "fellow-00003"]):
        with pytest.raises(ExportCommandError, match=f"say --track {TRACK} in place of --course-dir"):
            run(tmp_path / "again", "--course-dir", str(ours), "--for", "a partner", *more)

    assert students.is_dir()
    assert not (tmp_path / "again").exists()
    assert len(written_down(programme)) == 1
