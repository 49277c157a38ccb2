"""Small numbers stay inside: what the cohort summary shows to somebody outside the programme.

A number of fellows under 5 could point at one of them. Leaving it out is not enough: the total less the others gives
it back. So numbers that add up to the total lose as many cells as it takes until none that was left out has one
possible value, also for a reader who knows this rule (tests/unit/progress/test_small_numbers.py tries every reader).
Nothing else is published of the same people in the same table: there is no row over several cohorts or units.
"""

from collections.abc import Sequence

from passerelle.progress.tables import COUNTS, Table, Value

LEAST = 5
"""The smallest number of fellows that is told to somebody outside."""


def for_outside(summary: Table) -> Table:
    """Return the cohort summary as somebody outside may read it: an empty cell is a number that is left out."""
    rows = [(*row[: COUNTS.start], *_row(row[COUNTS])) for row in summary.rows]
    return Table(summary.name, summary.columns, rows)


def _row(counts: Sequence[Value]) -> tuple[Value, ...]:
    numbers = [value for value in counts if isinstance(value, int)]
    if not numbers or numbers[0] < LEAST:
        return (None,) * len(counts)
    # The first two are not-due and missing: who knows a unit's last day knows which of them is 0.
    shown = iter((numbers[0], *hidden(numbers[1:], noughts_known=int(0 in numbers[1:3]))))
    return tuple(next(shown) if isinstance(value, int) else None for value in counts)


def hidden(numbers: Sequence[int], noughts_known: int = 0) -> list[int | None]:
    """Return numbers that add up to a published total, without those from which a small one could be found.

    The small ones go first (0 too: it says something of everybody), then the smallest of the others, while what is
    left for those that are gone allows one answer only: one cell alone, all at 0, or all at the largest small number.
    So it must be, too, for a reader who knows of so many cells beforehand that they are 0: these hide nothing.
    """
    gone = {number for number in numbers if number < LEAST}
    while gone < set(numbers):
        cells = sorted(number for number in numbers if number in gone)
        if not (_is_told(cells) or _is_told(cells[noughts_known:])):
            break
        # Equal ones go together: which of them went would say where the small ones are.
        gone.add(min(set(numbers) - gone))
    return [None if number in gone else number for number in numbers]


def _is_told(gone: Sequence[int]) -> bool:
    return len(gone) == 1 or (len(gone) > 1 and sum(gone) in (0, (LEAST - 1) * len(gone)))
