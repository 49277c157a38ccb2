"""What a check replaces in modules: her code does not see it from over there, and the next check must not see it here.

A check may take a function of a library away before it calls hers (`np.linalg.solve = None`). Over stand-ins that
would reach the examiner alone: work that the course forbids would pass, and whatever is examined next would miss the
function. So her code is not called meanwhile (`Counter.cannot`: such a check goes beside it, into the box), and
afterwards all is put back. What is looked at is what the check's text names: the others pay nothing for it.
"""

import ast
import builtins
import importlib
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pkgutil import resolve_name
from typing import Any

_FORWARDED = {"builtins": ("input", "print", "open"), "sys": ("stdin", "stdout", "stderr")}
"""What is replaced of these is told to the box, or stays with what is printed (`standins`, `plain`)."""
_OURS = ("__main__", "autograders", "passerelle")
_BY_ANY_NAME = frozenset({"setattr", "delattr", "vars", "__dict__", "reload"})
_REPLACING = _BY_ANY_NAME | {"__setattr__", "__delattr__", "patch"}
_LONGEST = 200
_MISSING = object()
_BUILTINS, _KEPT = vars(builtins), dict(vars(builtins))

_Place = tuple[Any, str]
"""A module, a class or `sys.modules`, and a name in it."""


class Replaced:
    """What a check replaces in the modules and classes of libraries, as far as its text names them."""

    def __init__(self, texts: Sequence[ast.AST], imports: Mapping[str, list[str]]) -> None:
        """Find out what it may replace; modules that its text names are imported.

        Args:
            texts: the check, and what runs before it.
            imports: the names that the course's cells import, with module and attribute.
        """
        nodes = [node for text in texts for node in ast.walk(text)]
        self._places = [*_places(nodes, {**imports, **dict(_imports(nodes))})] if _may_replace(nodes) else []
        self._before: list[tuple[Any, str, Any]] = []

    def begin(self) -> None:
        """Note what is there now."""
        self._before = [(base, name, _at(base, name)) for base, name in self._places]

    def now(self) -> str:
        """Return what is replaced at this moment, or nothing."""
        return next((f"{getattr(base, '__name__', 'sys.modules')}.{name}" for base, name, _was in self._changed()), "")

    def put_back(self) -> None:
        """Have everything as it was."""
        _BUILTINS.update(_KEPT)  # what is done here needs them
        for base, name, was in [*self._changed()]:
            with suppress(AttributeError, TypeError):
                _put(base, name, was)

    def _changed(self) -> Iterator[tuple[Any, str, Any]]:
        for base, name, was in self._before:
            found = _at(base, name)
            # A part of a package becomes a name of it when it is imported.
            if found is not was and not (was is _MISSING and isinstance(found, types.ModuleType)):
                yield base, name, was


def _may_replace(nodes: Iterable[ast.AST]) -> bool:
    """Say whether a text sets anything that is no name of its own."""
    return any(
        (isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load))
        or _word(node) in _REPLACING
        for node in nodes
    )


def _places(nodes: Sequence[ast.AST], imports: Mapping[str, list[str]]) -> Iterator[_Place]:
    """Yield every place that a text may mean: any base that it names, with any name that it sets or spells.

    So it does not matter by which words it does it (`setattr`, `patch`, another name for the module).
    """
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and type(node.value) is str}
    words = {word for word in words if len(word) <= _LONGEST}
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)}
    spelled = {word.rpartition(".")[2] for word in words}
    is_any = any(_word(node) in _BY_ANY_NAME for node in nodes)
    bases = {id(base): base for base in (*_chained(nodes, imports), *_spelled(nodes, words))}
    for base in bases.values():
        if base is sys.modules:
            yield from ((base, word) for word in words)
            continue
        there = vars(base)
        names = stored | {name for name in spelled if name in there}
        if is_any:
            names |= {name for name, one in there.items() if callable(one)}
        yield from ((base, name) for name in names.difference(_FORWARDED.get(base.__name__, ())))


def _chained(nodes: Iterable[ast.AST], imports: Mapping[str, list[str]]) -> Iterator[Any]:
    """Yield the modules and classes of libraries that a text names, as `np` and `np.linalg`."""
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute):
            found = _found(node, imports)
            if found is sys.modules or (isinstance(found, types.ModuleType | type) and _is_a_librarys(found)):
                yield found


def _spelled(nodes: Iterable[ast.AST], words: Iterable[str]) -> Iterator[Any]:
    """Yield those that it spells: in `sys.modules[…]`, or for `patch`, which imports what it is given."""
    is_patching = any(_word(node) == "patch" for node in nodes)
    for word in words:
        found: Any = sys.modules.get(word)
        if found is None and is_patching and "." in word:
            with suppress(Exception):  # said where the check uses it
                found = resolve_name(word.rpartition(".")[0])
        if isinstance(found, types.ModuleType | type) and _is_a_librarys(found):
            yield found


def _is_a_librarys(base: Any) -> bool:
    name = base.__name__ if isinstance(base, types.ModuleType) else base.__module__
    return str(name).partition(".")[0] not in _OURS


def _found(node: ast.expr, imports: Mapping[str, list[str]]) -> Any:
    """Return what a name of imports, or an attribute of a module, is; None for anything else."""
    if isinstance(node, ast.Name):
        return _imported(*imports[node.id]) if node.id in imports else None
    base = _found(node.value, imports) if isinstance(node, ast.Attribute) else None
    return vars(base).get(node.attr) if isinstance(node, ast.Attribute) and isinstance(base, types.ModuleType) else None


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for one in node.names:
                yield one.asname or one.name.partition(".")[0], [one.name if one.asname else one.name.partition(".")[0]]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((one.asname or one.name, [node.module, one.name]) for one in node.names)


def _imported(module: str, attr: str = "") -> Any:
    with suppress(Exception):  # said where the check uses it
        found = importlib.import_module(module)
        return getattr(found, attr) if attr else found
    return None


def _word(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _at(base: Any, name: str) -> Any:
    return (base if base is sys.modules else vars(base)).get(name, _MISSING)


def _put(base: Any, name: str, was: Any) -> None:
    if base is sys.modules and was is _MISSING:
        del sys.modules[name]
    elif base is sys.modules:
        sys.modules[name] = was
    elif was is _MISSING:
        delattr(base, name)
    else:
        setattr(base, name, was)
