"""Keeps a process to one thread: only such a one may fork, and both sides of a check use the same pandas."""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any


class _WithoutPyarrow(PathFinder):
    """Finds what is installed, but pyarrow."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname == "pyarrow":
            return None
        return super().find_spec(fullname, path, target)


def without_pyarrow() -> None:
    """Let pandas come without pyarrow, also where the platform's environment has it (for exports).

    pyarrow, merely importable, makes `import pandas` start a second thread, and pandas keep texts in another kind of
    column than it does in a fellow's notebook, whose environment has none. Call it before anything imports pandas.

    It is not found, as where it was never installed. None in `sys.modules` would not do: scikit-learn looks there and
    takes it for the module.
    """
    sys.meta_path[sys.meta_path.index(PathFinder)] = _WithoutPyarrow
