"""Shared objects: typed data in which things keep their identity between a box and the examiner.

Beyond typed data (`autograders.typed`) there are, by their "t":
    ref       "r": token; "v": what a list, dict, set, bytearray, array or table holds now, left out where the
              same message has said it already, or for something that the receiver has itself
    type      "n": a type that both sides have (`autograders.known`)
    class     "r", "name", "module", "bases", "has" (special methods), "doc": a class of hers; told once
    module    "n": a module, by its name
    handle    "r", "c": its class; something that stays where it is. "v": what it is as a plain value, for an
              object of a subclass of int, str, list …
    callback  "r", "name": a function of the check, which her code may call ("iter": an iterator, to go on with; "at":
              both sides have it there, and each calls its own)
    state     "k", "v" (inside a ref): a StringIO, BytesIO or random generator, and its state
A token is made by the side on which the object was first. Each side keeps a `Table`; what is shared is brought up
to date in place whenever the other side has changed it.
"""

import itertools
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from autograders.changing import is_stateful, mark_of, state_of, update, with_state
from autograders.known import name_of, type_of
from autograders.typed import TooBig, _Packer, plain_name
from autograders.untyped import GarbledError, _Unpacker, apart

MAX_SHARED = 5_000
_BUILTIN_MUTABLE = (list, dict, set, bytearray, deque, OrderedDict, defaultdict, Counter)
_MAPPINGS = {"OrderedDict": OrderedDict, "Counter": Counter, "defaultdict": defaultdict}
_VIEWS: dict[str, type] = {
    "dict_keys": type({}.keys()),
    "dict_values": type({}.values()),
    "dict_items": type({}.items()),
}
_TRACKED = 100
"""So many of the last shared objects are looked at for changes that nobody told of."""


def _is_mutable(value: Any) -> bool:
    kind = type(value)
    return (
        kind in _BUILTIN_MUTABLE
        or is_stateful(kind)
        or name_of(kind)
        in (
            "numpy.ndarray",
            "pandas.DataFrame",
            "pandas.core.frame.DataFrame",
            "pandas.Series",
            "pandas.core.series.Series",
        )
    )


class Table:
    """What one side has shared: tokens by object, objects by token. `side` begins the tokens made here."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.objects: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.marks: dict[str, Any] = {}
        self._tokens: dict[int, str] = {}
        self._numbers = itertools.count()
        self.told: set[str] = set()

    # Hooks of the two sides

    def describe(self, value: Any, pack: Callable[[Any, int], Any]) -> dict[str, Any]:
        """Return what is said of something that stays here, without its token; `pack` packs parts of it."""
        raise NotImplementedError

    def stand_in(self, data: Mapping[str, Any]) -> Any:
        """Return what stands here for something that stays on the other side."""
        raise NotImplementedError

    # Packing

    def pack(self, value: Any) -> Any:
        """Return a value as data; what is too big stays where it is."""
        return _Sharer(self).share(value)

    def pack_all(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return several values as data, in one message."""
        sharer = _Sharer(self)
        return {name: sharer.share(value) for name, value in values.items()}

    def changes(self, seen: tuple[str, ...] = ()) -> list[Any]:
        """Return what is shared and has changed since the other side last knew of it."""
        found = []
        for token in [one for one in list(self.last)[-_TRACKED:] if one not in seen]:
            mark = self.marks.get(token)
            if mark is not None and mark == mark_of(self.objects[token]):
                continue
            data = self.pack(self.objects[token])
            if "v" in data or data["t"] != "ref":
                found.append(data)
        return found

    def keep(self, value: Any, token: str | None = None) -> str:
        """Give an object a token (that of the other side, where it has one)."""
        known = self._tokens.get(id(value))
        if known is not None and token is None:
            return known
        if len(self.objects) >= MAX_SHARED * 20:
            raise GarbledError("too many objects")
        token = token or f"{self.side}{next(self._numbers)}"
        self.objects[token] = value  # kept alive, so its id stays its own
        self._tokens[id(value)] = token
        return token

    def token(self, value: Any) -> str | None:
        """Return an object's token, where it has one."""
        return self._tokens.get(id(value))

    # Unpacking

    def unpack(self, data: Any) -> Any:
        """Return the value that data describes, shared objects brought up to date.

        Raises:
            GarbledError: it is not what `pack` makes, or more than may cross.
        """
        try:
            return _Receiver(self).unpack(data, 0)
        except GarbledError:
            raise
        except Exception as error:  # hostile data may upset any constructor
            raise GarbledError(f"{type(error).__name__}") from error


_APART = ("ref", "handle", "class", "callback", "exception")


def _has_news(data: Any) -> bool:
    """Say whether something inside is said in full that has a token of its own."""
    if type(data) is list:
        return any(_has_news(one) for one in data)
    if type(data) is not dict:
        return False
    if data.get("t") in _APART:
        return data["t"] != "ref" or "v" in data
    return any(_has_news(one) for one in data.values() if type(one) in (list, dict))


def _short(data: Any) -> Any:
    """Return data with only the tokens of what stays where it is: said in full or not, it is the same."""
    if type(data) is list:
        return [_short(one) for one in data]
    if type(data) is not dict:
        return data
    if data.get("t") in _APART:
        return {"t": "ref", "r": data.get("r")}
    return {name: _short(one) if type(one) in (list, dict) else one for name, one in data.items()}


class _Sharer(_Packer):
    """Packs one message."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table = table
        self.sent: set[str] = set()
        self.told: set[str] = set()

    def share(self, value: Any) -> Any:
        try:
            return self.pack(value, 0)
        except TooBig:
            # What was packed of it so far is never sent.
            self.table.told -= self.told
            for token in self.sent:
                self.table.last.pop(token, None)
                self.table.marks.pop(token, None)
            self.nodes = self.bytes = 0
            return self._stays(value)

    def pack(self, value: Any, depth: int) -> Any:  # noqa: PLR0911  one a kind of value
        token = self.table.token(value)
        if _is_mutable(value):
            return self._shared(value, depth)
        if token is not None:  # a handle, told of before or of the other side
            return {"t": "ref", "r": token} if token[0] != self.table.side else self._stays(value)
        if isinstance(value, type):
            return self._class(value)
        if type(value) is types.TracebackType:
            return None
        if type(value) is types.ModuleType:
            return {"t": "module", "n": plain_name(value.__name__)}
        if type(value) is Fraction:
            return {"t": "Fraction", "v": [self.pack(part, depth + 1) for part in (value.numerator, value.denominator)]}
        if _VIEWS.get(type(value).__name__) is type(value) and isinstance(value, Iterable):
            return {"t": type(value).__name__, "v": [self.pack(one, depth + 1) for one in value]}
        data = super().pack(value, depth)
        is_opaque = isinstance(data, dict) and data.get("t") == "opaque"
        return self._stays(value) if is_opaque else data

    def _shared(self, value: Any, depth: int) -> Any:
        token = self.table.keep(value)
        if token in self.sent:
            return {"t": "ref", "r": token}
        self.sent.add(token)
        kind = type(value).__name__
        if is_stateful(type(value)):
            data: Any = {"t": "state", "k": kind, "v": _Packer().pack(state_of(value), 0)}
        elif kind in _MAPPINGS:
            pairs = [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in value.items()]
            data = {"t": kind, "v": pairs}
            if kind == "defaultdict":
                data["f"] = self.pack(value.default_factory, depth + 1)
        elif kind == "deque":
            data = {"t": kind, "v": [self.pack(one, depth + 1) for one in value], "m": value.maxlen}
        else:
            data = super().pack(value, depth)
        if isinstance(data, dict) and data.get("t") == "opaque":
            self.sent.discard(token)
            return self._stays(value)
        short = _short(data)
        is_known = token in self.table.last and self.table.last[token] == short and not _has_news(data)
        self.table.last.pop(token, None)
        self.table.last[token] = short
        self.table.marks[token] = mark_of(value)
        return {"t": "ref", "r": token} if is_known else {"t": "ref", "r": token, "v": data}

    def _class(self, value: type) -> Any:
        name = name_of(value)
        return {"t": "type", "n": name} if name is not None else self._stays(value)

    def _stays(self, value: Any) -> Any:
        token = self.table.keep(value)
        if token in self.table.told:
            return {"t": "ref", "r": token}
        self.table.told.add(token)
        self.told.add(token)
        try:
            return {"r": token, **self.table.describe(value, self.pack)}
        except BaseException:
            self.table.told -= self.told
            raise


class _Receiver(_Unpacker):
    """Unpacks one message."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table = table

    def unpack(self, data: Any, depth: int) -> Any:  # noqa: PLR0911  one a kind of value
        if type(data) is not dict:
            return super().unpack(data, depth)
        kind = data.get("t")
        if kind == "ref":
            return self._ref(data, depth)
        if kind == "type":
            found = type_of(data.get("n"))
            if found is None:
                raise GarbledError("an unknown type")
            return found
        if kind == "Fraction":
            return Fraction(*(part for part in self.items(data, depth) if type(part) is int))
        if kind in ("handle", "class", "callback", "module", "exception"):
            return self._other(data, depth)
        if kind in _VIEWS:
            items = self.items(data, depth)
            if kind == "dict_values":
                return dict(enumerate(items)).values()
            return dict(items).items() if kind == "dict_items" else dict.fromkeys(items).keys()
        return super().unpack(data, depth)

    def _other(self, data: dict[str, Any], depth: int) -> Any:
        parts: dict[str, Any] = {
            part: self.unpack(data[part], depth + 1) for part in ("c", "v", "bases", "args") if part in data
        }
        if data["t"] == "module":
            return self.table.stand_in(data)
        token = _token(data)
        if token[0] == self.table.side:
            raise GarbledError("another's token")
        if token not in self.table.objects:
            self.table.keep(self.table.stand_in({**data, **parts}), token)
        return self.table.objects[token]

    def _ref(self, data: dict[str, Any], depth: int) -> Any:
        token = _token(data)
        table = self.table
        if "v" not in data:
            if token not in table.objects:
                raise GarbledError("an unknown object")
            return table.objects[token]
        content = data["v"]
        known = table.objects.get(token)
        is_said = table.last.get(token) == _short(content) and not _has_news(content)
        if token in table.objects and (is_said or not _is_mutable(known)):
            return known
        if token not in table.objects and token[0] == table.side:
            raise GarbledError("an object that was never shared")
        value = self._fill(known, content, token, depth)
        table.last.pop(token, None)
        table.last[token] = _short(content)
        table.marks[token] = mark_of(value)
        return value

    def _fill(self, known: Any, content: Any, token: str, depth: int) -> Any:
        """Make the object, or bring it up to date in place."""
        kind = "list" if type(content) is list else content.get("t") if type(content) is dict else None
        if kind in ("list", "dict", "set", "deque", *_MAPPINGS):
            if type(known).__name__ != kind:
                known = self._new(token, self._empty(kind, content))
            return self._refill(known, kind, content, depth)
        if kind == "state":
            made = with_state(str(content.get("k")), _Unpacker().unpack(content.get("v"), depth), known)
            return known if known is not None else self._new(token, made)
        made = super().unpack(content, depth)
        if not _is_mutable(made):
            raise GarbledError("another shape")
        if type(known) is type(made) and update(known, made):
            return known
        return self._new(token, made)

    def _new(self, token: str, made: Any) -> Any:
        """Keep an object of the other side; what is ours cannot become another object."""
        if token[0] == self.table.side:
            raise GarbledError("another object in the place of ours")
        self.table.keep(made, token)
        return made

    def _empty(self, kind: Any, content: Any) -> Any:
        if kind == "deque":
            most = content.get("m")
            return deque(maxlen=most if type(most) is int else None)
        if kind == "defaultdict":
            factory = self.unpack(content.get("f"), 1)
            return defaultdict(factory if callable(factory) else None)
        return {"list": list, "dict": dict, "set": set, **_MAPPINGS}[kind]()

    def _refill(self, known: Any, kind: Any, content: Any, depth: int) -> Any:
        """Fill an object that is known already: it may hold itself."""
        if kind == "list":
            known[:] = [self.unpack(one, depth + 1) for one in content]
        elif kind in ("set", "deque"):
            items = self.items(content, depth)
            if kind == "set":
                apart(items)
            known.clear()
            (known.update if kind == "set" else known.extend)(items)
        else:
            pairs = [(self.unpack(k, depth + 1), self.unpack(v, depth + 1)) for k, v in content["v"]]
            apart([key for key, _ in pairs])
            known.clear()
            for key, one in pairs:
                known[key] = one
        return known


def _token(data: Mapping[str, Any]) -> str:
    token = data.get("r")
    if type(token) is not str or not 2 <= len(token) <= 12:
        raise GarbledError("no token")
    return token
