"""Keeps a process to one thread: only such a one may fork, and both sides of a check use the same pandas."""

import sys
from typing import Any


def without_pyarrow() -> None:
    """Let pandas come without pyarrow, also where the platform's environment has it (for exports).

    pyarrow, merely importable, makes `import pandas` start a second thread, and pandas keep texts in another kind of
    column than it does in a fellow's notebook, whose environment has none. Call it before anything imports pandas.
    """
    loaded: dict[str, Any] = sys.modules
    # None says «there is no such module» to whoever imports it, or looks for it.
    loaded["pyarrow"] = None
