"""What marking says of a submission, in ids and arguments: put into words when it is read."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class CheckState(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    PARTIAL = "partial"
    MISSED = "missed"
    UNANSWERED = "unanswered"  # the cell ran out of time or memory, or its kernel died: see the message
    BY_HAND = "by-hand"  # a person marks it


class Outcome(StrEnum):
    """Whether there is a verdict at all."""

    MARKED = "marked"
    OURS = "ours"  # a fault of ours: shown as «waiting for us», never 0


class Trust(StrEnum):
    """Where the check ran."""

    EXAMINED = "examined"  # in the examiner, outside the fellow's process
    BESIDE = "beside"  # in the box beside the fellow's code, or where her own code said whether it is right
    UNBOXED = "unboxed"  # without a box, which an operator has turned off in writing


class Message(BaseModel):
    """A sentence by its id and arguments.

    `id` is looked up in the unit's `messages` first, then in the catalogue of `autograders`
    (`autograders.words(id, args, language)`); `look` is the id of where to look next, same rule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    args: dict[str, Any] = Field(default_factory=dict)
    look: str | None = None


def place_of(notebook: str, key: str) -> str:
    """Return what names a check in its assignment: `notebook` is empty where there is one only."""
    return f"{notebook}/{key}" if notebook else key


class CheckResult(BaseModel):
    """Points and words for one check; `key` is the check's key in its notebook.

    `notebook` names the notebook where an assignment has several, and is empty where it has one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: str
    points: float
    max_points: float
    state: CheckState
    messages: tuple[Message, ...] = ()
    notebook: str = ""
    trust: Trust = Trust.EXAMINED

    @property
    def place(self) -> str:
        """Return what names the check in its assignment, in `manual_answers` and in the ledger."""
        return place_of(self.notebook, self.key)


class Verdict(BaseModel):
    """The result of marking one submission against one version of a unit.

    `key` is the hash of all that it depends on: answers and files, source, unit data, engine, environment
    lock, seed. `manual_answers` maps the place of each cell marked by hand to the hash of its answer (None
    where it was left blank). `trust` is the weakest of its checks'. `tampering` is for trainers: what shows
    that a result was made by something else than an answer. `flaky` names checks that gave two answers in two runs;
    the better one counts and is in `checks`, `others` has the other one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: str
    unit: str
    version: str
    engine: str
    outcome: Outcome
    trust: Trust = Trust.EXAMINED
    checks: tuple[CheckResult, ...] = ()
    manual_answers: dict[str, str | None] = Field(default_factory=dict)
    notices: tuple[Message, ...] = ()
    tampering: tuple[Message, ...] = ()
    flaky: tuple[str, ...] = ()
    others: tuple[CheckResult, ...] = ()
    seconds: float = 0.0

    @property
    def points(self) -> float:
        """Return the automatic points."""
        return sum(check.points for check in self.checks)

    def joined(self, second: "Verdict") -> "Verdict":
        """Return what counts of two verdicts of one key: of each check the better answer, for none of it is hers.

        Where one of them found tampering, the one with fewer points counts for the whole: a canary that was met once
        has been met.
        """
        if self.tampering or second.tampering:
            return min(self, second, key=lambda one: (not one.tampering, one.points))
        again = {check.place: check for check in second.checks}
        pairs = [(check, again[check.place]) for check in self.checks if check.place in again]
        differing = {one.place: sorted((one, two), key=lambda at: -at.points) for one, two in pairs
                     if one.points != two.points}  # fmt: skip
        known = {check.place: check for check in (*self.others, *second.others)}
        others = known | {place: worse for place, (_, worse) in differing.items()}
        return self.model_copy(
            update={
                "checks": tuple(differing[one.place][0] if one.place in differing else one for one in self.checks),
                "flaky": tuple(sorted({*self.flaky, *second.flaky, *differing})),
                "others": tuple(others[place] for place in sorted(others)),
            }
        )
