from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from passerelle.grading.standing import standing_attempt
from passerelle.ledger.receipts import AttemptRow
from passerelle.model.verdict import Outcome, Verdict

VERDICT = Verdict(key="k", unit="u", version="1", engine="e", outcome=Outcome.MARKED)


@dataclass(frozen=True)
class Row:
    number: int
    points: float | None
    waits_for_person: bool = False

    @property
    def received(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=self.number)

    @property
    def verdict(self) -> Verdict | None:
        return VERDICT if self.points is not None else None


@pytest.mark.parametrize(
    ("attempts", "stands"),
    [
        pytest.param([], None, id="nothing-yet"),
        pytest.param([(None, False)], None, id="nothing-marked-yet"),
        pytest.param([(4, False), (9, False), (7, False)], 2, id="the-counted-one"),
        pytest.param([(9, False), (9, False)], 1, id="earliest-of-equals"),
        pytest.param([(9, False), (7, True)], 2, id="a-newer-unread-answer-is-shown-to-the-trainer"),
        pytest.param([(7, True), (9, False)], 2, id="an-older-unread-answer-is-not"),
        pytest.param([(9, True), (7, True), (6, True)], 3, id="the-newest-unread-one"),
        pytest.param([(9, True), (7, False)], 1, id="the-counted-one-may-be-unread-itself"),
        pytest.param([(9, False), (None, True)], 1, id="not-before-it-has-a-verdict"),
    ],
)
def test_the_attempt_that_stands(attempts: list[tuple[float | None, bool]], stands: int | None) -> None:
    rows = [Row(number, points, waits) for number, (points, waits) in enumerate(attempts, 1)]

    found = standing_attempt(cast("list[AttemptRow]", rows))

    assert (found.number if found else None) == stands
