"""Take one fellow out of a course directory: nbgrader's rows, her folders, what a trainer's server keeps of her."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Comment, Grade, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import ColumnElement, delete, func, select

from passerelle.grading.gradebook import gradebook, gradebook_path, has_gradebook
from passerelle.grading.leftover import blot_out, files_below, is_sqlite, remove_tree, says
from passerelle.grading.trees import SCRATCH, clear_scratch

STEPS = ("source", "release")
"""Folders of a course directory that hold the course alone."""


def _hers(handle: str) -> tuple[tuple[Any, ColumnElement[bool]], ...]:
    """Return each table of a gradebook with what holds for somebody's rows; who is pointed at comes last."""
    submissions = select(SubmittedAssignment.id).where(SubmittedAssignment.student_id == handle)
    notebooks = select(SubmittedNotebook.id).where(SubmittedNotebook.assignment_id.in_(submissions))
    return (
        (Grade, Grade.notebook_id.in_(notebooks)),
        (Comment, Comment.notebook_id.in_(notebooks)),
        (SubmittedNotebook, SubmittedNotebook.assignment_id.in_(submissions)),
        (SubmittedAssignment, SubmittedAssignment.student_id == handle),
        (Student, Student.id == handle),
    )


def rows_of(course_dir: Path, handle: str) -> int:
    """Return how many rows of a course's gradebook are about somebody."""
    if not has_gradebook(course_dir):
        return 0
    with gradebook(course_dir) as session:
        counted = (select(func.count()).select_from(table).where(where) for table, where in _hers(handle))
        return sum(session.scalar(query) or 0 for query in counted)


def forget_rows(course_dir: Path, handle: str) -> None:
    """Delete somebody's rows of a course's gradebook, comments too: `remove_student` leaves those.

    Raises:
        GradebookUnusableError: another program holds it for too long.
    """
    if rows_of(course_dir, handle):
        with gradebook(course_dir, write=True) as session:
            for table, where in _hers(handle):
                session.execute(delete(table).where(where).execution_options(synchronize_session=False))


def folders_of(course_dir: Path, handle: str) -> list[Path]:
    """Return somebody's folders: submitted/, autograded/, feedback/ and whatever else is kept by student."""
    return [path for path in sorted(course_dir.glob(f"*/{handle}")) if path.parent.name not in STEPS]


def students_in(course_dir: Path) -> set[str]:
    """Return all names under which a course directory keeps something of somebody."""
    found = {path.name for path in course_dir.glob("*/*") if path.is_dir() and path.parent.name not in STEPS}
    if has_gradebook(course_dir):
        with gradebook(course_dir) as session:
            found |= set(session.scalars(select(Student.id)))
    return found


def forget_folders(course_dir: Path, handle: str) -> None:
    """Remove them, and what a trainer's server has kept of her by the way: open tabs, histories, logs.

    Marking must not be in the middle of anything: what it works in is cleared.
    """
    clear_scratch(course_dir)
    for folder in folders_of(course_dir, handle):
        remove_tree(folder)
    for path in list(traces(course_dir, handle)):
        if is_sqlite(path):
            for end in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + end).unlink(missing_ok=True)  # a cache of Jupyter's, which makes it again
        else:
            blot_out(path, [handle])


def not_reached(course_dir: Path, handle: str) -> Iterator[Path]:
    """Yield files that people put into a course directory themselves, where a handle stands in them: lists, copies.

    They are theirs to change. Folders that are kept by student are left out: there everything of hers goes, and what
    is another's is another's.
    """
    kept_by_student = {"submitted", "autograded", "feedback"}
    path = gradebook_path(course_dir)
    known = path.name if path else "gradebook.db"
    handles = [handle]
    for top in sorted(course_dir.iterdir()):
        if top.is_symlink() or top.name.startswith((".", f"{known}-")) or top.name in (known, *kept_by_student):
            continue
        files = files_below(top) if top.is_dir() else (top,) if top.is_file() and top.suffix != ".log" else ()
        yield from (path for path in files if handle not in path.relative_to(top).parts and says(path, handles))


def traces(course_dir: Path, handle: str) -> Iterator[Path]:
    """Yield what a server started in a course directory has written for itself, where a handle stands in it."""
    for top in sorted(course_dir.iterdir()):
        if top.name == SCRATCH.parts[0] or top.is_symlink():
            continue
        if top.is_dir() and top.name.startswith("."):
            yield from (path for path in files_below(top) if says(path, [handle]))
        elif top.is_file() and (top.suffix == ".log" or top.name.startswith(".")) and says(top, [handle]):
            yield top
