"""Reads what matplotlib has drawn, as plain data, in the fellow's process; `autograders.drawn` decides outside.

    {"panels": [{"title", "x", "y": {"title", "scale", "limits"}, "legend", "texts",
                 "marks": [{"kind", "series", "data": {column: values}}]}], "title", "own": which panel was meant}

What is read is what the classes of matplotlib say, not what a subclass, an attribute of one object or a patched
class puts in their place (`LiarError`).
"""

import datetime
import importlib.abc
import importlib.machinery
import itertools
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from autograders import answers

MAX_PANELS = 20
MAX_MARKS = 200
MAX_DATA = 20_000
_HOOK = "autograders.figures:remember"
_seen: deque[tuple[int, Any]] = deque(maxlen=3)
_numbers = itertools.count(1)


class LiarError(Exception):
    """Something else stands where matplotlib's own was."""


def remember(figure: Any) -> None:
    """Keep a new figure: a notebook closes it at the end of its cell, and the check comes later."""
    _seen.append((next(_numbers), figure))


def watch() -> None:
    """Have new figures remembered from now on, whether matplotlib is there already or comes later."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None and hasattr(matplotlib, "rcParams"):
        _hook(matplotlib)
    elif not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _hook(matplotlib: ModuleType) -> None:
    hooks = matplotlib.rcParams.get("figure.hooks", [])
    if _HOOK not in hooks:
        matplotlib.rcParams["figure.hooks"] = [*hooks, _HOOK]


class _Finder(importlib.abc.MetaPathFinder):
    """Notices that matplotlib is imported, once."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002  Python's signature
        if name != "matplotlib":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _hook(module)

            loader: Any = spec.loader  # it loads nothing else
            loader.exec_module = exec_module
        return spec


def fresh() -> int:
    """Begin anew, so that a call draws on nothing older; return the number of the last figure."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
    return next(_numbers)


def read(value: Any, since: int | None = None) -> dict[str, Any] | None:
    """Return what is drawn in a figure, in axes, or in what holds some.

    Args:
        value: a figure, axes, a list or array of them; None for the figure drawn last.
        since: the number that `fresh` gave: no older figure is meant.

    Returns:
        None where it is no drawing.
    """
    if sys.modules.get("matplotlib.figure") is None:
        return None
    figure, own = _last(since) if value is None else _resolve(value)
    if figure is None:
        return None
    if since is not None and any(one is figure for _number, one in _seen):
        fresh()  # what a check has her function draw need not stand under the check
    panels = [one for one in _own(figure, "axes")][:MAX_PANELS]  # noqa: C416  a list of ours
    title = vars(figure).get("_suptitle")
    return {
        "panels": [_panel(one) for one in panels],
        "title": _text(title),
        "own": next((place for place, one in enumerate(panels) if one is own), None),
    }


def _last(since: int | None) -> tuple[Any, Any]:
    """Return the figure drawn last on which something stands."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    found = [pyplot.gcf()] if pyplot is not None and pyplot.get_fignums() else []
    found += [figure for number, figure in reversed(_seen) if since is None or number > since]
    if since is None:  # one that was made before anybody watched
        found += reversed(list(answers.namespace().values()))
    for one in found:
        figure, _axes = _resolve(one)
        if figure is not None and _own(figure, "axes"):
            return figure, None
    return None, None


def _resolve(value: Any, depth: int = 0) -> tuple[Any, Any]:  # noqa: PLR0911  one a kind of value
    """Return the figure of a value and, where it is one chart of it, its axes."""
    from matplotlib.artist import Artist  # noqa: PLC0415  there is a figure, so it is loaded
    from matplotlib.axes import Axes  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    if _is(value, Figure):
        return value, None
    if _is(value, Axes):
        return _owner(value), value
    if _is(value, Artist):
        axes = vars(value).get("_axes")
        return (_owner(axes), axes) if _is(axes, Axes) else (None, None)
    if depth < 2:
        if type(value).__name__ == "ndarray" and value.dtype == object and value.size:
            return _resolve(value.ravel()[0], depth + 1)[0], None
        if isinstance(value, (list, tuple)) and value:
            figure, axes = _resolve(list(value)[0], depth + 1)  # noqa: RUF015  a container is a tuple with a life of its own
            return figure, axes if type(value) not in (list, tuple) else None
        held = getattr(type(value), "__dict__", {}) and (getattr(value, "__dict__", None) or {}).get("_figure")
        if held is not None:
            return _resolve(held, depth + 1)[0], None
    return None, None


def _owner(axes: Any) -> Any:
    from matplotlib.figure import Figure  # noqa: PLC0415  there is a figure, so it is loaded

    figure = vars(axes).get("_parent_figure", vars(axes).get("figure"))
    while figure is not None and not _is(figure, Figure):
        figure = vars(figure).get("_parent")
    return figure


def _is(value: Any, kind: type) -> bool:
    return kind in type.mro(type(value))


def _own(artist: Any, name: str, *args: Any, **keywords: Any) -> Any:
    """Call a method (or read a property) that matplotlib itself gave to the class of an artist.

    Raises:
        LiarError: another function stands in its place.
    """
    home = str(Path(sys.modules["matplotlib"].__file__ or "").parent)
    for kind in type.mro(type(artist)):
        if not str(type.__dict__["__module__"].__get__(kind)).startswith("matplotlib."):
            continue
        held = type.__dict__["__dict__"].__get__(kind).get(name)
        if held is not None:
            function: Any = held.fget if isinstance(held, property) else held
            code = getattr(function, "__code__", None)
            if code is None or not code.co_filename.startswith(home):
                raise LiarError(name)
            return function(artist, *args, **keywords)
    raise LiarError(name)


def _text(artist: Any) -> str:
    from matplotlib.text import Text  # noqa: PLC0415  there is a figure, so it is loaded

    return str(vars(artist).get("_text", ""))[:500] if _is(artist, Text) and vars(artist).get("_visible") else ""


def _panel(axes: Any) -> dict[str, Any]:
    held = vars(axes)
    titles = [_text(held.get(name)) for name in ("title", "_left_title", "_right_title")]
    legend = held.get("legend_") or next(iter(vars(_owner(axes)).get("legends") or ()), None)
    return {
        "title": next(filter(None, titles), ""),
        "x": _axis(axes, "x"),
        "y": _axis(axes, "y"),
        "legend": [_text(one) for one in _own(legend, "get_texts")][:50] if legend is not None else None,
        "texts": [_text(one) for one in _own(axes, "texts")][:100],
        "marks": _marks(axes)[:MAX_MARKS],
    }


def _axis(axes: Any, way: str) -> dict[str, Any]:
    axis = vars(axes)[f"{way}axis"]
    shown = vars(axes).get("axison") and vars(axis).get("_visible")
    return {
        "title": _text(vars(axis)["label"]) if shown else "",
        "scale": str(_own(axis, "get_scale")),
        "limits": [float(one) for one in _own(axis, "get_view_interval")],
    }


# Marks


def _marks(axes: Any) -> list[dict[str, Any]]:
    from matplotlib import collections, container, patches  # noqa: PLC0415  there is a figure, so they are loaded

    marks, held = [], set()
    containers = vars(axes).get("containers")
    for one in containers if type(containers) is list else []:
        bars = vars(one).get("patches") if _is(one, container.BarContainer) else None
        if type(bars) is list and all(_is(bar, patches.Rectangle) for bar in bars):
            held |= {id(bar) for bar in bars}
            if seen := _shown(bars):
                marks.append(_bars(axes, one, seen))
    for one in _shown(_own(axes, "patches")):
        if _is(one, patches.Wedge):
            inside = vars(one)
            share = abs(inside["theta2"] - inside["theta1"]) / 360
            marks.append(_mark("pie", one, {"label": [_series(one)], "value": [share]}))
        elif id(one) not in held and _is(one, patches.Polygon):
            marks.append(_mark("area", one, _points(axes, _own(one, "get_xy"))))
        elif id(one) not in held and _is(one, patches.Rectangle):
            marks.append(_mark("shape", one, {}))
    marks += [_line(axes, one) for one in _shown(_own(axes, "lines"))]
    for one in _shown(_own(axes, "collections")):
        if _is(one, collections.PathCollection):
            marks.append(_mark("points", one, _points(axes, _own(one, "get_offsets"))))
        elif _is(one, collections.PolyCollection):
            corners = [path.vertices for path in _own(one, "get_paths")]
            marks.append(_mark("area", one, _points(axes, corners[0] if corners else [])))
        elif _is(one, collections.QuadMesh):
            marks.append(_mark("image", one, {}))
    marks += [_mark("image", one, {}) for one in _shown(_own(axes, "images"))]
    return _pie_together(marks)


def _shown(artists: Iterable[Any]) -> list[Any]:
    return [one for one in artists if vars(one).get("_visible") and vars(one).get("_alpha") != 0]


def _series(artist: Any) -> str:
    label = str(vars(artist).get("_label") or "")
    return "" if label.startswith("_") else label[:200]


def _mark(kind: str, artist: Any, data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "series": _series(artist), "data": data}


def _bars(axes: Any, holder: Any, bars: list[Any]) -> dict[str, Any]:
    across = vars(holder).get("orientation") == "horizontal"
    axis = vars(axes)["yaxis" if across else "xaxis"]
    boxes = [(vars(bar)["_x0"], vars(bar)["_width"], vars(bar)["_y0"], vars(bar)["_height"]) for bar in bars[:MAX_DATA]]
    if across:
        boxes = [(y, height, x, width) for x, width, y, height in boxes]
    middles = [float(start) + float(width) / 2 for start, width, _base, _height in boxes]
    data = {
        "label": _labels(axis, middles),
        "value": [float(height) for *_others, height in boxes],
        "base": [float(base) for _start, _width, base, _height in boxes],
        "start": [float(min(start, start + width)) for start, width, *_others in boxes],
        "end": [float(max(start, start + width)) for start, width, *_others in boxes],
    }
    return {**_mark("bars", holder, data), "across": across}


def _line(axes: Any, line: Any) -> dict[str, Any]:
    inside = vars(line)
    if _own(line, "get_transform") is not vars(axes)["transData"]:
        return _mark("rule", line, {})
    has_line = inside.get("_linestyle") not in ("None", " ", "") and inside.get("_linewidth", 1) != 0
    marker = str(getattr(inside.get("_marker"), "_marker", "None"))
    x, y = (_own(line, name, orig=True)[:MAX_DATA] for name in ("get_xdata", "get_ydata"))
    step = vars(axes).get("freq")  # pandas counts its periods
    if step is not None and "pandas" in sys.modules:
        x = [sys.modules["pandas"].Period(ordinal=int(one), freq=step) for one in x]
    kind = "line" if has_line or marker in ("None", " ", "") else "points"
    return _mark(kind, line, {"x": _plain(x), "y": _plain(y)})


def _points(axes: Any, places: Any) -> dict[str, Any]:
    rows = [(float(x), float(y)) for x, y in list(places)[:MAX_DATA]]
    held = vars(axes)
    return {
        "x": _in_units(held["xaxis"], [x for x, _y in rows]),
        "y": _in_units(held["yaxis"], [y for _x, y in rows]),
    }


def _pie_together(marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the wedges of a pie as one mark."""
    wedges = [one for one in marks if one["kind"] == "pie"]
    if not wedges:
        return marks
    data = {name: [one["data"][name][0] for one in wedges] for name in ("label", "value")}
    return [{"kind": "pie", "series": "", "data": data}, *(one for one in marks if one["kind"] != "pie")]


def _plain(values: Any) -> list[Any]:
    """Return data as they were given to matplotlib: numbers, text, dates."""
    import numpy as np  # noqa: PLC0415  matplotlib has loaded it

    array = np.asarray(values)
    if array.dtype.kind == "M":
        return list(array.astype("datetime64[s]").ravel().tolist())
    return [
        one if type(one) in (int, float, str, bool, type(None)) else _as_date(one) or str(one)[:60]
        for one in array.ravel().tolist()
    ]


def _as_date(value: Any) -> datetime.datetime | None:
    """Return a date, or the first moment of a pandas Period, as Python's own."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and type(value) is pandas.Period:
        value = value.start_time
    if isinstance(value, datetime.date):
        return datetime.datetime.fromisoformat(value.isoformat()).replace(tzinfo=None, microsecond=0)
    return None


def _in_units(axis: Any, numbers: Sequence[float]) -> list[Any]:
    """Return numbers along an axis as what they stand for: categories or dates."""
    converter, units = _own(axis, "get_converter"), _own(axis, "get_units")
    categories = getattr(units, "_mapping", None)
    if isinstance(categories, dict):
        names = {round(place): str(name) for name, place in categories.items()}
        return [names.get(round(one), one) for one in numbers]
    if converter is not None and ("Date" in type(converter).__name__ or "Datetime" in type(converter).__name__):
        from matplotlib.dates import num2date  # noqa: PLC0415  there are dates, so it is loaded

        dates: Any = num2date
        return [dates(one).replace(tzinfo=None, microsecond=0) for one in numbers]
    return list(numbers)


def _labels(axis: Any, middles: Sequence[float]) -> list[Any]:
    """Return what stands under the bars: their category, the nearest label written by hand, or their place."""
    from matplotlib.ticker import FixedFormatter, FuncFormatter  # noqa: PLC0415  there is a figure, so it is loaded

    formatter = _own(axis, "get_major_formatter")
    in_units = _in_units(axis, middles)
    if in_units != list(middles) or not (_is(formatter, FixedFormatter) or _is(formatter, FuncFormatter)):
        return in_units
    places = [float(one) for one in _own(axis, "get_majorticklocs")]
    texts = [str(one)[:200] for one in _own(formatter, "format_ticks", places)]
    if not places:
        return in_units
    return [texts[min(range(len(places)), key=lambda place: abs(places[place] - middle))] for middle in middles]
