"""What hidden tests draw: from a seed that nobody can guess, because what draws from it is in every fellow's hands."""

import ast
from collections.abc import Iterator

from passerelle.courses import Fault, Kind, UnitFolder
from passerelle.proof.released import Hidden, hidden_lines

LEAST_SIGNS = 16
"""Signs of a seed, as its source is written: 16 of random hexadecimal are 64 bits."""

_PLACES = {"passwords": 1, "Random": 0, "default_rng": 0, "RandomState": 0, "seed": 0}
"""Where the seed stands among the arguments of what draws."""


def seed_faults(folder: UnitFolder) -> list[Fault]:
    """Return the seeds in hidden tests that can be guessed: short ones, and those that stand where anybody reads."""
    public = Hidden.of(folder).public
    return [
        Fault(
            folder.where(f"unit.md line {cell.line}, cell {cell.key!r}"),
            f"the seed {seed} of a hidden test can be guessed",
            "write random hexadecimal in its place: python -c 'import secrets; print(secrets.token_hex(16))'",
        )
        for cell in folder.cells
        if cell.kind is Kind.CHECK
        for seed in _seeds(cell.source)
        if len(seed.strip("'\"").removeprefix("0x")) < LEAST_SIGNS or seed.strip("'\"") in public
    ]


def _seeds(source: str) -> Iterator[str]:
    """Yield the seeds of a cell's hidden lines, as they are written."""
    hidden = hidden_lines(source)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or node.lineno not in hidden:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = node.args[_PLACES[name] :][:1] if name in _PLACES else []
        given += [word.value for word in node.keywords if name in _PLACES and word.arg == "seed"]
        yield from (ast.get_source_segment(source, one) or "" for one in given if isinstance(one, ast.Constant))
