"""Compares her answer with the expected one; both are plain data of exact types by now."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograders.typed import Opaque

_WORDS: dict[type, str] = {
    bool: "kind-bool",
    int: "kind-int",
    float: "kind-float",
    str: "kind-str",
    list: "kind-list",
    tuple: "kind-tuple",
    dict: "kind-dict",
    set: "kind-set",
    frozenset: "kind-set",
    bytes: "kind-bytes",
    type(None): "kind-none",
    type(...): "kind-stub",
}
_SCIENTIFIC = {
    "DataFrame": "kind-frame",
    "Series": "kind-series",
    "ndarray": "kind-array",
    "Timestamp": "kind-date",
    "date": "kind-date",
    "datetime": "kind-date",
    "bool": "kind-bool",
    "str_": "kind-str",
}
_MOST_TEXT, _MOST_ITEMS, _DEEPEST = 2_000, 40, 4
"""What a message may say: characters of a text, items, lists and dicts in one another."""


class Difference(NamedTuple):
    """What differs first: a general sentence's id and its arguments."""

    id: str
    args: dict[str, Any]


class Near(NamedTuple):
    """How near a number must be: within `absolute`, or within `relative` times the expected one."""

    absolute: float | None = None
    relative: float | None = None

    @classmethod
    def of(cls, absolute: float | None, relative: float | None) -> "Near | None":
        """Return it; None where neither is given (then 1e-9 relative, and whole numbers exactly)."""
        return None if absolute is None and relative is None else cls(absolute, relative)

    def allows(self, expected: float) -> float:
        """Return how far from the expected number another one may be."""
        share = 0.0 if self.relative is None or math.isinf(expected) else self.relative * abs(expected)
        return max(self.absolute or 0.0, share) * (1 + 1e-12)


def _is_scalar(value: Any) -> bool:
    return type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0


def is_number(value: Any) -> bool:
    """Say whether it is a number: int, float or a NumPy one; True is not."""
    return type(value) in (int, float) or (_is_scalar(value) and value.dtype.kind in "iuf")


def is_whole(value: Any) -> bool:
    """Say whether a number is of a whole-number type."""
    return type(value) is int or (_is_scalar(value) and value.dtype.kind in "iu")


def is_missing(value: Any) -> bool:
    """Say whether it stands for a missing value: None, NaN, NaT, NA."""
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return True
    return is_number(value) and not is_whole(value) and math.isnan(value)


def kind_word(value: Any) -> dict[str, Any]:
    """Return what kind of thing a value is, as a message."""
    if type(value) is Opaque:
        if value.too_big:
            return {"id": "kind-too-big", "args": {}}
        known = {
            "function": "kind-function",
            "builtin_function_or_method": "kind-function",
            "type": "kind-class",
            "module": "kind-module",
        }
        return {"id": known.get(value.kind, "kind-other"), "args": {"kind": value.kind}}
    if is_number(value):
        return {"id": "kind-int" if is_whole(value) else "kind-float", "args": {}}
    name = type(value).__name__
    return {"id": _WORDS.get(type(value)) or _SCIENTIFIC.get(name) or "kind-other", "args": {"kind": name}}


def kind_named(kind: type | str) -> dict[str, Any]:
    """Return a kind that a check asks for, as a message."""
    if isinstance(kind, str):
        return {"id": f"kind-{kind}", "args": {}}
    known = _WORDS.get(kind) or _SCIENTIFIC.get(kind.__name__) or "kind-other"
    return {"id": known, "args": {"kind": kind.__name__} if known == "kind-other" else {}}


def shown(value: Any) -> Any:
    """Return a value as an argument of a message: a number, short text in Python's notation, or what it is."""
    if is_number(value):
        plain = value if type(value) in (int, float) else value.item()
        if type(plain) is not int:
            plain = float(plain)  # NumPy's longest float is none of Python's
            return float(f"{plain:.8g}") if math.isfinite(plain) else str(plain)
        return plain if abs(plain) < 10**30 else kind_word(value)
    name = type(value).__name__
    if name == "DataFrame":
        return {"id": "a-frame", "args": {"rows": len(value), "columns": len(value.columns)}}
    if name == "Series":
        return {"id": "a-series", "args": {"rows": len(value)}}
    if value is None or type(value) is Opaque or value is ...:
        return kind_word(value)
    text = repr(_plain(value))
    return text if len(text) <= 90 else text[:88] + " …"


def sayable(value: Any, depth: int = 0) -> Any:
    """Return any argument of a message as JSON, and short: a check's Python may have put her data there as they are."""
    if value is None or type(value) is bool or (type(value) is float and math.isfinite(value)):
        return value
    if type(value) is str:
        return value[:_MOST_TEXT].encode("utf-8", "replace").decode("utf-8")
    if type(value) is list and depth < _DEEPEST:
        return [sayable(one, depth + 1) for one in value[:_MOST_ITEMS]]
    if type(value) is dict and depth < _DEEPEST and {*map(type, value)} <= {str}:
        return {name[:_MOST_TEXT]: sayable(one, depth + 1) for name, one in [*value.items()][:_MOST_ITEMS]}
    return shown(value)


def shape(array: Any) -> str:
    """Return an array's shape as a message shows it."""
    return f"({', '.join(map(str, array.shape))})"


def same(found: Any, expected: Any, tolerance: Near | None) -> bool:
    """Say whether two single values are the same (see `Expectation.equals`)."""
    if is_missing(found) or is_missing(expected):
        return is_missing(found) and is_missing(expected)
    if is_number(found) and is_number(expected):
        return _close(found, expected, tolerance)
    found, expected = _plain(found), _plain(expected)
    if type(found) is Opaque or type(expected) is Opaque or type(found) is not type(expected):
        return as_date(found) is not None and as_date(found) == as_date(expected)
    if isinstance(found, (list, tuple, dict, set)):
        return difference(found, expected, tolerance=tolerance) is None
    return bool(found == expected)


def _plain(value: Any) -> Any:
    """Return NumPy's scalars as Python's; times that Python has no type for (nanoseconds, years) are no numbers."""
    if not _is_scalar(value):
        return value
    plain = value.item()
    return value if value.dtype.kind in "mM" and type(plain) is int else plain


def as_date(value: Any) -> str | None:
    """Return a date or time of any library in one notation."""
    if type(value).__name__ not in ("Timestamp", "datetime", "date"):
        return None
    text = str(value.isoformat())
    return text if "T" in text else f"{text}T00:00:00"


def _close(found: Any, expected: Any, tolerance: Near | None) -> bool:
    if tolerance is None and is_whole(found) and is_whole(expected):
        return bool(_plain(found) == _plain(expected))
    try:
        left, right = float(found), float(expected)
    except OverflowError:
        return False
    if tolerance is None:
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
    return left == right or abs(left - right) <= tolerance.allows(right)


def difference(found: Any, expected: Any, *, tolerance: Near | None = None, extra: bool = False) -> Difference | None:  # noqa: PLR0911  one a kind of value
    """Return how a value differs from the expected one; None where it does not. Frames: see `autograders.frames`."""
    if isinstance(expected, (list, tuple)) and type(found) is type(expected):
        return _in_order(found, expected, tolerance)
    if isinstance(expected, dict) and type(found) is dict:
        return _by_key(found, expected, tolerance, extra=extra)
    if isinstance(expected, (set, frozenset)) and type(found) in (set, frozenset):
        if {_token(one) for one in found} == {_token(one) for one in expected}:
            return None
        return Difference("value-differs", {"expected": shown(expected), "found": shown(found)})
    if type(expected).__name__ == "ndarray" and type(found).__name__ == "ndarray":
        return _arrays(found, expected, tolerance)
    if same(found, expected, tolerance):
        return None
    if _comparable(found, expected):
        return Difference("value-differs", {"expected": shown(expected), "found": shown(found)})
    return Difference("kind-differs", {"expected": kind_word(expected), "found": kind_word(found)})


def _arrays(found: Any, expected: Any, tolerance: Near | None) -> Difference | None:
    if found.shape != expected.shape:
        return Difference("shape-differs", {"expected": shape(expected), "found": shape(found)})
    import numpy as np  # noqa: PLC0415  there are arrays, so it is loaded

    if {found.dtype.kind, expected.dtype.kind} <= set("iuf"):
        if tolerance is None and "f" not in (found.dtype.kind, expected.dtype.kind):
            differs = found != expected
        else:
            left, right = found.astype("float64"), expected.astype("float64")
            near = tolerance or Near(1e-12, 1e-9)
            with np.errstate(all="ignore"):
                allowed = np.maximum(near.absolute or 0.0, (near.relative or 0.0) * np.abs(right)) * (1 + 1e-12)
                both_missing = np.isnan(left) & np.isnan(right)
                is_near = np.isfinite(right) & (np.abs(left - right) <= allowed)
                differs = ~((left == right) | is_near | both_missing)
        places = np.flatnonzero(differs)[:1].tolist()
    else:
        pairs = zip(_items(found), _items(expected), strict=True)
        places = [place for place, (left, right) in enumerate(pairs) if not same(left, right, tolerance)][:1]
    if not places:
        return None
    left, right = (_items(one.ravel()[places[0] : places[0] + 1])[0] for one in (found, expected))
    if found.ndim == 1:
        return Difference("item-differs", {"place": places[0] + 1, "expected": shown(right), "found": shown(left)})
    place = [int(one) for one in np.unravel_index(places[0], found.shape)]
    return Difference("array-item-differs", {"place": str(place), "expected": shown(right), "found": shown(left)})


def _items(array: Any) -> list[Any]:
    """Return an array's items as Python's, times as what they are."""
    flat = array.ravel()
    return [*flat] if array.dtype.kind in "mM" else flat.tolist()


def _comparable(found: Any, expected: Any) -> bool:
    left, right = kind_word(found)["id"], kind_word(expected)["id"]
    return left == right or {left, right} == {"kind-int", "kind-float"}


def _in_order(found: Sequence[Any], expected: Sequence[Any], tolerance: Near | None) -> Difference | None:
    if len(found) != len(expected):
        return Difference("length-differs", {"expected": len(expected), "found": len(found)})
    for place, (left, right) in enumerate(zip(found, expected, strict=True), start=1):
        if type(left) in (str, int, float) and type(left) is type(right) and left == right:
            continue
        if not same(left, right, tolerance):
            return Difference("item-differs", {"place": place, "expected": shown(right), "found": shown(left)})
    return None


def _by_key(
    found: dict[Any, Any], expected: dict[Any, Any], tolerance: Near | None, *, extra: bool
) -> Difference | None:
    have, want = ({_token(key): value for key, value in one.items()} for one in (found, expected))
    missing = [shown(key) for key in expected if _token(key) not in have]
    if missing:
        return Difference("keys-missing", {"keys": missing[:6], "found": [shown(key) for key in found][:12]})
    more = [shown(key) for key in found if _token(key) not in want]
    if more and not extra:
        return Difference("keys-extra", {"keys": more[:6]})
    for key, value in expected.items():
        if not same(have[_token(key)], value, tolerance):
            return Difference(
                "entry-differs", {"key": shown(key), "expected": shown(value), "found": shown(have[_token(key)])}
            )
    return None


def _token(key: Any) -> Any:
    """Return what a key or member is compared by: 1 and 1.0 are one, True is another."""
    plain = _plain(key)
    return ("number" if is_number(key) else type(plain).__name__, plain)
