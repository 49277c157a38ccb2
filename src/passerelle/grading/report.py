"""What `passerelle mark --json` says of a submission: the record of a verdict, frozen with schema version 1.

Fields may be added; none is renamed, removed or given another meaning. docs/marking.md has the table.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from autograders.failure import Fact
from passerelle.ledger.receipts import AttemptRow
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import CheckResult, CheckState, Message, Trust


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SaidRecord(_Frozen):
    """A message: its id and arguments, and its words by language."""

    id: str
    args: dict[str, Any] = Field(default_factory=dict)
    look: str | None = None
    words: dict[str, str]


class CheckRecord(_Frozen):
    """One cell; `points` is None where a person still has to mark it, and hers where a person has."""

    key: str
    notebook: str
    points: float | None
    max_points: float
    state: CheckState
    trust: Trust
    messages: tuple[SaidRecord, ...] = ()


class MarkRecord(_Frozen):
    """One submission. `seconds` is what marking took, `received` when it came; `key` names what the verdict is of."""

    schema_version: Literal[1] = 1
    fellow: str
    assignment: str
    course: str
    attempt: int
    received: datetime
    state: Literal["marked", "ours"]
    reason: str | None = None
    points: float | None = None
    max_points: float | None = None
    checks: tuple[CheckRecord, ...] = ()
    notices: tuple[SaidRecord, ...] = ()
    trust: Trust | None = None
    tampering: tuple[SaidRecord, ...] = ()
    flaky: tuple[str, ...] = ()
    seconds: float | None = None
    key: str | None = None
    version: str | None = None
    engine: str | None = None


class ChangeRecord(_Frozen):
    """What a dry run says of a fellow: the points of what counts, before and after (None: not marked)."""

    schema_version: Literal[1] = 1
    fellow: str
    assignment: str
    course: str
    state: Literal["new", "same", "changed", "ours"]
    reason: str | None = None
    key: str | None = None
    key_before: str | None = None
    points_before: float | None = None
    points: float | None = None
    changes: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)


def mark_record(attempt: AttemptRow, reason: str | None, card: Mapping[str, Any] | None) -> MarkRecord:
    """Return the record of an attempt.

    Args:
        attempt: with its verdict, where it has one.
        reason: why it waits for us; None where it is marked.
        card: the unit's public card, which has its messages; None where it has none.
    """
    facts: dict[str, Any] = {
        "fellow": attempt.handle,
        "assignment": attempt.unit,
        "course": attempt.track,
        "attempt": attempt.number,
        "received": attempt.received,
    }
    verdict = attempt.verdict
    if verdict is None or reason is not None:
        return MarkRecord(state="ours", reason=reason or "it was not marked", **facts)
    return MarkRecord(
        state="marked",
        points=attempt.points,
        max_points=sum(check.max_points for check in verdict.checks),
        checks=tuple(_check(check, attempt, card) for check in verdict.checks),
        notices=tuple(_said(notice, card) for notice in verdict.notices),
        trust=verdict.trust,
        tampering=tuple(_said(one, card) for one in verdict.tampering),
        flaky=verdict.flaky,
        seconds=verdict.seconds,
        key=verdict.key,
        version=verdict.version,
        engine=verdict.engine,
        **facts,
    )


def points_of(attempt: AttemptRow) -> dict[str, float | None]:
    """Return the points of an attempt by the place of each check; None where a person still has to mark it."""
    verdict = attempt.verdict
    return {} if verdict is None else {check.place: _points(check, attempt) for check in verdict.checks}


def _check(check: CheckResult, attempt: AttemptRow, card: Mapping[str, Any] | None) -> CheckRecord:
    return CheckRecord(
        key=check.key,
        notebook=check.notebook,
        points=_points(check, attempt),
        max_points=check.max_points,
        state=check.state,
        trust=check.trust,
        messages=tuple(_said(message, card) for message in check.messages),
    )


def _points(check: CheckResult, attempt: AttemptRow) -> float | None:
    return attempt.manual.get(check.place) if check.state is CheckState.BY_HAND else check.points


def _said(message: Message, card: Mapping[str, Any] | None) -> SaidRecord:
    unit = dict(card) if card is not None else None
    fact = Fact(message.id, message.args, message.look)
    said = {language: "\n".join(fact.lines(language, unit)) for language in LANGUAGES}
    return SaidRecord(id=message.id, args=message.args, look=message.look, words=said)
