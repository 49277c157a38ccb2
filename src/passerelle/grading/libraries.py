"""Which libraries a unit's own cells import: a warm process has them before anything is marked."""

import ast
import re
import sys
from collections.abc import Iterable

_IMPORT = re.compile(r"^\s*(?:import|from)\s+[A-Za-z_].*$", re.MULTILINE)


def libraries(sources: Iterable[str]) -> list[str]:
    """Return the modules that cells import by name, but Python's own, which take no time: sorted.

    Read line by line: a cell may hold magics, or what is no Python yet.
    """
    found: set[str] = set()
    for line in (line for source in sources for line in _IMPORT.findall(source)):
        try:
            (statement, *_rest) = ast.parse(line.strip().rstrip("(\\, ")).body
        except (SyntaxError, ValueError):
            # `from x import (`, over several lines: the module is what matters.
            statement = ast.parse(f"import {line.split()[1]}").body[0] if _is_name(line.split()[1]) else ast.Pass()
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            found.add(statement.module)
    return sorted(name for name in found if name.partition(".")[0] not in sys.stdlib_module_names | _OURS)


_OURS = frozenset({"autograders"})


def _is_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))
