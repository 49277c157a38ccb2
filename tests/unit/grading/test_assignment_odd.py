"""Folders as somebody may leave them among the submissions of a course: one of them stops nobody, and nothing else is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from passerelle.grading.assignment import mark_assignment
from tests.unit.grading.desk import BY_TEXT, RIGHT, UNIT, Desk
from tests.unit.grading.test_assignment import automatic, collect

OUTSIDE = "not hers to write"


def _stamp_is_a_link(folder: Path) -> None:
    (folder / "timestamp.txt").symlink_to(folder.parent.parent / "outside.txt")


def _stamp_is_a_folder(folder: Path) -> None:
    (folder / "timestamp.txt").mkdir()


def _stamp_is_from_the_first_year(folder: Path) -> None:
    (folder / "timestamp.txt").write_text("0001-01-01 00:00:00 UTC")


def _stamp_is_from_the_last_year(folder: Path) -> None:
    (folder / "timestamp.txt").write_text("9999-12-31 23:59:59.999999 -1200")


def _a_notebook_is_a_broken_link(folder: Path) -> None:
    (folder / "more.ipynb").symlink_to("nowhere.ipynb")


def _a_file_is_from_no_year(folder: Path) -> None:
    os.utime(folder / f"{UNIT}.ipynb", (10**15, 10**15))


def _a_file_is_unreadable(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / "notes.txt").chmod(0)


def _a_folder_is_unreadable(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes").chmod(0)


def _a_name_is_no_text(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.txt")).write_text("x")


@pytest.mark.parametrize(
    "spoil",
    [
        _stamp_is_a_link,
        _stamp_is_a_folder,
        _stamp_is_from_the_first_year,
        _stamp_is_from_the_last_year,
        _a_notebook_is_a_broken_link,
        _a_file_is_from_no_year,
        _a_file_is_unreadable,
        _a_folder_is_unreadable,
        _a_name_is_no_text,
    ],
)
def test_an_odd_folder_is_marked_like_any_other(desk: Desk, spoil: Callable[[Path], None]) -> None:
    outside = desk.course_dir / "submitted" / "outside.txt"
    collect(desk, "anna", desk.files(RIGHT), None)
    outside.write_text(OUTSIDE)
    spoil(collect(desk, "bea", desk.files(RIGHT), None))
    collect(desk, "carl", desk.files(RIGHT), None)

    for _time in range(2):
        marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

        assert [(one.fellow, automatic(one)) for one in marked] == [("anna", 2.0), ("bea", 2.0), ("carl", 2.0)]
    assert outside.read_text() == OUTSIDE


def test_a_folder_whose_name_is_no_text_is_passed_over(desk: Desk) -> None:
    collect(desk, "anna", desk.files(RIGHT), None)
    collect(desk, os.fsdecode(b"be\xe9"), desk.files(RIGHT), None)

    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)

    assert [one.fellow for one in marked] == ["anna"]
