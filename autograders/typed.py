"""Typed data: what may cross from a fellow's process, as JSON that says exactly which type each value has.

Exact types are checked on the way out (a subclass or proxy is opaque, so a lying `__eq__` gains nothing), and
everything is bounded and checked again on the way in, since the sender may be hostile. Nothing is evaluated
or unpickled. JSON's own null, booleans, numbers, strings and lists stand for themselves; any other type is an
object with its name under "t".
"""

import base64
import datetime
import decimal
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_NODES = 300_000
MAX_DEPTH = 24
MAX_BYTES = 8_000_000
MAX_INT_BITS = 2048

_NAME = re.compile(r"[^\w.<>\- ]")
_ZONE = re.compile(r"[A-Za-z0-9+\-_/:]{1,40}")
_ARRAY_KINDS = "biufcMmUS"
_INDEXES = ("Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "TimedeltaIndex", "CategoricalIndex")
_MASKED = frozenset(
    {"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean"}
)


@dataclass(frozen=True, eq=False)
class Opaque:
    """Something that stays where it is: a function, a model, a subclass, or too much. `kind` is its type's name.

    It equals nothing but itself.
    """

    kind: str
    too_big: bool = False


class TooBig(Exception):  # noqa: N818  it is an answer, not a fault
    """There is more than may cross."""


class GarbledError(ValueError):
    """What came is not typed data."""


def plain_name(name: object) -> str:
    """Return a type's or column's name as harmless short text."""
    return _NAME.sub("", name if type(name) is str else "object")[:60]


def pack(value: Any) -> Any:
    """Return the value as JSON-able typed data; what cannot cross is opaque."""
    try:
        return _Packer().pack(value, 0)
    except TooBig:
        return {"t": "opaque", "kind": plain_name(type(value).__name__), "big": True}


def unpack(data: Any) -> Any:
    """Return the value that typed data describes.

    Raises:
        GarbledError: it is not what `pack` makes, or more than may cross.
    """
    try:
        return _Unpacker().unpack(data, 0)
    except GarbledError:
        raise
    except Exception as error:  # hostile data may upset any constructor
        raise GarbledError(f"{type(error).__name__}") from error


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


class _Packer:
    """Counts what it has packed."""

    def __init__(self) -> None:
        self.nodes = 0
        self.bytes = 0

    def _spend(self, nodes: int = 1, size_bytes: int = 0) -> None:
        self.nodes += nodes
        self.bytes += size_bytes
        if self.nodes > MAX_NODES or self.bytes > MAX_BYTES:
            raise TooBig

    def pack(self, value: Any, depth: int) -> Any:
        kind = type(value)
        self._spend()
        if depth > MAX_DEPTH:
            raise TooBig
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            if value.bit_length() > MAX_INT_BITS:
                raise TooBig
            return value
        if kind is str:
            self._spend(0, len(value))
            return value.encode("utf-8", "replace").decode("utf-8")
        if kind is list:
            return [self.pack(one, depth + 1) for one in value]
        return self._tagged(value, kind, depth)

    def _tagged(self, value: Any, kind: type, depth: int) -> Any:
        if kind in (tuple, set, frozenset):
            return {"t": kind.__name__, "v": [self.pack(one, depth + 1) for one in value]}
        if kind is dict:
            return {"t": "dict", "v": [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in value.items()]}
        if kind in (bytes, bytearray):
            self._spend(0, len(value))
            return {"t": kind.__name__, "b": _b64(bytes(value))}
        if kind in (datetime.datetime, datetime.date, datetime.time):
            return {"t": kind.__name__, "v": value.isoformat()}
        if kind is datetime.timedelta:
            return {"t": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
        if kind is decimal.Decimal:
            return {"t": "Decimal", "v": str(value)[:200]}
        if kind is complex:
            return {"t": "complex", "v": [value.real, value.imag]}
        if kind is range:
            return {"t": "range", "v": [value.start, value.stop, value.step]}
        if value is ...:
            return {"t": "ellipsis"}
        return self._scientific(value, kind, depth) or {"t": "opaque", "kind": plain_name(kind.__name__)}

    def _scientific(self, value: Any, kind: type, depth: int) -> Any:
        """Pack what NumPy and pandas make; both are looked at only where her code has imported them."""
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is None or not hasattr(numpy, "ndarray"):
            return None
        if kind is numpy.ndarray:
            return self._array(value, depth)
        if issubclass(kind, numpy.generic) and kind in numpy.sctypeDict.values():
            if value.dtype.kind not in _ARRAY_KINDS:
                return None
            self._spend(0, value.nbytes)
            return {"t": "scalar", "d": value.dtype.str, "b": _b64(value.tobytes())}
        if pandas is None or not hasattr(pandas, "DataFrame"):
            return None
        if kind is pandas.DataFrame:
            columns = [self._column(value.iloc[:, place].array, depth) for place in range(value.shape[1])]
            return {
                "t": "frame",
                "i": self._index(value.index, depth),
                "c": self._index(value.columns, depth),
                "v": columns,
            }
        if kind is pandas.Series:
            name = self.pack(value.name, depth + 1)
            return {
                "t": "series",
                "i": self._index(value.index, depth),
                "n": name,
                "v": self._column(value.array, depth),
            }
        if kind in [getattr(pandas, name) for name in _INDEXES]:
            return {"t": "index", "v": self._index(value, depth)}
        if value is pandas.NA or value is pandas.NaT:
            return {"t": "NA" if value is pandas.NA else "NaT"}
        if kind is pandas.Timestamp:
            return {"t": "Timestamp", "v": value.isoformat()}
        if kind is pandas.Timedelta:
            return {"t": "Timedelta", "v": value.isoformat()}
        return None

    def _array(self, value: Any, depth: int) -> Any:
        if value.dtype.kind in _ARRAY_KINDS:
            self._spend(0, value.nbytes)
            return {"t": "array", "d": value.dtype.str, "s": list(value.shape), "b": _b64(value.tobytes())}
        if value.dtype.kind == "O":
            return {
                "t": "array",
                "s": list(value.shape),
                "v": [self.pack(one, depth + 1) for one in value.ravel().tolist()],
            }
        return None

    def _index(self, index: Any, depth: int) -> Any:
        pandas = sys.modules["pandas"]
        names = [self.pack(name, depth + 1) for name in index.names]
        if type(index) is pandas.RangeIndex:
            return {"r": [index.start, index.stop, index.step], "n": names}
        levels = [index.get_level_values(level) for level in range(index.nlevels)]
        return {"v": [self._column(level.array, depth) for level in levels], "n": names}

    def _column(self, array: Any, depth: int) -> Any:
        """Pack a column (a pandas array): {"k": how, …}."""
        pandas = sys.modules["pandas"]
        dtype = array.dtype
        if isinstance(dtype, pandas.CategoricalDtype):
            codes = array.codes.astype("int32")
            self._spend(0, codes.nbytes)
            return {
                "k": "category",
                "b": _b64(codes.tobytes()),
                "v": self._column(array.categories.array, depth),
                "o": bool(dtype.ordered),
            }
        if isinstance(dtype, pandas.DatetimeTZDtype):
            whole = array.tz_convert("UTC").tz_localize(None).to_numpy()
            self._spend(0, whole.nbytes)
            return {"k": "zone", "d": whole.dtype.str, "b": _b64(whole.tobytes()), "z": str(dtype.tz)}
        if isinstance(dtype, pandas.StringDtype):
            missing = array.isna()
            return {
                "k": "text",
                "v": [None if gone else self.pack(one, depth + 1) for one, gone in zip(array, missing, strict=True)],
            }
        if dtype.name in _MASKED:
            self._spend(len(array), 8 * len(array))
            return {"k": "masked", "d": dtype.name, "v": array.to_numpy(dtype=object, na_value=None).tolist()}
        plain = array.to_numpy()
        if plain.dtype.kind in "biufcMm":
            self._spend(0, plain.nbytes)
            return {"k": "plain", "d": plain.dtype.str, "b": _b64(plain.tobytes())}
        return {"k": "object", "v": [self.pack(one, depth + 1) for one in plain.tolist()]}


def _is(data: Any, *kinds: type) -> Any:
    if type(data) not in kinds:
        raise GarbledError("another shape")
    return data


class _Unpacker:
    """Counts what it has unpacked."""

    def __init__(self) -> None:
        self.nodes = 0

    def unpack(self, data: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > 2 * MAX_NODES or depth > MAX_DEPTH + 2:
            raise GarbledError("too much")
        kind = type(data)
        if data is None or kind in (bool, int, float):
            return data
        if kind is str:
            return data.encode("utf-8", "replace").decode("utf-8")
        if kind is list:
            return [self.unpack(one, depth + 1) for one in data]
        _is(data, dict)
        make = _MAKERS.get(_is(data.get("t"), str))
        if make is None:
            raise GarbledError("an unknown type")
        return make(self, data, depth)

    def items(self, data: Any, depth: int) -> list[Any]:
        return [self.unpack(one, depth + 1) for one in _is(data.get("v"), list)]

    def buffer(self, data: Any) -> Any:
        """Return a one-dimensional NumPy array of a plain kind."""
        import numpy as np  # noqa: PLC0415  only where an answer holds arrays

        dtype = np.dtype(_is(data.get("d"), str)[:16])
        if dtype.kind not in _ARRAY_KINDS or dtype.hasobject:
            raise GarbledError("an array of another kind")
        return np.frombuffer(base64.b64decode(_is(data.get("b"), str), validate=True), dtype=dtype).copy()

    def index(self, data: Any, depth: int) -> Any:
        import pandas as pd  # noqa: PLC0415  only where an answer holds a table

        _is(data, dict)
        names = [self.unpack(name, depth + 1) for name in _is(data.get("n"), list)]
        if "r" in data:
            start, stop, step = (int(_is(one, int)) for one in _is(data["r"], list))
            if abs(stop - start) > MAX_BYTES or len(names) != 1:
                raise GarbledError("too long an index")
            return pd.RangeIndex(start, stop, step, name=names[0])
        levels = [self.column(one, depth) for one in _is(data.get("v"), list)]
        if len(levels) != len(names) or not levels:
            raise GarbledError("an index without names")
        if len(levels) == 1:
            return pd.Index(levels[0], name=names[0])
        return pd.MultiIndex.from_arrays(levels, names=names)

    def column(self, data: Any, depth: int) -> Any:
        import numpy as np  # noqa: PLC0415  only where an answer holds a table
        import pandas as pd  # noqa: PLC0415  only where an answer holds a table

        how = _is(_is(data, dict).get("k"), str)
        if how == "plain":
            return pd.Series(self.buffer(data)).array
        if how == "text":
            texts = [None if one is None else self.unpack(_is(one, str), depth + 1) for one in _is(data.get("v"), list)]
            return pd.array(texts, dtype="str")
        if how == "masked":
            name = _is(data.get("d"), str)
            if name not in _MASKED:
                raise GarbledError("an unknown kind of column")
            return pd.array([_is(one, int, float, bool, type(None)) for one in _is(data.get("v"), list)], dtype=name)
        if how == "zone":
            zone = _is(data.get("z"), str)
            if not _ZONE.fullmatch(zone):
                raise GarbledError("an unknown time zone")
            return pd.Series(self.buffer(data)).dt.tz_localize("UTC").dt.tz_convert(zone).array
        if how == "category":
            codes = np.frombuffer(base64.b64decode(_is(data.get("b"), str), validate=True), dtype="int32")
            categories = self.column(data.get("v"), depth)
            return pd.Categorical.from_codes(codes.copy(), pd.Index(categories), ordered=_is(data.get("o"), bool))
        if how == "object":
            values = np.empty(len(_is(data.get("v"), list)), dtype=object)
            for place, one in enumerate(self.items(data, depth)):
                values[place] = one
            return pd.Series(values, dtype=object).array
        raise GarbledError("an unknown kind of column")


def _frame(it: _Unpacker, data: Any, depth: int) -> Any:
    import pandas as pd  # noqa: PLC0415  only where an answer holds a table

    index, columns = it.index(data.get("i"), depth), it.index(data.get("c"), depth)
    arrays = [it.column(one, depth) for one in _is(data.get("v"), list)]
    if len(arrays) != len(columns) or any(len(one) != len(index) for one in arrays):
        raise GarbledError("a table with columns of other lengths")
    frame = pd.DataFrame(dict(enumerate(arrays)), index=index)
    frame.columns = columns
    return frame


def _series(it: _Unpacker, data: Any, depth: int) -> Any:
    import pandas as pd  # noqa: PLC0415  only where an answer holds a table

    return pd.Series(
        it.column(data.get("v"), depth), index=it.index(data.get("i"), depth), name=it.unpack(data.get("n"), depth + 1)
    )


def _array(it: _Unpacker, data: Any, depth: int) -> Any:
    import numpy as np  # noqa: PLC0415  only where an answer holds arrays

    shape = [_is(one, int) for one in _is(data.get("s"), list)]
    if "b" in data:
        return it.buffer(data).reshape(shape)
    values = np.empty(len(_is(data.get("v"), list)), dtype=object)
    for place, one in enumerate(it.items(data, depth)):
        values[place] = one
    return values.reshape(shape)


def _scalar(it: _Unpacker, data: Any, depth: int) -> Any:  # noqa: ARG001  all makers are called alike
    (only,) = it.buffer(data)
    return only


def _pandas(name: str) -> Callable[[_Unpacker, Any, int], Any]:
    def make(_it: _Unpacker, data: Any, _depth: int) -> Any:
        import pandas as pd  # noqa: PLC0415  only where an answer holds pandas values

        it = getattr(pd, name)
        return it(_is(data.get("v"), str)[:80]) if callable(it) and name.startswith("Time") else it

    return make


def _dict(it: _Unpacker, data: Any, depth: int) -> Any:
    return {
        it.unpack(k, depth + 1): it.unpack(v, depth + 1)
        for k, v in (_is(pair, list) for pair in _is(data.get("v"), list))
    }


def _iso(kind: Any) -> Callable[[_Unpacker, Any, int], Any]:
    return lambda _it, data, _depth: kind.fromisoformat(_is(data.get("v"), str))


def _of(kind: Callable[[Sequence[Any]], Any]) -> Callable[[_Unpacker, Any, int], Any]:
    return lambda it, data, depth: kind(it.items(data, depth))


_MAKERS: dict[str, Callable[[_Unpacker, Any, int], Any]] = {
    "tuple": _of(tuple),
    "set": _of(set),
    "frozenset": _of(frozenset),
    "dict": _dict,
    "bytes": lambda _it, data, _depth: base64.b64decode(_is(data.get("b"), str), validate=True),
    "bytearray": lambda _it, data, _depth: bytearray(base64.b64decode(_is(data.get("b"), str), validate=True)),
    "datetime": _iso(datetime.datetime),
    "date": _iso(datetime.date),
    "time": _iso(datetime.time),
    "timedelta": _of(lambda parts: datetime.timedelta(*parts)),
    "Decimal": lambda _it, data, _depth: decimal.Decimal(_is(data.get("v"), str)),
    "complex": _of(lambda parts: complex(*parts)),
    "range": _of(lambda parts: range(*parts)),
    "ellipsis": lambda _it, _data, _depth: ...,
    "opaque": lambda _it, data, _depth: Opaque(plain_name(data.get("kind")), data.get("big") is True),
    "array": _array,
    "scalar": _scalar,
    "frame": _frame,
    "series": _series,
    "index": lambda it, data, depth: it.index(data.get("v"), depth),
    "NA": _pandas("NA"),
    "NaT": _pandas("NaT"),
    "Timestamp": _pandas("Timestamp"),
    "Timedelta": _pandas("Timedelta"),
}
