"""One of several processes that write a gradebook: `python book_writer.py marker|formgrader <course> <number> <times>`.

The marker takes our transactions, formgrader nbgrader's own API. Prints how long each write took, in seconds.
"""

import json
import sys
import time
from pathlib import Path

from nbgrader.api import Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import select

from passerelle.grading.book import gradebook
from passerelle.grading.layout import allow_elsewhere, gradebook_url
from passerelle.hub.formgrader_lists import change_lists

MACHINE = "n00-c0"


def main(kind: str, course_dir: Path, number: int, times: int) -> list[float]:
    """Write again and again: the marker what a machine gives, formgrader a mark by hand."""
    allow_elsewhere(course_dir)
    with gradebook(course_dir, write=True):
        pass  # ready, as a marking process is
    fellows = [f"fellow-{one:05}" for one in range(times)]
    took: list[float] = []
    change_lists()  # as our formgrader has it
    book = Gradebook(gradebook_url(course_dir))
    print("ready", flush=True)
    sys.stdin.readline()
    for fellow in fellows:
        began = time.monotonic()
        if kind == "marker":
            with gradebook(course_dir, write=True) as rows:
                mine = (
                    select(Grade)
                    .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
                    .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
                    .where(SubmittedAssignment.student_id == fellow, Grade.cell_id == MACHINE)
                )
                for grade in rows.scalars(mine):
                    grade.auto_score = (grade.auto_score or 0.0) + 10.0**number
        else:
            grade = book.find_grade("cell-3", "work", "unit-00", fellow)
            grade.manual_score = 0.5
            book.db.commit()
        took.append(time.monotonic() - began)
    book.close()
    return took


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
