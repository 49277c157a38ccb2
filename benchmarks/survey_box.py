"""The part of the survey that runs inside bubblewrap: executes one notebook, and watches what its checks touch.

`python survey_box.py NOTEBOOK stock|probe` prints one JSON object. *stock* executes as nbgrader does and says what
each check earns. *probe* does it again with a profiler in the kernel that looks at every step from a check into
the fellow's code: what goes in, what comes back, and what is done to it. It must run on the learner environment
alone, so it imports nothing of ours.
"""

import ast
import builtins
import dis
import json
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import nbformat
from IPython import get_ipython
from nbclient import NotebookClient

ROLES = ("check", "answer", "given")
_REPORT = Path("/tmp/survey-probe.json")
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, slice)
_HOLDERS = (list, tuple, set, frozenset)
_LOOK_AT = 50
_GENERATORS = {"RandomState", "Generator", "Random"}


def role(cell: dict[str, Any]) -> str:
    """Return what a cell is: check, answer or given."""
    meta = cell.get("metadata", {}).get("nbgrader") or {}
    if meta.get("grade") and not meta.get("solution"):
        return "check"
    return "answer" if meta.get("solution") else "given"


def kind(value: object, depth: int = 3) -> str:
    """Return in a word what a value is, seen from a process that would have to carry it across.

    A holder takes the kind of the first of its elements that is not plain ("list of function").
    """
    exact = type(value)
    if exact in _PLAIN:
        return "plain"
    if exact in _HOLDERS or exact is dict:
        parts = [*value.keys(), *value.values()] if exact is dict else list(value)  # type: ignore[attr-defined,call-overload]
        for part in parts[:_LOOK_AT] if depth else ():
            found = kind(part, depth - 1)
            if found not in {"plain", "numpy scalar"}:
                return found if found.startswith("holder of") else f"holder of {found}"
        return "plain"
    return _library_kind(value, exact)


def _library_kind(value: object, exact: type) -> str:
    place, name = exact.__module__ or "", exact.__name__
    root = place.partition(".")[0]
    of_main = getattr(value, "__module__", "") == "__main__"
    named = {"sklearn": "estimator", "matplotlib": "figure or axes", "__main__": "her object"}
    if isinstance(value, types.ModuleType):
        found = "module"
    elif isinstance(value, type):
        found = "her class" if of_main else "library class"
    elif isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        found = "her function" if of_main else "library function"
    elif isinstance(value, map | filter | zip | enumerate) or hasattr(exact, "__next__"):
        found = "iterator"
    elif root == "numpy" and (name in {"ndarray", "matrix"} or _is_scalar(value)):
        found = "array" if name in {"ndarray", "matrix"} else "numpy scalar"
    elif root == "pandas" and (name in {"DataFrame", "Series"} or name.endswith("Index")):
        found = name if not name.endswith("Index") else "pandas index"
    else:
        found = named.get(root, f"{root}.{name}")
    return found


def _is_scalar(value: object) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "item") and not getattr(value, "shape", (1,))


def free_names(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell reads from outside, and those it sets for others (both at its top level)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set(), set()
    inner = {
        argument.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.Lambda)
        for argument in [*node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        if argument is not None
    }
    reads: set[str] = set()
    sets: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in inner:
            reads.add(node.id)
        elif isinstance(node, ast.Name):
            sets.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            sets.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            sets.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    return {name for name in reads if not hasattr(builtins, name)} - inner, sets - inner


class Watch:
    """Looks on, in the kernel, while the checks of a notebook run."""

    def __init__(self, shell: Any, cells: list[list[Any]]) -> None:
        self.shell = shell
        self.waiting = [(number, what, source) for number, what, source in cells]
        self.of_file = {shell.compile.get_code_name(source, source, 0): what for _number, what, source in cells}
        self.origin: dict[str, str] = {}
        self.before_ids: dict[str, int] = {}
        self.checks: dict[int, dict[str, Any]] = {}
        self.now: dict[str, Any] | None = None
        self.role = "given"
        self.entered: list[tuple[Any, list[tuple[str, Any, bytes | None]]]] = []
        self.globals_of: dict[Any, set[str]] = {}

    def pre_run_cell(self, info: Any) -> None:
        """Open the record of a check, and begin to look."""
        found = next((cell for cell in self.waiting if cell[2] == info.raw_cell), None)
        self.before_ids = {name: id(value) for name, value in self.shell.user_ns.items()}
        if found is None:
            self.role = "given"
            return
        self.waiting.remove(found)
        self.role = found[1]
        if self.role != "check":
            return
        reads, sets = free_names(self.shell.transform_cell(found[2]))
        names = {name for name in reads if name in self.shell.user_ns}
        self.now = {
            "reads": {n: [self.origin.get(n, "given"), kind(self.shell.user_ns[n])] for n in sorted(names)},
            "missing": sorted(reads - names - sets),
            "sets": sorted(sets),
            "calls": [],
            "events": [],
        }
        self.checks[found[0]] = self.now
        self.entered = []
        sys.setprofile(self._profile)

    def post_run_cell(self, _result: Any) -> None:
        """Close the record, and note who set which name."""
        sys.setprofile(None)
        self.now = None
        for name, value in self.shell.user_ns.items():
            if self.before_ids.get(name) != id(value):
                self.origin[name] = self.role

    def _event(self, word: str) -> None:
        if self.now is not None and word not in self.now["events"]:
            self.now["events"].append(word)

    def _profile(self, frame: Any, event: str, value: Any) -> None:
        if event == "c_call":
            if self.entered and getattr(value, "__name__", "") == "print":
                self._event("her code prints")
            elif self.entered and type(getattr(value, "__self__", None)).__name__ in _GENERATORS:
                self._event("her code draws")
            return
        what = self.of_file.get(frame.f_code.co_filename)
        if what is None or self.now is None or frame.f_code.co_name == "<module>":
            return
        if event == "call":
            self._enter(frame, what)
        elif event == "return" and self.entered and self.entered[-1][0] is frame:
            self._leave(frame, value)

    def _enter(self, frame: Any, what: str) -> None:
        code = frame.f_code
        if self.entered:
            if what == "check":
                self._event("callback into the check")
            elif what == "given" and any(a[0] == "her function" for a in self.entered[-1][1]):
                self._event("callback into a given cell")
        if what == "answer":
            self._reads_of_check(code)
        if what != "answer" or self.entered:
            return
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        given = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
        self.entered.append((frame, [(kind(one), one, _print_of(one)) for one in given]))

    def _reads_of_check(self, code: Any) -> None:
        if code not in self.globals_of:
            self.globals_of[code] = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
        for name in self.globals_of[code]:
            if name not in self.shell.user_ns:
                if name in self.before_ids:
                    self._event("her code reads a name that a check sets")
                continue
            value = self.shell.user_ns[name]
            if self.origin.get(name) != "check" and self.before_ids.get(name) == id(value):
                continue
            if isinstance(value, types.ModuleType) or kind(value).startswith("library "):
                self._event("her code needs an import of a check")
            else:
                self._event("her code reads a name that a check sets")

    def _leave(self, frame: Any, value: Any) -> None:
        _frame, given = self.entered.pop()
        code = frame.f_code
        back = dis.opname[code.co_code[frame.f_lasti]]
        result = "iterator" if code.co_flags & 32 else kind(value) if back.startswith("RETURN") else "raises"
        changed = sum(1 for _kind, one, before in given if before is not None and _print_of(one) != before)
        if changed and code.co_name not in {"__init__"}:
            own = given and given[0][0] == "her object"
            self._event("her object changes" if own and changed == 1 else "an argument is changed")
        if len(self.now["calls"]) < _LOOK_AT:  # type: ignore[index]
            self.now["calls"].append([code.co_name, sorted({one[0] for one in given}), result])  # type: ignore[index]


def _print_of(value: object) -> bytes | None:
    """Return what shows later whether a mutable value was changed, or None where that cannot be told."""
    if type(value) in _PLAIN:
        return None
    try:
        made = pickle.dumps(value)
    except Exception:  # noqa: BLE001  anything may be in there
        return None
    return made if len(made) < 5_000_000 else None


def watch(cells_path: str) -> None:
    """Begin to watch; called in the kernel, in a cell before all others."""
    shell = get_ipython()
    watching = Watch(shell, json.loads(Path(cells_path).read_text("utf-8")))
    shell.events.register("pre_run_cell", watching.pre_run_cell)
    shell.events.register("post_run_cell", watching.post_run_cell)
    shell.survey = watching


def report() -> None:
    """Write what was seen; called in the kernel, in a cell after all others."""
    _REPORT.write_text(json.dumps(get_ipython().survey.checks), "utf-8")


def earned(cell: Any) -> str:
    """Return what nbgrader would give a check that has run: full, partial, stderr or the error."""
    for output in cell.get("outputs", []):
        if output["output_type"] == "error":
            return f"{output['ename']}: {output['evalue'][:120]}"
        if output["output_type"] == "stream" and output["name"] == "stderr":
            return f"stderr: {output['text'][:120]}"
        if output["output_type"] == "execute_result":
            try:
                return f"partial {float(output['data'].get('text/plain', ''))}"
            except ValueError:
                return "full"
    return "full"


def main() -> None:
    """Execute a notebook and print the result."""
    path, mode = sys.argv[1:3]
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    listing = [[number, role(cell), cell.source] for number, cell in enumerate(cells)]
    if mode == "probe":
        Path("/tmp/survey-cells.json").write_text(json.dumps(listing), "utf-8")
        here = str(Path(__file__).parent)
        begin = f"import sys; sys.path.append({here!r}); import survey_box; survey_box.watch('/tmp/survey-cells.json')"
        new: Any = nbformat.v4.new_code_cell
        notebook.cells = [new(begin), *notebook.cells, new("survey_box.report()")]
    notebook.metadata.pop("kernelspec", None)
    settings: dict[str, Any] = {"kernel_name": "python3", "timeout": 90, "allow_errors": True}
    client = NotebookClient(notebook, interrupt_on_timeout=True, **settings)
    result: dict[str, Any] = {"error": "", "cells": []}
    try:
        client.execute()
    except Exception as error:  # noqa: BLE001  a kernel that died is a fact of the table
        result["error"] = f"{type(error).__name__}: {str(error).strip()[:200]}"
    result["cells"] = [[number, what, earned(cell)] for (number, what, _s), cell in zip(listing, cells, strict=True)]
    if _REPORT.exists():
        result["seen"] = json.loads(_REPORT.read_text("utf-8"))
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
