"""The vocabulary of check cells.

Every word returns the expectation itself, so words chain; the first one that is not met raises
`CheckFailed`. What is said then: the facts (expected, found) in general words, then `else_`, the unit's own
message (an id of `[messages]` in unit.toml), which says where to look. `else_` is said when the *value* is
not as expected; a missing name, an unwritten stub, an error in her function and another type have general
sentences of their own. The places of an `else_` message may be {name}, {expected}, {found} and any fact
given as a keyword (`rows=12`).

In hidden tests (between nbgrader's markers) the facts are left out of every message, except keywords the author gives herself:
the general sentence says that data not shown in the notebook gave another result.

    expect("x")                          her variable x
    expect.call("f", 1, frame)           the result of her function f, called with these arguments (copies)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self


class Expectation:
    """Something of hers that is looked at: a variable, or the result of a call."""

    @property
    def value(self) -> Any:
        """Her answer as plain data (int, str, list, DataFrame … of exactly these types), for Python of your own.

        Raises CheckFailed where it does not exist, is a stub, or is nothing that can cross. Prefer
        `satisfies`: in it, an error on unforeseen data is «not met», not a fault of the check.
        """
        raise NotImplementedError

    def equals(
        self, value: Any, *, tolerance: float | None = None, ordered: bool = False, else_: str | None = None, **facts: Any
    ) -> Self:
        """Expect this value.

        Numbers: a whole number and a float of the same value are equal (True is not 1); floats are compared
        within `tolerance` (absolute; without one, within 1e-9 relative), inside lists, dicts and frames too.
        Text: exactly. Lists and tuples: in order; a list is not a tuple. Frames and series: columns, kinds,
        rows; the order of rows and columns counts only with `ordered=True`, the index not at all: use
        `frame(index=True)` for that. Missing values equal missing values.
        """
        raise NotImplementedError

    def differs_from(self, value: Any, *, else_: str, tolerance: float | None = None, **facts: Any) -> Self:
        """Expect anything but this value: the value of a known misconception. Put it before `equals`."""
        raise NotImplementedError

    def is_a(self, *kinds: type | str, else_: str | None = None, **facts: Any) -> Self:
        """Expect one of these kinds: int, float, bool, str, list, tuple, dict, set, or one of the words
        "number" (int or float, NumPy's too), "frame", "series", "array", "function", "date".
        """
        raise NotImplementedError

    def between(self, low: float, high: float, *, else_: str | None = None, **facts: Any) -> Self:
        """Expect a number from low to high, both included."""
        raise NotImplementedError

    def one_of(self, *values: Any, else_: str | None = None, **facts: Any) -> Self:
        """Expect one of these values."""
        raise NotImplementedError

    def length(self, count: int, *, else_: str | None = None, **facts: Any) -> Self:
        """Expect so many items (list, dict, set, text), or rows (frame, series)."""
        raise NotImplementedError

    def text(
        self,
        *,
        equals: str | None = None,
        contains: str | Iterable[str] = (),
        matches: str | None = None,
        lenient: bool = True,
        else_: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect text. `contains`: all of these parts; `matches`: a regular expression found in it.

        `lenient` (the default): letter case, outer and repeated white space do not count.
        """
        raise NotImplementedError

    def frame(
        self,
        *,
        columns: Sequence[str] | None = None,
        has: Sequence[str] | None = None,
        kinds: Mapping[str, str] | None = None,
        rows: int | None = None,
        equals: Any = None,
        ordered: bool = False,
        index: bool = False,
        tolerance: float | None = None,
        else_: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a DataFrame.

        Args:
            columns: exactly these columns (order counts only with `ordered`).
            has: at least these columns.
            kinds: column -> "whole" (int), "decimal" (float), "number" (either), "text", "yes/no" (bool), "date", "category".
            rows: so many rows.
            equals: this frame's rows; order of rows and columns counts only with `ordered`, the index only with `index`.
            ordered: the order of rows and columns counts.
            index: the index counts too (values; its name is not looked at).
            tolerance: absolute, for decimal numbers.
            else_: the unit's message, said after the facts.
            facts: more places of that message.
        """
        raise NotImplementedError

    def series(
        self,
        *,
        kind: str | None = None,
        rows: int | None = None,
        named: str | None = None,
        equals: Any = None,
        ordered: bool = False,
        index: bool = False,
        tolerance: float | None = None,
        else_: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a Series; the words mean what they mean for `frame`. `equals` may be a dict: label -> value
        (then the labels of the index count, their order does not).
        """
        raise NotImplementedError

    def satisfies(self, rule: Callable[[Any], object], *, else_: str, **facts: Any) -> Self:
        """Expect `rule(value)` to be true; `else_` says what the rule is. An error inside it means «not met»."""
        raise NotImplementedError

    def raises(self, *errors: type[Exception], else_: str | None = None, **facts: Any) -> Self:
        """Expect the call to raise one of these errors (a call only)."""
        raise NotImplementedError

    def prints(self, *parts: str, else_: str | None = None, **facts: Any) -> Self:
        """Expect the call to print these parts, in any order; letter case and white space do not count (a call only)."""
        raise NotImplementedError

    def leaves_arguments(self, *, else_: str | None = None, **facts: Any) -> Self:
        """Expect the call to leave its arguments as they were (a call only)."""
        raise NotImplementedError


class Expect:
    """`expect`: call it with a name, or use its words."""

    def __call__(self, name: str) -> Expectation:
        """Look at her variable of this name."""
        raise NotImplementedError

    def call(self, function: str, /, *args: Any, **kwargs: Any) -> Expectation:
        """Look at the result of her function, called with copies of these arguments (plain data, frames, arrays)."""
        raise NotImplementedError

    @contextmanager
    def part(self, points: float, title: str = "") -> Iterator[None]:
        """Earn points for what is inside; what is not met there is said, and the check goes on. `title` is an id of [messages]."""
        yield

    def points(self) -> float:
        """Return the points of this cell's parts: the last line of a check cell with parts (partial credit)."""
        raise NotImplementedError


expect = Expect()
