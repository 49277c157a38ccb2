"""Canaries: versions of a check that must not pass.

Where her own code had a say in a verdict (in the box, or by an `==` of her own), the check comes in a version that
notes how each of its tests ends, and in others of the same shape in which every test asks for something else: another
expected value, or, where there is none to be seen, the contrary. A true answer meets none of them. Which versions of
which tests are armed is found out on the reference solution.
"""

import ast
import random
from collections.abc import Iterator
from typing import Any

from passerelle.grading.plain import NOTE, parsed

_EQUAL = frozenset(
    "assertEqual assertAlmostEqual assertEquals assertListEqual assertDictEqual assertTupleEqual assertSetEqual "  # noqa: SIM905
    "assertSequenceEqual assertMultiLineEqual assertCountEqual assert_equal assert_equals assert_almost_equal "
    "assert_allclose assert_array_equal assert_array_almost_equal assert_approx_equal assert_frame_equal "
    "assert_series_equal isclose allclose array_equal equals approx".split()
)
_WRAPS = frozenset("array asarray list tuple set dict frozenset Series DataFrame float int str round sorted".split())  # noqa: SIM905
_ERROR = "__passerelle_error__"


def noted(source: str, *, canary: int = 0, negated: frozenset[int] = frozenset()) -> str:
    """Return a check that notes how each of its tests ends.

    Args:
        source: the check.
        canary: 0 for the check itself, else which version of it.
        negated: numbers of tests that are negated in a canary, whatever values they name.
    """
    tree = _Noting(canary, negated).visit(parsed(source))
    return ast.unparse(ast.fix_missing_locations(tree))


def count(source: str) -> int:
    """Return how many tests a check has."""
    noting = _Noting(0, frozenset())
    noting.visit(parsed(source))
    return noting.number


class _Noting(ast.NodeTransformer):
    def __init__(self, canary: int, negated: frozenset[int]) -> None:
        self.canary = canary
        self.negated = negated
        self.number = 0

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        changed = None if self.number in self.negated else _changed(node, self.canary)
        return self._noted(changed or ast.Assert(ast.UnaryOp(ast.Not(), node.test), node.msg), node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if not isinstance(node.value, ast.Call) or not _name(node.value.func).startswith("assert"):
            return node
        changed = None if self.number in self.negated else _changed(node, self.canary)
        raises = ast.Raise(ast.Call(ast.Name("AssertionError", ast.Load()), [], []), None)
        return self._noted(changed or raises, node)

    def visit_If(self, node: ast.If) -> ast.AST:
        if node.orelse or not node.body or not isinstance(node.body[-1], ast.Raise):
            return self.generic_visit(node)
        changed = None if self.number in self.negated else _changed(node.test, self.canary)
        test = changed or ast.UnaryOp(ast.Not(), node.test)
        return self._noted(ast.If(test, node.body, []), node)

    def visit_With(self, node: ast.With) -> ast.AST:
        # What is expected to raise must be let through.
        return (
            node if any("raises" in _name(one.context_expr).lower() for one in node.items) else self.generic_visit(node)
        )

    def _noted(self, changed: Any, node: Any) -> ast.AST:
        number = ast.Constant(self.number)
        self.number += 1
        note = ast.Name(NOTE, ast.Load())
        handler = ast.ExceptHandler(
            ast.Name("Exception", ast.Load()),
            _ERROR,
            [ast.Expr(ast.Call(note, [number, ast.Name(_ERROR, ast.Load())], []))],
        )
        done: list[ast.stmt] = [ast.Expr(ast.Call(note, [number], []))]
        return ast.Try([changed if self.canary else node], [handler], done, [])


def _name(function: ast.AST) -> str:
    if isinstance(function, ast.Call):
        function = function.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _changed(node: Any, canary: int) -> Any:
    """Return a test that expects other values; None where it names none."""
    copy = ast.parse(ast.unparse(node)).body[0]
    if isinstance(copy, ast.Expr) and isinstance(node, ast.expr):
        copy = copy.value  # type: ignore[assignment]
    found = list(_expected(copy))
    chance = random.Random(f"{canary} {ast.unparse(node)}")  # noqa: S311  the same for the same check
    taken: set[str] = set()
    for constant in found:
        # Both sides of `P(1) == P(1)` must differ from one another, too.
        others = [_other(constant.value, chance) for _ in range(9)]
        constant.value = next((one for one in others if repr(one) not in taken), others[0])
        taken.add(repr(constant.value))
    return copy if found else None


def _expected(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the constants to which something is compared."""
    for one in ast.walk(node):
        sides: list[ast.expr] = []
        if isinstance(one, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq | ast.Is) for op in one.ops):
            sides = [one.left, *one.comparators]
        elif isinstance(one, ast.Call) and _name(one.func) in _EQUAL:
            sides = one.args[:2]
        for side in sides:
            yield from _literals(side)


def _literals(node: ast.expr) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, complex, str, bool, bytes):
        yield node
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for one in node.elts:
            yield from _literals(one)
    elif isinstance(node, ast.Dict):
        for one in node.values:
            yield from _literals(one)
    elif isinstance(node, ast.UnaryOp | ast.BinOp):
        for one in (node.operand,) if isinstance(node, ast.UnaryOp) else (node.left, node.right):
            yield from _literals(one)
    elif isinstance(node, ast.Call) and (_name(node.func) in _WRAPS or _name(node.func)[:1].isupper()):
        for one in node.args:
            yield from _literals(one)


def _other(value: Any, chance: random.Random) -> Any:
    """Return another plausible value of the same type."""
    if type(value) is bool:
        return not value
    if type(value) is int:
        return value + chance.randint(1, max(3, abs(value) // 3))
    if type(value) in (float, complex):
        return value * chance.uniform(1.2, 1.9) + chance.uniform(0.5, 1.5)
    if type(value) is bytes:
        return value + b"x"
    letters = [place for place, letter in enumerate(value) if letter.isalnum()]
    if not letters:
        return value + chance.choice("abcdefgh")
    place = chance.choice(letters)
    same = "0123456789" if value[place].isdigit() else "abcdefghijklmnopqrstuvwxyz"
    return value[:place] + chance.choice([one for one in same if one != value[place].lower()]) + value[place + 1 :]
