"""Examines plain asserts: a check cell's own Python over stand-ins, with nbgrader's rule for the points.

The check runs in a namespace of its own, after those earlier checks of which it uses names. A name that it does not
define comes from the box; the functions that judge (builtins, modules that the course imports, the course's own test
functions) are the examiner's, whatever her code has put in their place.
"""

import ast
import builtins
import contextlib
import importlib
import io
import linecache
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from autograders import chance
from autograders.failure import Fact
from passerelle.grading.asking import Asks, Judges, UnsupportedError
from passerelle.grading.replaced import Replaced
from passerelle.grading.standins import Counter, forget

_FILE = "<check>"
_MAX_TEXT = 300
_MAX_OPENED, _MAX_PATH = 100, 4_096
_UNPICKLED = ("builtins", "collections", "datetime", "decimal", "fractions", "_codecs")
_UNPICKLED_BUILTINS = ("set", "frozenset", "complex", "bytearray", "range", "slice", "list", "dict", "tuple")
NOTE = "__passerelle_note__"
"""What versions of a check call at the end of each of its tests."""


class _Names(dict[str, Any]):
    """What a name means that the check does not define. Python looks here last, as for a builtin."""

    def __init__(self, counter: Counter, route: Mapping[str, Any]) -> None:
        super().__init__(vars(builtins))
        self.counter = counter
        self.space: dict[str, Any] = {}
        self.looked: list[str] = []
        self._imports: Mapping[str, list[str]] = route.get("imports", {})
        self._defined = frozenset(route.get("defined", ()))
        self._loaded = frozenset(route.get("loaded", ()))
        self._told: dict[str, Any] = {}
        self._gone: list[str] = []
        self._hers: frozenset[str] | None = None
        counter.bindings = self.bindings
        counter.modules = frozenset(where[0] for where in self._imports.values())

    def hers(self) -> frozenset[str]:
        """Return the names that her notebook has."""
        if self._hers is None:
            self._hers = frozenset()  # what is bound by then is said with the question
            found = self.counter.ask("names")
            self._hers = frozenset(name for name in found if type(name) is str)
        return self._hers

    def attribute(self, name: str) -> Any:
        """Return a name as an attribute of the module `__main__`."""
        if name.startswith("__") or name not in self.hers():
            raise AttributeError(name)
        return self[name]

    def unbind(self, name: str) -> None:
        """Delete a name, wherever it is."""
        if name in self.space:
            del self.space[name]
        elif name not in self.hers():
            raise NameError(f"name {name!r} is not defined")
        if name in self.hers():
            self._gone.append(name)
            self._hers = self.hers() - {name}

    def bindings(self) -> tuple[dict[str, Any], list[str]]:
        """Return what the check has bound since the last time of what the course's code uses, and what it deleted."""
        missing = object()
        found = {
            name: self.space[name]
            for name in self._loaded
            if name in self.space and self.space[name] is not self._told.get(name, missing)
        }
        self._told |= found
        if found and self._hers is not None:
            self._hers |= found.keys()
        gone, self._gone = self._gone, []
        return found, gone

    def __getitem__(self, name: str) -> Any:
        """Return what a name means; KeyError is Python's NameError."""
        if name in self._imports and name in self.hers():
            return _imported(*self._imports[name])
        is_builtin = dict.__contains__(self, name)
        if is_builtin and name not in self._defined:
            return dict.__getitem__(self, name)
        if name in self.hers():
            self.looked.append(name)
            return self.counter.ask("get", {"name": name})
        if is_builtin:
            return dict.__getitem__(self, name)
        self.looked.append(name)
        raise KeyError(name)


def _imported(module: str, attr: str = "") -> Any:
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise UnsupportedError(f"no module {module} here") from error
    return getattr(found, attr) if attr else found


def examine(order: Mapping[str, Any], source: Asks) -> dict[str, Any]:
    """Examine a plain check.

    Args:
        order: "source", "before" (earlier checks of which it uses names), "points", "hidden" and "route".
        source: asks the box.

    Returns:
        As `examiner.examine`, and "unsupported" (why stand-ins cannot run it, or ""), "judged" (whether code of
        hers was asked for the verdict), "notes" (how each test ended), "error" (the name of the type of
        what stopped it, or "").
    """
    forget()
    route = order.get("route", {})
    judges = Judges(frozenset(route.get("classes", ())))
    # First: it may import numpy, whose generators the counter hears.
    replaced = Replaced(_trees(order), route.get("imports", {}))
    counter = Counter(source, judges, replaced)
    watched.counter = counter
    watched.opened.clear()
    names = _Names(counter, route)
    error: BaseException | None = None
    value = None
    notes: list[list[Any]] = []
    names.update({NOTE: lambda number, raised=None: notes.append([number, raised is None, _words(raised)])})
    with _stage(names) as stage:
        try:
            for helper in route.get("helpers", ()):
                _run(helper, stage)
            for before in order.get("before", ()):
                with contextlib.suppress(BaseException):
                    _run(before, stage)
            counter.unanswered = counter.unsupported = ""
            stage.errors.truncate(0)
            notes.clear()
            counter.judges.asked = False
            value = _run(order["source"], stage)
        except BaseException as stopped:  # noqa: BLE001  a check may stop in any way
            error = stopped
        said = stage.errors.getvalue()
    is_met = error is None and not said.strip() and not counter.unanswered and not counter.unsupported
    points = _earned(value, order["points"]) if is_met else 0.0
    result = {"points": points, "unmet": [], "fault": None, "unanswered": bool(counter.unanswered)}
    if error is not None or points < order["points"]:
        facts = _facts(error, names, counter, hidden=order["hidden"])
        result["unmet"] = [[0, 1, [list(fact) for fact in facts]]]
    return {
        **result,
        "unsupported": counter.unsupported or (str(error) if isinstance(error, UnsupportedError) else ""),
        "judged": judges.asked,
        "notes": notes,
        "error": "" if error is None else type(error).__name__,
        "opened": sorted(watched.opened),
    }


def _trees(order: Mapping[str, Any]) -> list[ast.AST]:
    """Return what runs in this examination: the check, and what it needs before it."""
    found: list[ast.AST] = []
    for text in (*order.get("route", {}).get("helpers", ()), *order.get("before", ()), order["source"]):
        with contextlib.suppress(SyntaxError, ValueError):  # said where it runs
            found.append(parsed(text))
    return found


class _Watched:
    """What a check does meanwhile that could run her code here, or read a file."""

    def __init__(self) -> None:
        self.counter: Counter | None = None
        self.opened: set[str] = set()

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Hear of an event; what could run her code stops the check: such a check goes beside it, into the box."""
        if self.counter is None:
            return
        if event == "open" and type(args[0]) is str and len(self.opened) < _MAX_OPENED:
            self.opened.add(args[0][:_MAX_PATH])
        elif event == "pickle.find_class" and args[0].partition(".")[0] not in _UNPICKLED:
            self.counter.cannot(f"a pickle of {args[0]}.{args[1]}")
        elif event == "pickle.find_class" and args[0] == "builtins" and args[1] not in _UNPICKLED_BUILTINS:
            self.counter.cannot(f"a pickle of {args[1]}")
        elif event in ("subprocess.Popen", "os.system") or (
            event in ("exec", "compile") and sys._getframe(1).f_code.co_filename == _FILE
        ):
            self.counter.cannot(event)


watched = _Watched()
"""The audit hook of the examiner's process."""


class _Stage:
    """What a check has around it: a module `__main__` and streams."""

    def __init__(self) -> None:
        self.main = types.ModuleType("__main__")
        self.errors = io.StringIO()


@contextlib.contextmanager
def _stage(names: _Names) -> Iterator[_Stage]:
    stage = _Stage()
    space = vars(stage.main)
    names.space = space
    space["__builtins__"] = names
    space["__getattr__"] = names.attribute
    names.update(_own_builtins(names))
    before = sys.modules["__main__"]
    streams = sys.stdin, sys.stdout, sys.stderr
    patched = {name: getattr(builtins, name) for name in ("input", "print", "open")}
    random_state = chance.state()
    sys.modules["__main__"] = stage.main
    sys.stdout, sys.stderr = io.StringIO(), stage.errors
    warnings.showwarning = lambda *_args, **_kwargs: None
    names.counter.replaced.begin()
    try:
        yield stage
    finally:
        names.counter.replaced.put_back()  # first: what follows may need it
        watched.counter = None
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.modules["__main__"] = before
        names.counter.generators.leave()
        chance.restore(random_state)
        for name, one in patched.items():
            setattr(builtins, name, one)


def _own_builtins(names: _Names) -> dict[str, Any]:
    """Return the builtins that look through to her notebook."""

    def our_globals() -> Any:
        return _View(names)

    def our_dir(*of: Any) -> Any:
        return dir(*of) if of else sorted({*names.space, *names.hers()})

    def our_vars(*of: Any) -> Any:
        return vars(*of) if of else _View(names)

    def our_locals() -> Any:
        frame = sys._getframe(1)
        return _View(names) if frame.f_locals is names.space else frame.f_locals

    return {
        "globals": our_globals,
        "locals": our_locals,
        "vars": our_vars,
        "dir": our_dir,
        "get_ipython": lambda: _Shell(names),
        "__passerelle_unbind__": names.unbind,
    }


class _View(dict[str, Any]):
    """What globals() gives a check."""

    def __init__(self, names: _Names) -> None:
        super().__init__(names.space)
        self._names = names

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or name in self._names.hers()

    def __missing__(self, name: str) -> Any:
        if name not in self._names.hers():
            raise KeyError(name)
        return self._names[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  dict.get does not look through

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(dict.keys(self)), **dict.fromkeys(sorted(self._names.hers()))})

    def keys(self) -> Any:
        return dict.fromkeys(self).keys()

    def items(self) -> Any:
        return {name: self[name] for name in self}.items()

    def __setitem__(self, name: str, value: Any) -> None:
        dict.__setitem__(self, name, value)
        self._names.space[name] = value


class _Shell:
    """What get_ipython() gives a check: harmless magics do nothing."""

    def __init__(self, names: _Names) -> None:
        self._names = names
        self.user_ns = _View(names)

    def run_line_magic(self, name: str, _line: str, *_: Any) -> None:
        if name not in ("matplotlib", "autoreload", "load_ext", "config", "pylab"):
            self._names.counter.cannot(f"%{name}")

    def __getattr__(self, name: str) -> Any:
        return self._names.counter.cannot(f"get_ipython().{name}")


def _run(source: str, stage: _Stage) -> Any:
    """Run a cell as a notebook does; return the value of its last line, where that would be shown."""
    tree = parsed(source)
    linecache.cache[_FILE] = (len(source), None, source.splitlines(keepends=True), _FILE)
    end = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    space = vars(stage.main)
    tree = ast.fix_missing_locations(_Unbinding().visit(tree))
    exec(compile(tree, _FILE, "exec"), space)  # noqa: S102  a check of the course's author
    if not isinstance(end, ast.Expr):
        return None
    value = eval(compile(ast.Expression(end.value), _FILE, "eval"), space)  # noqa: S307  the same
    return None if source.rstrip().endswith(";") else value


class _Unbinding(ast.NodeTransformer):
    """Has `del name` at the top level look through to her notebook."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Go on, but not into what has names of its own."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            return node
        return super().generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> Any:
        """Put a call in its place."""
        if not all(isinstance(one, ast.Name) for one in node.targets):
            return node
        unbind = ast.Name("__passerelle_unbind__", ast.Load())
        calls = [ast.Call(unbind, [ast.Constant(one.id)], []) for one in node.targets if isinstance(one, ast.Name)]
        return [ast.copy_location(ast.Expr(call), node) for call in calls]


def parsed(source: str) -> ast.Module:
    """Return a cell as Python, magics translated."""
    try:
        return ast.parse(source, filename=_FILE)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # noqa: PLC0415  few checks have magics

        manager: Any = TransformerManager()  # type: ignore[no-untyped-call]
        translated: str = manager.transform_cell(source)
        return ast.parse(translated, filename=_FILE)


def _earned(value: Any, points: float) -> float:
    """Return the points by nbgrader's rule: a number shown by the last line is partial credit."""
    if type(value) not in (int, float):
        return points
    # nbgrader stops at more than there is, and takes what is below nothing for all.
    return points if value < 0 or value != value else float(min(value, points))  # noqa: PLR0124  NaN


def _facts(  # noqa: PLR0911  one a reason
    error: BaseException | None, names: _Names, counter: Counter, *, hidden: bool
) -> tuple[Fact, ...]:
    """Return what is said of a check that is not met."""
    if counter.unanswered:
        name = names.looked[-1] if names.looked else "?"
        why = counter.unanswered
        if why == "slow":
            return (Fact("call-slow", {"name": name}, "look-call-slow"),)
        return (Fact(f"gone-{why if why in ('time', 'memory') else 'died'}", {"name": name}),)
    if isinstance(error, AssertionError):
        words = _words(error).strip()
        return (Fact("said-by-check", {"text": words}) if words and not hidden else Fact("not-met", {}),)
    if isinstance(error, NameError) and names.looked and names.looked[-1] not in names.hers():
        return (Fact("name-missing", {"name": names.looked[-1]}, "look-name-missing"),)
    if isinstance(error, NotImplementedError) and names.looked:
        return (Fact("still-to-write", {"name": names.looked[-1]}, "look-still-to-write"),)
    if error is not None and names.looked and not hidden and counter.token(error) is not None:
        args = {"name": names.looked[-1], "error": type(error).__name__, "text": _words(error) or "—"}
        return (Fact("call-raised", args, "look-call-raised"),)
    return (Fact("not-met" if error is None else "unforeseen", {}),)


def _words(error: BaseException | None) -> str:
    """Return what an error says; an error of hers may stop when it is asked."""
    try:
        return str(error)[:_MAX_TEXT]
    except BaseException:  # noqa: BLE001  its words are hers to make
        return ""
