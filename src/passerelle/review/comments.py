"""What a trainer wrote in formgrader beside answers that a machine marks: it is in nbgrader's gradebook alone."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from passerelle.courses import NotBuiltError, unit_source
from passerelle.grading.gradebook import GradebookUnusableError, comments_on_answers, has_gradebook

log = logging.getLogger(__name__)


def comments_by_task(
    course_dir: Path, handle: str, unit: str, received: datetime | None = None
) -> Mapping[str, tuple[str, ...]]:
    """Return a trainer's comments by the task of their answers; "" is what belongs to none.

    The gradebook holds one attempt of a unit: with `received`, only what stands beside that attempt. A page is worth
    more than its comments: where the gradebook cannot be read now, there are none.
    """
    if not has_gradebook(course_dir):
        return {}
    try:
        comments = comments_on_answers(course_dir, handle, unit, received)
        tasks = _tasks(course_dir, unit) if comments else {}
    except (GradebookUnusableError, NotBuiltError) as error:
        log.warning("a page is shown without the comments of %s: %s", unit, error)
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for cell, text in comments.items():
        task = tasks.get(cell, "")
        found[task] = (*found.get(task, ()), text)
    return found


def _tasks(course_dir: Path, unit: str) -> dict[str, str]:
    """Return the task of each cell that has one, by its key, in the notebook's order."""
    cells = (cell.metadata.get("passerelle", {}) for cell in unit_source(course_dir, unit).cells)
    return {ours["key"]: ours["task"] for ours in cells if ours.get("task")}
