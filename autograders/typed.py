"""Typed data: what may cross from a fellow's process, as JSON that says exactly which type each value has.

Exact types are checked on the way out (a subclass or proxy is opaque, so a lying `__eq__` gains nothing), and
everything is bounded and checked again on the way in (`autograders.untyped`), since the sender may be hostile.
JSON's own null, booleans, numbers, strings and lists stand for themselves; any other type is an object with its
name under "t".
"""

import base64
import datetime
import decimal
import json
import re
import sys
import types
from dataclasses import dataclass
from typing import Any

MAX_NODES = 300_000
MAX_DEPTH = 24
MAX_BYTES = 8_000_000
MAX_INT_BITS = 2048

_NAME = re.compile(r"[^\w.<>\- ]")
ARRAY_KINDS = "biufcMmUS"
_INDEXES = ("Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "TimedeltaIndex", "CategoricalIndex")
MASKED = frozenset(
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


def plain_name(name: object) -> str:
    """Return a type's or column's name as harmless short text."""
    return _NAME.sub("", name if type(name) is str else "object")[:60]


_NAME_OF = type.__dict__["__name__"].__get__
_SPOKEN_FOR = {kind.__name__: kind for kind in (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)}


def kind_of(value: object) -> str:
    """Return what an opaque value is: the name of its class, "type" for a class; a class called "function" is none."""
    if type in type.mro(type(value)):
        return "type"
    name = plain_name(_NAME_OF(type(value)))
    return name if _SPOKEN_FOR.get(name, type(value)) is type(value) else "object"


def pack(value: Any) -> Any:
    """Return the value as JSON-able typed data; what cannot cross is opaque."""
    try:
        return _Packer().pack(value, 0)
    except TooBig:
        return {"t": "opaque", "kind": kind_of(value), "big": True}


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
            self._spend(0, value.bit_length() // 3)
            return value
        if kind is str:
            self._spend(0, len(value))
            text = value.encode("utf-8", "replace").decode("utf-8")
            if not text.isascii():  # as it crosses, é is six bytes
                self._spend(0, len(json.dumps(text)) - len(value))
            return text
        if kind is list:
            return [self.pack(one, depth + 1) for one in value]
        return self._tagged(value, kind, depth)

    def _tagged(self, value: Any, kind: type, depth: int) -> Any:  # noqa: PLR0911  one a kind of value
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
            self._spend(0, len(text := str(value)[:200]))
            return {"t": "Decimal", "v": text}
        if kind is complex:
            return {"t": "complex", "v": [value.real, value.imag]}
        if kind is range:
            return {"t": "range", "v": [value.start, value.stop, value.step]}
        if value is ...:
            return {"t": "ellipsis"}
        return self._scientific(value, kind, depth) or {"t": "opaque", "kind": kind_of(value)}

    def _scientific(self, value: Any, kind: type, depth: int) -> Any:  # noqa: PLR0911  one a kind of value
        """Pack what NumPy and pandas make; both are looked at only where her code has imported them."""
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is None or not hasattr(numpy, "ndarray"):
            return None
        if kind is numpy.ndarray:
            return self._array(value, depth)
        if issubclass(kind, numpy.generic) and kind in numpy.sctypeDict.values():
            if value.dtype.kind not in ARRAY_KINDS:
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
        if value.dtype.kind in ARRAY_KINDS:
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
        if dtype.name in MASKED:
            self._spend(len(array), 8 * len(array))
            return {"k": "masked", "d": dtype.name, "v": array.to_numpy(dtype=object, na_value=None).tolist()}
        plain = array.to_numpy()
        if plain.dtype.kind in "biufcMm":
            self._spend(0, plain.nbytes)
            return {"k": "plain", "d": plain.dtype.str, "b": _b64(plain.tobytes())}
        return {"k": "object", "v": [self.pack(one, depth + 1) for one in plain.tolist()]}
