"""The words about what is drawn with matplotlib. It is read in the box (`autograders.figures`) and decided here."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from autograders import compare
from autograders.asked import Asked, lacking, parts_of
from autograders.failure import CheckFailed
from autograders.session import session

MARKS = ("bars", "line", "points", "area", "pie", "image", "rule", "shape")
TEXTS = {"title": ("title",), "x": ("x", "title"), "y": ("y", "title")}
"""Where texts stand in a chart."""
_FLAT = 1e-9

Words = str | Iterable[str | tuple[str, ...]]


class Drawn(Asked):
    """Looks at figures."""

    _since: Any = None
    """The figures that a call made come after this number."""

    def figure(
        self,
        *,
        marks: str | Sequence[str] = (),
        title: Words | bool = False,
        x: Words | bool = False,
        y: Words | bool = False,
        legend: Words | bool = False,
        from_zero: bool = False,
        panels: int | None = None,
        panel: int | None = None,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a drawing: a figure, axes, or a call that draws.

        Args:
            marks: kinds of marks that are drawn: "bars" (histograms, too), "line", "points", "area", "pie", "image",
                "rule" (a line right across).
            title: the chart has a title (True), with these parts (as in `text`).
            x: the same of the horizontal axis: what it shows, and its unit.
            y: the same of the vertical axis.
            legend: a legend (True), with these parts.
            from_zero: its bars begin at 0, on an even scale.
            panels: so many charts in the figure.
            panel: which of them is meant, from 1; without it, the axes themselves, or the first.
            else_: the unit's message.
            look: where to look.
            facts: more places of the message.
        """
        drawing = self._drawing(look)
        if panels is not None and len(drawing.panels) != panels:
            self._fail("panels-differ", else_, look, {"expected": panels, "found": len(drawing.panels)}, facts)
        chart = self._chart(drawing, panel, look)
        self._has_marks(chart, [marks] if isinstance(marks, str) else list(marks), else_, look, facts)
        for place, wanted in (("title", title), ("x", x), ("y", y)):
            self._has_text(place, [chart.text(place)], wanted, else_, look, facts)
        self._has_text("legend", chart.legend, legend, else_, look, facts)
        if from_zero and (begins := chart.begins()) is not None:
            self._fail("not-from-zero", else_, look, {"found": begins}, facts)
        return self

    def drawn(self, what: str, *, panel: int | None = None, look: str | None = None) -> Self:
        """Look at what is drawn, as plain data.

        Args:
            what: a kind of marks, as a DataFrame with the columns "series" and "label", "value" (bars, pie; bars have
                "base", "start" and "end", too) or "x", "y" (line, points, area); or "title", "x", "y" (what the axis
                says), "legend", "texts", "x limits", "y limits", "x scale", "y scale".
            panel: which chart of the figure, from 1.
            look: where to look.
        """
        chart = self._chart(self._drawing(look), panel, look)
        if what in MARKS:
            self._has_marks(chart, [what], None, look, {})
        name = f"{self._name} · {what}"
        part = self._inside(name, f"{self._quiet} · {what}", chart.part(what))
        part._called = None
        return part

    def _drawing(self, look: str | None) -> "_Drawing":
        module = {"t": "module", "n": "autograders.figures"}
        if self._called is not None and not self._is_held():
            self._since = session.source.ask({"op": "method", "on": module, "attr": "fresh"}).get("value")
        on = self._on(or_none=True)
        answer = session.source.ask({"op": "method", "on": module, "attr": "read", "args": [on, self._since]})
        held = self._beside(self._name, self._quiet, answer)
        if answer.get("state") == "raised":
            raise CheckFailed.of("garbled", None, name=self._bare())
        data = held._plain(held._reply())
        if data is None and on is None:
            if self._called is not None:
                self._reply()  # it says so where the function is still to be written
            self._fail("figure-missing", None, look or "look-figure-missing", {})
        if data is None:
            self._other_kind("kind-figure", self._look(), look)
        try:
            return _Drawing(data)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise CheckFailed.of("garbled", None, name=self._bare()) from None

    def _chart(self, drawing: "_Drawing", panel: int | None, look: str | None) -> "_Chart":
        if panel is None and drawing.panels:
            return drawing.panels[drawing.own or 0]
        if not 1 <= (panel or 1) <= len(drawing.panels):
            self._fail("panels-differ", None, look, {"expected": panel or 1, "found": len(drawing.panels)})
        return drawing.panels[(panel or 1) - 1]

    def _has_marks(
        self, chart: "_Chart", wanted: list[str], else_: str | None, look: str | None, facts: dict[str, Any]
    ) -> None:
        if {*wanted} - {*MARKS}:
            raise ValueError(f"marks are {', '.join(MARKS)}")
        have = [kind for kind in MARKS if chart.marks.get(kind)]
        if not have or {*wanted} - {*have}:
            said = {
                "expected": [{"id": f"mark-{kind}", "args": {}} for kind in wanted or ["any"]],
                "found": [{"id": f"mark-{kind}", "args": {}} for kind in have or ["none"]],
            }
            self._fail("marks-differ", else_, look, said, facts)

    def _has_text(
        self,
        place: str,
        found: list[str],
        wanted: Words | bool,
        else_: str | None,
        look: str | None,
        facts: dict[str, Any],
    ) -> None:
        if wanted is False:
            return
        there = {"id": f"place-{place}", "args": {}}
        if not any(one.strip() for one in found):
            self._fail("nothing-written", else_, look, {"place": there}, facts)
        parts: Any = () if wanted is True else parts_of(wanted)
        if missing := lacking(" ".join(found), parts):
            self._fail("written-lacks", else_, look, {"place": there, "expected": missing, "found": found[:8]}, facts)


class _Drawing:
    """What was read of a figure; raises KeyError, TypeError, ValueError … where it is nothing of the kind."""

    def __init__(self, data: Any) -> None:
        self.panels = [_Chart(one) for one in _as(data["panels"], list)]
        own = data["own"]
        self.own: int | None = own if type(own) is int and 0 <= own < len(self.panels) else None
        if len(self.panels) == 1 and not self.panels[0].text("title"):
            self.panels[0].texts["title"] = _as(data["title"], str)


class _Chart:
    """One chart of a figure."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.texts: dict[str, str] = {
            "title": _as(data["title"], str),
            "x": _as(data["x"]["title"], str),
            "y": _as(data["y"]["title"], str),
        }
        self.limits = {way: [float(one) for one in _as(data[way]["limits"], list)][:2] for way in ("x", "y")}
        self.scales = {way: _as(data[way]["scale"], str) for way in ("x", "y")}
        self.legend = [_as(one, str) for one in _as(data["legend"] or [], list)]
        self.written = [_as(one, str) for one in _as(data["texts"], list)]
        self.marks: dict[str, list[_Marks]] = {}
        for one in _as(data["marks"], list):
            self.marks.setdefault(_as(one["kind"], str), []).append(_Marks(one))

    def text(self, place: str) -> str:
        """Return what is written there."""
        return self.texts[place]

    def begins(self) -> Any:
        """Return where the bars begin, where that is not 0; for another scale than the even one, its name."""
        for bars in self.marks.get("bars", []):
            way = "x" if bars.across else "y"
            low, high = sorted(self.limits[way])
            if self.scales[way] != "linear":
                return self.scales[way]
            if not low <= _FLAT * max(abs(high), 1):
                return compare.shown(low)
            if not high >= -_FLAT * max(abs(low), 1):
                return compare.shown(high)
            off = [base for base in bars.data["base"] if abs(base) > _FLAT * max(abs(low), abs(high))]
            if off and len(off) == len(bars.data["base"]) and len(self.marks["bars"]) == 1:
                return compare.shown(off[0])
        return None

    def part(self, what: str) -> Any:
        """Return a part as plain data."""
        if what in MARKS:
            return self._frame(what)
        if what in self.texts:
            return self.texts[what]
        if what in ("legend", "texts"):
            return self.legend if what == "legend" else self.written
        way, _, of = what.partition(" ")
        if way not in ("x", "y") or of not in ("limits", "scale"):
            raise ValueError(f"{what!r} is nothing that is drawn")
        return self.limits[way] if of == "limits" else self.scales[way]

    def _frame(self, kind: str) -> Any:
        import pandas as pd  # noqa: PLC0415  only where marks are looked at as a table

        rows = [{"series": one.series, **row} for one in self.marks[kind] for row in one.rows()]
        return pd.DataFrame(rows)


class _Marks:
    """Marks of one series."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.series = _as(data["series"], str)
        self.across = data.get("across") is True
        self.data = {_as(name, str): _as(values, list) for name, values in _as(data["data"], dict).items()}
        if len({len(values) for values in self.data.values()}) > 1:
            raise ValueError("columns of other lengths")
        for name in ("value", "base", "start", "end"):
            # A value may be missing; where a bar stands may not.
            of_name = self.data.get(name, [])
            if not all(compare.is_number(one) and (name == "value" or one == one) for one in of_name):  # noqa: PLR0124  NaN
                raise ValueError("a bar without a number")
        if not all(
            type(one) in (int, float, str, bool, type(None), datetime.datetime) for one in self.data.get("x", [])
        ):
            raise ValueError("a place of another kind")

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a mark."""
        return [dict(zip(self.data, row, strict=True)) for row in zip(*self.data.values(), strict=True)]


def _as(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"no {kind.__name__}")
    return value
