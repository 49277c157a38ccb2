"""What is asked of a fellow's process, and what it answers: one implementation for her kernel and for the box.

An answer is a dict with a "state":
    value    "value" (typed data), for a call also "printed" and, where asked, "arguments" (after the call)
    missing  there is no such name
    stub     a function that is still to be written
    closed   the name holds something that cannot be called
    raised   "error" (the type's name), "kinds" (names of its bases), "text", "code" (the line of hers)
    slow     the call ran out of time (the box only)
and, said by who runs the box, `gone` with "why": time, memory or died.
"""

import contextlib
import dis
import io
import linecache
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autograders.typed import pack, plain_name
from autograders.untyped import unpack

MAX_PRINTED = 20_000
_IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


def namespace() -> dict[str, Any]:
    """Return the names of the notebook this runs in (or of a plain script)."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None and hasattr(interactive, "get_ipython") else None
    names: dict[str, Any] = shell.user_ns if shell is not None else vars(sys.modules["__main__"])
    return names


def get(names: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Answer what a variable holds."""
    if name not in names:
        return {"state": "missing"}
    return {"state": "value", "value": pack(names[name])}


class Given(NamedTuple):
    """The arguments of a call: copies of its own."""

    arguments: list[Any]
    keywords: dict[str, Any]

    @classmethod
    def of(cls, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> "Given":
        """Build them from typed data."""
        return cls([unpack(one) for one in arguments], {key: unpack(one) for key, one in keywords.items()})


def call(names: Mapping[str, Any], name: str, given: Given, *, back: bool = False) -> dict[str, Any]:
    """Answer what a function returns for these arguments; `back`: and what they are afterwards."""
    if name not in names:
        return {"state": "missing"}
    function = names[name]
    if not callable(function):
        return {"state": "stub"} if function is ... else {"state": "closed", "value": pack(function)}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            result = function(*given.arguments, **given.keywords)
    except NotImplementedError:
        return {"state": "stub"}
    except Exception as error:  # noqa: BLE001  her function may raise anything
        return raised(error)
    if result is ... or (result is None and _does_nothing(function)):
        return {"state": "stub"}
    answer = {"state": "value", "value": pack(result), "printed": printed.getvalue()[:MAX_PRINTED]}
    return {**answer, "arguments": [pack(one) for one in given.arguments]} if back else answer


def raised(error: BaseException) -> dict[str, Any]:
    """Answer that her code raised an error: which, with what words, in which line of hers."""
    kinds = [plain_name(kind.__name__) for kind in type(error).__mro__][:12]
    try:
        text = str(error)[:300]
    except Exception:  # noqa: BLE001  its __str__ is hers, too
        text = ""
    return {"state": "raised", "error": kinds[0], "kinds": kinds, "text": text, "code": _line_of(error)}


def _line_of(error: BaseException) -> str:
    """Return the innermost line of notebook code in the error's traceback."""
    code, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "ipykernel" in name or name.startswith("<ipython-input"):
            code = linecache.getline(name, trace.tb_lineno).strip()[:120] or code
        trace = trace.tb_next
    return code


def _does_nothing(function: object) -> bool:
    """Say whether the body of a function is a docstring, `...` or `pass`, and nothing else."""
    if type(function) is not types.FunctionType:
        return False
    return {step.opname for step in dis.get_instructions(function)} <= _IDLE
