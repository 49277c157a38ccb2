"""Bugs from cosmic-ray's operators: comparison, arithmetic, number, truth value, loop."""

from collections.abc import Iterator
from typing import Any

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

_COMPARISONS = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
_ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod")
_WHOLE = {
    "NumberReplacer": "number",
    "ReplaceTrueWithFalse": "flag",
    "ReplaceFalseWithTrue": "flag",
    "ReplaceAndWithOr": "and-or",
    "ReplaceOrWithAnd": "and-or",
    "AddNot": "not",
    "ReplaceUnaryOperator_Delete_Not": "not",
    "ReplaceUnaryOperator_Delete_USub": "sign",
    "ReplaceUnaryOperator_USub_UAdd": "sign",
    "ReplaceBreakWithContinue": "break-continue",
    "ReplaceContinueWithBreak": "break-continue",
    "ZeroIterationForLoop": "no-iteration",
    "RemoveDecorator": "decorator",
    "ReplaceComparisonOperator_Is_IsNot": "comparison",
    "ReplaceComparisonOperator_IsNot_Is": "comparison",
}
"""Operators of which every variant is a likely slip -> our word. Not among them: `is` for `==` (often the same),
shifts and bits for sums (nobody's slip, mostly an error), exceptions of cosmic-ray's own."""


def _word(name: str) -> str | None:
    """Return our word for an operator, None where it is not used."""
    plain = name.removeprefix("core/")
    if plain in _WHOLE:
        return _WHOLE[plain]
    kind, _, pair = plain.partition("_")
    old, _, new = pair.partition("_")
    if kind == "ReplaceComparisonOperator" and old in _COMPARISONS and new in _COMPARISONS:
        return "comparison"
    if kind == "ReplaceBinaryOperator" and old in _ARITHMETIC and new in _ARITHMETIC:
        return "operator"
    return None


def _operators() -> list[tuple[str, Any]]:
    return [(word, get_operator(name)()) for name in sorted(operator_names()) if (word := _word(name)) is not None]


def mutations(text: str, lines: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Yield word and changed text, for each place in these lines.

    Args:
        text: Python that can be parsed.
        lines: the numbers of the lines that may change, from 1.
    """
    for word, operator in _operators():
        occurrence = 0
        while (changed := mutate_code(text, operator, occurrence)) is not None:
            occurrence += 1
            if _first_difference(text, changed) in lines:
                yield word, changed


def _first_difference(before: str, after: str) -> int:
    pairs = zip(before.split("\n"), after.split("\n"), strict=False)
    return next((number for number, (one, other) in enumerate(pairs, 1) if one != other), 0)
