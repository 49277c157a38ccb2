"""Handles, in the box: what is asked of things that stay where they are, and how it is answered.

A question is {"ask": "do", "op": …, "on": target, …}; the target is {"name": a name of the notebook} or shared data
(`autograders.sharing`), mostly {"t": "ref", "r": token}.

    op        further parts                answered by
    get       —                            the value (a handle, where it cannot cross)
    call      args, kwargs                 the result
    method    attr, args, kwargs           the result of calling an attribute
    special   attr, args                   the result of a special method, looked up on the type, as Python does
    attr      attr                         an attribute
    setattr   attr, args [value]           None
    delattr   attr                         None
    copy      —                            copy.deepcopy of it (attr "deep") or copy.copy
    source    —                            the text of a function or class
    dir       —                            the names of its attributes
    names     —                            the names of the notebook (no target)

A question may say "changed": shared data that the asker's side has changed; "set" and "unset": names of the notebook
to set and to delete; "builtins": what stands in the place of input, print or open meanwhile; "stdin": what input()
reads; "chance": the state from which the random generators go on (`autograders.chance`); "plain": true for an answer
in plain typed data (`autograders.typed`), in which what cannot cross is opaque: then it is what `autograders.answers`
says of a call.

An answer is as in `autograders.answers`: {"state": "value", "value", "printed", "changed"}, {"state": "raised", …,
"raised": the exception}, or
    callback  "on": the token of a function of the check, "args", "kwargs", "printed", "changed": call it, and answer
              with {"ask": "return", "value" or "raised", "changed"}; further questions may come before that.
"""

import builtins
import contextlib
import copy
import importlib
import inspect
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

from autograders import answers, chance
from autograders.known import function_at, name_of
from autograders.sharing import Table
from autograders.typed import pack, plain_name
from autograders.untyped import GarbledError

SPECIAL = (  # noqa: SIM905  a list of 70 words
    "len getitem setitem delitem iter next contains call add sub mul truediv floordiv mod divmod pow matmul and or xor "
    "lshift rshift radd rsub rmul rtruediv rfloordiv rmod rdivmod rpow rmatmul rand ror rxor iadd isub imul itruediv "
    "ifloordiv imod ipow iand ior ixor neg pos abs invert eq ne lt le gt ge hash str repr format bool int float "
    "complex index round trunc floor ceil enter exit reversed bytes fspath length_hint missing array"
).split()
_BASES = (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)

Send = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends an answer and returns the next question, the clock stopped meanwhile."""


class HerTable(Table):
    """The box's side of what is shared."""

    def __init__(self, call_back: Callable[[str, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        super().__init__("b")
        self._call_back = call_back

    def describe(self, value: Any, pack: Callable[[Any, int], Any]) -> dict[str, Any]:
        """Return what is said of something of hers."""
        if isinstance(value, type):
            return {
                "t": "class",
                "name": plain_name(value.__name__),
                "module": plain_name(value.__module__),
                "doc": value.__doc__[:2_000] if type(value.__doc__) is str else None,
                "bases": [pack(base, 1) for base in value.__bases__],
                "has": [f"__{name}__" for name in SPECIAL if has_special(value, f"__{name}__")],
                "unhashable": value.__hash__ is None,
            }
        if isinstance(value, BaseException):
            return {"t": "exception", "c": pack(type(value), 1), "args": pack(list(value.args)[:20], 1)}
        said = {"t": "handle", "c": pack(type(value), 1)}
        base = next((base for base in _BASES if isinstance(value, base)), None)
        if base is not None and name_of(type(value)) is None:
            said["v"] = pack(_as_plain(value, base), 2)
        return said

    def stand_in(self, data: Mapping[str, Any]) -> Any:
        """Return a function that calls the check's, an error of the check's, or a module."""
        if data["t"] == "module":
            return importlib.import_module(data["n"])
        if data["t"] == "exception":
            return data["c"](*data["args"])
        if data.get("at"):
            return function_at(data["at"])
        token, call_back = data["r"], self._call_back

        def of_the_check(*args: Any, **kwargs: Any) -> Any:
            return call_back(token, args, kwargs)

        if data.get("iter"):
            return _Iterator(of_the_check)
        of_the_check.__name__ = of_the_check.__qualname__ = plain_name(data.get("name"))
        return of_the_check


def has_special(kind: type, name: str) -> bool:
    """Say whether objects of a class have a special method of their own, not object's."""
    return any(type.__getattribute__(base, "__dict__").get(name) is not None for base in type.mro(kind)[:-1])


def _as_plain(value: Any, base: Any) -> Any:
    """Return what an object of a subclass is as a plain value, whatever its class says of itself."""
    if base in (int, float, complex, str, bytes, bytearray):
        made: Any = base.__new__(base, base.__str__(value)) if base is str else None
        return made if base is str else _number_or_bytes(value, base)
    if base is dict:
        return dict(dict.items(value))
    return base(base.__iter__(value))


def _number_or_bytes(value: Any, base: Any) -> Any:
    if base is int:
        return int.__add__(value, 0)
    if base is float:
        return float.__add__(value, 0.0)
    if base is complex:
        return complex.__add__(value, 0j)
    return base(base.__iter__(value))


class Desk:
    """Answers questions about handles over the names of a notebook."""

    def __init__(self, names: dict[str, Any], send: Send) -> None:
        self._names = names
        self._send = send
        self._table = HerTable(self._call_back)
        self._printed = io.StringIO()
        self._patches: dict[str, Any] = {}

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one question."""
        try:
            self._prepare(question)
            if question.get("plain") and question["op"] in ("get", "call", "method"):
                return self._plain_answer(question)
            reads = io.StringIO(question["stdin"]) if type(question.get("stdin")) is str else None
            with self._showing(), _reading(reads), _instead(self._patches):
                result = self._do(question)
            left = {"stdin": reads.read()} if reads is not None else {}
            return {"state": "value", **self._told(result), **left}
        except _MissingError as missing:
            return {"state": "missing", "text": str(missing)}
        except GarbledError as error:
            return {"state": "unsupported", "text": str(error)}
        except Exception as error:  # noqa: BLE001  her code may raise anything
            return self.raised(error)

    def raised(self, error: BaseException) -> dict[str, Any]:
        """Answer that her code raised an error."""
        answer = answers.raised(error)
        with contextlib.suppress(GarbledError):
            changed = self._table.changes()
            answer |= {"changed": changed, "raised": self._table.pack(error)}
        return {**answer, "printed": self._take_printed()}

    def _told(self, result: Any) -> dict[str, Any]:
        # First what has changed: the other side reads in this order, and is told of each thing once.
        changed = self._table.changes()
        return {"changed": changed, "value": self._table.pack(result), "printed": self._take_printed()}

    def _prepare(self, question: Mapping[str, Any]) -> None:
        """Take over what the asker's side has changed."""
        for data in question.get("changed", ()):
            self._table.unpack(data)
        for name, data in question.get("set", {}).items():
            self._names[name] = self._table.unpack(data)
        for name in question.get("unset", ()):
            self._names.pop(name, None)
        if "chance" in question:
            chance.restore(question["chance"])
        if "builtins" in question:
            self._patches = {name: self._table.unpack(one) for name, one in question["builtins"].items()}

    def _take_printed(self) -> str:
        printed = self._printed.getvalue()[: answers.MAX_PRINTED]
        self._printed.seek(0)
        self._printed.truncate()
        return printed

    @contextlib.contextmanager
    def _showing(self) -> Any:
        with contextlib.redirect_stdout(self._printed):
            yield

    def _plain_answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answer in plain typed data, as `answers.call` does."""
        target = self._target(question["on"])
        if question["op"] == "get":
            return {"state": "value", "value": pack(target)}
        attr: str = question.get("attr", "")
        try:
            function = getattr(target, attr) if question["op"] == "method" else target
        except Exception as error:  # noqa: BLE001  an attribute of hers may be a property
            return answers.raised(error)
        given = answers.Given.of(question.get("args", ()), question.get("kwargs", {}))
        return answers.call({"it": function}, "it", given, back=bool(question.get("back")))

    def _target(self, on: Any) -> Any:
        if type(on) is dict and type(on.get("name")) is str:
            if on["name"] not in self._names:
                raise _MissingError(on["name"])
            return self._names[on["name"]]
        return self._table.unpack(on)

    def _do(self, question: Mapping[str, Any]) -> Any:  # noqa: PLR0911  one an operation
        op, attr = question["op"], question.get("attr", "")
        if op == "names":
            return [name for name in self._names if type(name) is str]
        target = self._target(question["on"])
        args = [self._table.unpack(one) for one in question.get("args", ())]
        kwargs = {name: self._table.unpack(one) for name, one in question.get("kwargs", {}).items()}
        if op == "get":
            return target
        if op == "call":
            return target(*args, **kwargs)
        if op == "method":
            return getattr(target, attr)(*args, **kwargs)
        if op == "special":
            return getattr(type(target), attr)(target, *args)
        if op == "attr":
            return getattr(target, attr)
        if op == "copy":
            return (copy.deepcopy if attr == "deep" else copy.copy)(target)
        if op in ("source", "dir"):
            return inspect.getsource(target) if op == "source" else dir(target)
        return setattr(target, attr, *args) if op == "setattr" else delattr(target, attr)

    def _call_back(self, token: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Have a function of the check called; other questions may come in between."""
        asked = {
            "state": "callback",
            "on": token,
            "changed": self._table.changes(),
            "args": [self._table.pack(one) for one in args],
            "kwargs": self._table.pack_all(kwargs),
            "printed": self._take_printed(),
        }
        question = self._send(asked)
        while question.get("ask") != "return":
            question = self._send(self.answer(question))
        self._prepare(question)
        if "raised" in question:
            error = self._table.unpack(question["raised"])
            raise error if isinstance(error, BaseException) else RuntimeError("the check's function stopped")
        return self._table.unpack(question.get("value"))


class _MissingError(Exception):
    """There is no such name."""


@contextlib.contextmanager
def _reading(text: io.StringIO | None) -> Any:
    """Let input() read a text."""
    if text is None:
        yield
        return
    before, sys.stdin = sys.stdin, text
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _instead(patches: Mapping[str, Any]) -> Any:
    """Put functions of the check in the place of builtins."""
    before = {name: getattr(builtins, name) for name in patches}
    for name, one in patches.items():
        setattr(builtins, name, one)
    try:
        yield
    finally:
        for name, one in before.items():
            setattr(builtins, name, one)


class _Iterator:
    """An iterator of the check's."""

    def __init__(self, following: Callable[[], Any]) -> None:
        self._following = following

    def __iter__(self) -> "_Iterator":
        return self

    def __next__(self) -> Any:
        return self._following()
