"""What the demo year's fellows send: an attempt, its small notebook, and what a marker says of it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from passerelle.hub import demo_courses
from passerelle.model.course import Course, CourseUnit
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict

if TYPE_CHECKING:
    from passerelle.hub.demo_year import Fellow


@dataclass(frozen=True)
class Attempt:
    """What a fellow sends: `levels` are 0 to 2 by check; `answer` is for a person to mark, empty where left blank."""

    fellow: "Fellow"
    course: Course
    unit: CourseUnit
    moment: datetime
    levels: dict[str, int]
    answer: str

    @property
    def answer_hash(self) -> str | None:
        """Return the hash of the answer that a person marks, none where it was left blank."""
        return hashlib.sha256(self.answer.encode()).hexdigest() if self.answer else None


def verdict(attempt: Attempt) -> Verdict:
    """Return what a marker would have said of it."""
    results = []
    for card in attempt.unit.card.checks:
        if card.manual:
            results.append(CheckResult(key=card.key, points=0.0, max_points=card.points, state=CheckState.BY_HAND))
            continue
        level = attempt.levels[card.key]
        state = (CheckState.MISSED, CheckState.PARTIAL, CheckState.PASSED)[level]
        found = Message(id="found", args={"expected": 96, "found": 384 if level == 0 else 98}, look="look")
        results.append(
            CheckResult(
                key=card.key,
                points=card.points * level / 2,
                max_points=card.points,
                state=state,
                messages=() if level == 2 else (found,),
            )
        )
    by_hand = {card.key: attempt.answer_hash for card in attempt.unit.card.checks if card.manual}
    facts = [attempt.fellow.handle, attempt.unit.card.unit, sorted(attempt.levels.items()), sorted(by_hand.items())]
    return Verdict(
        key=hashlib.sha256(json.dumps(facts).encode()).hexdigest(),
        unit=attempt.unit.card.unit,
        version=attempt.unit.card.version,
        engine="demo-year",
        outcome=Outcome.MARKED,
        checks=tuple(results),
        manual_answers=by_hand,
        seconds=1.0,
    )


def notebook(unit: CourseUnit, code: str, answer: str) -> bytes:
    """Return a small notebook with her answers in it, as an exchange would have got it."""

    def cell(key: str, kind: str, source: str, *, grade: bool) -> dict[str, object]:
        nbgrader = {"grade_id": key, "solution": True, "grade": grade, "locked": False, "schema_version": 3}
        if grade:
            nbgrader["points"] = demo_courses.BY_HAND_POINTS
        made: dict[str, object] = {"cell_type": kind, "id": key, "metadata": {"nbgrader": nbgrader}, "source": source}
        return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})

    cells = []
    for card in unit.card.checks:
        if card.manual:
            cells.append(cell(card.key, "markdown", answer, grade=True))
        else:
            cells.append(cell(f"answer-{card.task}", "code", code, grade=False))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False).encode()
