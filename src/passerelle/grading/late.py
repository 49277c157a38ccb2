"""Late penalties, by nbgrader's own rule or the course's own plugin, in a course from elsewhere."""

from collections.abc import Collection
from typing import Any, Self

from nbgrader.api import SubmittedAssignment, SubmittedNotebook
from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.grading.layout import Layout
from passerelle.model.errors import ContentError


class LatePenaltyError(ContentError):
    """The course's late penalty plugin stopped."""

    @classmethod
    def stopped(cls, layout: Layout, handle: str, error: Exception) -> Self:
        """Build the error from what the plugin raised."""
        what = f"{type(error).__name__}: {error}"
        return cls(f"{layout.root}: the late penalty plugin stops for {handle} with {what}; mend it")


def assign_late_penalties(rows: Session, layout: Layout, key: str, notebooks: Collection[str]) -> None:
    """Write the penalties of a submission's notebooks (those that were sent) as `nbgrader autograde` does.

    `key` is the id of the submission's row.

    Raises:
        LatePenaltyError: the plugin, the course owner's code, stops.
    """
    if layout.is_ours:
        return
    submission: Any = rows.get_one(SubmittedAssignment, key)
    late_s = submission.total_seconds_late
    if late_s <= 0:
        return
    # Only for who is late: it takes nbconvert with it.
    from nbgrader.preprocessors import AssignLatePenalties  # noqa: PLC0415  see above

    try:
        rule = AssignLatePenalties(config=layout.config)
        rule.init_plugin()
        for held in rows.scalars(select(SubmittedNotebook).where(SubmittedNotebook.assignment_id == submission.id)):
            if held.name not in notebooks:
                continue
            rows.refresh(held)
            penalty = rule.plugin_inst.late_submission_penalty(submission.student_id, held.score, late_s)
            held.late_submission_penalty = None if penalty is None else rule._check_late_penalty(held, penalty)
    except Exception as error:  # whatever the owner's code raises: it waits for us, and others are marked
        raise LatePenaltyError.stopped(layout, submission.student_id, error) from error
    rows.flush()
