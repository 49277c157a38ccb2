"""The rows of a sheet, in the words of XlsxWriter, many at a time.

XlsxWriter writes a workbook cell by cell: three million of them take longer than all else together. Here a sheet of its
own kind puts a row together at once. What a text, a number or a moment becomes is asked of XlsxWriter (and remembered),
or written as it writes it; a test writes every kind of value both ways, and the bytes are the same.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import CellStringTuple, Worksheet

from passerelle.progress.tables import Column, Kind, Value

Tail = Callable[[Any], str]
"""Returns what stands in a cell after its place: its kind, its value, its end."""

_REMEMBERED = 100_000
_BATCH = 5_000
_PLACE = '<c r="A1"'
_DAY_0 = datetime(1899, 12, 30)  # spreadsheets know no zones


def serial(value: date) -> float:
    """Return a moment or a day as spreadsheets count: in days since the end of 1899."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return (moment - _DAY_0) / timedelta(days=1)


class RowSheet(Worksheet):  # type: ignore[misc]  # XlsxWriter has no types
    """A sheet of a workbook with constant memory, below whose head whole rows are written."""

    fh: Any  # where XlsxWriter writes to

    def write_rows(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Value]], forms: dict[Kind, Any], as_text: Tail
    ) -> int:
        """Write rows below the one that is there, and return how many; a cell of None stays empty.

        Args:
            columns: what each column holds.
            rows: a value a column each.
            forms: XlsxWriter's formats for moments and days.
            as_text: returns a text that no spreadsheet takes for a formula.

        Raises:
            TypeError: a number is none that a sheet can hold: infinite, or not a number.
        """
        self._write_single_row(1)  # the head is waiting for the row after it
        kinds = self._tails(forms, as_text)
        tails = [kinds[one.kind] for one in columns]
        letters = [xl_col_to_name(place) for place in range(len(columns))]
        number, rows = 1, iter(rows)
        while batch := list(islice(rows, _BATCH)):
            lines = []
            for number, row in enumerate(batch, number + 1):  # noqa: B020  it goes on where the last one ended
                cells = [
                    f'<c r="{letter}{number}"{tail(value)}'
                    for letter, tail, value in zip(letters, tails, row, strict=True)
                    if value is not None
                ]
                if cells:
                    lines.append(f'<row r="{number}">{"".join(cells)}</row>')
                    self.dim_rowmax = number - 1
            self.fh.write("".join(lines))
        self.previous_row = number
        return number - 1

    def _tails(self, forms: dict[Kind, Any], as_text: Tail) -> dict[Kind, Tail]:
        """Return what writes the values of each kind; each remembers what came last."""

        def of_text(value: str) -> str:
            return self._string(as_text(value))

        def of_number(value: float) -> str:
            return f"><v>{_finite(value):.16G}</v></c>"

        def of_flag(value: bool) -> str:
            return self._string("yes" if value else "no")

        def of_moment(value: datetime) -> str:
            # Asked for when it is needed: formats are numbered in the order in which they come up.
            return f' s="{forms[Kind.MOMENT]._get_xf_index()}"><v>{serial(value):.16G}</v></c>'

        def of_day(value: date) -> str:
            return f' s="{forms[Kind.DAY]._get_xf_index()}"><v>{serial(value):.16G}</v></c>'

        plain: dict[Kind, Tail] = {
            Kind.TEXT: of_text,
            Kind.WHOLE: of_number,
            Kind.NUMBER: of_number,
            Kind.FLAG: of_flag,
            Kind.MOMENT: of_moment,
            Kind.DAY: of_day,
        }
        return {kind: lru_cache(_REMEMBERED)(tail) for kind, tail in plain.items()}

    def _string(self, text: str) -> str:
        """Return the tail of a text's cell as XlsxWriter writes it: escaped, cut where it is too long."""
        out, kept = io.StringIO(), self.fh
        self.table.clear()
        self._write_string(self.previous_row, 0, text)
        written: CellStringTuple = self.table[self.previous_row][0]
        self.table.clear()
        try:
            self.fh = out
            self._write_cell(0, 0, written)
        finally:
            self.fh = kept
        return out.getvalue().removeprefix(_PLACE)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise TypeError(f"a sheet cannot hold the number {value}")
    return value + 0.0  # no -0
