import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from passerelle import ledger
from passerelle.courses import NotBuiltError
from passerelle.grading.alone import BusyError
from passerelle.grading.assignment import LEDGER, NoSubmissionError, mark_assignment
from passerelle.grading.marking import Marked
from passerelle.grading.rehearsal import rehearse
from passerelle.grading.report import MarkRecord
from passerelle.grading.worker import Marking
from passerelle.ledger.tables import VerdictRow
from passerelle.model.errors import ServiceError
from passerelle.model.verdict import CheckState
from tests.unit.grading.desk import BY_TEXT, CHECK, HALF, MANUAL, RIGHT, SUM, UNIT, Desk, key_by_text, marking_by_text


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

    def noting(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
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
    def failing(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
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


# Several at once, a killed run, a dry run


def ending(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
    """End the whole process at one answer, as a machine without memory does."""
    if b"half" in files[f"{unit}.ipynb"]:
        os._exit(9)
    return marking_by_text(course_dir, unit, files, learner=learner)


def test_several_processes_mark_and_one_records(desk: Desk) -> None:
    for number in range(5):
        collect(desk, f"fellow{number}", desk.files(RIGHT if number % 2 else HALF, words=f"{number}"), None)

    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, workers=2, marking=BY_TEXT)

    assert [automatic(one) for one in marked] == [1.0, 2.0, 1.0, 2.0, 1.0]
    assert [desk.grade(CHECK, f"fellow{number}")["score"] for number in range(5)] == [1.0, 2.0, 1.0, 2.0, 1.0]


def test_a_submission_that_ends_its_process_is_ours_and_stops_nobody(desk: Desk) -> None:
    for number in range(4):
        collect(desk, f"fellow{number}", desk.files(HALF if number == 1 else RIGHT, words=f"{number}"), None)

    marked = mark_assignment(
        desk.course_dir, UNIT, learner=desk.settings.learner, workers=2, marking=Marking(ending, key_by_text)
    )

    assert [one.state for one in marked] == ["marked", "ours", "marked", "marked"]
    assert "ended" in (marked[1].reason or "")


def test_a_killed_run_resumes_where_it_was(desk: Desk) -> None:
    seen: list[str] = []

    def killed(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(key_by_text(course_dir, unit, files, learner=learner))
        return marking_by_text(course_dir, unit, files, learner=learner)

    for number in range(4):
        collect(desk, f"fellow{number}", desk.files(RIGHT, words=f"{number}"), None)
    with pytest.raises(KeyboardInterrupt):
        mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=Marking(killed, key_by_text))
    again: list[str] = []

    def counted(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        again.append(unit)
        return marking_by_text(course_dir, unit, files, learner=learner)

    marked = mark_assignment(
        desk.course_dir, UNIT, learner=desk.settings.learner, marking=Marking(counted, key_by_text)
    )

    assert [one.state for one in marked] == ["marked"] * 4
    assert len(again) == 2, "what was marked is not marked again"


def test_a_second_run_at_once_is_refused(desk: Desk) -> None:
    def another(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        with pytest.raises(BusyError, match="wait for its end"):
            mark_assignment(desk.course_dir, UNIT, learner=learner, marking=BY_TEXT)
        return marking_by_text(course_dir, unit, files, learner=learner)

    collect(desk, "anna", desk.files(RIGHT), None)
    marked = mark_assignment(
        desk.course_dir, UNIT, learner=desk.settings.learner, marking=Marking(another, key_by_text)
    )

    assert [one.state for one in marked] == ["marked"]


def test_somebody_who_has_submitted_nothing_is_said(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT), None)

    with pytest.raises(NoSubmissionError, match="anne"):
        mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, handles=["anne"], marking=BY_TEXT)


@dataclass
class Noting:
    """Marks by text, a check worth less once it is `corrected`, and notes what it marked."""

    marked: list[str] = field(default_factory=list)
    corrected: bool = False

    @property
    def marking(self) -> Marking:
        return Marking(self.mark, self.key)

    def mark(
        self, course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = ""
    ) -> Marked:
        made = marking_by_text(course_dir, unit, files, learner=learner)
        points = {check.key: check.points for check in made.verdict.checks}[CHECK]
        if self.corrected and points == 1.0:
            first = made.verdict.checks[0].model_copy(update={"points": 2.0, "state": CheckState.PASSED})
            made = Marked(made.verdict.model_copy(update={"checks": (first, *made.verdict.checks[1:])}), made.notebooks)
        self.marked.append(made.verdict.key)
        key = self.key(course_dir, unit, files, learner=learner)
        return Marked(made.verdict.model_copy(update={"key": key}), made.notebooks)

    def key(self, course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> str:
        # The correction is about halves: only their key changes.
        changed = self.corrected and b"half" in files[f"{unit}.ipynb"]
        return key_by_text(course_dir, unit, files, learner=learner)[:60] + ("-new" if changed else "")


def noting(*, corrected: bool = False) -> Noting:
    return Noting(corrected=corrected)


def everything(root: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file below a folder: its bytes and when it was written."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_corrected_check_marks_again_whose_key_changed_and_only_them(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT, words="..."), None)
    collect(desk, "bea", desk.files(HALF, words="Hers."), None)
    mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=noting().marking)
    desk.mark_by_hand(0.5, handle="bea")
    corrected = noting(corrected=True)
    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=corrected.marking)

    assert len(corrected.marked) == 1
    assert [one.points for one in marked] == [2.0, 2.5], "the manual mark is still hers"
    assert desk.grade(CHECK, "bea")["score"] == 2.0
    assert desk.grade(MANUAL, "bea")["score"] == 0.5
    with ledger.reading(ledger.engine(f"sqlite:///{desk.course_dir / LEDGER}")) as session:
        assert session.scalar(select(func.count()).select_from(VerdictRow)) == 3, "every verdict is kept"


def test_a_dry_run_says_who_gains_and_writes_nothing(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT, words="..."), None)
    collect(desk, "bea", desk.files(HALF, words="..."), None)
    mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=noting().marking)
    collect(desk, "cleo", desk.files(SUM, words="..."), None)
    before = everything(desk.course_dir)
    corrected = noting(corrected=True)
    changes = rehearse(desk.course_dir, UNIT, learner=desk.settings.learner, marking=corrected.marking)

    assert [(one.fellow, one.state, one.points_before, one.points) for one in changes] == [
        ("anna", "same", 2.0, 2.0),
        ("bea", "changed", 1.0, 2.0),
        ("cleo", "new", None, 0.0),
    ]
    assert changes[1].changes == {CHECK: (1.0, 2.0)}
    assert everything(desk.course_dir) == before


def test_a_dry_run_of_a_directory_that_was_never_marked_leaves_it_so(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT, words="..."), None)
    before = everything(desk.course_dir)
    (change,) = rehearse(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    assert (change.state, change.points) == ("new", 2.0)
    assert everything(desk.course_dir) == before


def test_a_check_with_two_answers_is_flaky_and_the_better_one_stands(desk: Desk) -> None:
    collect(desk, "anna", desk.files(HALF, words="..."), None)
    mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    def luckier(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
        made = noting(corrected=True).mark(course_dir, unit, files, learner=learner)
        key = key_by_text(course_dir, unit, files, learner=learner)
        return Marked(made.verdict.model_copy(update={"key": key}), made.notebooks)

    for mark in (luckier, marking_by_text):
        (record,) = mark_assignment(
            desk.course_dir, UNIT, learner=desk.settings.learner, force=True, marking=Marking(mark, key_by_text)
        )

        assert record.flaky == (CHECK,)
        assert record.points == 2.0
        assert desk.grade(CHECK, "anna")["score"] == 2.0
