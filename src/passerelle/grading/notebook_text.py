"""A notebook as nbformat writes it, byte for byte, in a fraction of the time.

nbformat copies a notebook, holds it against a schema and writes it with Python's slow encoder. Ours are made by us:
that they are valid, and that these are nbformat's own bytes, is held by tests.
"""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

_NOT_STORED = frozenset({"orig_nbformat", "orig_nbformat_minor", "signature"})
_LINES_OF = frozenset({"application/javascript", "image/svg+xml"})


def notebook_text(notebook: Mapping[str, Any]) -> str:
    """Return the file of a notebook of format 4, its longer texts in lines as nbformat has them.

    Raises:
        TypeError: it holds what JSON has no word for.
    """
    metadata = {name: value for name, value in notebook["metadata"].items() if name not in _NOT_STORED}
    return _text({**notebook, "cells": [_cell(cell) for cell in notebook["cells"]], "metadata": metadata}, "\n")


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    stored = dict(cell)
    if "trusted" in cell["metadata"]:
        stored["metadata"] = {name: value for name, value in cell["metadata"].items() if name != "trusted"}
    if isinstance(cell.get("source"), str):
        stored["source"] = cell["source"].splitlines(keepends=True)
    if cell.get("attachments"):
        stored["attachments"] = {name: _bundle(bundle) for name, bundle in cell["attachments"].items()}
    if cell["cell_type"] == "code":
        stored["outputs"] = [_output(output) for output in cell["outputs"]]
    return stored


def _output(output: Mapping[str, Any]) -> dict[str, Any]:
    stored = dict(output)
    if output["output_type"] in ("execute_result", "display_data"):
        stored["data"] = _bundle(output.get("data", {}))
    elif output["output_type"] == "stream" and isinstance(output["text"], str):
        stored["text"] = output["text"].splitlines(keepends=True)
    return stored


def _bundle(bundle: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: value.splitlines(keepends=True)
        if isinstance(value, str) and (kind.startswith("text/") or kind in _LINES_OF)
        else value
        for kind, value in bundle.items()
    }


def _text(value: Any, line: str) -> str:
    """Return a value as JSON, keys sorted; `line` begins a line at its depth."""
    if isinstance(value, str):
        return encode_basestring(value)
    inner = f"{line} "
    if isinstance(value, dict):
        if not value:
            return "{}"
        said = [f"{encode_basestring(name)}: {_text(value[name], inner)}" for name in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(said)}{line}}}"
    if isinstance(value, list):
        if not value:
            return "[]"
        # Most lists are the lines of a text.
        said = [encode_basestring(one) if isinstance(one, str) else _text(one, inner) for one in value]
        return f"[{inner}{f',{inner}'.join(said)}{line}]"
    return json.dumps(value)
