"""Her work carried from her notebook into a newer release of its unit: nothing of hers is dropped.

What is hers in a unit's cell is text that no release of the unit had. It goes to the cell of the same key; a cell
that she added follows the neighbour it followed; what has no place any more stands at the end, under a heading.
"""

import copy
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

Notebook = dict[str, Any]
Cell = dict[str, Any]
Prints = Mapping[str, Collection[str]]
"""Fingerprints of a cell's text, by its key, in the releases that she fetched."""


def key_of(cell: Cell) -> str:
    """Return a unit's cell's key: ours, nbgrader's, or none for a cell she added."""
    metadata = cell.get("metadata", {})
    key = metadata.get("passerelle", {}).get("key") or metadata.get("nbgrader", {}).get("grade_id")
    return key if isinstance(key, str) else ""


def text_of(cell: Cell) -> str:
    """Return a cell's text without the white space at its end."""
    return "".join(cell.get("source", "")).rstrip()


def fingerprint(cell: Cell) -> str:
    """Return the fingerprint of a cell's text."""
    return sha256(text_of(cell).encode()).hexdigest()


def prints(notebook: Notebook) -> dict[str, str]:
    """Return the fingerprint of each of a release's cells; one without a key goes by its fingerprint."""
    return {key_of(cell) or f"#{fingerprint(cell)}": fingerprint(cell) for cell in notebook["cells"]}


def is_untouched(mine: Notebook, released: Prints) -> bool:
    """Say whether a notebook holds nothing of hers."""
    return not any(_is_added(cell, released) or _is_edited(cell, released) for cell in mine["cells"])


def carried_over(mine: Notebook, new: Notebook, released: Prints, heading: str) -> Notebook:
    """Return a new release's notebook with her work in it.

    Args:
        mine: her notebook.
        new: the release's notebook, in her language.
        released: how the cells read in the releases she fetched; a cell that is not there is compared with `new`.
        heading: Markdown for above what has no place in the release any more.
    """
    result: Notebook = copy.deepcopy(new)
    places = {key_of(cell): cell for cell in result["cells"] if key_of(cell)}
    released = {key: {one} for key, one in prints(new).items()} | dict(released)
    behind: defaultdict[str, list[Cell]] = defaultdict(list)
    homeless: list[Cell] = []
    answered: set[str] = set()
    neighbour = ""
    for cell in mine["cells"]:
        key = key_of(cell)
        place = places.get(key)
        neighbour = key if place is not None else neighbour
        if _is_added(cell, released):
            behind[neighbour].append(copy.deepcopy(cell))
        elif _is_locked(cell) or not _is_edited(cell, released):
            continue
        elif place is None:
            homeless.append(_free(cell))
        elif not _takes(place, cell):
            behind[key].append(_free(cell))
        elif key in answered:
            # A copied answer is read as one with its first part: it keeps its key.
            behind[key].append(copy.deepcopy(cell))
        else:
            _fill(place, cell)
            answered.add(key)
    end = [_markdown(heading), *homeless] if homeless else []
    cells = behind.pop("", [])
    for cell in result["cells"]:
        cells += [cell, *behind.pop(key_of(cell), [])]
    cells += end
    result["cells"] = _with_own_ids(cells, {str(cell.get("id")) for cell in new["cells"]})
    return result


def _is_added(cell: Cell, released: Prints) -> bool:
    """Say whether a cell is one that she put in; a unit from elsewhere has cells without a key of its own."""
    return not key_of(cell) and bool(text_of(cell)) and f"#{fingerprint(cell)}" not in released


def _is_edited(cell: Cell, released: Prints) -> bool:
    """Say whether a unit's cell reads as no release had it, in no language."""
    if not key_of(cell):
        return False
    texts = cell.get("metadata", {}).get("passerelle", {}).get("text", {})
    if text_of(cell) in {text.rstrip() for text in texts.values()}:
        return False
    return fingerprint(cell) not in released.get(key_of(cell), ())


def _is_locked(cell: Cell) -> bool:
    metadata = cell.get("metadata", {})
    return bool(metadata.get("nbgrader", {}).get("locked")) or metadata.get("editable") is False


def _takes(place: Cell, cell: Cell) -> bool:
    """Say whether a release's cell is one to write in; prose that she wrote over comes beside the new prose."""
    prose = "text" in place.get("metadata", {}).get("passerelle", {})
    return not prose and not _is_locked(place) and place["cell_type"] == cell["cell_type"]


def _fill(place: Cell, cell: Cell) -> None:
    for name in ("source", "outputs", "execution_count", "attachments"):
        if name in cell:
            place[name] = copy.deepcopy(cell[name])


def _free(cell: Cell) -> Cell:
    """Return a unit's cell as one of her own."""
    return {**copy.deepcopy(cell), "metadata": {}}


def _markdown(text: str) -> Cell:
    return {"cell_type": "markdown", "id": uuid.uuid4().hex[:8], "metadata": {}, "source": text}


def _with_own_ids(cells: list[Cell], taken: set[str]) -> list[Cell]:
    """Give a cell of hers another id where the release, or a cell above, has it."""
    seen: set[str] = set()
    for cell in cells:
        known = str(cell.get("id", ""))
        of_release = known in taken and known not in seen and bool(key_of(cell))
        if "id" in cell and not of_release and (known in taken or known in seen):
            cell["id"] = uuid.uuid4().hex[:8]
        seen.add(str(cell.get("id", "")))
    return cells
