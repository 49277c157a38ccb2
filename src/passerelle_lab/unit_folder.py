"""A unit's folder in her home, `<track>/<unit>/`: put there once, never overwritten, collected to submit."""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from passerelle_lab.language import dump, in_language
from passerelle_lab.record import Record
from passerelle_lab.words import say

MAX_FILES = 200
MAX_BYTES = 20_000_000
MAX_DEPTH = 6
COPIES = "versions"
"""The folder of what was replaced in a unit's folder (`passerelle_lab.copies`)."""

NOT_HERS = frozenset({"__pycache__", "feedback", COPIES})
"""What lies there without being her work as it is now: caches, the pages that nbgrader fetches, her copies."""


class FolderError(Exception):
    """Something of hers, or of a release, stands in the way: `text` is in the catalogue, `values` fill its places."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format_map(values))
        self.text = text
        self.values = values


def notebook_path(track: str, unit: str) -> Path:
    """Return where a unit's notebook lies, relative to her home."""
    return Path(track, unit, f"{unit}.ipynb")


def place(home: Path, track: str, unit: str, files: Mapping[str, bytes], language: str) -> None:
    """Put a released unit into her home, its notebook in her language.

    The folder appears whole or not at all. Where it exists already (she deleted the notebook, say), files
    that are missing are added and none is replaced.

    Args:
        home: her home directory.
        track: the track's id.
        unit: the unit's id.
        files: the release, by path relative to the unit's folder (checked by the parcel).
        language: the language of the prose.

    Raises:
        FolderError: the release has no readable notebook of the unit's name.
    """
    name = f"{unit}.ipynb"
    record = Record.of(home / track / unit)
    notebook = readable_release(files, name)
    record.add(files, name)
    files = {**files, name: dump(in_language(notebook, language))}
    folder = home / track / unit
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{unit}-", dir=folder.parent) as beside:
        whole = Path(beside) / unit
        for path, content in files.items():
            file = whole / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if not folder.exists():
            record.write(whole)
            try:
                whole.rename(folder)
            except OSError:  # it came to be in this moment: from another tab of hers
                _add_missing(whole, folder)
        else:
            _add_missing(whole, folder)
            record.write(folder)


def readable_release(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """Return the notebook of a release.

    Raises:
        FolderError: there is none, or none that can be read.
    """
    try:
        return read_notebook(files[name])
    except (KeyError, FolderError) as error:
        text = "The unit that we received is not complete. Tell your trainer; your own files stay as they are."
        raise FolderError(text) from error


def _add_missing(source: Path, folder: Path) -> None:
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        # A link either makes a new name or says that there is one: no moment in which hers could be lost.
        try:
            os.link(file, target)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if not os.path.lexists(target):
                shutil.copyfile(file, target)


def collect(home: Path, track: str, unit: str) -> dict[str, bytes]:
    """Return the files of a unit's folder by their path in it.

    Hidden files and folders (checkpoints), caches and fetched feedback stay behind.

    Raises:
        FolderError: no notebook; a link; too many files, too many bytes, too deep.
    """
    notebook = notebook_path(track, unit)
    folder = (home / notebook).parent
    if not (home / notebook).is_file():
        raise FolderError("There is no notebook {path} to submit yet. Open the unit first.", path=notebook)
    shown = folder.relative_to(home)
    files: dict[str, bytes] = {}
    size = 0
    for path in _files(home, folder, 1):
        size += path.stat().st_size
        if len(files) >= MAX_FILES:
            raise FolderError(
                "The folder {path} holds more than {count} files. Keep what belongs to the unit and submit again.",
                path=shown,
                count=MAX_FILES,
            )
        if size > MAX_BYTES:
            raise FolderError(
                "The folder {path} is larger than {size} MB. Move large files elsewhere and submit again.",
                path=shown,
                size=MAX_BYTES // 1_000_000,
            )
        files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def _files(home: Path, folder: Path, depth: int) -> Iterator[Path]:
    if depth > MAX_DEPTH:
        raise FolderError(
            "The folder {path} has folders in folders, more than {count} deep. Bring the files up and submit again.",
            path=folder.relative_to(home),
            count=MAX_DEPTH,
        )
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in NOT_HERS:
            continue
        if path.is_symlink():
            raise FolderError(
                "{path} is a link. Put the file itself into the folder, or take the link away.",
                path=path.relative_to(home),
            )
        if path.is_dir():
            yield from _files(home, path, depth + 1)
        elif path.is_file():
            yield path


def doubts(files: Mapping[str, bytes], unit: str, language: str) -> list[str]:
    """Return what she should know before she submits, in her language.

    A copied or split answer is read as one, top to bottom; it goes by its task's title.
    """
    cells = [cell.get("metadata", {}) for cell in read_notebook(files[f"{unit}.ipynb"])["cells"]]
    answers = [meta for meta in cells if meta.get("nbgrader", {}).get("solution") and "grade_id" in meta["nbgrader"]]
    counted = Counter(str(meta["nbgrader"]["grade_id"]) for meta in answers)
    tasks = {str(meta["nbgrader"]["grade_id"]): meta.get("passerelle", {}).get("task") for meta in answers}
    named = _task_titles(files.get("unit.json", b""))
    text = "The answer “{title}” is there {count} times. We will read its parts from top to bottom, as one answer."
    found = []
    for key, count in counted.items():
        titles = named.get(str(tasks[key]), {})
        if count > 1:
            found.append(say(language, text, title=titles.get(language) or titles.get("en") or key, count=count))
    return found


def _task_titles(card: bytes) -> dict[str, dict[str, str]]:
    """Return the titles of a unit's tasks by language, none where its card has none."""
    try:
        return {str(task): dict(titles) for task, titles in json.loads(card)["tasks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def title(notebook: bytes, language: str) -> str | None:
    """Return the unit's title as the notebook has it."""
    titles: dict[str, str] = read_notebook(notebook).get("metadata", {}).get("passerelle", {}).get("title", {})
    return titles.get(language) or titles.get("en")


def read_notebook(notebook: bytes) -> dict[str, Any]:
    """Return a notebook.

    Raises:
        FolderError: it is none.
    """
    try:
        content = json.loads(notebook)
    except ValueError:
        content = None
    if isinstance(content, dict) and isinstance(content.get("cells"), list):
        return content
    raise FolderError("We cannot read the notebook. Open the unit, save it, and submit again.")
