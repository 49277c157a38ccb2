"""The words about one thing of hers: a variable, the result of a call, a column, an entry.

Every word returns the expectation itself, so words chain; the first one that is not met raises
`CheckFailed`. What is said then is the facts (expected, found) in general words; `else_`, an id of the
unit's `[messages]`, *replaces* them where the value, the rows or the columns are not as expected. A missing
name, a stub (`...`), an error in her function and a value of another kind have general sentences of their
own, except that `is_a`, `text` and `numbers` say `else_` for another kind, too. `look`, everywhere, is the id
of the «look at» line. The places of a message may be {name}, {expected}, {found}, {column} …, and any keyword
given to the word (`minimum=20`).

In hidden tests no fact is said, since it could hold hidden data: without `else_`, that data not shown in the
notebook gave another result; with it, only {name} is filled in, and «…» stands for every other place.

Frozen (tests/unit/autograders/vocabulary.txt): thirty units are written in these words. docs/vocabulary.md shows each
of them with what it accepts and what it refuses.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from autograders import compare, frames
from autograders.asked import Asked, called_with, error_name, given, lacking, tidy
from autograders.drawn import Drawn
from autograders.live import Live
from autograders.rules import is_our_fault, must_take_one
from autograders.session import packed, session
from autograders.tables import Tables
from autograders.typed import Opaque
from autograders.untyped import GarbledError, unpack

_KINDS: dict[Any, Callable[[Any], bool]] = {
    "number": compare.is_number,
    "frame": frames.is_frame,
    "series": frames.is_series,
    "array": lambda value: type(value).__name__ == "ndarray",
    "function": lambda value: type(value) is Opaque and value.kind in ("function", "builtin_function_or_method"),
    "class": lambda value: type(value) is Opaque and value.kind == "type",
    "date": lambda value: compare.as_date(value) is not None,
    int: compare.is_whole,
    float: lambda value: compare.is_number(value) and not compare.is_whole(value),
    str: lambda value: type(value).__name__ in ("str", "str_"),
    bool: lambda value: type(value).__name__ == "bool",
}


class Expectation(Tables, Drawn, Live):
    """Something of hers that is looked at."""

    # Values

    def equals(
        self,
        value: Any,
        *,
        tolerance: float | None = None,
        relative: float | None = None,
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
        compared within `tolerance` (absolute) or `relative` (0.01 is one hundredth of the expected one; without either,
        1e-9 relative), inside lists, dicts, arrays and tables too.
        Text: exactly. Lists and tuples: in order; a list is not a tuple. Dicts: the same keys, or with `extra=True` at
        least these. Missing values equal missing values.
        Frames: the expected frame's columns (more are allowed unless `extra=False`), values and not dtypes; rows in
        any order unless `order=True`; the index only with `index=True`; `key` may be a column or (a level of) the
        index. Series: expected as a Series (rows in any order unless `order=True`), a list (in order) or a dict
        label -> value.
        """
        found, near = self._look(), compare.Near.of(tolerance, relative)
        if frames.is_frame(value):
            if not frames.is_frame(found):
                self._other_kind("kind-frame", found, look)
            wide = extra is not False
            differs = frames.frames_differ(found, value, order=order, index=index, key=key, extra=wide, tolerance=near)
        elif frames.is_series(value) or (frames.is_series(found) and isinstance(value, (dict, list, tuple))):
            if not frames.is_series(found):
                self._other_kind("kind-series", found, look)
            differs = frames.series_differ(found, value, order=order, index=index, tolerance=near)
        else:
            differs = compare.difference(found, value, tolerance=near, extra=extra is True)
        if differs is not None:
            self._differs(differs, found, value, else_, look, facts)
        return self

    def differs_from(
        self,
        value: Any,
        *,
        else_: str,
        tolerance: float | None = None,
        relative: float | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect anything but this value: the value of a known misconception. Put it before `equals`."""
        found, near = self._look(), compare.Near.of(tolerance, relative)
        if frames.is_frame(value) and frames.is_frame(found):
            differs = frames.frames_differ(found, value, tolerance=near)
        elif frames.is_series(value) and frames.is_series(found):
            differs = frames.series_differ(found, value, tolerance=near)
        else:
            differs = compare.difference(found, value, tolerance=near)
        if differs is None:
            self._fail("value-differs", else_, look, {"found": compare.shown(found)}, facts)
        return self

    def is_a(self, *kinds: type | str, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect one of these kinds: a type (int, float, bool, str, list, tuple, dict, set), or one of the words
        "number" (int or float, NumPy's too), "frame", "series", "array", "function", "class", "date".
        """  # noqa: D205  the list of kinds is one sentence
        found = self._look()
        if not any(_KINDS.get(kind, lambda value, kind=kind: type(value) is kind)(found) for kind in kinds):
            wanted = [compare.kind_named(kind) for kind in kinds]
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
        """Expect `rule(value)` to be true; `else_` says what the rule is.

        An error inside it means «not met», since unforeseen data may upset any rule; except where the rule itself is
        at fault whatever her data are (a name nobody defined, a module that is not there, not one parameter): that
        stops the check, as ours to mend.
        """
        must_take_one(rule)
        found = self._look()
        try:
            met = bool(rule(found))
        except Exception as error:
            if is_our_fault(error):
                raise
            met = False
        if not met:
            self._fail("not-met", else_, look, {"found": compare.shown(found)}, facts)
        return self

    # Text

    def text(
        self,
        *,
        equals: str | None = None,
        contains: str | Iterable[str | tuple[str, ...]] = (),
        matches: str | None = None,
        lenient: bool = True,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect text; of a Series or list, that every value is text (missing ones aside).

        Args:
            equals: this text.
            contains: this part, or all of these parts; a tuple among them is one part in several forms
                (`["euro", ("per month", "par mois")]`).
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
            tidied = tidy(str(value), lenient=lenient)
            missing = lacking(str(value), contains, lenient=lenient)
            if equals is not None and tidied != tidy(equals, lenient=lenient):
                self._fail(
                    "value-differs",
                    else_,
                    look,
                    {"expected": compare.shown(equals), "found": compare.shown(value)},
                    facts,
                )
            if missing:
                self._fail("text-lacks", else_, look, {"expected": missing, "found": compare.shown(value)}, facts)
            if matches is not None and not re.search(matches, tidied[:20_000], re.IGNORECASE if lenient else 0):
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

    # Calls

    def raises(
        self,
        *errors: type[Exception] | str,
        text: str | Iterable[str | tuple[str, ...]] = (),
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect the call to raise one of these errors (or a kind of it), with these parts in its text.

        An error of her own is named by a string: `raises("TooLittleMoney")`. NotImplementedError says «still to write».
        """
        answer = self._reply()
        wanted = [one if isinstance(one, str) else one.__name__ for one in errors]
        full = {f"__main__.{one}" if isinstance(one, str) else f"{one.__module__}.{one.__name__}" for one in errors}
        if answer["state"] != "raised":
            found = self._look()
            self._fail("raises-nothing", else_, look, {"expected": wanted, "found": compare.shown(found)}, facts)
        if not full & set(answer.get("kinds") or ()):
            self._fail("raises-other", else_, look, {"expected": wanted, "found": error_name(answer)}, facts)
        said = str(answer.get("text") or "")
        if missing := lacking(said, text):
            self._fail("raises-text", else_, look, {"expected": missing, "found": said[:90] or "—"}, facts)
        return self

    def prints(
        self,
        *parts: str | tuple[str, ...],
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect the call to print these parts, in any order; letter case and white space do not count.

        A tuple is one part in several forms: `("total", "somme")`.
        """
        printed = self._printed()
        if missing := lacking(printed, parts):
            self._fail("prints-lacks", else_, look, {"expected": missing, "found": printed.strip()[:90] or "—"}, facts)
        return self

    def printed(self) -> Self:
        """Look at what the call prints, as text."""
        text = self._printed()
        part = self._inside(self._name, self._quiet, text)
        part._called = None
        return part

    def _printed(self) -> str:
        self._look()
        return str((self._answer or {}).get("printed", ""))

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
    return Expectation(
        name, lambda _back: session.source.get(name), lambda: session.source.ask({"op": "get", "on": {"name": name}})
    )


def asked_call(function: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Expectation:
    """Return the expectation of a call's result. The function runs once somebody looks."""
    name, quiet = f"{function}({called_with(args, kwargs)})", f"{function}(…)"
    if any(isinstance(one, Asked) for one in (*args, *kwargs.values())):
        hers = {"args": [given(one) for one in args], "kwargs": {key: given(one) for key, one in kwargs.items()}}
        answer = session.source.ask({"op": "call", "on": {"name": function}, **hers})
        return asked_for(function)._beside(name, quiet, answer, called=args)
    there = [packed(one) for one in args]
    named = {key: packed(one) for key, one in kwargs.items()}

    def hold() -> dict[str, Any]:
        question = {"op": "call", "on": {"name": function}, "args": there, "kwargs": named}
        return session.source.ask(question)

    def ask(back: bool) -> dict[str, Any]:
        return session.source.call(function, there, named, back=back)

    return Expectation(name, ask, hold, quiet=quiet, called=list(args))


def asked_figure() -> Expectation:
    """Return the expectation of what was drawn last."""
    nothing = {"state": "value", "value": None}
    return Expectation("figure", lambda _back: nothing, lambda: nothing)


def _changed(before: Any, after: Any) -> bool:
    if frames.is_frame(before):
        return (
            not frames.is_frame(after)
            or frames.frames_differ(after, before, order=True, index=True, extra=False) is not None
        )
    if frames.is_series(before):
        return not frames.is_series(after) or frames.series_differ(after, before, order=True, index=True) is not None
    return compare.difference(after, before) is not None
