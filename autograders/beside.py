"""Runs a plain check in the box, beside her code: by Python's own exec, with nothing of her shell.

What comes out is hearsay. Whether it counts is for the canaries outside (`passerelle.grading.canaries`): the check
comes with a note at each of its tests, and versions of it come that must not pass.
"""

import ast
import builtins
import contextlib
import io
import sys
import warnings
from collections.abc import Sequence
from typing import Any

_EXEC, _EVAL, _COMPILE, _PARSE = exec, eval, compile, ast.parse
_BUILTINS = dict(vars(builtins))
_NOTE = "__passerelle_note__"


def run(names: dict[str, Any], before: Sequence[str], source: str) -> dict[str, Any]:
    """Run a check among the names of her notebook.

    Returns:
        "state": "ran"; "notes": for each test how it ended ([number, whether it was met, words]); "error": the
        type's name of what stopped the check, or ""; "text"; "value": the number its last line shows, or None;
        "stderr": whether it wrote there.
    """
    notes: list[list[Any]] = []
    errors = io.StringIO()
    vars(builtins).update(_BUILTINS)
    sys.displayhook, sys.excepthook = sys.__displayhook__, sys.__excepthook__
    told: dict[str, Any] = {"state": "ran", "error": "", "text": "", "value": None}

    def note(number: int, error: BaseException | None = None) -> None:
        notes.append([number, error is None, "" if error is None else str(error)[:300]])

    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(errors),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        names[_NOTE] = note
        if type(names.get("In")) is list:  # what ran before is `In[-2]`, as in a notebook
            names["In"].append(source)
        for text in before:
            with contextlib.suppress(Exception):
                _run(text, names)
        errors.truncate(0)
        try:
            value = _run(source, names)
            told["value"] = value if type(value) in (int, float) else None
        except Exception as error:  # noqa: BLE001  a check may stop in any way
            told |= {"error": type(error).__name__, "text": str(error)[:300]}
    return {**told, "notes": notes, "stderr": bool(errors.getvalue().strip())}


def _run(source: str, names: dict[str, Any]) -> Any:
    tree = _PARSE(source, filename="<check>")
    end = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    _EXEC(_COMPILE(tree, "<check>", "exec"), names)
    return (
        None if not isinstance(end, ast.Expr) else _EVAL(_COMPILE(ast.Expression(end.value), "<check>", "eval"), names)
    )
