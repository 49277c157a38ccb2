"""A unit's folder in her home, `<track>/<unit>/`: put there once, never overwritten, collected to submit."""

import json
import os
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from passerelle_lab.language import dump, in_language
from passerelle_lab.record import Record
from passerelle_lab.words import say

MAX_FILES = 200
MAX_BYTES = 20_000_000
MAX_DEPTH = 6
MAX_NOTEBOOK_BYTES = 64_000_000
"""A notebook up to here is read, to leave its outputs behind; to read a larger one would take too much memory."""
LEFT_BEHIND = "outputs_left_behind_mb"
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
    """Return the files of a unit's folder by their path in it: looked at first, and read where they fit.

    Hidden files and folders (checkpoints), caches and fetched feedback stay behind. So do the notebook's outputs
    where all would not fit with them: marking does not read them. Her file stays as it is, and `doubts` tells her.

    Raises:
        FolderError: no notebook; what is no plain file or cannot be read; too many files, too many bytes, too deep.
    """
    notebook = notebook_path(track, unit)
    folder = (home / notebook).parent
    if folder.is_symlink():
        raise _link(home, folder)
    if not (home / notebook).is_file():
        raise FolderError("There is no notebook {path} to submit yet. Open the unit first.", path=notebook)
    sizes: dict[Path, int] = {}
    for path, size in _files(home, folder, 1):
        sizes[path] = size
        if len(sizes) > MAX_FILES:
            raise _too_many(home, folder)
    own_size = sizes.pop(home / notebook)
    beside = sum(sizes.values())
    if beside > MAX_BYTES:
        raise _too_large(home, folder)
    if beside + own_size > MAX_BYTES and own_size > MAX_NOTEBOOK_BYTES:
        text = (
            "The notebook {path} is larger than {size} MB. Clear its outputs (menu “Edit”), save it and submit again."
        )
        raise FolderError(text, path=notebook, size=MAX_NOTEBOOK_BYTES // 1_000_000)
    own = _content(home, home / notebook, MAX_NOTEBOOK_BYTES)
    if beside + len(own) > MAX_BYTES:
        own = _without_outputs(own)
    files = {notebook.name: own}
    room = MAX_BYTES - len(own)
    for path in sizes:
        # It may have grown since: never more than there is room for.
        content = _content(home, path, room)
        room -= len(content)
        files[path.relative_to(folder).as_posix()] = content
    if room < 0:
        raise _too_large(home, folder)
    return files


def _files(home: Path, folder: Path, depth: int) -> Iterator[tuple[Path, int]]:
    """Yield the files below a folder with their sizes in bytes; what cannot be sent stops it."""
    if depth > MAX_DEPTH:
        raise FolderError(
            "The folder {path} has folders in folders, more than {count} deep. Bring the files up and submit again.",
            path=_shown(home, folder),
            count=MAX_DEPTH,
        )
    try:
        with os.scandir(folder) as listed:
            hers = (entry for entry in listed if not entry.name.startswith(".") and entry.name not in NOT_HERS)
            found = sorted(islice(hers, MAX_FILES + 1), key=lambda entry: entry.name)
    except OSError as error:
        raise _closed(home, folder) from error
    if len(found) > MAX_FILES:
        raise _too_many(home, folder)
    for entry in found:
        path = folder / entry.name
        if not _is_text(entry.name):
            raise FolderError(
                "{path} has a name that cannot be sent. Rename it and submit again.", path=_shown(home, path)
            )
        if entry.is_symlink():
            raise _link(home, path)
        if entry.is_dir(follow_symlinks=False):
            yield from _files(home, path, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield path, entry.stat(follow_symlinks=False).st_size
        else:
            raise _no_file(home, path)


def _content(home: Path, path: Path, most: int) -> bytes:
    """Return a file's content, one byte more than `most` where there is more; waits for no pipe, follows no link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _closed(home, path) from error
    with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _no_file(home, path)
        # Room for all that is read is made before it is read.
        return file.read(min(max(0, most), found.st_size) + 1)


def _without_outputs(notebook: bytes) -> bytes:
    """Return a notebook without its outputs, which says in its metadata that it has left them behind."""

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if found.get("cell_type") == "code" and "outputs" in found:
            found |= {"outputs": [], "execution_count": None}
        return found

    try:
        made = json.loads(notebook, object_pairs_hook=kept)
    except (ValueError, RecursionError) as error:
        raise FolderError("We cannot read the notebook. Open the unit, save it, and submit again.") from error
    about = made.setdefault("metadata", {}) if isinstance(made, dict) else None
    ours = about.setdefault("passerelle", {}) if isinstance(about, dict) else None
    if isinstance(ours, dict):
        ours[LEFT_BEHIND] = len(notebook) // 1_000_000
    return json.dumps(made).encode()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(home: Path, path: Path) -> str:
    """Return a path as it can stand in a sentence."""
    text = os.fsencode(path.relative_to(home)).decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _link(home: Path, path: Path) -> FolderError:
    text = "{path} is a link. Put the file itself into the folder, or take the link away."
    return FolderError(text, path=_shown(home, path))


def _no_file(home: Path, path: Path) -> FolderError:
    text = "{path} is not a file that can be sent. Take it out of the folder and submit again."
    return FolderError(text, path=_shown(home, path))


def _closed(home: Path, path: Path) -> FolderError:
    text = "We cannot read {path}. Make it readable, or take it out of the folder, and submit again."
    return FolderError(text, path=_shown(home, path))


def _too_many(home: Path, folder: Path) -> FolderError:
    text = "The folder {path} holds more than {count} files. Keep what belongs to the unit and submit again."
    return FolderError(text, path=_shown(home, folder), count=MAX_FILES)


def _too_large(home: Path, folder: Path) -> FolderError:
    text = "The folder {path} is larger than {size} MB. Move large files elsewhere and submit again."
    return FolderError(text, path=_shown(home, folder), size=MAX_BYTES // 1_000_000)


def doubts(files: Mapping[str, bytes], unit: str, language: str) -> list[str]:
    """Return what she should know before she submits, in her language.

    A copied or split answer is read as one, top to bottom; it goes by its task's title.
    """
    # Whatever else it is, the exchange says; an older format has no list of cells.
    notebook = _object(files[f"{unit}.ipynb"])
    cells = notebook["cells"] if isinstance(notebook.get("cells"), list) else []
    counted: Counter[str] = Counter()
    tasks: dict[str, object] = {}
    for cell in cells:
        marking = _inside(cell, "metadata", "nbgrader")
        if marking.get("solution") and "grade_id" in marking:
            key = str(marking["grade_id"])
            counted[key] += 1
            tasks[key] = _inside(cell, "metadata", "passerelle").get("task")
    named = _task_titles(files.get("unit.json", b""))
    found = []
    left_behind = _inside(notebook, "metadata", "passerelle").get(LEFT_BEHIND)
    if left_behind is not None and not any(_inside(cell).get("outputs") for cell in cells):
        text = (
            "Your notebook is too large to send with its outputs ({size} MB). We send your cells without them; "
            "your own notebook keeps them."
        )
        found.append(say(language, text, size=left_behind))
    text = "The answer “{title}” is there {count} times. We will read its parts from top to bottom, as one answer."
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
    titles = _inside(_object(notebook), "metadata", "passerelle", "title")
    found = titles.get(language) or titles.get("en")
    return found if isinstance(found, str) else None


def _inside(holder: object, *names: str) -> dict[str, Any]:
    """Return the object that lies at a path of names, an empty one where there is none: anything may be in a file."""
    for name in names:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else {}


def read_notebook(notebook: bytes) -> dict[str, Any]:
    """Return a notebook.

    Raises:
        FolderError: it is none.
    """
    content = _object(notebook)
    if isinstance(content.get("cells"), list):
        return content
    raise FolderError("We cannot read the notebook. Open the unit, save it, and submit again.")


def _object(notebook: bytes) -> dict[str, Any]:
    try:
        content = json.loads(notebook)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    raise FolderError("We cannot read the notebook. Open the unit, save it, and submit again.")
