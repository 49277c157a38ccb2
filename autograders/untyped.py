"""Reads typed data that may be hostile: bounded, checked, never evaluated or unpickled."""

import base64
import datetime
import decimal
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from autograders.typed import ARRAY_KINDS, MASKED, MAX_BYTES, MAX_DEPTH, MAX_NODES, Opaque, plain_name

_MAX_COLLIDING = 100
_ZONE = re.compile(r"[A-Za-z0-9+\-_/:]{1,40}")


class GarbledError(BaseException):
    """What came is not typed data. Nothing that a check catches: it would take it for an error of her function."""


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
        if dtype.kind not in ARRAY_KINDS or dtype.hasobject:
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
            if name not in MASKED:
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
    # (1000000000, 0) holds nothing, and is a thousand million empty lists once it is looked at.
    if min(shape, default=0) < 0 or math.prod(one or 1 for one in shape) > MAX_BYTES:
        raise GarbledError("another shape")
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
    pairs = [(it.unpack(k, depth + 1), it.unpack(v, depth + 1)) for k, v in _is(data.get("v"), list)]
    apart([key for key, _ in pairs])
    return dict(pairs)


def apart(keys: Sequence[Any]) -> Sequence[Any]:
    """Return what is to be keys of a dict or items of a set.

    Raises:
        GarbledError: too many have one hash: each would be compared with all the others.
    """
    if len(keys) > _MAX_COLLIDING and len(keys) - len({hash(one) for one in keys}) > _MAX_COLLIDING:
        raise GarbledError("keys with one hash")
    return keys


def _range(it: _Unpacker, data: Any, depth: int) -> Any:
    made = range(*it.items(data, depth))
    return made if len(made[: MAX_NODES + 1]) <= MAX_NODES else Opaque("range", too_big=True)


def _iso(kind: Any) -> Callable[[_Unpacker, Any, int], Any]:
    return lambda _it, data, _depth: kind.fromisoformat(_is(data.get("v"), str))


def _of(kind: Callable[[Sequence[Any]], Any]) -> Callable[[_Unpacker, Any, int], Any]:
    return lambda it, data, depth: kind(it.items(data, depth))


_MAKERS: dict[str, Callable[[_Unpacker, Any, int], Any]] = {
    "tuple": _of(tuple),
    "set": _of(lambda items: set(apart(items))),
    "frozenset": _of(lambda items: frozenset(apart(items))),
    "dict": _dict,
    "bytes": lambda _it, data, _depth: base64.b64decode(_is(data.get("b"), str), validate=True),
    "bytearray": lambda _it, data, _depth: bytearray(base64.b64decode(_is(data.get("b"), str), validate=True)),
    "datetime": _iso(datetime.datetime),
    "date": _iso(datetime.date),
    "time": _iso(datetime.time),
    "timedelta": _of(lambda parts: datetime.timedelta(*parts)),
    "Decimal": lambda _it, data, _depth: decimal.Decimal(_is(data.get("v"), str)),
    "complex": _of(lambda parts: complex(*parts)),
    "range": _range,
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
