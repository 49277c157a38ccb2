"""The words about one thing of hers: a variable, the result of a call, a column, an entry.

Every word returns the expectation itself, so words chain; the first one that is not met raises
`CheckFailed`. What is said then is the facts (expected, found) in general words; `else_`, an id of the
unit's `[messages]`, *replaces* them where the value, the rows or the columns are not as expected. A missing
name, a stub (`...`), an error in her function and a value of another kind have general sentences of their
own, except that `is_a`, `text` and `numbers` say `else_` for another kind, too. `look`, everywhere, is the id
of the «look at» line. The places of a message may be {name}, {expected}, {found}, {column} …, and any keyword
given to the word (`minimum=20`).

In hidden tests no fact is said, since it could hold hidden data: without `else_`, that data not shown in the
notebook gave another result; with it, only {name} and the keywords the author gives are filled in.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from autograders import compare, frames
from autograders.asked import Asked, error_name
from autograders.session import packed, session
from autograders.typed import Opaque
from autograders.untyped import GarbledError, unpack

_KINDS: dict[Any, Callable[[Any], bool]] = {
    "number": compare.is_number,
    "frame": frames.is_frame,
    "series": frames.is_series,
    "array": lambda value: type(value).__name__ == "ndarray",
    "function": lambda value: type(value) is Opaque and value.kind == "function",
    "date": lambda value: compare.as_date(value) is not None,
    int: compare.is_whole,
    float: lambda value: compare.is_number(value) and not compare.is_whole(value),
    str: lambda value: type(value).__name__ in ("str", "str_"),
    bool: lambda value: type(value).__name__ == "bool",
}


class Expectation(Asked):
    """Something of hers that is looked at."""

    def _ipython_display_(self) -> None:
        """Show nothing: the check has said what it has to say, and nbgrader would read a result as points."""

    # What it is

    @property
    def value(self) -> Any:
        """Her answer as plain data (int, str, list, DataFrame … of exactly these types), for Python of your own.

        Raises CheckFailed where it does not exist, is a stub, or the call raised an error. An error that your
        own Python meets in unforeseen data (KeyError, TypeError …) counts as «not met»; `satisfies` lets you say why.
        """
        session.looked = True
        return self._look()

    def column(self, name: str, *, look: str | None = None) -> "Expectation":
        """Expect a DataFrame with this column, and look at it (a Series)."""
        self.frame(columns=[name], look=look)
        return self._inside(f'{self._name}["{name}"]', self._look()[name])

    def item(self, key: Any, *, look: str | None = None) -> "Expectation":
        """Expect a dict with this key (or a Series with this label), and look at its value."""
        found = self._look()
        held = found.to_dict() if frames.is_series(found) else found
        if type(held) is not dict:
            self._other_kind("kind-dict", found, look)
        if key not in held:
            self._fail(
                "keys-missing",
                None,
                look,
                {"keys": [compare.shown(key)], "found": [compare.shown(one) for one in held][:12]},
            )
        return self._inside(f"{self._name}[{key!r}]", held[key])

    def _inside(self, name: str, value: Any) -> "Expectation":
        part = Expectation(name, self._ask, called=self._called)
        part._answer, part._value = self._answer, value
        return part

    # Values

    def equals(
        self,
        value: Any,
        *,
        tolerance: float | None = None,
        order: bool = False,
        index: bool = False,
        key: str | None = None,
        extra: bool | None = None,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect this value.

        Numbers: a whole number and a float of the same value are equal, NumPy's too (True is not 1); floats are
        compared within `tolerance` (absolute; without one, 1e-9 relative), inside lists, dicts and tables too.
        Text: exactly. Lists and tuples: in order; a list is not a tuple. Dicts: the same keys, or with `extra=True` at
        least these. Missing values equal missing values.
        Frames: the expected frame's columns (more are allowed unless `extra=False`), values and not dtypes; rows in
        any order unless `order=True`; the index only with `index=True`; `key` may be a column or (a level of) the
        index. Series: expected as a Series (rows in any order unless `order=True`), a list (in order) or a dict
        label -> value.
        """
        found = self._look()
        if frames.is_frame(value):
            if not frames.is_frame(found):
                self._other_kind("kind-frame", found, look)
            wide = extra is not False
            differs = frames.frames_differ(
                found, value, order=order, index=index, key=key, extra=wide, tolerance=tolerance
            )
        elif frames.is_series(value) or (frames.is_series(found) and isinstance(value, (dict, list, tuple))):
            if not frames.is_series(found):
                self._other_kind("kind-series", found, look)
            differs = frames.series_differ(found, value, order=order, index=index, tolerance=tolerance)
        else:
            differs = compare.difference(found, value, tolerance=tolerance, extra=extra is True)
        if differs is not None:
            self._differs(differs, found, value, else_, look, facts)
        return self

    def differs_from(
        self, value: Any, *, else_: str, tolerance: float | None = None, look: str | None = None, **facts: Any
    ) -> Self:
        """Expect anything but this value: the value of a known misconception. Put it before `equals`."""
        found = self._look()
        if frames.is_frame(value) and frames.is_frame(found):
            differs = frames.frames_differ(found, value, tolerance=tolerance)
        elif frames.is_series(value) and frames.is_series(found):
            differs = frames.series_differ(found, value, tolerance=tolerance)
        else:
            differs = compare.difference(found, value, tolerance=tolerance)
        if differs is None:
            self._fail("value-differs", else_, look, {"found": compare.shown(found)}, facts)
        return self

    def is_a(self, *kinds: type | str, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect one of these kinds: a type (int, float, bool, str, list, tuple, dict, set), or one of the words
        "number" (int or float, NumPy's too), "frame", "series", "array", "function", "date".
        """  # noqa: D205  the list of kinds is one sentence
        found = self._look()
        if not any(_KINDS.get(kind, lambda value, kind=kind: type(value) is kind)(found) for kind in kinds):
            wanted = [{"id": f"kind-{kind if isinstance(kind, str) else kind.__name__}", "args": {}} for kind in kinds]
            self._fail("kind-differs", else_, look, {"expected": wanted, "found": compare.kind_word(found)}, facts)
        return self

    def between(
        self, low: float, high: float, *, else_: str | None = None, look: str | None = None, **facts: Any
    ) -> Self:
        """Expect a number from low to high, both included."""
        found = self._look()
        if not compare.is_number(found):
            self._other_kind("kind-number", found, look)
        if not low <= found <= high:
            args = {"low": compare.shown(low), "high": compare.shown(high), "found": compare.shown(found)}
            self._fail("not-between", else_, look, args, facts)
        return self

    def one_of(self, *values: Any, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect one of these values."""
        found = self._look()
        if not any(compare.difference(found, value) is None for value in values):
            args = {"expected": [compare.shown(value) for value in values], "found": compare.shown(found)}
            self._fail("none-of", else_, look, args, facts)
        return self

    def length(self, count: int, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect so many items (list, dict, set, text), or rows (frame, series)."""
        found = self._look()
        if not hasattr(found, "__len__") or type(found) is Opaque:
            self._other_kind("kind-list", found, look)
        if len(found) != count:
            id_ = "rows-differ" if frames.is_frame(found) or frames.is_series(found) else "length-differs"
            self._fail(id_, else_, look, {"expected": count, "found": len(found)}, facts)
        return self

    def satisfies(self, rule: Callable[[Any], object], *, else_: str, look: str | None = None, **facts: Any) -> Self:
        """Expect `rule(value)` to be true; `else_` says what the rule is. An error inside it means «not met»."""
        found = self._look()
        try:
            met = bool(rule(found))
        except Exception:  # noqa: BLE001  unforeseen data may upset any rule
            met = False
        if not met:
            self._fail("not-met", else_, look, {"found": compare.shown(found)}, facts)
        return self

    # Text

    def text(
        self,
        *,
        equals: str | None = None,
        contains: str | Iterable[str] = (),
        matches: str | None = None,
        lenient: bool = True,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect text; of a Series or list, that every value is text (missing ones aside).

        Args:
            equals: this text.
            contains: this part, or all of these parts.
            matches: a regular expression found in it.
            lenient: letter case, outer and repeated white space do not count.
            else_: the unit's message.
            look: where to look.
            facts: more places of the message.
        """
        found = self._look()
        for value in self._values(found):
            if not _KINDS[str](value):
                self._fail(
                    "kind-differs",
                    else_,
                    look,
                    {"expected": {"id": "kind-str", "args": {}}, "found": compare.kind_word(value)},
                    facts,
                )
            tidy = _tidy(str(value), lenient=lenient)
            missing = [part for part in _parts(contains) if _tidy(part, lenient=lenient) not in tidy]
            if equals is not None and tidy != _tidy(equals, lenient=lenient):
                self._fail(
                    "value-differs",
                    else_,
                    look,
                    {"expected": compare.shown(equals), "found": compare.shown(value)},
                    facts,
                )
            if missing:
                self._fail("text-lacks", else_, look, {"expected": missing, "found": compare.shown(value)}, facts)
            if matches is not None and not re.search(matches, tidy[:20_000], re.IGNORECASE if lenient else 0):
                self._fail("not-met", else_, look, {"found": compare.shown(value)}, facts)
        return self

    def numbers(self, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect that every value of a Series or list is a number (missing ones aside; True is none)."""
        for value in self._values(self._look()):
            if not compare.is_number(value):
                args = {"expected": {"id": "kind-number", "args": {}}, "found": compare.kind_word(value)}
                self._fail("kind-differs", else_, look, args, facts)
        return self

    @staticmethod
    def _values(found: Any) -> list[Any]:
        if frames.is_series(found) or type(found).__name__ == "ndarray":
            return [value for value in found.tolist() if not compare.is_missing(value)]
        return found if type(found) is list else [found]

    # Tables

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
                args = {
                    "column": column,
                    "expected": {"id": f"column-{kind}", "args": {}},
                    "found": str(found[column].dtype),
                }
                self._fail("column-kind", else_, look, args, facts)
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
            args = {
                "column": frames.shown_name(found.name),
                "expected": {"id": f"column-{kind}", "args": {}},
                "found": str(found.dtype),
            }
            self._fail("column-kind", else_, look, args, facts)
        if rows is not None and len(found) != rows:
            self._fail("rows-differ", else_, look, {"expected": rows, "found": len(found)}, facts)
        if named is not None and found.name != named:
            self._fail("series-name", else_, look, {"expected": named, "found": frames.shown_name(found.name)}, facts)
        return self

    # Calls

    def raises(self, *errors: type[Exception], else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect the call to raise one of these errors (or a kind of it)."""
        answer = self._reply()
        wanted = [error.__name__ for error in errors]
        if answer["state"] != "raised":
            found = self._look()
            self._fail("raises-nothing", else_, look, {"expected": wanted, "found": compare.shown(found)}, facts)
        if not set(wanted) & set(answer.get("kinds") or ()):
            self._fail("raises-other", else_, look, {"expected": wanted, "found": error_name(answer)}, facts)
        return self

    def prints(self, *parts: str, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect the call to print these parts, in any order; letter case and white space do not count."""
        self._look()
        printed = str((self._answer or {}).get("printed", ""))
        missing = [part for part in parts if _tidy(part, lenient=True) not in _tidy(printed, lenient=True)]
        if missing:
            self._fail("prints-lacks", else_, look, {"expected": missing, "found": printed.strip()[:90]}, facts)
        return self

    def leaves_arguments(self, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect the call to leave its arguments as they were."""
        self._answer = self._ask(True)
        self._look()
        try:
            after = [unpack(one) for one in self._answer.get("arguments") or []]
        except GarbledError:
            after = []
        before = list(self._called or ())
        if len(after) != len(before) or any(_changed(old, new) for old, new in zip(before, after, strict=True)):
            self._fail("argument-changed", else_, look, {}, facts)
        return self


def asked_for(name: str) -> Expectation:
    """Return the expectation of a variable."""
    return Expectation(name, lambda _back: session.source.get(name))


def asked_call(function: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Expectation:
    """Return the expectation of a call's result."""
    given = [packed(one) for one in args]
    named = {key: packed(one) for key, one in kwargs.items()}
    shown = [_short(one) for one in args] + [f"{key}={_short(one)}" for key, one in kwargs.items()]
    ask = lambda back: session.source.call(function, given, named, back=back)  # noqa: E731  a word of the call
    return Expectation(f"{function}({', '.join(shown)})", ask, called=list(args))


def _short(value: Any) -> str:
    text = repr(value) if type(value) in (int, float, str, bool, list, tuple, dict, type(None)) else "…"
    return text if len(text) <= 40 else "…"


def _changed(before: Any, after: Any) -> bool:
    if frames.is_frame(before):
        return (
            not frames.is_frame(after)
            or frames.frames_differ(after, before, order=True, index=True, extra=False) is not None
        )
    if frames.is_series(before):
        return not frames.is_series(after) or frames.series_differ(after, before, order=True, index=True) is not None
    return compare.difference(after, before) is not None


def _parts(parts: str | Iterable[str]) -> list[str]:
    return [parts] if isinstance(parts, str) else list(parts)


def _tidy(text: str, *, lenient: bool) -> str:
    return " ".join(text.split()).casefold() if lenient else text
