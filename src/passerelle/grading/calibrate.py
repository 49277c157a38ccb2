"""Finds out, on the course's own solution, which way each plain check goes and which canaries are armed."""

import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from passerelle.grading.asserts import PlainChecks, Route
from passerelle.grading.box import Box
from passerelle.grading.canaries import noted
from passerelle.grading.examiner import needs
from passerelle.grading.keeper import Keeper
from passerelle.grading.panel import Examiner
from passerelle.grading.prepare import engine
from passerelle.grading.rebuild import Origin, RebuiltCell, key_of
from passerelle.grading.versions import Proof, prove
from passerelle.grading.walls import Limits, environment_mark

_MAX_BYTES = 50_000_000
_SEEDS = 3
_STAMPS = """
print(__import__('json').dumps([
    (os.path.normpath(os.path.join(folder, name)), [at.st_mtime_ns, at.st_size])
    for os in [__import__('os')] for folder, _folders, names in os.walk('.') for name in names
    for at in [os.lstat(os.path.join(folder, name))]
]))
"""
_KNOWN: dict[str, dict[str, Route]] = {}
_UNSURE: Counter[str] = Counter()
_MOST_UNSURE = 3
"""So often a solution of which something ran out of time is run anew: that may be the machine's doing, and would hold
for good. What it came to then holds while this process lives."""


def routes(solution: NotebookNode, folder: Path, learner: Path, limits: Limits) -> dict[str, Route]:
    """Return the route of each plain check of a notebook; found once for each state of its source.

    Args:
        solution: the author's notebook, solutions inside.
        folder: where it lies, with its files.
        learner: the environment in which it runs.
        limits: of the box.
    """
    files = files_beside(folder)
    facts = [
        [[cell.cell_type, cell.source, cell.metadata.get("nbgrader")] for cell in solution.cells],
        {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        engine(),
        environment_mark(learner),
    ]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    if key in _KNOWN:
        return _KNOWN[key]
    store = folder.parent.parent / ".passerelle" / "routes" / f"{key}.json"
    if (stored := _stored(store)) is not None:
        _KNOWN[key] = stored
        return stored
    found, is_sure = _found(solution, folder, files, learner, limits)
    _UNSURE[key] += not is_sure
    if is_sure or _UNSURE[key] >= _MOST_UNSURE:
        _KNOWN[key] = found
    if is_sure:
        _store(store, found)
    return found


def files_beside(folder: Path) -> dict[str, bytes]:
    """Return what lies beside a notebook of the course."""
    found, size = dict[str, bytes](), 0
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix == ".ipynb" or ".ipynb_checkpoints" in path.parts:
            continue
        size += path.stat().st_size
        if size <= _MAX_BYTES:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def _stored(store: Path) -> dict[str, Route] | None:
    try:
        return {key: Route.of(one) for key, one in json.loads(store.read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError):
        return None


def _store(store: Path, found: Mapping[str, Route]) -> None:
    """Keep what was found; where nothing can be written, it is found again."""
    with suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        beside = store.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps({key: asdict(one) for key, one in found.items()}), "utf-8")
        beside.replace(store)


def _found(
    solution: NotebookNode, folder: Path, files: Mapping[str, bytes], learner: Path, limits: Limits
) -> tuple[dict[str, Route], bool]:
    """Return the routes, and whether everything was answered on the way."""
    cells = own_cells(solution)
    modules = sorted(set().union(*(needs(cell.text) for cell in cells)))
    with (
        Box(learner, files, limits.with_checks(len(cells)), modules=modules, seed=folder.name) as box,
        Examiner(folder, modules=modules, learner=learner, seed=folder.name) as examiner,
    ):
        box.wait()
        plain = PlainChecks(solution, examiner)
        fresh = box.keep()
        before = _stamps(fresh)
        kept, is_whole = run_cells(box, plain, cells)
        written = {name for name, stamp in _stamps(fresh).items() if before.get(name) != stamp}
        found = {cell.key: route_of(plain, cell, keeper, written) for cell, keeper in kept}
        return found, is_whole and not plain.was_unanswered


def _stamps(keeper: Keeper | None) -> dict[str, Any]:
    """Return when each file of the working directory was written, and its size; nothing where nobody can say."""
    if keeper is None:
        return {}
    fork = keeper.again()
    try:
        outputs = json.loads(fork.ask({"ask": "run", "source": _STAMPS})).get("outputs", [])
    finally:
        fork.close()
    text = "".join(str(one.get("text", "")) for one in outputs)
    with suppress(ValueError):
        return dict(json.loads(text))
    return {}


def own_cells(solution: NotebookNode) -> list[RebuiltCell]:
    """Return the cells of the author's own notebook, as she wrote them."""
    return [
        RebuiltCell(key_of(cell), "", None, cell.cell_type, cell.source, Origin.SOURCE, cell) for cell in solution.cells
    ]


def run_cells(
    box: Box, plain: PlainChecks, cells: Sequence[RebuiltCell]
) -> tuple[list[tuple[RebuiltCell, Keeper]], bool]:
    """Run a notebook's cells; return its plain checks with the state at each, and whether nothing ran out."""
    kept: list[tuple[RebuiltCell, Keeper]] = []
    is_whole = True
    for cell in cells:
        if cell.key in plain and cell.is_check:
            keeper = box.keep()
            is_whole &= keeper is not None
            if keeper is not None:
                kept.append((cell, keeper))
            if effects := plain.effects(cell.key):
                box.run(effects)
        elif cell.cell_type == "code" and not cell.is_check and cell.text.strip():
            is_whole &= box.run(cell.text)["state"] in ("done", "raised")
    return kept, is_whole


def route_of(plain: PlainChecks, cell: RebuiltCell, keeper: Keeper, written: Set[str] = frozenset()) -> Route:
    """Try the ways in the order of how far they are from her code.

    `written`: files that the solution wrote. The examiner has the author's own of that name, if any: a check that
    reads one has to read hers, in the box.
    """
    route, source = Route(), plain.order(cell, Route(), hidden=True)["source"]

    def in_box(version: str) -> Mapping[str, Any]:
        order = {**plain.order(cell, route, hidden=True), "source": version}
        return plain.in_box(order, keeper, beside=True)

    # Of every check: a submission of which stand-ins cannot do something is examined there, too.
    box = _proof(source, in_box) if in_box(noted(source))["points"] > 0 else None
    for forwards in _ways(plain.plans[cell.key].route):
        route = Route(forwards=forwards, box=box)
        order = plain.order(cell, route, hidden=True)
        told = plain.over_stand_ins(order, keeper)
        if told["points"] > 0 and not _reads(source, told["opened"], written):

            def over(version: str, order: Mapping[str, Any] = order) -> Mapping[str, Any]:
                return plain.over_stand_ins({**order, "source": version}, keeper)

            route.over = _proof(source, over)
            return route
    return Route(beside=box is not None, box=box)


def _reads(source: str, opened: Sequence[str], written: Set[str]) -> bool:
    """Say whether a check opens or names a file that the solution wrote."""
    return bool({os.path.normpath(name) for name in opened} & written) or any(
        Path(name).name in source for name in written
    )


def _ways(route: Mapping[str, Any]) -> list[int]:
    """Return which of the course's own definitions may have to be those in the box: each way once."""
    helpers: tuple[list[str], ...] = (route["helpers"], route["functions"], [])
    return [way for way in range(3) if way == 0 or helpers[way] != helpers[way - 1]]


def _proof(source: str, run: Callable[[str], Mapping[str, Any]]) -> Proof:
    """Return what proves a check; other values may by chance be true ones, so a few seeds are tried."""
    found: list[Proof] = []
    while len(found) < _SEEDS and (not found or found[-1].negated):
        found.append(prove(source, secrets.token_hex(8), run))
    return min(found, key=lambda one: len(one.negated))
