"""What changes her unit's folder after it was fetched, each time with what was there kept as a dated copy.

Copies lie in `<track>/<unit>/versions/before-<date>-<time>/`: in her file list, and left out of what is submitted.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from passerelle_lab.carry import carried_over, is_untouched
from passerelle_lab.language import dump, in_language
from passerelle_lab.record import Record
from passerelle_lab.unit_folder import COPIES, FolderError, notebook_path, read_notebook, readable_release
from passerelle_lab.words import say


@dataclass
class Change:
    """What was done: `kept` is the copy's name (None where nothing was replaced), `beside` her changed data files."""

    kept: str | None = None
    beside: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class UnitFolder:
    """A unit's folder in her home."""

    home: Path
    track: str
    unit: str

    @property
    def path(self) -> Path:
        """Return where it lies."""
        return self.home / self.track / self.unit

    @property
    def notebook(self) -> Path:
        """Return where its notebook lies."""
        return self.home / notebook_path(self.track, self.unit)

    def version(self) -> str | None:
        """Return the release that her notebook is of; None where nothing tells."""
        try:
            about = read_notebook(self.notebook.read_bytes()).get("metadata", {}).get("passerelle", {})
        except (OSError, FolderError):
            return None
        version = about.get("version") if isinstance(about, dict) else None
        return str(version) if version else Record.of(self.path).newest

    def is_untouched(self) -> bool:
        """Say whether she wrote nothing into it since it was fetched."""
        record = Record.of(self.path)
        return bool(record.releases) and is_untouched(read_notebook(self.notebook.read_bytes()), record.cells)

    def renew(self, files: Mapping[str, bytes], language: str, at: datetime) -> Change:
        """Take a new release, her work carried over.

        Data that the release changed replaces hers where hers is what a release had; otherwise hers goes beside it.

        Raises:
            FolderError: the release is not complete, or her notebook cannot be read.
        """
        record, name = Record.of(self.path), self.notebook.name
        released = readable_release(files, name)
        notebook = read_notebook(self.notebook.read_bytes())
        text = (
            "These cells are yours. The new version of the unit has no place for them: they are not marked. "
            "Take from them what you need."
        )
        title = say(language, "From the version before")
        heading = f"## {title}\n\n{say(language, text)}"
        merged = carried_over(notebook, in_language(released, language), record.cells, heading)
        put, beside = {name: dump(merged)}, []
        for path, content in files.items():
            there = self.path / path
            mine = there.read_bytes() if there.is_file() else None
            if path == name or mine == content or (mine is not None and record.newest_has(path, content)):
                continue
            if mine is not None and not record.had(path, mine):
                beside.append(self._put_beside(there))
            put[path] = content
        change = Change(self.put(put, at), beside)
        record.add(files, name)
        record.renewed = at.isoformat()
        record.write(self.path)
        return change

    def start_over(self, files: Mapping[str, bytes], language: str, at: datetime) -> Change:
        """Put the release in anew; files of hers that it does not have stay.

        Raises:
            FolderError: the release is not complete.
        """
        name = self.notebook.name
        fresh = {**files, name: dump(in_language(readable_release(files, name), language))}
        change = Change(self.put(fresh, at))
        record = Record.of(self.path)
        record.add(files, name)
        record.write(self.path)
        return change

    def bring_back(self, files: Mapping[str, bytes], at: datetime) -> Change:
        """Put back files of hers, of a submission or of a copy.

        Raises:
            FolderError: there is no readable notebook among them.
        """
        read_notebook(files.get(self.notebook.name, b""))
        return Change(self.put({path: one for path, one in files.items() if path != "unit.json"}, at))

    def copies(self) -> list[str]:
        """Return the names of her copies, newest first."""
        folder = self.path / COPIES
        found = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
        return sorted(found, reverse=True)

    def copied(self, name: str) -> dict[str, bytes]:
        """Return the files of a copy.

        Raises:
            FolderError: there is no such copy.
        """
        folder = self.path / COPIES / name
        if name not in self.copies():
            raise FolderError("This copy is not there any more.")
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def keep(self, files: Mapping[str, bytes], at: datetime) -> str:
        """Keep files as a copy; return its name."""
        name = base = f"before-{at.astimezone():%Y-%m-%d-%H%M%S}"
        number = 1
        while (self.path / COPIES / name).exists():
            number += 1
            name = f"{base}-{number}"
        for path, content in files.items():
            _write(self.path / COPIES / name / path, content)
        return name

    def put(self, files: Mapping[str, bytes], at: datetime) -> str | None:
        """Write files; what they replace is kept first. Return the copy's name, None where nothing was replaced."""
        there = {path: self.path / path for path in files if (self.path / path).is_file()}
        replaced = {path: file.read_bytes() for path, file in there.items()}
        replaced = {path: content for path, content in replaced.items() if content != files[path]}
        kept = self.keep(replaced, at) if replaced else None
        for path, content in files.items():
            if path not in there or path in replaced:
                _write(self.path / path, content)
        return kept

    def _put_beside(self, mine: Path) -> str:
        beside, number = mine.with_name(f"{mine.stem}-mine{mine.suffix}"), 1
        while beside.exists():
            number += 1
            beside = mine.with_name(f"{mine.stem}-mine-{number}{mine.suffix}")
        _write(beside, mine.read_bytes())
        return beside.relative_to(self.path).as_posix()


def titles(folder: Path) -> dict[str, Any]:
    """Return what the unit's card calls its checks, by key and language; empty where it has none."""
    try:
        checks = json.loads((folder / "unit.json").read_bytes())["checks"]
        return {str(check["key"]): dict(check["title"]) for check in checks}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a power cut leaves the one or the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError:
        Path(file.name).unlink(missing_ok=True)
        raise
