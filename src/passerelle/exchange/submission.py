"""What a submission has to be before it gets a receipt. It is looked at, never run.

What passes here marking can read: its limits are those of `grading.rebuild`, and those here are stricter.
"""

import json
from collections.abc import Mapping
from typing import Any

from passerelle.exchange.errors import ApiError
from passerelle.grading.rebuild import MAX_CELL_CHARACTERS, MAX_CELLS, MAX_DEPTH, depth, key_of
from passerelle.model.parcel import ParcelError, unpack

MAX_VALUES = 1_000_000
"""Commas and brackets in a notebook: each may become a value, and 20 MB of values take half a gigabyte to read."""


def check_submission(unit: str, parcel: bytes) -> frozenset[str]:
    """Let a submission pass that marking can read; return the keys of the answer cells in it.

    Raises:
        ApiError: 422, with what was found and the cure.
    """
    try:
        files = unpack(parcel)
    except ParcelError as fault:
        raise ApiError.from_parcel(fault) from fault
    name = f"{unit}.ipynb"
    if name not in files:
        raise ApiError.of(422, "no-notebook", notebook=name)
    notebook = _read_notebook(name, files[name])
    _check_notebook(name, notebook)
    return _answer_keys(notebook)


def released_answers(unit: str, parcel: bytes) -> frozenset[str]:
    """Return the keys of the answer cells of a release, none where it cannot be read."""
    try:
        return _answer_keys(json.loads(unpack(parcel)[f"{unit}.ipynb"]))
    except (ParcelError, KeyError, ValueError, TypeError, AttributeError):
        return frozenset()


def _answer_keys(notebook: Mapping[str, Any]) -> frozenset[str]:
    marked = [cell for cell in notebook["cells"] if isinstance(cell["metadata"].get("nbgrader"), dict)]
    return frozenset(key_of(cell) for cell in marked if cell["metadata"]["nbgrader"].get("solution"))


def _read_notebook(name: str, content: bytes) -> Mapping[str, Any]:
    if sum(content.count(sign) for sign in (b",", b"[", b"{")) > MAX_VALUES:
        raise ApiError.of(422, "too-many-values", notebook=name)
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ApiError.of(422, "unreadable-notebook", notebook=name) from error
    if not isinstance(notebook, dict) or depth(notebook) > MAX_DEPTH:
        raise ApiError.of(422, "unreadable-notebook", notebook=name)
    return notebook


def _check_notebook(name: str, notebook: Mapping[str, Any]) -> None:
    version = notebook.get("nbformat")
    if isinstance(version, int) and 0 < version < 4:
        raise ApiError.of(422, "old-notebook", notebook=name, found=str(version))
    cells, metadata = notebook.get("cells"), notebook.get("metadata")
    if version != 4 or not isinstance(metadata, dict) or not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise ApiError.of(422, "unreadable-notebook", notebook=name)
    language = _language(metadata)
    if language is not None and language.lower() != "python":
        raise ApiError.of(422, "other-kernel", notebook=name, found=language[:40].encode("utf-8", "replace").decode())
    if len(cells) > MAX_CELLS:
        raise ApiError.of(422, "too-many-cells", notebook=name, count=len(cells), max_count=MAX_CELLS)
    for number, cell in enumerate(cells, start=1):
        _check_text(name, number, "".join(cell["source"]))


def _check_text(name: str, number: int, text: str) -> None:
    if len(text) > MAX_CELL_CHARACTERS:
        facts = {"number": number, "count": len(text), "max_count": MAX_CELL_CHARACTERS}
        raise ApiError.of(422, "long-cell", notebook=name, **facts)
    try:
        # Half a pair of surrogates can be written in JSON, and in nothing else afterwards.
        text.encode()
    except UnicodeEncodeError as error:
        raise ApiError.of(422, "half-character", notebook=name, number=number) from error


def _is_cell(cell: object) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata"), dict):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    kind = cell.get("cell_type")
    return (
        isinstance(kind, str) and kind in {"code", "markdown", "raw"} and all(isinstance(line, str) for line in lines)
    )


def _language(metadata: Mapping[str, Any]) -> str | None:
    """Return the language a notebook says it is in; None where it says nothing (a stripped one: marking knows)."""
    kernel = metadata.get("kernelspec")
    if isinstance(kernel, dict):
        if isinstance(kernel.get("language"), str):
            return str(kernel["language"])
        if isinstance(kernel.get("name"), str):
            return "python" if kernel["name"].startswith("python") else str(kernel["name"])
    info = metadata.get("language_info")
    return str(info["name"]) if isinstance(info, dict) and isinstance(info.get("name"), str) else None
