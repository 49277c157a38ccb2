from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.courses import NotBuiltError
from passerelle.grading.assignment import mark_assignment
from passerelle.grading.marking import Marked
from passerelle.grading.report import MarkRecord
from passerelle.grading.worker import Marking
from passerelle.model.errors import ServiceError
from tests.unit.grading.desk import BY_TEXT, CHECK, HALF, RIGHT, SUM, UNIT, Desk, key_by_text, marking_by_text


def collect(desk: Desk, handle: str, files: Mapping[str, bytes], stamp: str | None) -> Path:
    """Lay a submission where `nbgrader collect` lays it."""
    folder = desk.course_dir / "submitted" / handle / UNIT
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if stamp is not None:
        (folder / "timestamp.txt").write_text(stamp)
    return folder


def automatic(record: MarkRecord) -> float:
    return sum(check.points or 0.0 for check in record.checks if check.key == CHECK)


def test_what_lies_there_is_marked_and_recorded(desk: Desk) -> None:
    collect(desk, "Anna.B", desk.files(RIGHT), "2024-11-26 10:00:00.5 UTC")
    collect(desk, "bea", desk.files(HALF), None)

    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    assert [(one.fellow, automatic(one)) for one in marked] == [("Anna.B", 2.0), ("bea", 1.0)]
    assert [desk.grade(CHECK, handle)["score"] for handle in ("Anna.B", "bea")] == [2.0, 1.0]
    with desk.book() as book:
        assert book.find_submission(UNIT, "Anna.B").timestamp == datetime(2024, 11, 26, 10, 0, 0, 500_000)


def test_only_those_that_were_named(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT), None)
    collect(desk, "bea", desk.files(HALF), None)

    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, handles=["bea"], marking=BY_TEXT)

    assert [one.fellow for one in marked] == ["bea"]


def test_a_second_run_marks_only_what_is_new_unless_forced(desk: Desk) -> None:
    seen: list[str] = []

    def noting(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path) -> Marked:
        seen.append(unit)
        return marking_by_text(course_dir, unit, files, learner=learner)

    marking = Marking(noting, key_by_text)
    collect(desk, "anna", desk.files(RIGHT), None)
    for force in (False, False, True):
        mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, force=force, marking=marking)

    assert len(seen) == 2


def test_a_collected_retry_is_another_attempt_and_the_best_counts(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT, words="..."), "2024-11-26 10:00:00 UTC")
    mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)
    collect(desk, "anna", desk.files(SUM, words="..."), "2024-11-26 11:00:00 UTC")
    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    assert [one.points for one in marked] == [0.0]
    assert desk.grade(CHECK, "anna")["score"] == 2.0


def test_links_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not hers")
    folder = collect(desk, "anna", desk.files(RIGHT), None)
    (folder / "secret.txt").symlink_to(tmp_path / "secret.txt")
    mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    for step in ("submitted", "autograded"):
        assert not (desk.course_dir / step / "anna" / UNIT / "secret.txt").exists()


def test_a_fault_of_ours_with_one_leaves_the_others(desk: Desk) -> None:
    def failing(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path) -> Marked:
        if b"half" in files[f"{unit}.ipynb"]:
            raise ServiceError("the box is on fire")
        return marking_by_text(course_dir, unit, files, learner=learner)

    collect(desk, "anna", desk.files(HALF), None)
    collect(desk, "bea", desk.files(RIGHT), None)
    marked = mark_assignment(
        desk.course_dir, UNIT, learner=desk.settings.learner, marking=Marking(failing, key_by_text)
    )

    assert [one.state for one in marked] == ["ours", "marked"]
    assert "the box is on fire" in (marked[0].reason or "")


def test_nothing_marked_at_all_is_said(desk: Desk) -> None:
    (desk.course_dir / "gradebook.db").unlink()
    collect(desk, "anna", desk.files(RIGHT), None)

    with pytest.raises(ServiceError, match="release a unit first"):
        mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)


def test_nothing_there_is_no_fault(desk: Desk) -> None:
    assert mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT) == []


def test_a_directory_that_is_not_built_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError):
        mark_assignment(tmp_path, UNIT, learner=tmp_path)


def test_an_unreadable_stamp_is_the_file_s_time(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT), "yesterday-ish")
    before = datetime.now(UTC).replace(tzinfo=None)
    mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    with desk.book() as book:
        assert abs((book.find_submission(UNIT, "anna").timestamp - before).total_seconds()) < 60
