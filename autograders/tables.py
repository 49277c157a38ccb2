"""The words about tables, columns and arrays."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from autograders import compare, frames
from autograders.asked import Asked


class Tables(Asked):
    """Looks at tables."""

    def column(self, name: str, *, look: str | None = None) -> Self:
        """Expect a DataFrame with this column, and look at it (a Series)."""
        self.frame(columns=[name], look=look)
        return self._inside(f'{self._name}["{name}"]', f"{self._quiet}[…]", self._look()[name])

    def frame(
        self,
        *,
        columns: Sequence[str] | None = None,
        kinds: Mapping[str, str] | None = None,
        rows: int | None = None,
        key: str | None = None,
        extra: bool = True,
        order: bool = False,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a DataFrame.

        Args:
            columns: these columns; more are allowed unless `extra=False`; their order counts only with `order`.
            kinds: column -> "whole", "decimal", "number" (either), "text", "yes/no", "date" or "category".
            rows: so many rows.
            key: a name that may be a column or (a level of) the index.
            extra: whether other columns may be there.
            order: the order of the columns counts.
            else_: the unit's message for other columns, kinds or rows.
            look: where to look.
            facts: more places of the message.
        """
        found = self._look()
        if not frames.is_frame(found):
            self._other_kind("kind-frame", found, look)
        found = frames.with_key(found, key)
        wanted = [*([key] if key and key not in (columns or []) else []), *(columns or []), *(kinds or {})]
        differs = frames.columns_differ(found, list(dict.fromkeys(wanted)), extra=extra or columns is None, order=order)
        if differs is not None:
            self._fail(differs.id, else_, look, differs.args, facts)
        for column, kind in (kinds or {}).items():
            if not frames.has_kind(found[column], kind):
                self._other_column(column, kind, found[column], else_, look, facts)
        if rows is not None and len(found) != rows:
            self._fail("rows-differ", else_, look, {"expected": rows, "found": len(found)}, facts)
        return self

    def series(
        self,
        *,
        kind: str | None = None,
        rows: int | None = None,
        named: str | None = None,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a Series of a kind (as in `frame`), with so many rows, of this name."""
        found = self._look()
        if not frames.is_series(found):
            self._other_kind("kind-series", found, look)
        if kind is not None and not frames.has_kind(found, kind):
            self._other_column(frames.shown_name(found.name), kind, found, else_, look, facts)
        if rows is not None and len(found) != rows:
            self._fail("rows-differ", else_, look, {"expected": rows, "found": len(found)}, facts)
        if named is not None and found.name != named:
            self._fail("series-name", else_, look, {"expected": named, "found": frames.shown_name(found.name)}, facts)
        return self

    def _other_column(
        self, column: str, kind: str, found: Any, else_: str | None, look: str | None, facts: dict[str, Any]
    ) -> None:
        args = {"column": column, "expected": {"id": f"column-{kind}", "args": {}}, "found": str(found.dtype)}
        self._fail("column-kind", else_, look, args, facts)

    def array(
        self,
        *,
        shape: Sequence[int | None] | None = None,
        kind: str | None = None,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a NumPy array.

        Args:
            shape: its lengths, None for any: `(None, 2)` is two columns and any number of rows.
            kind: "whole", "decimal", "number" (either), "text", "yes/no", "date" or "complex".
            else_: the unit's message for another shape or kind.
            look: where to look.
            facts: more places of the message.
        """
        found = self._look()
        if type(found).__name__ != "ndarray":
            self._other_kind("kind-array", found, look)
        if shape is not None and not frames.has_shape(found, shape):
            wanted = f"({', '.join('…' if one is None else str(one) for one in shape)})"
            self._fail("shape-differs", else_, look, {"expected": wanted, "found": compare.shape(found)}, facts)
        if kind is not None and not frames.array_has_kind(found, kind):
            args = {"expected": {"id": f"column-{kind}", "args": {}}, "found": str(found.dtype)}
            self._fail("array-kind", else_, look, args, facts)
        return self
