"""Plain asserts over stand-ins: what a check can do to an answer that stays in its box."""

from collections.abc import Iterator

import pytest

from tests.unit.grading.asserted import Room, points, room
from tests.unit.grading.plain_cases import CASES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("source")) as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_check_can_do(desk: Room, case: str) -> None:
    answer, check, given = CASES[case]

    assert desk.passes(answer, check, given=given)
    assert not desk.passes(answer, check + "\nassert False", given=given)


def test_a_number_in_the_last_line_is_partial_credit_as_in_nbgrader(desk: Room) -> None:
    told = desk.told("x = 1", ["0.5", "x", "0.25;", "'0.5'", "True", "x / 4"])

    assert points(told) == [0.5, 1.0, 1.0, 1.0, 1.0, 0.25]


def test_her_object_does_not_say_how_many_points_it_is_worth(desk: Room) -> None:
    (told,) = desk.told("class X:\n    def __repr__(self): return '0.0'\nx = X()", "x")

    assert told["points"] == 1.0


def test_a_warning_costs_nothing_and_a_word_on_stderr_does(desk: Room) -> None:
    checks = ["import warnings\nwarnings.warn('old')\nassert x == 1", "import sys\nprint('no', file=sys.stderr)"]

    assert points(desk.told("x = 1", checks)) == [1.0, 0.0]


def test_a_later_check_has_the_names_of_an_earlier_one_up_to_where_that_stopped(desk: Room) -> None:
    checks = ["y = 2\nassert x == 5\nz = 3", "assert y == 2", "assert z == 3"]

    assert points(desk.told("x = 1", checks)) == [0.0, 1.0, 0.0]


def test_what_one_check_changes_a_later_one_sees_as_in_a_notebook(desk: Room) -> None:
    checks = ["x.append(2)\nassert x == [1, 2]", "assert x == [1, 2]", "assert x == [1]"]

    assert points(desk.told("x = [1]", checks)) == [1.0, 1.0, 0.0]


def test_a_name_that_is_not_there_is_said(desk: Room) -> None:
    (told,) = desk.told("y = 1", "assert total == 3")

    assert told["unmet"][0][2][0][:2] == ["name-missing", {"name": "total"}]


def test_a_check_that_she_cannot_answer_in_time_says_so(desk: Room) -> None:
    (told,) = desk.told("def f():\n    while True: pass", "try:\n    f()\nexcept BaseException: pass")

    assert (told["points"], told["unanswered"]) == (0.0, True)


def test_stand_ins_say_what_they_cannot_do(desk: Room) -> None:
    (told,) = desk.told("def f(o): return o.name", "class O:\n    name = 'x'\nassert f(O()) == 'x'")

    assert (told["points"], told["beside"]) == (1.0, True)
