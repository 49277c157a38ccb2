"""What a submission has to be before it gets a receipt. It is looked at, never run."""

import json
from collections.abc import Mapping
from typing import Any

from passerelle.exchange.errors import ApiError
from passerelle.model.parcel import ParcelError, unpack


def check_submission(unit: str, parcel: bytes) -> None:
    """Let a submission pass that marking can read.

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
    _check_notebook(name, _read_notebook(name, files[name]))


def _read_notebook(name: str, content: bytes) -> Mapping[str, Any]:
    try:
        notebook = json.loads(content)
        # Half a pair of surrogates can be written in JSON, and in nothing else afterwards.
        json.dumps(notebook, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ApiError.of(422, "unreadable-notebook", notebook=name) from error
    if not isinstance(notebook, dict):
        raise ApiError.of(422, "unreadable-notebook", notebook=name)
    return notebook


def _check_notebook(name: str, notebook: Mapping[str, Any]) -> None:
    if notebook.get("nbformat") != 4:
        raise ApiError.of(422, "old-notebook", notebook=name, found=str(notebook.get("nbformat"))[:20])
    cells, metadata = notebook.get("cells"), notebook.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise ApiError.of(422, "unreadable-notebook", notebook=name)
    language = _language(metadata)
    if language is not None and language.lower() != "python":
        raise ApiError.of(422, "other-kernel", notebook=name, found=language[:40])


def _is_cell(cell: object) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata"), dict):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return cell.get("cell_type") in {"code", "markdown", "raw"} and all(isinstance(line, str) for line in lines)


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
