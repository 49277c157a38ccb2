import shutil
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select
from traitlets.config import Config

from passerelle import ledger
from passerelle.grading import record as record_module
from passerelle.grading.gradebook import GradebookUnusableError, UnitNotReleasedError, gradebook
from passerelle.grading.layout import gradebook_url
from passerelle.ledger.tables import ManualMark
from tests.ledgers import KINDS, SQLITE
from tests.unit.grading.desk import ANSWER, CHECK, HALF, MANUAL, RIGHT, SUM, TRACK, UNIT, Desk


@pytest.fixture(params=KINDS)
def gradebooks(request: pytest.FixtureRequest) -> str:
    """Each test here runs on both kinds of gradebook."""
    return str(request.param)


def formgrader_says(desk: Desk, handle: str = "acacia") -> dict[str, object]:
    """What stock formgrader lists for a submission."""
    config = Config()
    config.CourseDirectory.root = str(desk.course_dir)
    config.CourseDirectory.course_id = TRACK
    config.CourseDirectory.db_url = gradebook_url(desk.course_dir)
    config.Exchange.root = str(desk.settings.root / "exchange")
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    return next(row for row in api.get_submissions(UNIT) if row["student"] == handle)


def test_formgrader_lists_a_recorded_submission_as_needing_a_person(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))

    listed = formgrader_says(desk)
    assert (listed["autograded"], listed["needs_manual_grade"]) == (True, True)
    assert (listed["score"], listed["max_score"]) == (2.0, 3.0)


def test_formgrader_lists_it_as_graded_where_nothing_is_left_to_a_person(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="...")))

    listed = formgrader_says(desk)
    assert (listed["autograded"], listed["needs_manual_grade"]) == (True, False)
    with desk.book() as book:
        assert book.find_comment(MANUAL, UNIT, UNIT, "acacia").auto_comment == "No response."


def test_folders_hold_what_came_and_what_was_run(desk: Desk) -> None:
    receipt = desk.submit(desk.files(SUM, notes=b"mine"))
    desk.record(receipt)

    submitted, autograded = (desk.course_dir / step / "acacia" / UNIT for step in ("submitted", "autograded"))
    assert {path.name for path in submitted.iterdir()} == {"mini.ipynb", "notes", "timestamp.txt"}
    assert {"mini.ipynb", "notes", "timestamp.txt", "unit.json"} <= {path.name for path in autograded.iterdir()}
    executed = nbformat.read(autograded / "mini.ipynb", as_version=4)
    assert executed.metadata.passerelle.attempt == 1
    assert any(cell.source == SUM for cell in executed.cells)
    stamp = (submitted / "timestamp.txt").read_text()
    assert datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f UTC") == receipt.received.replace(tzinfo=None)


def test_recording_twice_changes_nothing(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    desk.record(receipt)
    before = desk.grade(CHECK), desk.grade(MANUAL)
    desk.record(receipt)

    assert (desk.grade(CHECK), desk.grade(MANUAL)) == before


def test_a_mark_stays_with_the_same_attempt(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    desk.record(receipt)
    desk.mark_by_hand(0.5, comment="Name one.")
    desk.record(receipt)

    assert desk.grade(MANUAL)["manual_score"] == 0.5
    assert desk.grade(MANUAL)["needs_manual_grade"] is False


def test_a_changed_answer_goes_to_the_trainer_and_its_mark_to_the_ledger(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="One.")))
    desk.mark_by_hand(1.0, comment="Good.")
    desk.record(desk.submit(desk.files(words="Another.")))

    grade = desk.grade(MANUAL)
    assert (grade["manual_score"], grade["needs_manual_grade"]) == (None, True)
    with ledger.reading(desk.engine) as session:
        kept = session.scalars(select(ManualMark)).one()
    assert (kept.check, kept.points, kept.comment) == (MANUAL, 1.0, "Good.")


def test_a_mark_follows_the_answer_into_an_attempt_that_repeats_it(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(SUM, words="One.")))
    desk.mark_by_hand(0.5, comment="Good.")
    desk.record(desk.submit(desk.files(words="Another.")))
    desk.record(desk.submit(desk.files(RIGHT, words="One.")))

    grade = desk.grade(MANUAL)
    assert (grade["manual_score"], grade["needs_manual_grade"]) == (0.5, False)
    with desk.book() as book:
        assert book.find_comment(MANUAL, UNIT, UNIT, "acacia").manual_comment == "Good."
    assert formgrader_says(desk)["score"] == 2.5


def test_a_mark_saved_from_a_page_with_the_former_answer_meets_nothing(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="One.")))
    on_her_screen = desk.grade(MANUAL)["id"]
    desk.record(desk.submit(desk.files(words="Another.")))

    assert desk.grade(MANUAL)["id"] != on_her_screen


def test_the_page_of_a_submission_keeps_its_address(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="One.")))
    with desk.book() as book:
        before = book.find_submission_notebook(UNIT, UNIT, "acacia").id
    desk.record(desk.submit(desk.files(words="Another.")))

    with desk.book() as book:
        assert book.find_submission_notebook(UNIT, UNIT, "acacia").id == before


def test_points_over_a_machine_s_stay_and_are_looked_at_again_where_the_machine_s_change(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = desk.submit(desk.files(HALF))
    desk.record(receipt)
    desk.mark_by_hand(2.0, CHECK)
    desk.record(receipt)
    assert desk.grade(CHECK)["needs_manual_grade"] is False

    # The check was corrected: the same answer earns something else.
    monkeypatch.setattr("tests.unit.grading.desk.RIGHT", HALF)
    desk.record(receipt)

    grade = desk.grade(CHECK)
    assert (grade["auto_score"], grade["manual_score"], grade["needs_manual_grade"]) == (2.0, 2.0, True)


def test_points_over_a_machine_s_do_not_hide_those_of_another_attempt(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(SUM)))
    desk.mark_by_hand(1.0, CHECK)
    desk.record(desk.submit(desk.files(RIGHT)))

    grade = desk.grade(CHECK)
    assert (grade["auto_score"], grade["manual_score"], grade["score"]) == (2.0, None, 2.0)


def test_extra_credit_comes_back_with_its_answer(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="One.")))
    with desk.book() as book:
        grade = book.find_grade(MANUAL, UNIT, UNIT, "acacia")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.0, 0.5, False
        book.db.commit()
    desk.record(desk.submit(desk.files(words="Another.")))
    desk.record(desk.submit(desk.files(words="One.")))

    assert desk.grade(MANUAL)["score"] == 1.5


def test_fellows_do_not_touch_one_another(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(SUM)))
    desk.record(desk.submit(desk.files(RIGHT), "basil"))

    assert (desk.grade(CHECK)["score"], desk.grade(CHECK, "basil")["score"]) == (0.0, 2.0)


@pytest.mark.parametrize("fails_at", ["first-folder", "second-folder"])
def test_a_crash_in_between_is_seen_and_repaired_by_another_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    desk.record(desk.submit(desk.files(SUM)))
    receipt, put = desk.submit(desk.files(RIGHT)), record_module.put_in_place

    def crash(new: Path, path: Path) -> None:
        if path.parts[-3] == ("submitted" if fails_at == "first-folder" else "autograded"):
            raise KeyboardInterrupt
        put(new, path)

    with monkeypatch.context() as patched:
        patched.setattr(record_module, "put_in_place", crash)
        with pytest.raises(KeyboardInterrupt):
            desk.record(receipt)
    halfway = desk.grade(CHECK)["score"], formgrader_says(desk)["autograded"]
    desk.record(receipt)

    assert halfway == (0.0, fails_at == "first-folder")  # what stood there, or «needs autograding»: never a mixture
    assert (desk.grade(CHECK)["score"], formgrader_says(desk)["autograded"]) == (2.0, True)
    assert not list((desk.course_dir / ".passerelle" / "scratch").iterdir())


def test_a_moment_in_another_zone_is_the_same_moment(desk: Desk) -> None:
    from zoneinfo import ZoneInfo

    desk.clock = desk.clock.astimezone(ZoneInfo("Europe/Paris"))
    desk.record(desk.submit(desk.files()))

    assert formgrader_says(desk)["autograded"] is True


@pytest.mark.parametrize("gradebooks", [SQLITE])
def test_no_gradebook_is_a_fault_of_ours(desk: Desk) -> None:
    receipt = desk.submit(desk.files())
    (desk.course_dir / "gradebook.db").unlink()

    with pytest.raises(GradebookUnusableError, match="release a unit first"):
        desk.record(receipt)


def test_another_version_in_the_gradebook_never_costs_points(desk: Desk) -> None:
    with gradebook(desk.course_dir, write=True) as rows:
        from nbgrader.api import GradeCell

        rows.scalars(select(GradeCell).where(GradeCell.name == CHECK)).one().name = "check-median"

    with pytest.raises(UnitNotReleasedError, match="check-mean, check-median"):
        desk.record(desk.submit(desk.files()))


@pytest.mark.parametrize("gradebooks", [SQLITE])
def test_a_gradebook_that_somebody_holds_is_waited_for_and_then_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    monkeypatch.setattr("passerelle.grading.book.BUSY_TIMEOUT_S", 0.1)
    holder = sqlite3.connect(desk.course_dir / "gradebook.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(GradebookUnusableError, match="locked"):
            desk.record(desk.submit(desk.files()))
    finally:
        holder.close()


def test_nbgrader_makes_its_own_feedback_of_what_was_recorded(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    desk.mark_by_hand(0.5, comment="Name one.")
    config = Config()
    config.CourseDirectory.root = str(desk.course_dir)
    config.CourseDirectory.course_id = TRACK
    config.CourseDirectory.db_url = gradebook_url(desk.course_dir)
    config.Exchange.root = str(desk.settings.root / "exchange")

    made = NbGraderAPI(CourseDirectory(config=config), config=config).generate_feedback(UNIT, "acacia")

    assert made["success"], made
    page = (desk.course_dir / "feedback" / "acacia" / UNIT / f"{UNIT}.html").read_text()
    assert "(Score: 2.5 / 3.0)" in page
    assert "Name one." in page


def test_what_a_fellow_names_stays_in_her_folder_and_keeps_nothing_from_being_recorded(
    desk: Desk, tmp_path: Path
) -> None:
    from tests.unit.grading.desk import marking_by_text

    odd = {
        "../../../outside.txt": b"x",
        "a": b"file",
        "a/b": b"and folder",
        "timestamp.txt": b"1999-01-01 00:00:00 UTC",
    }
    files = {**desk.files(), **odd}
    marked = marking_by_text(desk.course_dir, UNIT, files, learner=tmp_path)
    record_module.record(
        desk.course_dir, "acacia", desk.clock + timedelta(1), 1, files, marked, ledger_engine=desk.engine
    )

    assert not list(tmp_path.rglob("outside.txt"))
    assert formgrader_says(desk)["autograded"] is True


@pytest.mark.parametrize("gradebooks", [SQLITE])
def test_a_released_folder_stays_usable_after_a_copy(desk: Desk, tmp_path: Path) -> None:
    desk.record(desk.submit(desk.files()))
    shutil.copytree(desk.course_dir, tmp_path / "copy")

    with gradebook(tmp_path / "copy") as rows:
        from nbgrader.api import Grade

        assert len(rows.scalars(select(Grade)).all()) == 2
    assert ANSWER not in {CHECK, MANUAL}
