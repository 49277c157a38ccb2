"""The nbgrader source notebook of a unit, and a notebook put into a language."""

import copy
import hashlib
import json
from typing import Any

import nbformat
from nbformat import NotebookNode

from passerelle.courses.cells import Cell, Kind
from passerelle.courses.folder import UnitFolder
from passerelle.courses.texts import Wording
from passerelle.model.course import Unit, in_language

_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
# Not marked, but not to be lost by a slip of the keyboard; nbgrader need not know of them.
_KEPT = frozenset({Kind.HINTS, Kind.PRACTISE, Kind.RECALL})


def cell_id(unit: str, key: str) -> str:
    """Return the id of a cell: derived, so that it stays the same from build to build."""
    return hashlib.sha256(f"{unit}/{key}".encode()).hexdigest()[:12]


def build_notebook(folder: UnitFolder) -> NotebookNode:
    """Return the unit's notebook in English: solutions, hidden tests and translations inside."""
    wording = folder.wording
    notebook: NotebookNode = nbformat.v4.new_notebook(
        cells=[_cell(cell, folder.unit, wording) for cell in folder.cells],
        metadata={
            "kernelspec": _KERNEL,
            "language_info": {"name": "python"},
            "passerelle": {
                "unit": folder.unit,
                "track": folder.track,
                "language": "en",
                "title": wording.text("unit.toml:title", folder.table.title),
            },
        },
    )
    if folder.table.pages:
        # The bar offers a preview of them beside the notebook.
        notebook.metadata["passerelle"]["pages"] = list(folder.table.pages)
    # Fixed: nbformat's own default moves with its version.
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def stamp(notebook: NotebookNode, unit: Unit, data: dict[str, bytes]) -> str:
    """Return the version of a built unit: a hash of its notebook, its public card and its data."""
    digest = hashlib.sha256(notebook_bytes(notebook))
    digest.update(unit.model_copy(update={"version": ""}).model_dump_json().encode())
    for name, content in sorted(data.items()):
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """Return a notebook as it is stored: the same bytes for the same content."""
    words = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))
    return (words + "\n").encode()


def notebook_in_language(notebook: NotebookNode, language: str) -> NotebookNode:
    """Return the notebook with its prose in a language; answers, checks and prose that was edited stay.

    The translations are those in the cells' metadata; a text that has none in this language is read in English.
    """
    changed = copy.deepcopy(notebook)
    put_into_language(changed, language)
    return changed


def put_into_language(notebook: NotebookNode, language: str) -> None:
    """Do the same to the notebook itself."""
    for cell in notebook.cells:
        text = cell.metadata.get("passerelle", {}).get("text")
        if text and cell.source in text.values():
            cell.source = in_language(text, language)
    notebook.metadata.setdefault("passerelle", {})["language"] = language


def _cell(cell: Cell, unit: str, wording: Wording) -> NotebookNode:
    metadata: dict[str, Any] = {"passerelle": {"key": cell.key, "kind": str(cell.kind)}}
    if cell.task is not None:
        metadata["passerelle"]["task"] = cell.task
    source = cell.source
    if cell.is_prose:
        text = wording.page(cell.key, cell.source)
        metadata["passerelle"]["text"] = text
        source = text["en"]
    elif (nbgrader := _nbgrader(cell)) is not None:
        metadata["nbgrader"] = nbgrader
    elif cell.kind in _KEPT:
        metadata |= {"deletable": False, "editable": False}
    identity = cell_id(unit, cell.key)
    built: NotebookNode
    if cell.cell_type == "markdown":
        built = nbformat.v4.new_markdown_cell(source=source, metadata=metadata, id=identity)
    else:
        built = nbformat.v4.new_code_cell(source=source, metadata=metadata, id=identity)
    return built


def _nbgrader(cell: Cell) -> dict[str, Any] | None:
    """Return nbgrader's metadata of a cell, or None where nbgrader need not know it.

    Only what must be: nbgrader refuses to regenerate a unit with submissions once such a cell came or went.
    """
    locked = cell.kind in {Kind.GIVEN, Kind.CHECK}
    if not (locked or cell.is_solution):
        return None
    metadata: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": cell.key,
        "cell_type": cell.cell_type,
        "grade": cell.is_marked,
        "solution": cell.is_solution,
        "locked": locked,
        "task": False,
    }
    if cell.is_marked:
        metadata["points"] = cell.points
    return metadata
