"""Prepares one submission for marking: what is rebuilt of it, its files, and the key of its verdict."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode

import autograders
from passerelle.grading.elsewhere import nothing_of_elsewhere, rebuild_elsewhere, source_notebooks
from passerelle.grading.kept import facts_of, facts_text, kept_unit
from passerelle.grading.layout import Layout, layout_of
from passerelle.grading.rebuild import Rebuilt, UnreadableSubmissionError, nothing_of, rebuild
from passerelle.grading.seeds import seed_of, seed_of_box
from passerelle.grading.walls import environment_mark
from passerelle.model.course import CheckCard, Text, Unit
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
    examiner; `seed` is where its checks begin to draw. `absent` says that nothing of it was sent in a course where that
    leaves nothing to look at.
    """

    card: Unit
    name: str
    folder: Path
    source: NotebookNode
    solution: NotebookNode
    rebuilt: Rebuilt
    files: Mapping[str, bytes]
    seed: str
    unreadable: Message | None = None
    absent: bool = False
    facts: tuple[str, str] = ("", "")
    """What matters of the source and of the solution, as JSON."""

    @property
    def box_seed(self) -> str:
        """Return where her own code begins to draw."""
        return seed_of_box(self.card.unit, self.seed)


@dataclass(frozen=True)
class Prepared:
    """A submission to be marked: a notebook at least. `notices` are for her."""

    card: Unit
    key: str
    works: tuple[Work, ...]
    notices: tuple[Message, ...] = ()


def prepare(course_dir: Path, unit: str, files: Mapping[str, bytes], learner: Path, fellow: str = "") -> Prepared:
    """Return what is to be marked of a submission; `fellow` stands for whose it is (`seeds.fellow_key`).

    Raises:
        ContentError: the unit is not built, or cannot be used.
        ServiceError: the gradebook of a course from elsewhere cannot be read, or a unit needs to know whose it is.
    """
    layout = layout_of(course_dir)
    card, works, public, beside = (
        _ours(layout, unit, files, fellow) if layout.is_ours else _elsewhere(layout, unit, files)
    )
    hers, left_out = _her_files(files, public)
    works = tuple(replace(work, files={**hers, **public}) for work in works)
    notices = [notice for work in works for notice in ([work.unreadable] if work.unreadable else work.rebuilt.notices)]
    if left_out:
        notices.append(Message(id="files-left-out", args={"names": left_out[:10]}))
    return Prepared(card, _key(card, works, {**hers, **public}, beside, learner), works, tuple(notices))


def _ours(
    layout: Layout, unit: str, files: Mapping[str, bytes], fellow: str
) -> tuple[Unit, tuple[Work, ...], Mapping[str, bytes], Mapping[str, bytes]]:
    """Return a unit of ours, its one notebook, the files that go into the box, and those beside the source."""
    kept = kept_unit(layout, unit)
    built, source = kept.built, kept.source
    rebuilt, unreadable = _read(f"{unit}.ipynb", files, partial(rebuild, kept.plan), partial(nothing_of, kept.plan))
    seed, folder = seed_of(built, fellow), layout.source(unit)
    work = Work(built.card, unit, folder, source, source, rebuilt, {}, seed, unreadable, facts=(kept.facts, kept.facts))
    return built.card, (work,), kept.public, kept.beside


def _elsewhere(
    layout: Layout, unit: str, files: Mapping[str, bytes]
) -> tuple[Unit, tuple[Work, ...], Mapping[str, bytes], Mapping[str, bytes]]:
    """Return an assignment from elsewhere and its notebooks; all files of the source go into the box."""
    beside = layout.files(unit)
    sources = source_notebooks(layout, unit)
    cells = [cell for source in sources for cell in source.cells]
    version = hashlib.sha256(json.dumps([facts_of(cell) for cell in cells], sort_keys=True).encode()).hexdigest()[:16]
    checks = tuple(
        CheckCard(key=meta.grade_id, task="", points=meta.points, manual=meta.solution or meta.task, title=_text(meta))
        for meta in (cell.metadata.nbgrader for cell in cells)
        if meta.grade or meta.task
    )
    title = {"en": unit}
    card = Unit(
        unit=unit, track=layout.track, version=version, title=title, summary=title, minutes=0, checks=checks, tasks={}
    )
    add_missing = bool(layout.setting("OverwriteCells", "add_missing_cells", False))
    works = []
    for source in sources:
        whole = nbformat.v4.new_notebook(cells=[*source.cells], metadata=source.solution.metadata)
        name = f"{source.name}.ipynb"
        rebuilt, unreadable = _read(
            name,
            files,
            partial(rebuild_elsewhere, source, add_missing=add_missing),
            partial(nothing_of_elsewhere, source),
        )
        folder, absent = layout.source(unit), name not in files
        facts = (facts_text(whole), facts_text(source.solution))
        work = Work(card, source.name, folder, whole, source.solution, rebuilt, {}, unit, unreadable, absent, facts)
        works.append(work)
    return card, tuple(works), beside, beside


def _text(meta: NotebookNode) -> Text:
    return {"en": str(meta.grade_id)}


def _read(
    name: str, files: Mapping[str, bytes], read: Callable[[bytes], Rebuilt], nothing: Callable[[], Rebuilt]
) -> tuple[Rebuilt, Message | None]:
    """Return a notebook rebuilt, or what it is without an answer and why."""
    try:
        if name not in files:
            raise UnreadableSubmissionError.of("unreadable-missing", name=name)
        return read(files[name]), None
    except UnreadableSubmissionError as error:
        return nothing(), error.facts


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
    card: Unit, works: tuple[Work, ...], files: Mapping[str, bytes], beside: Mapping[str, bytes], learner: Path
) -> str:
    """Return the hash of all that a verdict depends on, and of nothing else.

    `files` are those in the box, `beside` those that the examiner sees: hers may have the name of one.
    """
    facts = {
        "unit": json.dumps([card.track, card.unit, card.version]),
        "notebooks": f"[{', '.join(map(_facts_of_work, works))}]",
        "files": json.dumps(_hashes(files), sort_keys=True),
        "beside": json.dumps(_hashes(beside), sort_keys=True),
        "engine": json.dumps(engine()),
        "environment": json.dumps(_environment(learner)),
        "seed": json.dumps(works[0].seed),
    }
    return hashlib.sha256(_object(facts).encode()).hexdigest()


def _facts_of_work(work: Work) -> str:
    source, solution = work.facts
    facts = {
        "name": json.dumps(work.name),
        "source": source,
        "solution": solution,
        "cells": json.dumps([[cell.key, cell.cell_type, cell.text] for cell in work.rebuilt.cells]),
        "unreadable": json.dumps(work.unreadable.model_dump() if work.unreadable else None, sort_keys=True),
        "notices": json.dumps([notice.model_dump() for notice in work.rebuilt.notices], sort_keys=True),
    }
    return _object(facts)


def _object(parts: Mapping[str, str]) -> str:
    """Return the JSON object of values that are JSON already, its keys sorted, as `json.dumps` would write it."""
    return f"{{{', '.join(f'{json.dumps(name)}: {parts[name]}' for name in sorted(parts))}}}"


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _environment(learner: Path) -> str:
    """Return what names the packages of the learner environment: they are looked at again when one comes or goes."""
    folders = [*learner.glob("lib/python3.*/site-packages")]
    if not folders:
        return environment_mark(learner)
    return _environment_at(learner, tuple((folder, folder.stat().st_mtime_ns) for folder in folders))


@lru_cache(maxsize=8)
def _environment_at(learner: Path, _state: tuple[tuple[Path, int], ...]) -> str:
    return environment_mark(learner)


@cache
def engine() -> str:
    """Return what names this way of marking: it changes with every line of it."""
    digest = hashlib.sha256()
    rooms = (Path(autograders.__file__).parent, Path(__file__).parent)
    others = {
        "agreement",
        "alone",
        "feedback",
        "gradebook",
        "manual",
        "pause",
        "record",
        "redirect",
        "release",
        "safe_html",
    }
    others |= {
        "schema",
        "standing",
        "trees",
        "trouble",
        "wake",
        "words",
        "worker",
        "assignment",
        "cluster",
        "errand",
        "line",
        "nest",
        "noticed",
        "service",
        "tally",
        "late",
        "report",
        "rehearsal",
        "remark",
        "again",
        "warm",
        "place_rows",
        "notebook_text",
        "page_html",
    }
    for path in [
        *sorted(rooms[0].glob("*.py")),
        *(path for path in sorted(rooms[1].glob("*.py")) if path.stem not in others),
    ]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"warm-{digest.hexdigest()[:12]}"
