"""Compares tables: columns, kinds, rows; order and index only where asked. pandas is there once a table is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autograders.compare import Difference, Near, as_date, difference, is_missing, is_number, same, shown

if TYPE_CHECKING:
    import pandas as pd

_PLAIN = (str, int, float)
KINDS = {
    "whole": "iu",
    "decimal": "f",
    "number": "iuf",
    "yes/no": "b",
    "date": "M",
}


def is_frame(value: Any) -> bool:
    """Say whether it is a DataFrame; what came out of `typed.unpack` is of exactly that type or is not one."""
    return type(value).__name__ == "DataFrame" and hasattr(value, "columns")


def is_series(value: Any) -> bool:
    """Say whether it is a Series."""
    return type(value).__name__ == "Series" and hasattr(value, "index")


def with_key(frame: "pd.DataFrame", key: str | None) -> "pd.DataFrame":
    """Return the table with `key` as a column, where it is (a level of) the index."""
    if key is None or key in frame.columns or key not in frame.index.names:
        return frame
    return frame.reset_index(level=key)


def columns_differ(frame: "pd.DataFrame", columns: Sequence[str], *, extra: bool, order: bool) -> Difference | None:
    """Compare the columns."""
    have, want = [shown_name(name) for name in frame.columns], [shown_name(name) for name in columns]
    missing = [name for name in want if name not in have]
    if missing:
        return Difference("columns-missing", {"columns": missing[:8], "found": have[:16]})
    more = [name for name in have if name not in want]
    if more and not extra:
        return Difference("columns-extra", {"columns": more[:8], "expected": want[:16]})
    if order and [name for name in have if name in want] != want:
        return Difference("columns-order", {"expected": want[:16], "found": have[:16]})
    return None


def shown_name(name: Any) -> str:
    """Return a column's name as text; 1 and "1" stay apart."""
    return name[:60] if type(name) is str else f"({shown(name)})"


def has_kind(column: "pd.Series[Any]", kind: str) -> bool:
    """Say whether a column is of a kind; "text" and "number" look at the values of mixed objects."""
    if kind == "category":
        return str(column.dtype) == "category"
    if kind == "text":
        return all(type(one) is str or is_missing(one) for one in column.tolist())
    if str(column.dtype) == "object":
        return kind == "number" and all(is_number(one) or is_missing(one) for one in column.tolist())
    return getattr(column.dtype, "kind", "") in KINDS[kind]


def has_shape(array: Any, shape: Sequence[int | None]) -> bool:
    """Say whether an array has a shape; None stands for any length."""
    return len(array.shape) == len(shape) and all(
        want in (None, have) for have, want in zip(array.shape, shape, strict=True)
    )


def array_has_kind(array: Any, kind: str) -> bool:
    """Say whether an array's numbers are of a kind: as a column's, or "text", "complex"."""
    kinds = {**KINDS, "text": "U", "complex": "c"}
    return array.dtype.kind in kinds[kind] or (array.dtype.kind == "O" and kind == "text" and _all_text(array))


def _all_text(array: Any) -> bool:
    return all(type(one) is str for one in array.ravel().tolist())


def frames_differ(
    found: "pd.DataFrame",
    expected: "pd.DataFrame",
    *,
    order: bool = False,
    index: bool = False,
    key: str | None = None,
    extra: bool = True,
    tolerance: Near | None = None,
) -> Difference | None:
    """Compare the rows of the expected table's columns: values, not dtypes."""
    found, expected = with_key(found, key), with_key(expected, key)
    columns = columns_differ(found, list(expected.columns), extra=extra, order=False)
    if columns is not None:
        return columns
    if len(found) != len(expected):
        return Difference("rows-differ", {"expected": len(expected), "found": len(found)})
    names = list(expected.columns)
    if found.columns.duplicated().any():
        return Difference(
            "columns-twice", {"columns": [shown_name(one) for one in found.columns[found.columns.duplicated()]][:8]}
        )
    left, right = ([frame[name].tolist() for name in names] for frame in (found, expected))
    titles = [shown_name(name) for name in names]
    if index:
        left, right = [found.index.tolist(), *left], [expected.index.tolist(), *right]
        titles = ["index", *titles]
    return _rows_differ(titles, left, right, order=order, tolerance=tolerance)


def series_differ(
    found: "pd.Series[Any]",
    expected: Any,
    *,
    order: bool = False,
    index: bool = False,
    tolerance: Near | None = None,
) -> Difference | None:
    """Compare a column; `expected` is a Series, a list (then in order) or a dict label -> value."""
    if isinstance(expected, Mapping):
        if found.index.duplicated().any():
            return Difference("labels-twice", {})
        return difference(found.to_dict(), dict(expected), tolerance=tolerance)
    if isinstance(expected, (list, tuple)):
        return difference(found.tolist(), list(expected), tolerance=tolerance)
    if len(found) != len(expected):
        return Difference("rows-differ", {"expected": len(expected), "found": len(found)})
    left, right, titles = [found.tolist()], [expected.tolist()], [shown_name(found.name)]
    if index:
        left, right, titles = [found.index.tolist(), *left], [expected.index.tolist(), *right], ["index", *titles]
    return _rows_differ(titles, left, right, order=order, tolerance=tolerance)


def _rows_differ(
    titles: list[str], found: list[list[Any]], expected: list[list[Any]], *, order: bool, tolerance: Near | None
) -> Difference | None:
    left, right = list(zip(*found, strict=True)), list(zip(*expected, strict=True))
    in_order = _first(titles, left, right, tolerance)
    if in_order is None or order:
        return in_order
    if _same_rows(found, expected):
        return None
    # Decimals last: two that are equal within the tolerance must not decide the order.
    decimals = [any(isinstance(one, float) for one in column) for column in expected]
    places = sorted(range(len(titles)), key=decimals.__getitem__)

    def rank(row: tuple[Any, ...]) -> list[tuple[int, Any]]:
        return [_rank(row[place]) for place in places]

    unordered = _first(titles, sorted(left, key=rank), sorted(right, key=rank), tolerance)
    return None if unordered is None else Difference("some-rows-differ", unordered.args)


def _same_rows(found: list[list[Any]], expected: list[list[Any]]) -> bool:
    """Say at once whether the rows are the very same in another order; where each column is plain and of one type."""
    for mine, wanted in zip(found, expected, strict=True):
        types = {*map(type, mine)}
        if len(types) != 1 or not types <= {*_PLAIN} or types != {*map(type, wanted)}:
            return False
    return Counter(zip(*found, strict=True)) == Counter(zip(*expected, strict=True))


def _first(
    titles: list[str], found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], tolerance: Near | None
) -> Difference | None:
    """Return the first cell that differs."""
    for row, (left, right) in enumerate(zip(found, expected, strict=True), start=1):
        for title, mine, wanted in zip(titles, left, right, strict=True):
            if mine is wanted or (type(mine) in _PLAIN and type(mine) is type(wanted) and mine == wanted):
                continue
            if not same(mine, wanted, tolerance):
                args = {"row": row, "column": title, "expected": shown(wanted), "found": shown(mine)}
                return Difference("cell-differs", args)
    return None


def _rank(value: Any) -> tuple[int, Any]:
    """Return what any value can be sorted by."""
    if type(value) is str:
        return (2, value)
    if type(value) is int and abs(value) < 10**9:  # nine digits are kept below
        return (1, float(value))
    if is_missing(value):
        return (0, 0)
    if is_number(value):
        return (1, float(f"{float(value):.9g}")) if abs(value) < 1e300 else (1, float("inf"))
    return (2, as_date(value) or str(value)) if type(value) in (str, bool) or as_date(value) else (3, repr(value))
