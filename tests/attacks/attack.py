"""What an attack is: one submission to the tiny unit of tests/attacks/tiny.py, and what must come of it.

Of every attack, in both kinds of unit, holds: no task has more points than `deserves` says, unless the verdict says
«tampering» (plain asserts alone); no secret is said anywhere; REACHED is printed nowhere; it ends in time; no process,
descriptor or file stays behind; the course directory and the next submission are as ever. `keeps` says what has been
earned honestly in it and must not be lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

Edit = Callable[[dict[str, Any]], Any]
"""Changes a notebook's JSON in place, or returns what is sent instead: bytes, or another value for JSON."""

REACHED = "REACHED"
SAY = "print('REA' 'CHED', "
"""How an attack prints that it got somewhere; a traceback that shows this line is no such thing."""


@dataclass(frozen=True)
class Attack:
    """One submission.

    Args:
        name: of the attack.
        tries: what it tries, for the table.
        answers: by task; a task without an answer stays as it was released.
        deserves: points by task that the answers honestly earn.
        keeps: tasks whose points must be there, whatever else is in the submission.
        edit: changes the notebook as JSON.
        files: what is sent beside it.
        shown: whether it is about pages on which it is shown.
        then: answers of a second submission to the same process, which deserve no more than `deserves` either.
        stock: whether stock nbgrader can be tried with it (a name that no folder can hold cannot be laid there).
    """

    name: str
    tries: str
    answers: Mapping[str, str] = field(default_factory=dict)
    deserves: Mapping[str, float] = field(default_factory=dict)
    keeps: tuple[str, ...] = ()
    edit: Edit | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    shown: bool = False
    stock: bool = True
    then: Mapping[str, str] | None = None


def code(name: str, tries: str, **answers: str) -> Attack:
    """Return an attack by the code of answers."""
    return Attack(name, tries, {task: dedent(text).strip("\n") for task, text in answers.items()})


def everywhere(name: str, tries: str, text: str) -> Attack:
    """Return an attack whose code stands in the first answer, the other tasks answered by what is plainly not asked."""
    return code(name, tries, **{**NOTHING, "mean": dedent(text).strip("\n")})


NOTHING = {
    "mean": "mean_price = None",
    "double": "def double(number):\n    return None",
    "total": "def total(rows):\n    return None",
    "money": "class Money:\n    def __init__(self, amount):\n        self.amount = None\n    def plus(self, other):\n        return None\n    def __add__(self, other):\n        return Money(0)",
}
"""Answers that deserve nothing, and define every name that is asked for."""
