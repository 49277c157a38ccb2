"""Prepares one submission for marking: what is rebuilt of it, its files, and the key of its verdict."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

import autograders
from passerelle.courses import load_course, unit_source
from passerelle.grading.rebuild import Rebuilt, UnreadableSubmissionError, nothing_of, rebuild
from passerelle.grading.walls import environment_mark
from passerelle.model.course import Unit
from passerelle.model.parcel import is_printable
from passerelle.model.verdict import Message

MAX_FILES = 200
MAX_FILE_BYTES = 20_000_000
MAX_FOLDERS = 6


@dataclass(frozen=True)
class Work:
    """One notebook to be marked.

    `name` is its file's name without `.ipynb`; `source` is what is run and asked, `solution` the author's own
    notebook with the reference solutions in it; `files` lie beside it in the box, `folder` is the source's, for the
    examiner. `absent` says that nothing of it was sent in a course where that leaves nothing to look at.
    """

    card: Unit
    name: str
    folder: Path
    source: NotebookNode
    solution: NotebookNode
    rebuilt: Rebuilt
    files: Mapping[str, bytes]
    unreadable: Message | None = None
    absent: bool = False


@dataclass(frozen=True)
class Prepared:
    """A submission to be marked: a notebook at least. `notices` are for her."""

    card: Unit
    key: str
    works: tuple[Work, ...]
    notices: tuple[Message, ...] = ()


def prepare(course_dir: Path, unit: str, files: Mapping[str, bytes], learner: Path) -> Prepared:
    """Return what is to be marked of a submission.

    Raises:
        ContentError: the unit is not built.
    """
    card = load_course(course_dir).unit(unit).card
    source = unit_source(course_dir, unit)
    name = f"{unit}.ipynb"
    unreadable = None
    try:
        if name not in files:
            raise UnreadableSubmissionError.of("unreadable-missing", name=name)
        rebuilt = rebuild(source, files[name])
    except UnreadableSubmissionError as error:
        rebuilt, unreadable = nothing_of(source), error.facts
    folder = course_dir / "source" / unit
    public = dict(_public_files(folder))
    hers, left_out = _her_files(files, public)
    notices = [unreadable] if unreadable else [*rebuilt.notices]
    if left_out:
        notices.append(Message(id="files-left-out", args={"names": left_out[:10]}))
    key = _key(card, source, rebuilt, {**hers, **public}, learner, unreadable)
    work = Work(card, unit, folder, source, source, rebuilt, {**hers, **public}, unreadable)
    return Prepared(card, key, (work,), tuple(notices))


def _public_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what is released beside the notebook: the data and the public card."""
    for path in sorted([folder / "unit.json", *(folder / "data").rglob("*")]):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _her_files(files: Mapping[str, bytes], public: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """Return the files she sent beside notebooks, and the names of those that are left out.

    One that lies where the unit has a folder, or in a folder where it has a file, cannot be beside the unit's own.
    """
    kept: dict[str, bytes] = {}
    folders = {str(folder) for name in public for folder in PurePosixPath(name).parents}
    left_out, size = [], 0
    for name, content in sorted(files.items()):
        parts = PurePosixPath(name).parts
        if name.endswith(".ipynb"):
            continue
        size += len(content)
        in_the_way = name in folders or any(str(folder) in public for folder in PurePosixPath(name).parents)
        if in_the_way or not _is_plain(name, parts) or len(kept) >= MAX_FILES or size > MAX_FILE_BYTES:
            left_out.append(name.encode("utf-8", "replace").decode()[:60])
        else:
            kept[name] = content
    return kept, left_out


def _is_plain(name: str, parts: tuple[str, ...]) -> bool:
    if not parts or PurePosixPath(name).is_absolute() or len(parts) > MAX_FOLDERS or len(name) > 200:
        return False
    return is_printable(name) and "/".join(parts) == name and not any(part in ("..", ".") for part in parts)


def _key(
    card: Unit,
    source: NotebookNode,
    rebuilt: Rebuilt,
    files: Mapping[str, bytes],
    learner: Path,
    unreadable: Message | None,
) -> str:
    """Return the hash of all that a verdict depends on."""
    facts = {
        "unit": [card.track, card.unit, card.version],
        "source": json.dumps(source, sort_keys=True),
        "cells": [[cell.key, cell.cell_type, cell.text] for cell in rebuilt.cells],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "unreadable": unreadable.model_dump() if unreadable else None,
        "notices": [notice.model_dump() for notice in rebuilt.notices],
        "engine": engine(),
        "environment": environment_mark(learner),
        "seed": card.unit,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@cache
def engine() -> str:
    """Return what names this way of marking: it changes with every line of it."""
    digest = hashlib.sha256()
    rooms = (Path(autograders.__file__).parent, Path(__file__).parent)
    ours = ("box", "examiner", "marking", "panel", "prepare", "rebuild", "sheet", "walls")
    for path in [*sorted(rooms[0].glob("*.py")), *(rooms[1] / f"{name}.py" for name in ours)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"cold-{digest.hexdigest()[:12]}"
