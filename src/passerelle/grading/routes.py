"""What a source notebook says of its plain checks: which names are whose, and which earlier checks they need.

All of it is read off the source alone (its text, never a submission), so no submission chooses its route.
"""

import ast
import builtins
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from nbformat import NotebookNode

from passerelle.grading.examiner import visible
from passerelle.grading.plain import parsed
from passerelle.grading.rebuild import key_of

_WORDS = re.compile(r"^\s*(?:from|import)\s+autograders\b", re.MULTILINE)


def is_plain(text: str) -> bool:
    """Say whether a check asks with Python of its own instead of the words of `autograders`."""
    return _WORDS.search(text) is None


@dataclass
class Plan:
    """What is known of a plain check before anybody's answer is looked at.

    `before`: earlier checks of which it uses names. `effects`: what of it runs in the box, for her later cells.
    """

    before: list[str] = field(default_factory=list)
    effects: str = ""
    route: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Earlier:
    """An earlier check: what it binds, what it changes in place, and what it works with that it does not bind itself.

    `is_past`: a cell of the notebook has bound some of that anew, so that to run it again would be to run another.
    """

    text: str
    binds: set[str]
    changes: set[str]
    works_with: set[str]
    is_past: bool = False

    def goes_on(self, bound: set[str], *, anew: set[str]) -> None:
        """Take note of what a later cell of the notebook binds: it is hers from there on. `anew`: no imports."""
        self.binds -= bound
        self.changes -= bound
        self.is_past |= bool(self.works_with & anew)

    def is_needed(self, wanted: set[str]) -> bool:
        return bool(self.binds & wanted or (self.changes & wanted and not self.is_past))


@dataclass
class _Source:
    """What the cells of a source bind that are no checks."""

    imports: dict[str, list[str]] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    helpers: dict[str, str] = field(default_factory=dict)


_known: dict[str, dict[str, Plan]] = {}
_MOST_KNOWN = 20


def plans(source: NotebookNode) -> dict[str, Plan]:
    """Return the plan of each plain check, by key."""
    if not any(cell.cell_type == "code" and _is_check(cell) and is_plain(cell.source) for cell in source.cells):
        return {}
    facts = [[cell.cell_type, cell.source, cell.metadata] for cell in source.cells]
    state = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    if state not in _known:
        while len(_known) >= _MOST_KNOWN:
            del _known[next(iter(_known))]
        _known[state] = _plans(source)
    return _known[state]


def _plans(source: NotebookNode) -> dict[str, Plan]:
    known = _read(source)
    found: dict[str, Plan] = {}
    earlier: list[_Earlier] = []
    for place, cell in enumerate(source.cells):
        if cell.cell_type != "code":
            continue
        tree = _tree(cell.source)
        if not _is_check(cell):
            bound = set(_binds(tree))
            for one in earlier:
                one.goes_on(bound, anew=bound - known.imports.keys())
            continue
        if not is_plain(cell.source):
            continue
        effects = _effects(cell.source, source.cells[place + 1 :])
        found[key_of(cell)] = Plan(_needed(earlier, tree), effects, _route(known, tree, _loads(tree)))
        changes = set(_changes(tree)) - known.imports.keys()
        earlier.append(_Earlier(cell.source, set(_binds(tree)), changes, _works_with(tree)))
    return found


def _route(known: _Source, tree: ast.Module, uses: set[str]) -> dict[str, Any]:
    functions = {name: text for name, text in known.helpers.items() if not _makes_class(text)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    made = {name for name in called if name[:1].isupper() and not hasattr(builtins, name) and name not in known.imports}
    return {
        "imports": known.imports,
        "defined": sorted(known.defined),
        "classes": sorted(known.classes | made),
        "helpers": _used(known.helpers, uses),
        "functions": _used(functions, uses),
        "loaded": sorted(known.loaded),
    }


def _used(helpers: Mapping[str, str], uses: set[str]) -> list[str]:
    """Return the texts of what is used of the source's own, and of what those use, in the source's order."""
    found, waiting = set[str](), [*uses]
    while waiting:
        name = waiting.pop()
        if name in helpers and name not in found:
            found.add(name)
            waiting += _loads(_tree(helpers[name]))
    return [text for name, text in helpers.items() if name in found]


def _makes_class(text: str) -> bool:
    return isinstance(_tree(text).body[0], ast.ClassDef)


def _needed(earlier: Sequence[_Earlier], tree: ast.Module) -> list[str]:
    """Return the earlier checks that bind or change what a check works with, and what those do, in their order."""
    wanted, kept = _works_with(tree), list[str]()
    for one in reversed(earlier):
        if one.is_needed(wanted):
            kept.insert(0, one.text)
            wanted |= one.works_with
    return kept


def _works_with(tree: ast.Module) -> set[str]:
    """Return the names that a cell uses before it has bound them itself for certain."""
    found, bound = set[str](), set[str]()
    for node in tree.body:
        added = {
            one.target.id
            for one in ast.walk(node)
            if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)
        }
        found |= (_loads(node) | added) - bound
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            bound.update(_binds(ast.Module([node], [])))
        elif isinstance(node, ast.Assign):
            bound |= {one.id for target in node.targets for one in ast.walk(target) if _is_stored(one)}
    return found


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _effects(text: str, later: Sequence[NotebookNode]) -> str:
    """Return the released part of a check where later cells of the course use what it binds; else its imports."""
    released = visible(text)
    tree = _tree(released)
    bound, used = set(_binds(tree)), set[str]()
    for cell in later:
        if cell.cell_type == "code" and not _is_check(cell):
            used |= _loads(_tree(cell.source))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {name for name, _where in _imports(ast.Module(imports, []))}  # type: ignore[arg-type]
    if (bound - imported) & used:
        return released
    return "\n".join(ast.unparse(node) for node in imports)


def _read(source: NotebookNode) -> _Source:
    found = _Source()
    answered, bound, touched = set[str](), set[str](), set[str]()
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        tree = _tree(cell.source)
        for name, where in _imports(tree):
            found.imports.setdefault(name, where)
        if _is_check(cell):
            continue
        found.loaded |= _loads(tree)
        found.classes |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        imported = {name for name, _where in _imports(tree)}
        found.defined |= {name for name in _binds(tree) if name not in imported}
        if _is_answer(cell) or not _is_locked(cell):
            touched |= _loads(tree)
            bound |= set(_binds(tree))
        if not _is_answer(cell):
            found.helpers |= dict(_own(tree, is_locked=_is_locked(cell)))
        else:
            answered |= set(_binds(tree))
    for name, text in [*found.helpers.items()]:
        is_value = isinstance(_tree(text).body[0], ast.Assign)
        # Data that other cells work with may be what they have made of it by then.
        if name in answered or (is_value and (name in bound or (name in touched and not _is_constant(text)))):
            del found.helpers[name]
    for name in found.defined & found.imports.keys():
        del found.imports[name]
    return found


def _own(tree: ast.Module, *, is_locked: bool) -> Iterator[tuple[str, str]]:
    """Yield what of a given cell is the source's own: locked definitions and values, and functions that assert."""
    for node in tree.body:
        if (is_locked and isinstance(node, ast.FunctionDef | ast.ClassDef)) or (
            isinstance(node, ast.FunctionDef) and _asserts(node)
        ):
            yield node.name, ast.unparse(node)
        elif is_locked and isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_literal(node.value):
            target = node.targets[0]
            if isinstance(target, ast.Name):
                yield target.id, ast.unparse(node)


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _is_constant(text: str) -> bool:
    """Say whether what a text binds cannot be changed in place."""
    return not any(isinstance(node, ast.List | ast.Dict | ast.Set) for node in ast.walk(_tree(text)))


def _asserts(function: ast.FunctionDef) -> bool:
    """Say whether a function says whether something is right."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or any(
        isinstance(node, ast.Attribute) and node.attr.startswith("assert") for node in ast.walk(function)
    )


def _tree(text: str) -> ast.Module:
    try:
        return parsed(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _imports(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (
                    (one.asname, [one.name])
                    if one.asname
                    else (one.name.partition(".")[0], [one.name.partition(".")[0]])
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                if one.name != "*":
                    yield one.asname or one.name, [node.module, one.name]


def _loads(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}


def _binds(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a cell binds at its top level."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (one.asname or one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _changes(tree: ast.Module) -> Iterator[str]:
    """Yield the names whose objects a cell changes in place, as far as its text says so.

    That is `x[…] = …`, `x.y = …`, and calls whose result nobody uses: `x.append(…)`, `push(x)`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield from _root(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute):
                yield from _root(called)
            if not ast.unparse(called).rpartition(".")[2].startswith(("assert", "print")):
                yield from (one.id for one in node.value.args if isinstance(one, ast.Name))


def _root(node: ast.AST) -> Iterator[str]:
    """Yield the name that `x.y[…].z` begins with."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _is_check(cell: NotebookNode) -> bool:
    meta = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and meta.get("grade") and not meta.get("solution"))


def _is_locked(cell: NotebookNode) -> bool:
    meta = cell.metadata.get("nbgrader", {})
    return bool(meta.get("locked") and not meta.get("solution")) or cell.metadata.get("editable") is False


def _is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
