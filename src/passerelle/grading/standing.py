"""Which attempt stands in nbgrader's gradebook, which holds only one of a fellow at a unit."""

from collections.abc import Sequence

from passerelle.ledger.receipts import AttemptRow
from passerelle.model.attempts import counted_attempt


def standing_attempt(attempts: Sequence[AttemptRow]) -> AttemptRow | None:
    """Return the attempt that the gradebook should hold: the counted one, as a rule.

    A newer attempt with a manual answer that nobody has marked yet goes before it, so that a trainer sees
    it; once it is marked the sums decide.

    Args:
        attempts: one fellow's attempts at one unit.

    Returns:
        None where nothing has been marked yet.
    """
    counted = counted_attempt(attempts)
    if counted is None:
        return None
    unread = [
        attempt
        for attempt in attempts
        if attempt.verdict is not None and attempt.waits_for_person and attempt.number > counted.number
    ]
    return max(unread, key=lambda attempt: attempt.number, default=counted)
