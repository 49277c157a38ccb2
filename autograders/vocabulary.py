"""`expect`: where a check cell begins, and the parts that earn its points."""

import html
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from autograders.catalogue import language, unit_here, words
from autograders.expectation import Expectation, asked_call, asked_figure, asked_for
from autograders.failure import CheckFailed, Fact
from autograders.files import File
from autograders.rules import is_about_her_data
from autograders.session import session
from autograders.web_dev import Page, Unseen

Made = TypeVar("Made", bound=Callable[..., Any])


@dataclass(frozen=True)
class Part:
    """A part of a check: its points, its title (an id or words), its line, and what was not met (nothing: earned)."""

    points: float
    title: str
    line: int
    facts: tuple[Fact, ...] = ()


def _plain(points: float) -> float:
    return int(points) if points % 1 == 0 else float(points)


class Points(float):
    """Points as nbgrader reads them, a number, and as a notebook shows them, in words. `most`: what could be had."""

    most: float = 0.0

    def _repr_html_(self) -> str:
        """Say them where a bare number would stand."""
        figures = {"points": _plain(self), "max": _plain(self.most)}
        said = words("points-of", figures, language())
        return f"<p>{html.escape(said)}</p>"


def _with_parameters_of(word: Callable[..., Any]) -> Callable[[Made], Made]:
    """Have the parameters of another word shown for one that hands them on."""

    def show(made: Made) -> Made:
        made.__wrapped__ = word  # type: ignore[attr-defined]
        return made

    return show


class Expect:
    """Call it with a name, or use its words.

    expect("x")                      her variable x
    expect.call("f", 1, frame)       the result of her function f, called with copies of these arguments
    expect.figure()                  what was drawn last
    expect.file("out.csv")           a file she has written
    expect.page("index.html")        a page she has written, as a browser shows it
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._used = False
        self._watching = False

    def __call__(self, name: str) -> Expectation:
        """Look at her variable of this name."""
        self._watch()
        return asked_for(name)

    def call(self, function: str, /, *args: Any, **kwargs: Any) -> Expectation:
        """Look at the result of her function, called with copies of these arguments.

        They may be plain data, frames (their index arrives, too), series and arrays; or something of hers,
        `expect("model")`, which arrives itself.
        """
        self._watch()
        return asked_call(function, args, kwargs)

    @_with_parameters_of(Expectation.figure)
    def figure(self, **wanted: Any) -> Expectation:
        """Look at what was drawn last with matplotlib's pyplot; what is expected of it as in `Expectation.figure`."""
        self._watch()
        return asked_figure().figure(**wanted)

    def file(self, path: str) -> File:
        """Look at a file she has written; its path begins where the notebook lies."""
        self._watch()
        return File(path)

    def page(self, path: str, *, width: int = 1280) -> Page:
        """Look at a page she has written, in a browser so many pixels wide; its path begins where the notebook lies."""
        if os.environ.get("PASSERELLE_BOX"):
            return Unseen()  # type: ignore[return-value]  # any word of a page, and nothing said
        self._watch()
        return Page(path, width)

    def that(self, condition: object, message: str, *, look: str | None = None, **args: Any) -> None:
        """Expect that a condition of your own is true; the message is said where it is not."""
        self._watch()
        if not condition:
            args.update(args.pop("args", None) or {})
            # What a hidden test found may be what it called her function with.
            raise CheckFailed((Fact(message, {} if session.silent_facts else args, look),))

    def part(self, points: float, title: str = "") -> AbstractContextManager[None]:
        """Earn points for what is inside. What is not met there is said, and the check goes on with the next part.

        `title` is an id of the unit's messages, or words. Without parts a check earns all or nothing.
        """
        return self._part(points, title, sys._getframe(1).f_lineno)

    @contextmanager
    def _part(self, points: float, title: str, line: int) -> Iterator[None]:
        self._watch()
        try:
            yield
        except CheckFailed as unmet:
            self._add(Part(points, title, line, unmet.facts))
        except Exception as error:
            if not is_about_her_data(error, looked=session.looked):
                raise
            self._add(Part(points, title, line, (Fact("unforeseen", {}),)))
        else:
            self._add(Part(points, title, line))

    def points(self) -> "Points":
        """Return the points of this cell's parts: the last line of a check cell with parts (partial credit)."""
        earned = Points(sum(part.points for part in self.parts if not part.facts))
        earned.most = sum(part.points for part in self.parts)
        return earned

    def begin(self) -> None:
        """Begin a cell: its parts and what it has looked at are its own."""
        self.parts.clear()
        self._used = session.looked = False
        session.source.forget()

    def _add(self, part: Part) -> None:
        self.parts.append(part)
        if _shell() is not None:
            unit, reader = unit_here(), language()
            title = words(part.title, {}, reader, unit) or words("a-part", {}, reader)
            said = [line for fact in part.facts for line in fact.lines(reader, unit)]
            _show([f"{'○' if part.facts else '●'} {title}", *(f"   {line}" for line in said)])

    def _watch(self) -> None:
        """Notice where cells begin and end in her kernel, to say so when all is as expected."""
        self._used = True
        shell = _shell()
        if shell is not None and not self._watching:
            self._watching = True
            shell.events.register("pre_run_cell", lambda *_: self.begin())
            shell.events.register("post_run_cell", self._end)

    def _end(self, result: Any = None) -> None:
        if self._used and not self.parts and getattr(result, "success", False):
            _show([words("as-expected", {}, language())])


def _shell() -> Any:
    interactive = sys.modules.get("IPython")
    return interactive.get_ipython() if interactive is not None and hasattr(interactive, "get_ipython") else None


def _show(lines: list[str]) -> None:
    """Show lines under the cell: no stream, so nbgrader's marking is not touched."""
    display: Any = sys.modules["IPython"].display.display  # there is a shell, so it is loaded already
    display({"text/plain": "\n".join(lines)}, raw=True)


expect = Expect()
