"""Bugs of our subjects in Python: what learners mistake, beside what any program can have."""

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_EXCHANGED = (
    ("sum", "mean", "median", "max", "min", "count"),
    ("idxmax", "idxmin"),
    ("argmax", "argmin"),
    ("nlargest", "nsmallest"),
    ("head", "tail"),
    ("any", "all"),
    ("first", "last"),
    ("lower", "upper"),
    ("startswith", "endswith"),
    ("strip", "lstrip", "rstrip"),
    ("append", "extend"),
    ("floor", "ceil"),
    ("ge", "gt"),
    ("le", "lt"),
    ("fit_transform", "transform"),
    ("encode", "decode"),
)
"""Names of which one is easily taken for another; only the next two of a row are planted."""

_STATUS = (200, 201, 204, 301, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503)
_FROM_CHANCE = frozenset({"token_bytes", "urandom", "token_hex", "token_urlsafe", "randbytes"})
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)

Edit = tuple[str, str]


@dataclass(frozen=True)
class Surroundings:
    """What an answer has around it: the columns of the unit's data, and names that earlier answers define."""

    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def mutations(text: str, lines: frozenset[int], around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield word and changed text, for each place in these lines.

    Args:
        text: Python that can be parsed.
        lines: the numbers of the lines that may change, from 1.
        around: what else is there.
    """
    source = _Source(text)
    tree = ast.parse(text)
    for parent, node in _pairs(tree):
        if getattr(node, "lineno", 0) not in lines:
            continue
        for rule in _RULES:
            yield from rule(source, node, parent, around)


def assigned(text: str) -> list[str]:
    """Return the names that a cell gives values to, outside functions."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return [target.id for target in targets if isinstance(target, ast.Name)]


class _Source:
    """A text whose parts are found by what `ast` says of them, in bytes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes = text.encode()
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self._bytes.split(b"\n"))]

    def of(self, node: ast.AST) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self._bytes[start:end].decode()

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node begins and ends."""
        start = self._starts[getattr(node, "lineno", 1) - 1] + getattr(node, "col_offset", 0)
        end = self._starts[(getattr(node, "end_lineno", 1) or 1) - 1] + (getattr(node, "end_col_offset", 0) or 0)
        return start, end

    def replaced(self, node: ast.AST, new: str) -> str:
        """Return the text with a node replaced."""
        return self.cut(*self.span(node), new)

    def cut(self, start: int, end: int, new: str) -> str:
        """Return the text with these bytes replaced."""
        return (self._bytes[:start] + new.encode() + self._bytes[end:]).decode()

    def swapped(self, one: ast.AST, other: ast.AST) -> str:
        """Return the text with two nodes in each other's place; `one` stands before `other`."""
        (start, end), (start2, end2) = self.span(one), self.span(other)
        between = self._bytes[end:start2].decode()
        return self.cut(start, end2, f"{self.of(other)}{between}{self.of(one)}")


def _pairs(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield every node behind its parent, in the order of the text."""
    for child in ast.iter_child_nodes(tree):
        yield tree, child
        yield from _pairs(child)


Rule = Callable[[_Source, ast.AST, ast.AST, Surroundings], Iterator[Edit]]


def _dropped_line(source: _Source, node: ast.AST, parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if not isinstance(node, ast.stmt) or isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef) or _is_docstring(node, parent):
        return
    yield "dropped-line", source.replaced(node, "pass")


def _condition(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if isinstance(node, ast.If | ast.IfExp):
        yield "condition", source.replaced(node.test, "True")
        yield "condition", source.replaced(node.test, "False")
    if isinstance(node, ast.BoolOp):
        for left_out in range(len(node.values)):
            rest = [f"({source.of(one)})" for place, one in enumerate(node.values) if place != left_out]
            joint = " and " if isinstance(node.op, ast.And) else " or "
            yield "condition", source.replaced(node, joint.join(rest))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield "condition", source.replaced(node, source.of(node.left))
        yield "condition", source.replaced(node, source.of(node.right))
        other = "|" if isinstance(node.op, ast.BitAnd) else "&"
        yield "condition", source.replaced(node, f"({source.of(node.left)}) {other} ({source.of(node.right)})")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield "condition", source.replaced(node, source.of(node.operand))


def _swapped(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if isinstance(node, ast.Call):
        for one, other in itertools.pairwise(node.args):
            if source.of(one) != source.of(other) and not isinstance(one, ast.Starred):
                yield "swapped-arguments", source.swapped(one, other)
        if source.of(node.func).endswith("compare_digest") and len(node.args) == 2:
            yield "plain-comparison", source.replaced(node, f"({source.of(node.args[0])} == {source.of(node.args[1])})")
    if isinstance(node, ast.BinOp) and isinstance(node.op, _ORDERED) and source.of(node.left) != source.of(node.right):
        yield "swapped-operands", source.swapped(node.left, node.right)


def _off_by_one(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    bounds: list[ast.expr] = []
    if isinstance(node, ast.Slice):
        bounds = [bound for bound in (node.lower, node.upper) if bound is not None]
    elif isinstance(node, ast.Call) and source.of(node.func) == "range":
        bounds = node.args[:2]
    for bound in bounds:
        if not isinstance(bound, ast.Constant | ast.UnaryOp):
            yield "off-by-one", source.replaced(bound, f"({source.of(bound)}) + 1")
            yield "off-by-one", source.replaced(bound, f"({source.of(bound)}) - 1")
    if isinstance(node, ast.Call) and source.of(node.func) == "len":
        yield "off-by-one", source.replaced(node, f"({source.of(node)} - 1)")


def _other_text(source: _Source, node: ast.AST, parent: ast.AST, around: Surroundings) -> Iterator[Edit]:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    if _is_docstring(parent, parent) or isinstance(parent, ast.Expr | ast.FormattedValue | ast.JoinedStr):
        return
    text = node.value
    row = next((row for row in _EXCHANGED[:1] if text in row), None)
    if row is not None:
        for other in _next_two(row, text):
            yield "other-method", source.replaced(node, repr(other))
    elif text in around.columns:
        mentioned = [column for column in around.columns if repr(column) in source.text.replace('"', "'")]
        others = dict.fromkeys([*mentioned, *_next_two(around.columns, text), *around.columns])
        for other in [other for other in others if other != text][:2]:
            yield "wrong-column", source.replaced(node, repr(other))
    elif text:
        yield "other-text", source.replaced(node, repr(text + "?"))


def _keywords(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if not isinstance(node, ast.Call):
        return
    parts: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    for keyword in node.keywords:
        rest = ", ".join(source.of(part) for part in parts if part is not keyword)
        inside = (source.span(node.func)[1], source.span(node)[1])
        yield "dropped-argument", source.cut(*inside, f"({rest})")


def _methods(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else source.of(node.func)
    end = source.span(node.func)[1]
    for row in (row for row in _EXCHANGED if name in row):
        for other in _next_two(row, name):
            if isinstance(node.func, ast.Attribute) or other in ("sum", "max", "min", "any", "all"):
                yield "other-method", source.cut(end - len(name.encode()), end, other)
    if name in _FROM_CHANCE and node.args:
        made = "{0}" if name in ("token_bytes", "urandom", "randbytes") else "{0}.hex()"
        yield "no-chance", source.replaced(node, made.format(f"bytes({source.of(node.args[0])})"))
    if isinstance(node.func, ast.Attribute):
        word = "missing-copy" if name == "copy" else "dropped-call"
        if isinstance(node.func.value, ast.Name) and node.args and name not in ("copy", "fit"):
            return  # of a module, mostly; and an object that stands alone is no slip of hers
        yield word, source.replaced(node, source.of(node.func.value))
    elif name in ("sorted", "round", "abs", "set", "list", "str", "int", "float", "len", "reversed") and node.args:
        yield "dropped-call", source.replaced(node, f"({source.of(node.args[0])})")


def _names(source: _Source, node: ast.AST, parent: ast.AST, around: Surroundings) -> Iterator[Edit]:
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    if node.id.endswith("_train"):
        stem = node.id.removesuffix("_train")
        for other in (stem, f"{stem}_test"):
            if other in source.text or other in around.names:
                yield "all-data", source.replaced(node, other)
    elif node.id.endswith("_test"):
        yield "all-data", source.replaced(node, node.id.removesuffix("_test") + "_train")
    if node.id in _parameters(source) and around.names and not isinstance(parent, ast.Call):
        yield "global-name", source.replaced(node, around.names[0])


def _numbers(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return
    if node.value in _STATUS:
        for other in _next_two(tuple(map(str, _STATUS)), str(node.value)):
            yield "wrong-status", source.replaced(node, other)
    elif node.value >= 10:
        yield "number", source.replaced(node, f"{node.value // 10}")


def _returned(source: _Source, node: ast.AST, _parent: ast.AST, _around: Surroundings) -> Iterator[Edit]:
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        yield "swapped-results", source.swapped(node.value.elts[0], node.value.elts[-1])
    if isinstance(node, ast.Return) and node.value is not None:
        yield "print-for-return", source.replaced(node, f"print({source.of(node.value)})")


_RULES: tuple[Rule, ...] = (
    _dropped_line,
    _condition,
    _swapped,
    _off_by_one,
    _other_text,
    _keywords,
    _methods,
    _names,
    _numbers,
    _returned,
)


def _next_two(row: tuple[str, ...], name: str) -> list[str]:
    place = row.index(name)
    return [*row[place + 1 :], *row[:place]][:2]


def _parameters(source: _Source) -> set[str]:
    functions = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.FunctionDef)]
    return {function.args.args[0].arg for function in functions if function.args.args}


def _is_docstring(node: ast.AST, _parent: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
