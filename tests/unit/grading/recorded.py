"""What recording leaves behind, in a form that can be compared: rows through nbgrader's own API, folders byte by byte.

`python -m tests.unit.grading.recorded` prints what a story of submissions and marks leaves; `golden/recorded.json`
is what it left before recording was made fast.
"""

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook

from tests.unit.grading.desk import CHECK, HALF, MANUAL, RIGHT, SUM, UNIT, Desk, files_of, make_course, notebook
from tests.unit.grading.hostile import make_hostile

GOLDEN = Path(__file__).parent / "golden" / "recorded.json"


def tell(desk: Desk) -> list[dict[str, Any]]:
    """Let things happen to a course; return what its gradebook and folders hold after each."""
    told: list[dict[str, Any]] = []

    def seen(what: str) -> None:
        told.append({"after": what, **left_behind(desk)})

    desk.record(desk.submit(desk.files(SUM, notes=b"mine")))
    seen("a first attempt")
    desk.mark_by_hand(0.5, comment="Name one.")
    desk.record(desk.submit(desk.files(RIGHT, words="An outlier pulls it.")))
    seen("another with the answer that was marked")
    desk.mark_by_hand(1.0, CHECK)
    desk.record(desk.submit(desk.files(HALF, words="...")))
    seen("a blank answer, and another one where a mark went over the machine's")
    desk.mark_by_hand(None, comment="Nothing here?")
    desk.record(desk.submit(desk.files(HALF, words="Another.")))
    seen("a new answer after a comment alone")
    with desk.book() as book:
        grade = book.find_grade(MANUAL, UNIT, UNIT, "acacia")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.0, 0.5, False
        book.db.commit()
    desk.record(desk.submit(desk.files(RIGHT, words="One more.")))
    desk.record(desk.submit(desk.files(RIGHT, words="Another.")))
    seen("extra credit that came back with its answer")
    hostile = make_hostile(notebook(desk.course_dir), MANUAL, "answer-mean")
    desk.record(
        desk.submit(files_of(hostile, **{"unit.json": b"hers", "timestamp.txt": b"hers", "a.txt": b"a"}), "basil")
    )
    seen("somebody else, whose files have our names")
    receipt = desk.submit(desk.files(HALF, words="Mine."), "basil")
    desk.record(receipt)
    desk.mark_by_hand(0.25, CHECK, "basil")
    desk.mark_by_hand(0.75, MANUAL, "basil", comment="See the lesson.")
    desk.record(receipt)
    desk.record(receipt)
    seen("a mark over both kinds of check, and the same recorded again")
    return told


def left_behind(desk: Desk) -> dict[str, Any]:
    """Return what the gradebook and the folders of a course hold; ids of rows are left out."""
    with desk.book() as book:
        rows = [
            submission_rows(book, one)
            for one in sorted(book.assignment_submissions(UNIT), key=lambda one: one.student.id)
        ]
        students = sorted(student.id for student in book.students)
    return {"students": students, "rows": rows, "folders": folders_of(desk)}


def submission_rows(book: Gradebook, submission: Any) -> dict[str, Any]:
    """Return what nbgrader says of a submission and of all its cells."""
    told = {name: value for name, value in submission.to_dict().items() if name != "id"}
    told["late"] = submission.late_submission_penalty
    told["notebooks"] = []
    for held in submission.notebooks:
        grades = sorted(held.grades, key=lambda one: str(one.name))
        comments = sorted(held.comments, key=lambda one: str(one.name))
        told["notebooks"].append(
            {
                **{name: value for name, value in held.to_dict().items() if name != "id"},
                "late": held.late_submission_penalty,
                "grades": [
                    {**_without_id(one), "extra_credit": one.extra_credit, "score": one.score} for one in grades
                ],
                "comments": [_without_id(one) for one in comments],
            }
        )
    return told


def _without_id(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.to_dict().items() if name != "id"}


def folders_of(desk: Desk) -> dict[str, str]:
    """Return mode and hash of each file that nbgrader's folders of submissions hold."""
    found = {}
    for step in ("submitted", "autograded"):
        for path in sorted((desk.course_dir / step).rglob("*")):
            if path.is_file():
                content = hashlib.sha256(_without_version(path.read_bytes())).hexdigest()[:16]
                found[path.relative_to(desk.course_dir).as_posix()] = f"{path.stat().st_mode & 0o777:o} {content}"
    return found


def _without_version(content: bytes) -> bytes:
    """Leave out what names the state of the example course, and ids of cells that nbformat drew."""
    return re.sub(rb'"(version|id)": "[0-9a-f-]+"', rb'"\1": ""', content)


def main() -> None:
    """Print what the story leaves."""
    with tempfile.TemporaryDirectory() as place:
        desk = Desk.open(Path(place) / "data", make_course(Path(place)))
        print(json.dumps(tell(desk), indent=1, sort_keys=True))
        desk.engine.dispose()


if __name__ == "__main__":
    main()
