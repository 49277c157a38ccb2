"""Stand-ins, in the examiner, for what stays in the box: objects, classes, functions and errors of hers.

Every class of hers has a class here, made from what the box says of it: its name, its bases and which special methods
it has. `isinstance`, `type`, `except` and `len` then answer by Python's own rules. What is asked of an object is
asked in the box, except the question whether it is right: an object's own `==` is only asked where the check or the
course's solution names its class (`Judges.named`), and then `Judges.asked` says so.
"""

import builtins
import importlib
import io
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograders.handles import SPECIAL, has_special
from autograders.sharing import Table
from autograders.untyped import GarbledError
from passerelle.grading.asking import Asks, Judges, UnansweredError, UnsupportedError
from passerelle.grading.generators import Generators, place_there
from passerelle.grading.replaced import Replaced

_ANSWERS = frozenset(
    "len getitem iter next call hash str repr format int float complex index round trunc floor ceil enter exit "  # noqa: SIM905
    "reversed bytes fspath length_hint setitem delitem array missing".split()
)
_LOOKS = ("get", "names")
"""What runs no code of hers."""
_OURS = ("__main__", "autograders", "passerelle")
_BUILTINS = {name: getattr(builtins, name) for name in ("input", "print", "open")}
_PLAIN = (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)
_FORWARDED_OF_CLASSES = frozenset(f"__{name}__" for name in [*SPECIAL, "init", "new", "dict", "annotations"])


class Counter(Table):
    """The examiner's side of what is shared, and the questions it asks."""

    def __init__(self, source: Asks, judges: Judges, replaced: Replaced) -> None:
        super().__init__("e")
        self._source = source
        self.judges = judges
        self.replaced = replaced
        self.unsupported = ""
        self.unanswered = ""
        self._patched: set[str] = set()
        self.generators = Generators()
        self.bindings: Callable[[], tuple[dict[str, Any], list[str]]] = lambda: ({}, [])
        self.modules: frozenset[str] = frozenset()

    # Questions

    def ask(self, op: str, on: Any = None, attr: str = "", args: tuple[Any, ...] = (), **kwargs: Any) -> Any:
        """Ask the box to do something; raises what it raised."""
        if op not in _LOOKS and (name := self.replaced.now()):
            self.cannot(f"{name} is replaced")
        question: dict[str, Any] = {"ask": "do", "op": op, "on": on, "attr": attr, "changed": self.changes()}
        question |= self._ours()
        question["args"] = [self.pack(one) for one in args]
        question["kwargs"] = {name: self.pack(one) for name, one in kwargs.items()}
        if type(sys.stdin) is io.StringIO:
            question["stdin"] = sys.stdin.read()
        answer = self._source.ask(question)
        while answer["state"] == "callback":
            answer = self._source.ask(self._called_back(answer))
        return self._result(answer)

    def of(self, value: Any, op: str, attr: str = "", args: tuple[Any, ...] = (), **kwargs: Any) -> Any:
        """Ask something of what stands here."""
        token = self.token(value)
        if token is None:
            self.cannot("an object of another moment")
        return self.ask(op, {"t": "ref", "r": token}, attr, args, **kwargs)

    def cannot(self, why: str) -> Any:
        """Say that stand-ins cannot do something."""
        self.unsupported = self.unsupported or why
        raise UnsupportedError(why)

    def _ours(self) -> dict[str, Any]:
        """Return what the check has changed around her code."""
        told: dict[str, Any] = {}
        bound, gone = self.bindings()
        if bound:
            told["set"] = self.pack_all(bound)
        if gone:
            told["unset"] = gone
        patches = {name: now for name, one in _BUILTINS.items() if (now := getattr(builtins, name)) is not one}
        if patches or self._patched:
            told["builtins"] = self.pack_all(patches)
            self._patched = {*patches}
        # Never the other way: what the check draws is not for the box to choose.
        if state := self.generators.news():
            told["chance"] = state
        return told

    def _result(self, answer: Mapping[str, Any]) -> Any:
        self._heard(answer)
        state = answer["state"]
        if state == "value":
            if "stdin" in answer and type(sys.stdin) is io.StringIO:
                sys.stdin.seek(max(0, len(sys.stdin.getvalue()) - len(answer["stdin"])))
            return self.unpack(answer.get("value"))
        if state == "raised":
            error = self.unpack(answer["raised"]) if "raised" in answer else None
            raise error if isinstance(error, BaseException) else RuntimeError(answer.get("text", ""))
        if state == "missing":
            raise NameError(f"name {answer.get('text', '')!r} is not defined")
        if state in ("slow", "gone"):
            self.unanswered = "slow" if state == "slow" else str(answer.get("why"))
            raise UnansweredError(self.unanswered)
        # Whether stand-ins can do something is never for the box to say: it would choose the check's way.
        raise RuntimeError("an answer of another kind")

    def _heard(self, answer: Mapping[str, Any]) -> None:
        """Take over what her code printed and changed."""
        for data in answer.get("changed", ()):
            self.unpack(data)
        if answer.get("printed"):
            sys.stdout.write(answer["printed"])

    def _called_back(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function of the check for her code."""
        self._heard(asked)
        token = asked.get("on")
        function = self.objects.get(token) if type(token) is str and token.startswith("e") else None
        told: dict[str, Any] = {"ask": "return"}
        if isinstance(function, Iterator) and not callable(function):
            function = function.__next__
        if place_there(function):
            raise GarbledError("a function that both sides have")
        if not callable(function):
            return self.cannot("something that cannot be called")  # type: ignore[no-any-return]
        try:
            args = [self.unpack(one) for one in asked.get("args", ())]
            told["value"] = self.pack(
                function(*args, **{n: self.unpack(v) for n, v in asked.get("kwargs", {}).items()})
            )
        except Exception as error:  # noqa: BLE001  the check's function may raise on purpose
            told |= {"changed": self.changes(), **self._ours(), "raised": self.pack(error)}
        return told

    # What crosses

    def describe(self, value: Any, pack: Callable[[Any, int], Any]) -> dict[str, Any]:
        """Return what is said of something of the check's."""
        if isinstance(value, BaseException):
            kind = next(one for one in type(value).__mro__ if one.__module__ == "builtins" or self.token(one))
            return {"t": "exception", "c": pack(kind, 1), "args": pack([str(one) for one in value.args], 1)}
        if isinstance(value, Iterator) and not callable(value):
            return {"t": "callback", "name": type(value).__name__, "iter": True}
        if place := place_there(value):
            # Called there: eval, open or read_csv would do here what she says, among what is hidden.
            return {"t": "callback", "at": place}
        if callable(value):
            return {"t": "callback", "name": getattr(value, "__name__", type(value).__name__)}
        return self.cannot(f"an object of the check's ({type(value).__name__}) in her code")  # type: ignore[no-any-return]

    def stand_in(self, data: Mapping[str, Any]) -> Any:
        """Return what stands here for something of hers."""
        kind = data["t"]
        if kind == "module":
            return self._module(str(data.get("n")))
        if kind == "class":
            return _make_class(self, data)
        made_of: Any = data["c"] if isinstance(data.get("c"), type) else object
        if kind == "exception":
            if not issubclass(made_of, BaseException):
                raise GarbledError("an error of another kind")
            # A group cannot be made without its parts.
            error = made_of.__new__(made_of, *(data["args"] if issubclass(made_of, BaseExceptionGroup) else ()))
            error.args = tuple(data["args"])
            return error
        if isinstance(made_of, HerType):
            plain: Any = next((base for base in made_of.__mro__ if base in _PLAIN), None)
            if plain is not None:
                return _with_content(made_of, plain, data.get("v"))
        else:
            made_of = _known_kind(self, made_of)
        return object.__new__(made_of)

    def _module(self, name: str) -> Any:
        """Return a module that is loaded here, or that the course imports; her code names no other."""
        if name not in self.modules and (name not in sys.modules or name.split(".", maxsplit=1)[0] in _OURS):
            return self.cannot(f"the module {name}")
        return importlib.import_module(name)


def _with_content(made_of: type, plain: Any, content: Any) -> Any:
    made = plain.__new__(made_of) if plain in (list, dict, set, bytearray) else plain.__new__(made_of, content)
    if plain in (list, bytearray):
        plain.extend(made, content)
    elif plain in (dict, set):
        plain.update(made, content)
    return made


class HerType(type):
    """The class of her classes."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return _counter(cls).of(cls, "call", "", args, **kwargs)

    def __getattribute__(cls, name: str) -> Any:
        if name in _FORWARDED_OF_CLASSES and (counter := _counter(cls, must=False)) is not None:
            return counter.of(cls, "attr", name)
        return super().__getattribute__(name)

    def __getattr__(cls, name: str) -> Any:
        counter = _counter(cls, must=False)
        if counter is None or _is_a_protocol(name):
            raise AttributeError(name)
        return counter.of(cls, "attr", name)

    def __setattr__(cls, name: str, value: Any) -> None:
        counter = _counter(cls, must=False)
        if counter is None or name.startswith("__"):
            super().__setattr__(name, value)
        else:
            counter.of(cls, "setattr", name, (value,))

    def __iter__(cls) -> Any:
        return iter(_counter(cls).of(cls, "special", "__iter__"))

    def __len__(cls) -> Any:
        return _counter(cls).of(cls, "special", "__len__")

    def __getitem__(cls, key: Any) -> Any:
        return _counter(cls).of(cls, "special", "__getitem__", (key,))

    def __contains__(cls, key: Any) -> Any:
        return _counter(cls).of(cls, "special", "__contains__", (key,))

    def __bool__(cls) -> bool:
        return True


_COUNTERS: dict[int, tuple[Any, Counter]] = {}
"""Which counter made a class: classes stay alive as long as they are here."""


def _counter(cls: type, *, must: bool = True) -> Any:
    for base in type.__getattribute__(cls, "__mro__"):
        if id(base) in _COUNTERS:
            return _COUNTERS[id(base)][1]
    if must:
        raise UnsupportedError("a class of the check's over one of hers")
    return None


def _is_a_protocol(name: str) -> bool:
    """Say whether libraries look for this attribute to have the object decide: that is never asked."""
    return name.startswith(("__array_", "_repr_", "_ipython_")) or name in _PROTOCOLS


_PROTOCOLS = ("__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__set_name__")


def forget() -> None:
    """Let go of the classes of earlier examinations."""
    _COUNTERS.clear()


class Her(metaclass=HerType):
    """An object of hers."""

    _passerelle_class: Any = None
    _passerelle_is_named = False

    def __getattribute__(self, name: str) -> Any:
        """Ask for an attribute."""
        kind = type(self)
        if name == "__class__":
            return type.__getattribute__(kind, "_passerelle_class") or kind
        counter = _counter(kind)
        plain = next((base for base in type.__getattribute__(kind, "__mro__") if base in _PLAIN), None)
        if plain is not None and hasattr(plain, name) and not type.__getattribute__(kind, "_passerelle_is_named"):
            return object.__getattribute__(self, name)
        if _is_a_protocol(name):
            return object.__getattribute__(self, name)
        found = counter.of(self, "attr", name)
        if isinstance(found, Her) and not type.__getattribute__(kind, "_passerelle_is_named"):
            counter.judges.strangers.add(id(found))
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute."""
        _counter(type(self)).of(self, "setattr", name, (value,))

    def __delattr__(self, name: str) -> None:
        """Delete an attribute."""
        _counter(type(self)).of(self, "delattr", name)

    def __dir__(self) -> Any:
        """Ask which attributes there are."""
        return _counter(type(self)).of(self, "dir")

    def __copy__(self) -> Any:
        """Have it copied where it is."""
        return _counter(type(self)).of(self, "copy")

    def __deepcopy__(self, memo: Any) -> Any:
        """Have it copied where it is, with what it holds."""
        return _counter(type(self)).of(self, "copy", "deep")


def _forward(name: str, *, judges: bool) -> Callable[..., Any]:
    def special(self: Any, *args: Any, **kwargs: Any) -> Any:
        counter = _counter(type(self))
        if judges:
            counter.judges.asked = True
        if name == "__call__":
            result = counter.of(self, "call", "", args, **kwargs)
            if isinstance(result, bool) and args and id(self) in counter.judges.strangers:
                counter.judges.asked = True
            return result
        return counter.of(self, "special", name, args)

    special.__name__ = name
    return special


def _methods(has: list[str], *, is_named: bool, plain: Any = None) -> dict[str, Any]:
    """Return the special methods of a stand-in's class."""
    made = {}
    for name in SPECIAL:
        special = f"__{name}__"
        if special not in has or (plain is not None and not is_named and hasattr(plain, special)):
            continue
        if name in _ANSWERS:
            made[special] = _forward(special, judges=False)
        elif is_named or name == "bool":
            made[special] = _forward(special, judges=True)
    return made


def _make_class(counter: Counter, data: Mapping[str, Any]) -> type:
    """Return the class that stands for one of hers."""
    name, has = str(data.get("name")), data.get("has", [])
    bases = [base for base in data.get("bases", ()) if isinstance(base, type)]
    if any(issubclass(base, BaseException) for base in bases):
        errors = tuple(base for base in bases if issubclass(base, BaseException))
        return _error_class(counter, name, errors, data)
    is_named = name in counter.judges.named
    hers = [base for base in bases if isinstance(base, HerType)]
    plain = next((one for base in bases for one in base.__mro__ if one in _PLAIN and one is not bool), None)
    inherits = (*hers, *(() if hers else (Her,)))
    if plain is not None and not any(issubclass(base, plain) for base in hers):
        inherits = (*inherits, plain)
    space = {
        "__module__": "__main__",
        "__doc__": data.get("doc"),
        "__slots__": (),
        "_passerelle_class": None,
        "_passerelle_is_named": is_named,
        **_methods(has, is_named=is_named, plain=plain),
    }
    if data.get("unhashable"):
        space["__hash__"] = None
    made = HerType.__new__(HerType, name, inherits, space)
    _COUNTERS[id(made)] = (made, counter)
    return made


def _error_class(counter: Counter, name: str, bases: tuple[type, ...], data: Mapping[str, Any]) -> type:
    """Return a class of errors that can be raised and caught here."""

    def attribute(self: Any, attr: str) -> Any:
        if attr.startswith("__") or counter.token(self) is None:
            raise AttributeError(attr)
        return counter.of(self, "attr", attr)

    space = {"__module__": "__main__", "__doc__": data.get("doc"), "__getattr__": attribute}
    if "__str__" in data.get("has", []):
        known: Any = next(base for base in bases[0].__mro__ if base.__module__ == "builtins")

        def text(self: Any) -> str:
            return str(counter.of(self, "special", "__str__") if counter.token(self) else known.__str__(self))

        space["__str__"] = text
    return type(name, bases, space)


def _known_kind(counter: Counter, kind: type) -> type:
    """Return the class of stand-ins for objects of a type that is known here, functions for instance."""
    has = [f"__{name}__" for name in SPECIAL if has_special(kind, f"__{name}__")]
    space = {
        "_passerelle_class": kind,
        "_passerelle_is_named": kind in _HONEST,
        **_methods(has, is_named=False),
    }
    made = HerType.__new__(HerType, kind.__name__, (Her,), space)
    _COUNTERS[id(made)] = (made, counter)
    return made


_HONEST = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.GeneratorType)
"""Types whose attributes are no judges of an answer."""
