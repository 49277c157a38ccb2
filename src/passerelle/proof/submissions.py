"""What is handed in to prove a unit: the release as a fellow gets it, with answers put in."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from passerelle.courses import Kind, UnitFolder


@dataclass(frozen=True)
class Release:
    """A released unit: its notebook and the files beside it."""

    unit: str
    notebook: NotebookNode
    files: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> "Release":
        """Return the release in a folder, as generate_assignment wrote it."""
        files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        name = f"{folder.name}.ipynb"
        return cls(folder.name, nbformat.reads(files.pop(name).decode(), as_version=4), files)

    def submission(self, answers: Mapping[str, str]) -> dict[str, bytes]:
        """Return the files a fellow hands in who wrote these answers (by key) and left the others blank."""
        notebook = copy.deepcopy(self.notebook)
        for cell in notebook.cells:
            key = cell.metadata["passerelle"]["key"]
            if key in answers:
                cell.source = answers[key]
        return {**self.files, f"{self.unit}.ipynb": json.dumps(notebook, ensure_ascii=False).encode()}


def reference_answers(folder: UnitFolder) -> dict[str, str]:
    """Return the author's answers by key, without the markers that a fellow never sees."""
    return {
        cell.key: "\n".join(line for line in cell.source.split("\n") if not is_marker(line))
        for cell in folder.cells
        if cell.is_solution
    }


def machine_points(folder: UnitFolder) -> dict[str, float]:
    """Return the points of each check that a machine marks, by key."""
    return {cell.key: cell.points or 0.0 for cell in folder.cells if cell.kind is Kind.CHECK}


def is_marker(line: str) -> bool:
    """Say whether a line begins or ends a solution."""
    return "BEGIN SOLUTION" in line or "END SOLUTION" in line
