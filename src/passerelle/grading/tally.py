"""Counts what a run of marking has come to, for who watches it: facts about submissions, nobody's score."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from passerelle.model.verdict import CheckState, Verdict


@dataclass
class Tally:
    """How far a run is.

    `full`, `partly` and `none` are verdicts by their automatic points; `by_hand` are those with an answer that a person
    still marks, `kept` those that had their verdict from before: both are among the others. `ours` wait for us, by
    receipt: one that is tried again is counted once.
    """

    total: int = 0
    full: int = 0
    partly: int = 0
    none: int = 0
    by_hand: int = 0
    kept: int = 0
    ended: int = 0
    ours: set[str] = field(default_factory=set)

    @property
    def done(self) -> int:
        """Return how many have come to an end, if only to wait for us."""
        return self.ended + len(self.ours)

    def end(self, receipt: str, verdict: Verdict | None, *, kept: bool = False) -> Self:
        """Count one; without a verdict it waits for us."""
        if verdict is None:
            self.ours.add(receipt)
            return self
        self.ours.discard(receipt)
        self.ended += 1
        counted = [check for check in verdict.checks if check.state is not CheckState.BY_HAND]
        points, most = sum(check.points for check in counted), sum(check.max_points for check in counted)
        if most > 0:
            self.full += points >= most
            self.partly += 0 < points < most
            self.none += points <= 0
        self.by_hand += any(answer is not None for answer in verdict.manual_answers.values())
        self.kept += kept
        return self


Progress = Callable[[Tally], None]
"""Is told after each submission."""
