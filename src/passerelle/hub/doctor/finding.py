"""What a look at an installation brings: a line each, with its cure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it stands: in order; to be looked at when there is time; in the way of somebody."""

    OK = "ok"
    LOOK = "look"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what is there and, where it is not in order, what to do. Handles, never names."""

    check: str
    level: Level
    said: str
    cure: str = ""


def ok(check: str, said: str) -> Finding:
    """Return a finding that is in order."""
    return Finding(check, Level.OK, said)


def look(check: str, said: str, cure: str) -> Finding:
    """Return a finding to be looked at."""
    return Finding(check, Level.LOOK, said, cure)


def broken(check: str, said: str, cure: str) -> Finding:
    """Return a finding that is in somebody's way."""
    return Finding(check, Level.BROKEN, said, cure)


def some(items: list[str], shown: int = 5) -> str:
    """Return the first of many, and how many more there are."""
    more = len(items) - shown
    return ", ".join(items[:shown]) + (f" and {more} more" if more > 0 else "")
