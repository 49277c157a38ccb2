"""What a source notebook says of its plain checks: which names are whose, and which earlier checks they need.

All of it is read off the source alone (its text, never a submission), so no submission chooses its route.
"""

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

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
class _Source:
    """What the cells of a source bind that are no checks."""

    imports: dict[str, list[str]] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    helpers: dict[str, str] = field(default_factory=dict)


def plans(source: NotebookNode) -> dict[str, Plan]:
    """Return the plan of each plain check, by key."""
    known = _read(source)
    found: dict[str, Plan] = {}
    earlier: list[tuple[str, set[str]]] = []
    for place, cell in enumerate(source.cells):
        if cell.cell_type != "code":
            continue
        tree = _tree(cell.source)
        if not _is_check(cell):
            # What a later cell of hers binds is hers from there on.
            for _text, bound in earlier:
                bound.difference_update(_binds(tree))
            continue
        if not is_plain(cell.source):
            continue
        uses = _loads(tree)
        effects = _effects(cell.source, source.cells[place + 1 :])
        found[key_of(cell)] = Plan(_needed(earlier, uses), effects, _route(known, tree, uses))
        earlier.append((cell.source, set(_binds(tree)) | (set(_changes(tree)) - known.imports.keys())))
    return found


def _route(known: _Source, tree: ast.Module, uses: set[str]) -> dict[str, Any]:
    helpers, waiting = {}, sorted(uses)
    while waiting:
        name = waiting.pop()
        if name in known.helpers and name not in helpers:
            helpers[name] = known.helpers[name]
            waiting += sorted(_loads(_tree(known.helpers[name])))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    made = {name for name in called if name[:1].isupper() and not hasattr(builtins, name) and name not in known.imports}
    return {
        "imports": known.imports,
        "defined": sorted(known.defined),
        "classes": sorted(known.classes | made),
        "helpers": [helpers[name] for name in sorted(helpers)],
        "loaded": sorted(known.loaded),
    }


def _needed(earlier: list[tuple[str, set[str]]], uses: set[str]) -> list[str]:
    """Return the earlier checks that bind or change what a check uses, and what those use, in their order."""
    wanted, kept = set(uses), list[str]()
    for text, bound in reversed(earlier):
        if bound & wanted:
            kept.insert(0, text)
            wanted |= _loads(_tree(text))
    return kept


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
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        tree = _tree(cell.source)
        for name, where in _imports(tree):
            found.imports.setdefault(name, where)
        if _is_check(cell):
            continue
        found.loaded |= _loads(tree)
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.classes.add(node.name)
            if isinstance(node, ast.FunctionDef) and not _is_answer(cell) and _asserts(node):
                found.helpers[node.name] = ast.unparse(node)
        imported = {name for name, _where in _imports(tree)}
        found.defined |= {name for name in _binds(tree) if name not in imported}
        if _is_answer(cell):
            for name in found.defined & found.helpers.keys() & set(_binds(tree)):
                del found.helpers[name]
    for name in found.defined & found.imports.keys():
        del found.imports[name]
    return found


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


def _is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
