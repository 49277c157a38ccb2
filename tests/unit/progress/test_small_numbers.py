"""No reader outside finds a small number of fellows again, whatever she subtracts and however well she knows the rule."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.progress.small_numbers import LEAST, for_outside, hidden
from passerelle.progress.tables import COUNTS, SUMMARY, Table

CELLS = 6


def ways(total: int, cells: int) -> Iterator[tuple[int, ...]]:
    """Yield every way of spreading so many fellows over so many cells."""
    if cells == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in ways(total - first, cells - 1):
            yield (first, *rest)


def outside(numbers: Sequence[int | None]) -> list[object]:
    """Return the numbers of a summary row as somebody outside reads them, the total first."""
    total = sum(number or 0 for number in numbers)
    (shown,) = for_outside(Table("summary", SUMMARY, [("data-science", "2026", "d1-tables", total, *numbers)])).rows
    return list(shown[COUNTS])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "total"),
    [
        *((2, total) for total in range(LEAST, 60)),
        *((3, total) for total in range(LEAST, 40)),
        *((5, total) for total in range(LEAST, 26)),
        *((6, total) for total in range(LEAST, 18)),
    ],
)
def test_a_reader_who_knows_the_rule_finds_no_number_that_is_left_out(cells: int, total: int) -> None:
    """Every table that there can be, grouped by what is shown of it: each cell left out has several answers."""
    seen: dict[tuple[int | None, ...], list[set[int]]] = defaultdict(lambda: [set() for _ in range(cells)])
    for numbers in ways(total, cells):
        shown = tuple(hidden(numbers))
        assert all(one is None or one == number for one, number in zip(shown, numbers, strict=True))
        assert all(one is None or one >= LEAST for one in shown)
        for place, number in enumerate(numbers):
            seen[shown][place].add(number)

    told = [
        (shown, place)
        for shown, answers in seen.items()
        for place, one in enumerate(shown)
        if one is None and len(answers[place]) == 1
    ]
    assert told == []
    assert len(seen) > 1 or total < 2 * LEAST + 1


@pytest.mark.slow
@pytest.mark.parametrize("total", range(LEAST, 15))
@pytest.mark.parametrize("known", [None, 0, 1], ids=["nothing", "that-none-is-not-due", "that-none-is-missing"])
def test_nor_does_one_who_knows_the_last_day_of_a_unit(total: int, known: int | None) -> None:
    """After it none is not due, before it none is missing: that cell is 0 for her, and hides no other."""
    seen: dict[tuple[object, ...], list[set[int]]] = defaultdict(lambda: [set() for _ in range(CELLS)])
    for numbers in ways(total, CELLS):
        if known is not None and numbers[known] != 0:
            continue
        shown = tuple(outside(numbers))[1:]
        for place, number in enumerate(numbers):
            seen[shown][place].add(number)

    told = [
        (shown, place)
        for shown, answers in seen.items()
        for place, one in enumerate(shown)
        if one is None and place != known and len(answers[place]) == 1
    ]
    assert told == []
    assert seen


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), min_size=CELLS, max_size=CELLS))
def test_no_small_number_and_no_single_gap_is_shown(numbers: list[int]) -> None:
    total = sum(numbers)
    shown = outside(numbers)

    if total < LEAST:
        assert shown == [None] * (CELLS + 1)
        return
    kept = [(one, real) for one, real in zip(shown[1:], numbers, strict=True) if one is not None]
    gaps, rest = CELLS - len(kept), total - sum(real for _, real in kept)
    assert shown[0] == total
    assert all(one == real >= LEAST for one, real in kept)
    assert gaps != 1
    assert not (gaps and kept) or rest not in (0, (LEAST - 1) * gaps)


def test_what_nobody_has_counted_stays_empty() -> None:
    """A course directory knows no mastery."""
    assert outside([6, 7, 8, 9, 3, None]) == [33, None, 7, 8, 9, None, None]


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        pytest.param([6, 7, 8, 9, 10], [6, 7, 8, 9, 10], id="nothing-small"),
        pytest.param([3, 7, 8, 9, 10], [None, None, 8, 9, 10], id="one-small-takes-the-next"),
        pytest.param([3, 7, 7, 9, 10], [None, None, None, 9, 10], id="equal-ones-go-together"),
        pytest.param([3, 2, 8, 9, 10], [None, None, 8, 9, 10], id="two-small-hide-each-other"),
        pytest.param([0, 0, 0, 9, 10], [None, None, None, None, 10], id="noughts-alone-would-be-told"),
        pytest.param([4, 4, 8, 9, 10], [None, None, None, 9, 10], id="so-would-two-fours"),
        pytest.param([0, 0, 0, 0, 30], [None] * 5, id="everybody-in-one"),
    ],
)
def test_what_is_left_out(numbers: list[int], shown: list[int | None]) -> None:
    assert hidden(numbers) == shown


@pytest.mark.parametrize("numbers", [[0, 3, 8, 9, 10, 11], [3, 0, 8, 9, 10, 11]])
def test_a_nought_that_the_calendar_tells_hides_nothing(numbers: list[int]) -> None:
    """Of 41 fellows 38 are shown: that one of the two gaps is 0 stands in the calendar, so a third is needed."""
    assert outside(numbers) == [41, None, None, None, 9, 10, 11]
