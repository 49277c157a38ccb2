from dataclasses import dataclass

import pytest

from passerelle.model.attempts import counted_attempt


@dataclass(frozen=True)
class Tried:
    points: float | None
    number: int


def attempt(number: int, *, points: float | None) -> Tried:
    return Tried(points, number)


@pytest.mark.parametrize(
    ("points", "counts"),
    [
        pytest.param([4, 9, 7], 1, id="a-worse-retry-changes-nothing"),
        pytest.param([9, 9], 0, id="earliest-of-equals"),
        pytest.param([None, 3], 1, id="unmarked-does-not-count"),
        pytest.param([0, None], 0, id="nothing-right-is-still-marked"),
    ],
)
def test_the_best_attempt_counts(points: list[float | None], counts: int) -> None:
    attempts = [attempt(number, points=earned) for number, earned in enumerate(points)]

    assert counted_attempt(attempts) is attempts[counts]


def test_the_order_of_the_list_does_not_matter() -> None:
    early, late = attempt(1, points=5), attempt(2, points=5)

    assert counted_attempt([late, early]) is early


@pytest.mark.parametrize("points", [pytest.param([], id="no-attempt"), pytest.param([None, None], id="none-marked")])
def test_nothing_counts_before_marking(points: list[float | None]) -> None:
    assert counted_attempt([attempt(number, points=earned) for number, earned in enumerate(points)]) is None
