"""The words about a file she has written. The box hands over its bytes; they are read here, as text, JSON or a table.

Nothing that can run code is read: no pickle, no formula, no picture.
"""

import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, Self

from autograders import workbook
from autograders.asked import Answer, Asked
from autograders.expectation import Expectation
from autograders.session import session

MAX_COLUMNS = 2_000
MAX_ROWS = 200_000


class File(Asked):
    """A file that is looked at, as it is when all cells have run. Its path begins where the notebook lies."""

    def __init__(self, path: str) -> None:
        def ask(_back: bool) -> Answer:
            module = {"t": "module", "n": "autograders.answers"}
            return session.source.ask({"op": "method", "on": module, "attr": "file", "args": [path], "plain": True})

        super().__init__(path, ask, lambda: ask(False))

    def _bare(self) -> str:
        return self._name

    def _content(self, else_: str | None, look: str | None, facts: dict[str, Any]) -> bytes:
        found = self._look()
        if type(found) is not dict or type(found.get("size")) is not int:
            self._fail("file-missing", else_, look or "look-file-missing", {}, facts)
        if type(found.get("bytes")) is not bytes:
            self._fail("file-too-big", None, look, {"size": found["size"]}, facts)
        content: bytes = found["bytes"]
        return content

    @property
    def value(self) -> bytes:
        """Its bytes, for Python of your own (at most four million). Never unpickle them: they are hers."""
        session.looked = True
        return self._content(None, None, {})

    def exists(self, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect that it is there and not empty."""
        if not self._content(else_, look, facts):
            self._fail("file-empty", else_, look, {}, facts)
        return self

    def size(
        self,
        *,
        at_least: int = 1,
        at_most: int | None = None,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect so many bytes."""
        found = len(self._content(else_, look, facts))
        if found < at_least or (at_most is not None and found > at_most):
            args = {"low": at_least, "high": "…" if at_most is None else at_most, "found": found}
            self._fail("file-size", else_, look, args, facts)
        return self

    def text(
        self,
        *,
        equals: str | None = None,
        contains: str | Iterable[str | tuple[str, ...]] = (),
        matches: str | None = None,
        lenient: bool = True,
        encoding: str = "utf-8",
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Expectation:
        """Look at it as text; what is expected of it is said as in `Expectation.text`."""
        text = self._text(encoding, look)
        return self._made(text).text(
            equals=equals, contains=contains, matches=matches, lenient=lenient, else_=else_, look=look, **facts
        )

    def json(self, *, look: str | None = None) -> Expectation:
        """Look at it as JSON: dicts, lists, text, numbers."""
        text = self._text("utf-8", look)
        try:
            return self._made(json.loads(text))
        except (ValueError, RecursionError) as error:
            self._unreadable("kind-json", str(getattr(error, "lineno", "…")), look)

    def table(
        self,
        *,
        separator: str = ",",
        decimal: str = ".",
        encoding: str = "utf-8",
        text: Sequence[str] = (),
        sheet: str | None = None,
        look: str | None = None,
    ) -> Expectation:
        """Look at it as a table (a DataFrame), of a CSV file or of an `.xlsx` workbook.

        Args:
            separator: what stands between two values of a line.
            decimal: what stands before the decimals.
            encoding: of the text.
            text: columns that are text even where they look like numbers (codes).
            sheet: of a workbook; the first one without it. A date in a workbook is a number of days.
            look: where to look.
        """
        import pandas as pd  # noqa: PLC0415  only where a table is read

        content = self._content(None, look, {})
        as_text = dict.fromkeys(text, "str")
        if self._name.lower().endswith(".xlsx"):
            try:
                head, *rows = workbook.rows(content, sheet)
                frame = pd.DataFrame(rows, columns=head)
                return self._made(frame.astype({name: kind for name, kind in as_text.items() if name in frame}))
            except (workbook.NoWorkbookError, ValueError, TypeError):
                self._unreadable("kind-workbook", "…", look)
        written = self._text(encoding, look)
        if written.count("\n") > MAX_ROWS or max(map(len, written.split("\n"))) > 100 * MAX_COLUMNS:
            self._unreadable("kind-csv", "…", look)
        if written.partition("\n")[0].count(separator) > MAX_COLUMNS:
            self._unreadable("kind-csv", "1", look)
        try:
            return self._made(
                pd.read_csv(io.StringIO(written), sep=separator, decimal=decimal, dtype=as_text, engine="c")
            )
        except (ValueError, LookupError, MemoryError):  # pandas' own errors are ValueErrors
            self._unreadable("kind-csv", "…", look)

    def _text(self, encoding: str, look: str | None) -> str:
        try:
            return self._content(None, look, {}).decode("utf-8-sig" if encoding == "utf-8" else encoding)
        except UnicodeDecodeError:
            self._unreadable("kind-str", "…", look)

    def _unreadable(self, kind: str, line: str, look: str | None) -> NoReturn:
        self._fail("file-unreadable", None, look, {"expected": {"id": kind, "args": {}}, "line": line})
        raise AssertionError("not reached")

    def _made(self, value: Any) -> Expectation:
        return Expectation(self._name, self._ask, self._hold)._inside(self._name, self._name, value)
