"""Which attempt counts."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Attempt(Protocol):
    """What the rule needs to know of an attempt: points are None until it is marked."""

    @property
    def points(self) -> float | None:
        """Points so far, None until marked."""

    @property
    def number(self) -> int:
        """1 for the first one at the unit."""


AnyAttempt = TypeVar("AnyAttempt", bound=Attempt)


def counted_attempt(attempts: Sequence[AnyAttempt]) -> AnyAttempt | None:
    """Return the attempt that counts: the one with the most points so far.

    Points are automatic ones plus the manual marks already given. Retries are never punished, so a worse
    later attempt changes nothing.

    Returns:
        None where nothing has been marked yet.
    """
    marked = [attempt for attempt in attempts if attempt.points is not None]
    # Earliest of equals: her certificate carries the day she first mastered it. By number: a clock may go back.
    return min(marked, key=lambda attempt: (-(attempt.points or 0.0), attempt.number), default=None)
