"""What both sides of a box have crosses by name: types of a fixed list, and functions of Python, NumPy and pandas."""

import builtins
import collections
import collections.abc
import datetime
import decimal
import enum
import fractions
import importlib
import io
import itertools
import pathlib
import random
import re
import sys
import types
from functools import reduce
from typing import Any

_PLACES: tuple[Any, ...] = (
    builtins, types, collections, datetime, decimal, fractions, io, itertools, random, enum, re, pathlib,
)  # fmt: skip
_LIBRARIES = ("numpy", "pandas", "pandas.errors", "numpy.linalg")


def _named(place: Any) -> dict[str, type]:
    found = [one for one in vars(place).values() if isinstance(one, type)]
    return {f"{one.__module__}.{one.__qualname__}": one for one in found}


_KNOWN: dict[str, type] = {name: one for place in _PLACES for name, one in _named(place).items()}
_VALUES: tuple[Any, ...] = (
    {}.keys(), {}.values(), {}.items(), iter([]), iter(()), iter({}), iter(set()), iter(range(0)), iter(""),
)  # fmt: skip
_KNOWN |= {f"builtins.{type(one).__qualname__}": type(one) for one in _VALUES}


def name_of(kind: type) -> str | None:
    """Return the name under which a type is known on both sides; None where it is not."""
    name = f"{type.__getattribute__(kind, '__module__')}.{type.__getattribute__(kind, '__qualname__')}"
    return name if type_of(name) is kind else None


def type_of(name: object) -> type | None:
    """Return the type that is known by a name; None where there is none."""
    if type(name) is not str or len(name) > 100:
        return None
    if name in _KNOWN:
        return _KNOWN[name]
    last = name.rpartition(".")[2]
    for library in _LIBRARIES:
        found = getattr(sys.modules.get(library), last, None)
        if isinstance(found, type) and f"{found.__module__}.{found.__qualname__}" == name:
            return found
    return None


_METHOD = type(str.upper)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, _METHOD)


def place_of(function: object) -> str | None:
    """Return where a function of Python's own, NumPy's or pandas' is found ("math:sqrt"); None for any other."""
    if type(function) not in _FUNCTIONS:
        return None
    home: Any = getattr(function, "__objclass__", function)
    module, path = str(home.__module__), str(getattr(function, "__qualname__", ""))
    if module.partition(".")[0] not in sys.stdlib_module_names | {"numpy", "pandas"} or module == "__main__":
        return None
    found = reduce(lambda inside, name: getattr(inside, name, None), path.split("."), sys.modules.get(module))
    return f"{module}:{path}" if found is function else None


def function_at(place: str) -> Any:
    """Return the function that is found there, in this process."""
    module, _, path = place.partition(":")
    return reduce(getattr, path.split("."), importlib.import_module(module))
