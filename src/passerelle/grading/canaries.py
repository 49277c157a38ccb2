"""Canaries: versions of a check in which a random part of the tests must not be met.

Where her own code had a say in a verdict (in the box, or by an `==` of her own), the check comes in versions that note
how each test ends. In some of them a random part of the tests asks for something else: another expected value, or,
where there is none to be seen, the contrary. A true answer meets the tests that are as they were, and none of those
that are changed. What may be changed how is found out on the reference solution, with a seed that nobody is told.
"""

import ast
import math
import random
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from passerelle.grading.examiner import hidden_lines
from passerelle.grading.plain import NOTE, parsed

NOTHING: Mapping[int, int] = {}

_EQUAL = frozenset(
    "assertEqual assertAlmostEqual assertEquals assertListEqual assertDictEqual assertTupleEqual assertSetEqual "  # noqa: SIM905
    "assertSequenceEqual assertMultiLineEqual assertCountEqual assert_equal assert_equals assert_almost_equal "
    "assert_allclose assert_array_equal assert_array_almost_equal assert_approx_equal assert_frame_equal "
    "assert_series_equal isclose allclose array_equal equals approx".split()
)
_WRAPS = frozenset("array asarray list tuple set dict frozenset Series DataFrame float int str round sorted".split())  # noqa: SIM905
_ERROR = "__passerelle_error__"
_OF_ONE = frozenset("assertTrue assertFalse assertIsNone assertIsNotNone assert_ assert_true assert_false".split())  # noqa: SIM905
_FURTHER_JUDGES = _OF_ONE | frozenset(
    "assertNotEqual assertIn assertNotIn assertIs assertIsNot assertIsInstance assertGreater assertGreaterEqual "  # noqa: SIM905
    "assertLess assertLessEqual".split()
)
_ALIKE = ("0123456789", "aeiou", "bcdfghjklmnpqrstvwxyz")


def noted(source: str, *, seed: str = "", changed: Mapping[int, int] = NOTHING, negated: Set[int] = frozenset()) -> str:
    """Return a check that notes how each of its tests ends.

    Args:
        source: the check.
        seed: of the values that changed tests ask for; where there is one, no test says its message, which may name
            the value that is right.
        changed: which variant each changed test has, by its number; the others are as they are.
        negated: numbers of tests that are negated where they are changed, whatever values they name.
    """
    tree = _Noting(seed, changed, negated).visit(parsed(source))
    return ast.unparse(ast.fix_missing_locations(tree))


@dataclass(frozen=True)
class Tests:
    """What can be read off a check: how many tests it has; which are hidden, name a value, or merely equal one.

    Of the last, no answer can be equal to one value and to another, whatever the solution is.
    """

    count: int
    hidden: frozenset[int]
    valued: frozenset[int]
    plain: frozenset[int]


def tests(source: str) -> Tests:
    """Return what can be read off a check."""
    noting = _Noting("", NOTHING, frozenset())
    noting.visit(parsed(source))
    lines = hidden_lines(source)
    hidden = frozenset(number for number, line in noting.lines.items() if line in lines)
    return Tests(noting.number, hidden, frozenset(noting.valued), frozenset(noting.plain))


class _Noting(ast.NodeTransformer):
    def __init__(self, seed: str, changed: Mapping[int, int], negated: Set[int]) -> None:
        self.seed = seed
        self.changed = changed
        self.negated = negated
        self.number = 0
        self.lines: dict[int, int] = {}
        self.valued: set[int] = set()
        self.plain: set[int] = set()

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if _is_plain_equality(node.test):
            self.plain.add(self.number)
        if self.seed:
            node = ast.copy_location(ast.Assert(node.test, None), node)
        contrary = ast.Assert(ast.UnaryOp(ast.Not(), node.test), node.msg)
        return self._noted(node, self._other(node) or contrary)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if not isinstance(node.value, ast.Call) or not _name(node.value.func).startswith("assert"):
            return node
        if self.seed:
            node = ast.copy_location(ast.Expr(_wordless(node.value)), node)
        failed = ast.Name("AssertionError", ast.Load())
        contrary = ast.Try(
            [node], [ast.ExceptHandler(failed, None, [ast.Pass()])], [ast.Raise(ast.Call(failed, [], []), None)], []
        )
        return self._noted(node, self._other(node) or contrary)

    def visit_If(self, node: ast.If) -> ast.AST:
        if node.orelse or not node.body or not isinstance(node.body[-1], ast.Raise):
            return self.generic_visit(node)
        test = self._other(node.test) or ast.UnaryOp(ast.Not(), node.test)
        if self.seed:
            failed = ast.Call(ast.Name("AssertionError", ast.Load()), [], [])
            node = ast.copy_location(ast.If(node.test, [ast.Raise(failed, None)], []), node)
        return self._noted(node, ast.If(test, node.body, []))

    def visit_With(self, node: ast.With) -> ast.AST:
        # What is expected to raise must be let through.
        return (
            node if any("raises" in _name(one.context_expr).lower() for one in node.items) else self.generic_visit(node)
        )

    def _other(self, node: Any) -> Any:
        """Return a test with other values; None where it names none."""
        variant = self.changed.get(self.number, 0)
        other = _changed(node, f"{self.seed} {variant}")
        if other is not None:
            self.valued.add(self.number)
        return other if variant and self.number not in self.negated else None

    def _noted(self, node: Any, other: Any) -> ast.AST:
        number = ast.Constant(self.number)
        test = other if self.changed.get(self.number) else node
        self.lines[self.number] = node.lineno
        self.number += 1
        note = ast.Name(NOTE, ast.Load())
        handler = ast.ExceptHandler(
            ast.Name("Exception", ast.Load()),
            _ERROR,
            [ast.Expr(ast.Call(note, [number, ast.Name(_ERROR, ast.Load())], []))],
        )
        done: list[ast.stmt] = [ast.Expr(ast.Call(note, [number], []))]
        return ast.Try([test], [handler], done, [])


def _is_plain_equality(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    return not list(_literals(test.left)) and isinstance(test.comparators[0], ast.Constant)


def _wordless(call: ast.Call) -> ast.Call:
    """Return a call of a known judge with no words in the place of its message."""
    if _name(call.func) not in _EQUAL | _FURTHER_JUDGES:
        return call
    args, nothing = list(call.args), ast.Constant("")
    if len(args) > (1 if _name(call.func) in _OF_ONE else 2) and _is_text(args[-1]):
        args[-1] = nothing
    keywords = [ast.keyword(one.arg, nothing if one.arg in ("msg", "err_msg") else one.value) for one in call.keywords]
    return ast.copy_location(ast.Call(call.func, args, keywords), call)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call | ast.Constant) and any(
        isinstance(one, ast.Constant) and type(one.value) is str for one in ast.walk(node)
    )


def _name(function: ast.AST) -> str:
    if isinstance(function, ast.Call):
        function = function.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _changed(node: Any, seed: str) -> Any:
    """Return a test that expects other values; None where it names none."""
    copy = ast.parse(ast.unparse(node)).body[0]
    if isinstance(copy, ast.Expr) and isinstance(node, ast.expr):
        copy = copy.value  # type: ignore[assignment]
    found = list(_expected(copy)) or list(_further(copy))
    chance = random.Random(f"{seed} {ast.unparse(node)}")  # noqa: S311  the same for the same check and seed
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


def _further(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the constants from which what something is compared with is made: `== point(1, 2)`, `abs(x - 3) < …`."""
    for one in ast.walk(node):
        if not isinstance(one, ast.Compare):
            continue
        if any(isinstance(op, ast.Eq | ast.NotEq) for op in one.ops):
            for side in one.comparators:
                for call in ast.walk(side):
                    if isinstance(call, ast.Call):
                        for given in [*call.args, *(keyword.value for keyword in call.keywords)]:
                            yield from _literals(given)
        elif isinstance(one.left, ast.Call) and _name(one.left.func) == "abs":
            for given in one.left.args:
                yield from _literals(given)


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
        for one in [*node.args, *(keyword.value for keyword in node.keywords)]:
            yield from _literals(one)


def _other(value: Any, chance: random.Random) -> Any:  # noqa: PLR0911  one a kind of value
    """Return another value of the same type, as plausible as an author's: who reads it must not see that it is none."""
    if type(value) is bool:
        return not value
    if type(value) is int:
        # As round as it was.
        unit = 10 ** (len(str(value)) - len(str(value).rstrip("0"))) if value else 1
        step = unit * chance.randint(1, max(3, abs(value) // unit // 3))
        return value - step if value > 9 * unit and chance.random() < 0.5 else value + step
    if type(value) is float and math.isfinite(value):
        return _other_float(value, chance)
    if type(value) in (float, complex):
        return value * chance.uniform(1.2, 1.9) + chance.uniform(0.5, 1.5)
    if type(value) is bytes:
        return _other(value.decode("latin-1"), chance).encode("latin-1")
    letters = [place for place, letter in enumerate(value) if letter.isalnum()]
    if not letters:
        return value + (value[-1:] or chance.choice("abcdefgh"))
    place = chance.choice(letters)
    old = value[place].lower()
    same = next((alike for alike in _ALIKE if old in alike), _ALIKE[1])
    new = chance.choice([one for one in same if one != old])
    return value[:place] + (new.upper() if value[place].isupper() else new) + value[place + 1 :]


def _other_float(value: float, chance: random.Random) -> float:
    """Return another decimal with as many figures."""
    figures = len(Decimal(repr(value)).normalize().as_tuple().digits)
    while True:
        made = abs(value) * chance.uniform(1.2, 1.9) + chance.uniform(0.5, 1.5)
        other = math.copysign(float(f"{made:.{figures}g}"), value)
        if other != value:
            return other
