"""1,000 notebooks, each a right submission changed by chance in its JSON and metadata. `make mutated` marks them.

Every one is rebuilt, gets its key and is marked to the end, in one process. Each has a verdict; an answer that is
still there as it was written keeps its points; nothing grows: processes, descriptors, memory.
"""

import argparse
import copy
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passerelle.grading.marking import verdict_key
from passerelle.grading.prepare import prepare
from tests.attacks.judge import LEARNER, Judge, children, descriptors
from tests.attacks.tiny import EXPECT, KINDS, POINTS, RIGHT, TASKS, UNIT, release

Chance = random.Random
Notebook = dict[str, Any]
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 4, 99, 1e308, -0.5, float("nan"), float("inf"), 10**400, "", "x", "code", "markdown", "raw"),
    *("\ud800", "\0", "\u202e", "é" * 3, "check-double", "answer-mean", [], {}, [[]], {"x": {}}, ["x", 5], "../..", "<b>", "5\n"),
)  # fmt: skip


def mutated(kind: str, number: int) -> dict[str, bytes]:
    """Return a right submission, changed by chance: the same for the same number."""
    chance = Chance(f"{kind} {number}")
    notebook: Any = release(kind, RIGHT)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        chance.choice(_CHANGES)(notebook, chance)
    content = json.dumps(notebook).encode()
    if chance.random() < 0.08:
        content = _spoilt(content, chance)
    files = {f"{UNIT}.ipynb": content}
    if chance.random() < 0.1:
        files |= {chance.choice(("data/prices.txt", "json.py", "a/../b", "x\n", "timestamp.txt", "é")): b"4\n"}
    return files


def untouched(kind: str, files: dict[str, bytes]) -> set[str]:
    """Return the tasks whose answers stand in a submission once, as they were written, with nothing else that runs.

    What a cell does that was changed or added is hers: only notebooks whose code is all as it was are looked at.
    """
    right = release(kind, RIGHT)["cells"]
    sources = {cell["id"]: cell["source"] for cell in right}
    found: list[str] = []
    try:
        notebook = json.loads(files[f"{UNIT}.ipynb"])
        if notebook["nbformat"] != 4 or "deep" in json.dumps(notebook):
            return set()
        for cell in notebook["cells"]:
            keys = [
                cell["metadata"].get("passerelle", {}).get("key"),
                cell["metadata"].get("nbgrader", {}).get("grade_id"),
            ]
            key = keys[0] or keys[1]
            if keys[1] not in (key, None) or cell["source"] != sources[key]:
                return set()
            found.append(key)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()
    if kind != EXPECT and found != list(sources):
        return set()  # nbgrader keeps the submission's order, and what is missing from it
    return {task for task in TASKS if found.count(f"answer-{task}") == 1}


# Changes


def _any_place(notebook: Any, chance: Chance) -> tuple[Any, Any]:
    """Return somewhere in a notebook: an object or list, and a key or place in it."""
    here: Any = notebook
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = chance.choice(keys)
        inside = here[key]
        if not isinstance(inside, dict | list) or not inside or chance.random() < 0.15:
            return here, key
        here = inside


def _put(notebook: Notebook, chance: Chance) -> None:
    here, key = _any_place(notebook, chance)
    here[key] = copy.deepcopy(chance.choice(_ODD))


def _drop(notebook: Notebook, chance: Chance) -> None:
    here, key = _any_place(notebook, chance)
    del here[key]


def _cells(notebook: Notebook) -> list[Any]:
    cells = notebook.get("cells")
    return cells if isinstance(cells, list) else []


def _metadata(notebook: Notebook, chance: Chance) -> None:
    cells = [cell for cell in _cells(notebook) if isinstance(cell, dict) and isinstance(cell.get("metadata"), dict)]
    if not cells:
        return
    metadata = chance.choice(cells)["metadata"]
    name = chance.choice(("nbgrader", "passerelle", "tags", "editable", "deletable", "jupyter"))
    facts = metadata.get(name)
    if isinstance(facts, dict) and chance.random() < 0.8:
        what = (
            "grade_id",
            "points",
            "grade",
            "solution",
            "locked",
            "task",
            "schema_version",
            "cell_type",
            "checksum",
            "key",
            "kind",
        )
        facts[chance.choice(what)] = copy.deepcopy(chance.choice(_ODD))
    else:
        metadata[name] = copy.deepcopy(chance.choice(_ODD))


def _tags(notebook: Notebook, chance: Chance) -> None:
    for cell in _cells(notebook):
        if isinstance(cell, dict) and isinstance(cell.get("metadata"), dict):
            cell["metadata"]["tags"] = [chance.choice(("skip-execution", "raises-exception", "remove_cell", "x"))]


def _order(notebook: Notebook, chance: Chance) -> None:
    chance.shuffle(_cells(notebook))


def _again(notebook: Notebook, chance: Chance) -> None:
    cells = _cells(notebook)
    if cells:
        cells.insert(chance.randrange(len(cells) + 1), copy.deepcopy(chance.choice(cells)))


def _without(notebook: Notebook, chance: Chance) -> None:
    cells = _cells(notebook)
    if cells:
        cells.pop(chance.randrange(len(cells)))


def _outputs(notebook: Notebook, chance: Chance) -> None:
    for cell in _cells(notebook):
        if isinstance(cell, dict):
            cell["outputs"] = copy.deepcopy(
                chance.choice(
                    (
                        [],
                        [
                            {
                                "output_type": "execute_result",
                                "data": {"text/plain": "5"},
                                "metadata": {},
                                "execution_count": 1,
                            }
                        ],
                        None,
                        [5],
                        "x",
                    )
                )
            )


def _deep(notebook: Notebook, chance: Chance) -> None:
    value: Any = []
    for _ in range(chance.choice((10, 70, 150))):
        value = [value]
    notebook["metadata"] = {"deep": value}
    for cell in _cells(notebook)[:1]:
        if isinstance(cell, dict):
            cell["metadata"] = {"deep": value}


_CHANGES: tuple[Callable[[Notebook, Chance], None], ...] = (
    *(_put, _put, _drop, _metadata, _metadata, _metadata, _tags, _order, _again, _without, _outputs, _deep),
)  # fmt: skip


def _spoilt(content: bytes, chance: Chance) -> bytes:
    spoil = bytearray(content)
    for _ in range(chance.choice((1, 3, 50))):
        spoil[chance.randrange(len(spoil))] = chance.randrange(256)
    return bytes(spoil[: chance.choice((len(spoil), len(spoil), len(spoil) // 2, 3))])


# Marking them


@dataclass
class Told:
    """What came of them; `bad` is empty where all is as it must be."""

    keyed: int = 0
    marked: int = 0
    kept: int = 0
    unreadable: int = 0
    bad: list[str] = field(default_factory=list)
    grown_mb: float = 0.0


def run(judge: Judge, count: int, every: int) -> Told:
    """Rebuild and key this many mutated notebooks of each kind; mark every so many-th to the end.

    Args:
        judge: has the courses.
        count: how many of each kind.
        every: 1 marks them all.
    """
    told, before = Told(), (children(), descriptors())
    memory = 0
    for number in range(count):
        for kind in KINDS:
            files = mutated(kind, number)
            try:
                prepared = prepare(judge.courses[kind], UNIT, files, LEARNER)
                assert verdict_key(judge.courses[kind], UNIT, files, learner=LEARNER) == prepared.key
            except Exception as error:  # noqa: BLE001  none may stop it
                told.bad.append(f"{kind} {number}: {type(error).__name__}: {error}"[:200])
                continue
            told.keyed += 1
            told.unreadable += any(work.unreadable is not None for work in prepared.works)
            if number % every == 0:
                _mark(judge, kind, number, files, told)
        if number == count // 2:
            gc.collect()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told.grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    gc.collect()
    until = time.monotonic() + 15
    while children() - before[0] and time.monotonic() < until:
        time.sleep(0.1)
    if children() - before[0] or descriptors() > before[1]:
        told.bad.append(f"left behind: processes {children() - before[0]}, descriptors {descriptors() - before[1]}")
    if told.grown_mb > 64:
        told.bad.append(f"{told.grown_mb:.0f} MB more memory in the second half")
    return told


def _mark(judge: Judge, kind: str, number: int, files: dict[str, bytes], told: Told) -> None:
    found = judge.marked(kind, files)
    told.marked += 1
    if found.verdict is None:
        told.bad += [f"{kind} {number}: {what}"[:300] for what in found.bad]
        return
    for task in untouched(kind, files):
        told.kept += 1
        if found.points[task] != POINTS[task]:
            told.bad.append(f"{kind} {number}: {task} was not touched and has {found.points[task]:g} points")
    told.bad += [
        f"{kind} {number}: {task} has {most:g} points" for task, most in found.points.items() if most > POINTS[task]
    ]


def main() -> None:
    """Mark them, and say what came of it."""
    parser = argparse.ArgumentParser(prog="make mutated", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="notebooks of each kind (500)")
    parser.add_argument("--every", type=int, default=1, help="mark every so many-th to the end (1: all)")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = run(Judge(Path(folder)), given.count, given.every)
    print(
        f"{told.keyed} of {2 * given.count} mutated notebooks rebuilt and keyed ({told.unreadable} unreadable: a verdict of its own), "
        f"{told.marked} marked to the end, {told.kept} untouched answers looked at; "
        f"{told.grown_mb:.1f} MB more in the second half; {time.monotonic() - began:.0f} s"
    )
    print("\n".join(told.bad) or "nothing lost, nothing gained, nothing left behind")
    sys.exit(bool(told.bad))


if __name__ == "__main__":
    main()
