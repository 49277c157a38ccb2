"""What counts of a check, from what the examiner told of it."""

from collections.abc import Mapping
from typing import Any

from passerelle.grading.examiner import WHOLE
from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.stops import RAISED, Stops
from passerelle.grading.unboxed import is_unboxed
from passerelle.grading.walls import Limits
from passerelle.model.verdict import CheckResult, CheckState, Message, Trust


def result(
    cell: RebuiltCell, said: Mapping[str, Any], whole: Mapping[str, Any], stops: Stops, limits: Limits
) -> CheckResult:
    """Return the result of a check from what the examiner told of it: `said` of what is released, `whole` of all."""
    most = cell.points or 0.0
    points = round(float(whole["points"]), 6)
    trust = Trust.UNBOXED if is_unboxed() else Trust.BESIDE if whole.get("beside") else Trust.EXAMINED
    if points >= most and not whole["unmet"]:
        return CheckResult(key=cell.key, points=most, max_points=most, state=CheckState.PASSED, trust=trust)
    messages = _messages(said, whole)
    stopped = stops.said_of(cell, messages, limits)
    if whole.get("unanswered") or said.get("unanswered") or any(one.id not in RAISED for one in stopped):
        state = CheckState.UNANSWERED
    else:
        state = CheckState.PARTIAL if points > 0 else CheckState.MISSED
    return CheckResult(
        key=cell.key,
        points=min(points, most),
        max_points=most,
        state=state,
        messages=(*messages, *stopped),
        trust=trust,
    )


def _messages(said: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return what is not met: of each part what the fellow can see herself, else what the hidden tests say."""
    seen = {(line, number): facts for line, number, facts in said["unmet"]}
    outside = seen.get((WHOLE, 1))
    found: dict[str, Message] = {}
    for line, number, hidden_facts in whole["unmet"] or said["unmet"]:
        facts = seen.get((line, number)) or outside or hidden_facts
        for id_, args, look in facts:
            message = Message(id=id_, args=args, look=look)
            # Two parts often lack the same name: once is enough.
            found.setdefault(message.model_dump_json(), message)
    return tuple(found.values())


def unreadable(cell: RebuiltCell, message: Message) -> CheckResult:
    """Return the result of a check where her notebook could not be read."""
    return CheckResult(
        key=cell.key, points=0, max_points=cell.points or 0.0, state=CheckState.UNANSWERED, messages=(message,)
    )


def by_hand(cell: RebuiltCell) -> CheckResult:
    """Return the result of what a person marks."""
    return CheckResult(key=cell.key, points=0, max_points=cell.points or 0.0, state=CheckState.BY_HAND)
