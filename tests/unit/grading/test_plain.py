"""Plain asserts over stand-ins: what a check can do to an answer that stays in its box."""

from collections.abc import Iterator

import pytest

from tests.unit.grading.asserted import Room, room


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("source")) as opened:
        yield opened


CASES = {
    "a variable": ("x = 3", "assert x == 3"),
    "a function": ("def f(a, b=1): return a + b", "assert f(2) == 3\nassert f(2, b=2) == 4"),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_check_can_do(desk: Room, case: str) -> None:
    answer, check = CASES[case]

    assert desk.passes(answer, check)
    assert not desk.passes(answer, check + "\nassert False")
