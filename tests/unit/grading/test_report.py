"""The record of a verdict is frozen, and docs/marking.md says every field of it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from passerelle.grading.report import ChangeRecord, CheckRecord, MarkRecord, SaidRecord, mark_record
from passerelle.ledger.receipts import AttemptRow
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Trust, Verdict

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "marking.md").read_text("utf-8").partition("### The record")[2]
FIELDS = {
    MarkRecord: "schema_version fellow assignment course attempt received state reason points max_points checks notices "
    "trust tampering flaky seconds key version engine",
    CheckRecord: "key notebook points max_points state trust messages",
    SaidRecord: "id args look words",
    ChangeRecord: "schema_version fellow assignment course state reason key key_before points_before points changes",
}


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_no_field_goes_away_and_each_is_documented(model: type[BaseModel]) -> None:
    assert set(FIELDS[model].split()) <= set(model.model_fields)
    assert set(model.model_fields) <= set(re.findall(r"`(\w+)`", DOCUMENTED))


def attempt(verdict: Verdict | None, **manual: float | None) -> AttemptRow:
    moment = datetime(2025, 3, 10, 11, tzinfo=UTC)
    points = None if verdict is None else verdict.points + sum(one or 0.0 for one in manual.values())
    return AttemptRow(
        receipt="r", handle="anna", track="demo", unit="ps1", number=2, received=moment, sha256="", size=1,
        state="marked", verdict=verdict, auto=None, manual=manual, points=points,
    )  # fmt: skip


VERDICT = Verdict(
    key="k",
    unit="ps1",
    version="1",
    engine="e",
    outcome=Outcome.MARKED,
    trust=Trust.BESIDE,
    checks=(
        CheckResult(
            key="q1", points=1, max_points=2, state=CheckState.PARTIAL, messages=(Message(id="mine", args={"n": 3}),)
        ),
        CheckResult(key="q2", points=0, max_points=1, state=CheckState.BY_HAND),
    ),
    manual_answers={"q2": "hash"},
    flaky=("q1",),
)
CARD = {"messages": {"mine": {"en": "Found {n}.", "fr": "Trouvé : {n}."}}}


def test_a_record_crosses_as_one_line_of_json() -> None:
    record = mark_record(attempt(VERDICT, q2=None), None, CARD)
    line = record.model_dump_json()

    assert "\n" not in line
    assert MarkRecord.model_validate_json(line) == record
    assert record.checks[0].messages[0].words == {"en": "Found 3.", "fr": "Trouvé : 3."}
    assert (record.trust, record.flaky, record.max_points) == (Trust.BESIDE, ("q1",), 3.0)


@pytest.mark.parametrize(
    ("given", "points"), [pytest.param(None, None, id="not-yet"), pytest.param(0.5, 0.5, id="given")]
)
def test_what_a_person_marks_is_hers_to_give(given: float | None, points: float | None) -> None:
    assert mark_record(attempt(VERDICT, q2=given), None, CARD).checks[1].points == points


def test_what_waits_for_us_has_a_reason_and_no_points() -> None:
    record = mark_record(attempt(None), "the box is on fire", None)

    assert (record.state, record.reason, record.points) == ("ours", "the box is on fire", None)
