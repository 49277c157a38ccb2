"""What is kept of a built unit between two submissions: it is read and parsed once for each state of its files.

A state is what the system says of each file (inode, size, times to the nanosecond): a rebuilt or corrected unit is
another one. What has changed a moment ago is not kept, since a change behind it could have the same time.
"""

import json
import os
import stat
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from passerelle.courses import load_course, unit_source
from passerelle.grading.layout import Layout
from passerelle.grading.rebuild import Plan, without_hidden_tests
from passerelle.model.course import Course, CourseUnit

UNITS = 32
"""How many are kept in a process; a track has some forty, and rarely are more than a few submitted at a time."""
MOST_BYTES = 20_000_000
"""Of the files of one unit: one with more is read anew each time."""
SETTLED_S = 2.0
"""Older than this, a file that changes again gets another time: file systems count in steps of up to two seconds."""

_State = tuple[tuple[str, tuple[int, ...]], ...]
"""Each path with inode, inode and mode of what a link leads to, size, and the times of content and of anything."""


@dataclass(frozen=True)
class KeptUnit:
    """A built unit of ours; nobody changes anything of it.

    `public` is what is released beside the notebook, the data and the public card; `beside` all beside the source.
    """

    built: CourseUnit
    source: NotebookNode
    public: Mapping[str, bytes]
    beside: Mapping[str, bytes]

    @cached_property
    def plan(self) -> Plan:
        """Return what rebuilding asks of each cell."""
        return Plan.of(self.source)

    @cached_property
    def facts(self) -> str:
        """Return what matters of the source, which is its own solution, as JSON."""
        return facts_text(self.source)

    @cached_property
    def card(self) -> dict[str, Any]:
        """Return its public card as plain values."""
        return self.built.card.model_dump(mode="json")

    @cached_property
    def texts(self) -> frozenset[str]:
        """Return the texts of its cells as fellows read them, in all languages: the unit's own, nobody's answers."""
        found = {without_hidden_tests(cell.source) for cell in self.source.cells}
        for cell in self.source.cells:
            found |= {str(text) for text in (cell.metadata.get("passerelle", {}).get("text") or {}).values()}
        return frozenset(found)


_units: OrderedDict[tuple[Path, str], tuple[_State, KeptUnit]] = OrderedDict()
_courses: OrderedDict[Path, tuple[_State, Course]] = OrderedDict()


def kept_unit(layout: Layout, unit: str) -> KeptUnit:
    """Return a built unit of a course of ours.

    Raises:
        ContentError: it is not built, or cannot be used.
    """
    key, began = (layout.root, unit), time.time()
    state = _state(layout.root / "course.json", layout.source(unit))
    if key in _units and _units[key][0] == state:
        _units.move_to_end(key)
        return _units[key][1]
    built = kept_course(layout.root).unit(unit)
    source = unit_source(layout.root, unit)
    found = KeptUnit(built, source, _public_files(layout.source(unit)), layout.files(unit))
    size = sum(map(len, [*found.public.values(), *found.beside.values()]))
    # Looked at again: what changed while it was read is not to be kept under either state.
    unchanged = _state(layout.root / "course.json", layout.source(unit)) == state
    if size <= MOST_BYTES and unchanged and _is_settled(state, began):
        _units[key] = (state, found)
        while len(_units) > UNITS:
            _units.popitem(last=False)
    return found


def kept_course(course_dir: Path) -> Course:
    """Return the built course of a course directory.

    Raises:
        NotBuiltError: there is none.
    """
    root, began = course_dir.resolve(), time.time()
    state = _state(root / "course.json")
    if root in _courses and _courses[root][0] == state:
        return _courses[root][1]
    course = load_course(course_dir)
    if _is_settled(state, began) and _state(root / "course.json") == state:
        _courses[root] = (state, course)
        while len(_courses) > UNITS:
            _courses.popitem(last=False)
    return course


def facts_of(cell: NotebookNode) -> list[Any]:
    """Return what matters of a cell of a source: not what it showed when its author last ran it."""
    ours, theirs = cell.metadata.get("passerelle"), cell.metadata.get("nbgrader")
    return [cell.cell_type, cell.source, ours, theirs]


def facts_text(notebook: NotebookNode) -> str:
    """Return what matters of a source or of a solution, as JSON."""
    return json.dumps([facts_of(cell) for cell in notebook.cells], sort_keys=True)


def _public_files(folder: Path) -> dict[str, bytes]:
    """Return what is released beside the notebook, without links."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted([folder / "unit.json", *(folder / "data").rglob("*")])
        if path.is_file() and not path.is_symlink()
    }


def _state(*paths: Path) -> _State:
    """Return what the system says of files, and of all that is in folders."""
    return tuple(facts for path in paths for facts in _facts(os.fspath(path)))


def _facts(path: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    try:
        own = os.lstat(path)
        seen = Path(path).stat() if stat.S_ISLNK(own.st_mode) else own
    except OSError:
        yield path, ()
        return
    yield path, (own.st_ino, seen.st_ino, seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    if stat.S_ISDIR(own.st_mode):
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            yield from _facts(f"{path}/{name}")


def _is_settled(state: _State, now: float) -> bool:
    """Say whether nothing of a state is so young that a change right after it could not be told from it."""
    newest = max((moment for _, facts in state for moment in facts[4:]), default=0)
    return newest / 1e9 < now - SETTLED_S
