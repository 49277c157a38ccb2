"""What is asked of a fellow's process, and what it answers: one implementation for her kernel and for the box.

An answer is a dict with a "state":
    value    "value" (typed data), for a call also "printed" and, where asked, "arguments" (after the call)
    missing  there is no such name
    stub     a function that is still to be written
    closed   the name holds something that cannot be called
    raised   "error" (the type's name), "kinds" (it and its bases as `module.name`, where that is this very class),
             "text", "code" (the line of hers)
    slow     the call ran out of time (the box only)
and, said by who runs the box, `gone` with "why": time, memory or died.
"""

import contextlib
import dis
import io
import linecache
import os
import stat
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autograders.typed import pack, plain_name
from autograders.untyped import unpack

MAX_PRINTED = 20_000
MAX_FILE = 4_000_000
# As the interpreter knows them: a class may answer anything to its `__name__`.
_MODULE_OF, _NAME_OF = type.__dict__["__module__"].__get__, type.__dict__["__name__"].__get__
MAX_SITE = 5_000_000
"""Bytes of all files of a page."""
_SITE_FILES = 200
_OF_PAGES = frozenset(
    {".html", ".htm", ".css", ".js", ".mjs", ".json", ".txt", ".webmanifest", ".woff", ".woff2"}
    | {".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico"}
)
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


def file(path: str) -> dict[str, Any] | None:
    """Return the "size" and the "bytes" of a file (None where there are too many); None where there is no file."""
    try:
        # Not to wait for whoever writes into a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as opened:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return None
        content = opened.read(MAX_FILE + 1)
    return {"size": about.st_size, "bytes": content if len(content) <= MAX_FILE else None}


def site(path: str) -> dict[str, Any]:
    """Return the "files" that a page may ask for, by path; or its "size", where the page itself has too many bytes.

    They lie where the notebook lies or below it, and are of the kinds that pages are made of.
    """
    page = file(path)
    if page is None or page["bytes"] is None:
        return {"size": page["size"]} if page is not None else {"files": {}}
    files = {path: page["bytes"]}
    room = MAX_SITE - page["size"]
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "__")))
        for name in sorted(names):
            place = os.path.relpath(os.path.join(folder, name))  # noqa: PTH118  paths cost more than the walk
            is_link = os.path.islink(place)  # noqa: PTH114
            if os.path.splitext(name)[1].lower() not in _OF_PAGES or is_link or place in files:  # noqa: PTH122
                continue
            found = file(place) if len(files) < _SITE_FILES else None
            if found is None or found["bytes"] is None or found["size"] > room:
                continue
            files[place] = found["bytes"]
            room -= found["size"]
    return {"files": files}


def raised(error: BaseException) -> dict[str, Any]:
    """Answer that her code raised an error: which, with what words, in which line of hers."""
    kinds = [name for name in map(_known_as, type.mro(type(error))[:12]) if name]
    try:
        text = str(error)[:300]
    except Exception:  # noqa: BLE001  its __str__ is hers, too
        text = ""
    name = plain_name(_NAME_OF(type(error)))
    return {"state": "raised", "error": name, "kinds": kinds, "text": text, "code": _line_of(error)}


def _known_as(kind: type) -> str:
    """Return `module.name` of a class where that is this very class: one of hers called ValueError is another."""
    module, name = _MODULE_OF(kind), _NAME_OF(kind)
    known = sys.modules.get(module) if type(module) is str else None
    return f"{module}.{plain_name(name)}" if known is not None and vars(known).get(name) is kind else ""


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
