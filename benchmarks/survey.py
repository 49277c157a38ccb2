"""What the plain-assert checks of other people's courses use of a fellow's state.

`python -m benchmarks.survey FOLDER [--run] [--extra MODULES] [--cells FILE]` takes a folder of nbgrader course sources
(any depth; a folder that holds a notebook with checks is an assignment) and prints two Markdown tables: one line an
assignment, and one line a feature of checks. Without `--run` cells are read only. With it each notebook is executed
twice over its own solutions, inside bubblewrap without a network, in the learner environment: once as nbgrader
does, for the verdict, and once watched, for what crosses between a check and the fellow's code. Courses are other
people's code: never run this as root.

A check is *data* where typed data and calls with typed data are all it needs; *live* where it also holds objects
that must stay with her code; *extra* where a stand-in must do more than answer (each kind is counted); *box* where
it can only run beside her code; *unseen* where it was not executed, so that only its text is known.
"""

import argparse
import ast
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import survey_box

LEARNER = Path("/opt/passerelle/learner")
RUN_S = 240

BOX = frozenset({"reads source or code", "kernel history", "patches a module", "runs text as code", "shell"})
"""What no stand-in answers honestly."""
EXTRA = frozenset(
    {
        "callback",
        "function by reference",
        "argument is changed",
        "sets a name her code reads",
        "captures output",
        "feeds input",
        "seeds randomness",
        "reads files",
        "asks for names",
        "reflection",
        "magic",
    }
)
"""What a stand-in could answer with work of its own."""
LIVE = frozenset(
    {"iterator", "estimator", "figure", "her class", "her object", "her function as data", "library object"}
)
"""What must stay in the box, behind a handle."""
_KINDS = {
    "iterator": "iterator",
    "estimator": "estimator",
    "figure or axes": "figure",
    "her class": "her class",
    "her object": "her object",
    "her function": "her function as data",
    "array": "array",
    "DataFrame": "frame",
    "Series": "series",
    "pandas index": "series",
    "numpy scalar": "numpy scalar",
    "plain": "plain data",
    "raises": "her code raises",
}
_DATA_OF_LIBRARIES = re.compile(r"^(datetime|decimal|fractions|uuid|collections|pandas|numpy|pathlib|re)\b")

# A feature, and what shows it in the text of a check: dotted names used, or a pattern where syntax does not matter.
_DOTTED: tuple[tuple[str, str], ...] = (
    ("reads source or code", r"(.*getsource.*|.*\.__code__.*|dis\..*|ast\.parse)"),
    ("reflection", r"(inspect\.(?!getsource).*|.*\.__(name|doc|dict|class|module|mro|bases)__)"),
    ("kernel history", r"(In|_ih|_oh|Out|get_ipython.*|_i+)"),
    ("patches a module", r"(.*\bpatch\b.*|.*MagicMock|.*\bMock|setattr|monkeypatch.*|importlib\.reload)"),
    ("asks for names", r"(globals|locals|vars|dir)"),
    ("runs text as code", r"(eval|exec|compile)"),
    ("captures output", r"(.*redirect_stdout|.*StringIO|capsys.*|capture_output|sys\.stdout.*)"),
    (
        "reads files",
        r"(open|os\.(path|listdir|remove|stat).*|.*\.exists|Path|glob\..*|.*\.(read_(csv|excel|json)|load))",
    ),
    ("figure", r"(.*\.gc[af]|.*\.get_(title|xlabel|ylabel|lines|xydata|children|legend).*|.*get_fignums)"),
    ("draws", r"(plt|pylab)\..*"),
    ("isinstance or type", r"(isinstance|type|issubclass)"),
    ("attributes by name", r"(hasattr|getattr|callable)"),
    ("expects an error", r"(.*assert_raises.*|.*assertRaises.*|.*\.raises)"),
    ("assertion library", r"(.*assert_(?!raises)\w+|.*assert(?!Raises)[A-Z]\w+)"),
    ("close numbers", r"(.*\.?isclose|.*\.?allclose|.*approx|round|.*\.round)"),
    ("seeds randomness", r"(.*random\.seed|.*RandomState|.*default_rng|.*\bseed)"),
    ("shell", r"(subprocess\..*|os\.(system|popen|environ|getcwd|chdir).*|requests\..*|.*urlopen)"),
)
_FREELY = (
    ("magic", r"^\s*%"),
    ("shell", r"^\s*!|=\s*!\w"),
    ("hidden tests", r"BEGIN HIDDEN"),
    ("template of tests", r"### (HASHED )?AUTOTEST"),
)


@dataclass
class Check:
    """One check cell, and what is known of it."""

    number: int
    source: str
    reads: set[str]
    features: set[str]
    earned: str = ""
    seen: dict[str, Any] | None = None

    @property
    def place(self) -> str:
        """Return where it can run."""
        if self.features & BOX:
            return "box"
        if self.features & EXTRA:
            return "extra"
        if self.seen is None:
            return "unseen"
        return "live" if self.features & LIVE else "data"


@dataclass
class Notebook:
    """A notebook with checks."""

    path: Path
    checks: list[Check] = field(default_factory=list)
    error: str = ""


def dotted(node: ast.AST) -> str:
    """Return a name with its attributes, as far as they are written out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return dotted(node.func) + "()" if isinstance(node, ast.Call) else ""


def features_of(source: str, modules: Iterable[str] = ()) -> set[str]:
    """Return what the text of a check shows.

    Args:
        source: the check.
        modules: names of the modules that lie beside the notebook.
    """
    found = {name for name, pattern in _FREELY if re.search(pattern, source, re.MULTILINE)}
    try:
        tree = ast.parse(without_magics(source))
    except SyntaxError:
        return found | {"not Python"}
    if not tree.body:
        return found | {"empty"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            used = dotted(node)
            found.update(name for name, pattern in _DOTTED if re.fullmatch(pattern, used))
            if isinstance(node.ctx, ast.Store) and used.rpartition(".")[2] in {"input", "print", "stdout", "stdin"}:
                found.add("feeds input" if used.endswith(("input", "stdin")) else "captures output")
        found |= _of_node(node, set(modules))
    if isinstance(tree.body[-1], ast.Expr) and not isinstance(tree.body[-1].value, ast.Call | ast.Constant):
        found.add("may give part of the points")
    if "asserts" not in found and "assertion library" not in found and "raises by itself" not in found:
        found.add("no assertion")
    return found


def _of_node(node: ast.AST, modules: set[str]) -> set[str]:
    found = set()
    if isinstance(node, ast.Assert):
        found.add("asserts")
    elif isinstance(node, ast.Raise):
        found.add("raises by itself")
    elif isinstance(node, ast.ExceptHandler):
        names = ast.unparse(node.type) if node.type else ""
        found.add("catches NameError" if "NameError" in names else "catches errors")
    elif isinstance(node, ast.Import | ast.ImportFrom):
        roots = {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()
        roots |= {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
        found.add("imports")
        found |= {"module of the course"} if roots & modules else set()
    elif isinstance(node, ast.FunctionDef | ast.Lambda):
        found.add("defines functions")
    elif isinstance(node, ast.ClassDef):
        found.add("defines classes")
    return found


def without_magics(source: str) -> str:
    """Return a cell as Python: magics and shell lines become `pass`."""
    return re.sub(r"^([^\S\n]*)(\w+\s*=\s*)?[%!].*$", r"\1pass", source, flags=re.MULTILINE)


def read(path: Path) -> Notebook | None:
    """Read a notebook; None where it has no Python checks."""
    try:
        content = json.loads(path.read_text("utf-8"))
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        language = str(content["metadata"].get("kernelspec", {}).get("name", "python"))
    except (ValueError, KeyError, TypeError):
        return None
    sources = ["".join(cell["source"]) for cell in cells]
    roles = [survey_box.role(cell) for cell in cells]
    if "check" not in roles or language.lower() in {"ir", "java", "xcpp", "bash"}:
        return None
    notebook = Notebook(path)
    names = [survey_box.free_names(without_magics(source)) for source in sources]
    modules = {module.stem for module in path.parent.glob("*.py")}
    for number, what in enumerate(roles):
        if what != "check":
            continue
        reads, sets = names[number]
        features = features_of(sources[number], modules)
        after = {
            role for role, (later, _s) in zip(roles[number + 1 :], names[number + 1 :], strict=True) if later & sets
        }
        features |= {f"sets a name a later {role} cell reads" for role in after}
        notebook.checks.append(Check(number, sources[number], reads, features))
    return notebook


def add_seen(check: Check, seen: dict[str, Any]) -> None:
    """Add to a check's features what was seen while it ran."""
    check.seen = seen
    mine = {name: what for name, (origin, what) in seen["reads"].items() if origin == "answer"}
    kinds = {what for what in mine.values() if what != "her function"}
    called = {name for name, _given, _result in seen["calls"]}
    for _name, given, result in seen["calls"]:
        kinds |= {result} | {f"takes {what}" for what in given}
    for what in kinds:
        check.features |= _feature_of(what)
    check.features |= {"calls her functions"} if called else {"reads her names"} if mine else {"nothing of hers"}
    origins = {origin for origin, _what in seen["reads"].values()}
    check.features |= {f"reads names of {origin} cells" for origin in origins - {"answer"}}
    words = {
        "callback into the check": "callback",
        "callback into a given cell": "function by reference",
        "an argument is changed": "argument is changed",
        "her code reads a name that a check sets": "sets a name her code reads",
    }
    check.features |= {words.get(event, event) for event in seen["events"]}
    if "callback" in check.features:
        check.features.discard("function by reference")
    if "her code draws" not in seen["events"]:  # the check seeds for itself
        check.features -= {"seeds randomness"}
    if not called and "reads files" in check.features:
        check.features.add("reads files only")


def _feature_of(what: str) -> set[str]:
    inner = what.removeprefix("takes ").removeprefix("holder of ")
    if what.startswith("takes ") and inner in {"her function", "library function"}:
        return {"function by reference"}
    if inner in {"module", "library function", "library class"}:
        return {"an import of an answer cell"}
    if inner in _KINDS:
        return {_KINDS[inner]}
    return {"data of a library"} if _DATA_OF_LIBRARIES.match(inner) else {"library object"}


def execute(notebook: Path, mode: str, learner: Path, extra: Path | None = None) -> dict[str, Any]:
    """Execute a copy of a notebook's folder in bubblewrap; return what the box printed, or why nothing came."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / "work"
        shutil.copytree(notebook.parent, work)
        line = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
        line += ["--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--clearenv", "--setenv", "HOME", "/tmp"]
        line += ["--setenv", "PATH", f"{learner}/bin:/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8"]
        line += ["--setenv", "OMP_NUM_THREADS", "1", "--setenv", "OPENBLAS_NUM_THREADS", "1"]
        line += ["--setenv", "USER", "fellow", "--setenv", "MPLCONFIGDIR", "/home/.mpl"]
        line += ["--setenv", "PYTHONPATH", "/extra", "--ro-bind", str(extra), "/extra"] if extra else []
        line += [
            "--ro-bind-try",
            "/etc/fonts",
            "/etc/fonts",
            "--ro-bind",
            "/usr",
            "/usr",
            "--symlink",
            "usr/lib",
            "/lib",
            "--symlink",
            "usr/lib64",
            "/lib64",
        ]
        line += ["--symlink", "usr/bin", "/bin", "--ro-bind", str(learner), str(learner)]
        line += ["--ro-bind", str(Path(survey_box.__file__).parent), "/survey", "--proc", "/proc", "--dev", "/dev"]
        line += ["--tmpfs", "/tmp", "--bind", str(work), "/home", "--chdir", "/home"]
        line += ["prlimit", "--as=6000000000", "--cpu=300", "--nofile=1024", "--"]
        line += ["python", "-P", "/survey/survey_box.py", notebook.name, mode]
        try:
            done = subprocess.run(line, capture_output=True, timeout=RUN_S, check=False, text=True)
            return dict(json.loads(done.stdout.strip().rpartition("\n")[2]))
        except (subprocess.TimeoutExpired, ValueError) as error:
            return {"error": f"{type(error).__name__}: no result", "cells": []}


def run(notebook: Notebook, learner: Path, extra: Path | None = None) -> None:
    """Execute a notebook both ways and add what was found."""
    stock = execute(notebook.path, "stock", learner, extra)
    probe = execute(notebook.path, "probe", learner, extra)
    notebook.error = stock["error"] or next((e for _n, what, e in stock["cells"] if what != "check" and ":" in e), "")
    add_results(notebook, stock, probe)


def add_results(notebook: Notebook, stock: dict[str, Any], probe: dict[str, Any]) -> None:
    """Add what executing found. What was seen counts only where the check passed, or it may have stopped half way."""
    earned = {number: result for number, what, result in stock["cells"] if what == "check"}
    for check in notebook.checks:
        check.earned = earned.get(check.number, "not reached")
        seen = probe.get("seen", {}).get(str(check.number))
        if seen and check.earned.startswith(("full", "partial", "stderr")):
            add_seen(check, seen)


def notebooks(folder: Path) -> Iterator[Notebook]:
    """Yield every notebook with checks below a folder."""
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts and (found := read(path)):
            yield found


def assignments_table(found: list[Notebook], folder: Path) -> list[str]:
    """Return the lines of the table of assignments."""
    places = ("data", "live", "extra", "box", "unseen")
    lines = ["| assignment | checks | pass | " + " | ".join(places) + " |", "|---|" + "--:|" * (2 + len(places))]
    groups: dict[Path, list[Check]] = {}
    for notebook in found:
        groups.setdefault(notebook.path.parent.relative_to(folder), []).extend(notebook.checks)
    everything = [check for checks in groups.values() for check in checks]
    for name, checks in [*groups.items(), (Path("all"), everything)]:
        passed = sum(check.earned.startswith(("full", "partial")) for check in checks)
        count = Counter(check.place for check in checks)
        lines.append(f"| {name} | {len(checks)} | {passed} | " + " | ".join(str(count[p]) for p in places) + " |")
    return lines


def features_table(found: list[Notebook]) -> list[str]:
    """Return the lines of the table of features; *alone*: the checks that nothing else keeps from data or live."""
    checks = [check for notebook in found for check in notebook.checks]
    obstacles = BOX | EXTRA
    count = Counter(feature for check in checks for feature in check.features)
    alone = Counter(next(iter(check.features & obstacles)) for check in checks if len(check.features & obstacles) == 1)
    courses = {name: len({n.path.parent for n in found if any(name in c.features for c in n.checks)}) for name in count}
    lines = ["| feature | where it can run | checks | of 100 | alone | assignments |", "|---|---|--:|--:|--:|--:|"]
    for name, number in count.most_common():
        where = "box" if name in BOX else "extra" if name in EXTRA else "live" if name in LIVE else ""
        share = f"{100 * number / len(checks):.1f}"
        lines.append(f"| {name} | {where} | {number} | {share} | {alone[name] or ''} | {courses[name]} |")
    return lines


def write_cells(found: list[Notebook], path: Path) -> None:
    """Write one line a check: where it is, where it can run, what it earned and its features."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["notebook", "cell", "place", "earned", "features"])
        for notebook in found:
            for check in notebook.checks:
                features = "; ".join(sorted(check.features))
                out.writerow([notebook.path, check.number, check.place, check.earned, features])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="what plain-assert checks use of a fellow's state")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", action="store_true", help="execute the notebooks, inside bubblewrap")
    parser.add_argument("--learner", type=Path, default=LEARNER)
    parser.add_argument("--extra", type=Path, help="a folder of modules that courses need and the learner lacks")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cells", type=Path, help="write one line a check to this CSV file")
    asked = parser.parse_args()
    found = list(notebooks(asked.folder))
    if asked.run:
        if os.geteuid() == 0:
            sys.exit("survey: other people's code is never run as root; use the service user")
        with ThreadPoolExecutor(asked.workers) as pool:
            list(pool.map(lambda notebook: run(notebook, asked.learner, asked.extra), found))
    print("\n".join([*assignments_table(found, asked.folder), "", *features_table(found)]))
    if asked.cells:
        write_cells(found, asked.cells)


if __name__ == "__main__":
    main()
