"""Marking: rebuild, learner box, examiner, verdict, and the record in nbgrader's gradebook."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passerelle.grading.marking import Marked, mark, verdict_key

__all__ = ["Marked", "mark", "verdict_key"]


def __getattr__(name: str) -> Any:
    # Late: the examiner, a process a submission, lives in this package and must start fast.
    if name in __all__:
        from passerelle.grading import marking  # noqa: PLC0415  see above

        return getattr(marking, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
