"""The executed notebook: her cells with what they showed, the unit's own with their checks' results.

It is what `nbgrader autograde` would leave, so that nbgrader's own reading of it gives the verdict's points. Cells and
outputs are made from known parts; nbformat would hold each of them against its schema, which the tests do instead.
"""

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograders.catalogue import words
from autograders.failure import Fact
from passerelle.courses import put_into_language
from passerelle.grading.rebuild import Origin, Rebuilt, RebuiltCell
from passerelle.model.verdict import CheckResult, CheckState

_SHOWN_TYPES = frozenset(
    {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml"}
)


_WIDEST = 720
"""Pixels of a picture in the feedback; the file may have more."""
MAX_SHOWN = 6_000_000
"""Characters of all outputs of a notebook. The box has a lower limit of its own, which her code can lift."""


@dataclass(frozen=True)
class Shown:
    """How a cell ended and what it showed, as the box says: `outputs` are checked to be notebook outputs.

    `whole`: what ran out is the time of the whole notebook.
    """

    state: str
    outputs: tuple[NotebookNode, ...]
    error: str = ""
    text: str = ""
    size: int = 0
    whole: bool = False

    @classmethod
    def of(cls, told: Mapping[str, Any], room: int = MAX_SHOWN) -> "Shown":
        """Build it from what the box said of a cell; outputs that have no room (in characters) are left out."""
        state = told.get("state")
        known = state if state in ("done", "raised", "time", "memory", "died") else "done"
        outputs = told.get("outputs")
        made, size = [], 0
        for one in outputs[:400] if isinstance(outputs, list) else []:
            output = _output(one)
            length = len(json.dumps(output, ensure_ascii=False))
            if output is not None and size + length <= room:
                made.append(output)
                size += length
        error, text = (_text(told.get(name))[:300] for name in ("error", "text"))
        return cls(str(known), tuple(made), error or "Error", text or "—", size, told.get("whole") is True)


def executed_notebook(
    source: NotebookNode,
    rebuilt: Rebuilt,
    shown: Mapping[int, Shown],
    results: Mapping[str, CheckResult],
    unit: dict[str, Any],
    pictures: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> NotebookNode:
    """Return the executed notebook, in the language she read it in.

    `pictures` are of her pages, by the check that shows them: "width", "kind" and "body" (base64).
    """
    cells, count, known = [], 0, set[str]()
    for place, cell in enumerate(rebuilt.cells):
        if cell.origin is Origin.MISSING:
            continue
        made = _cell(cell, place, known)
        known.add(made.id)
        if cell.cell_type == "code":
            outputs: list[NotebookNode] = []
            if cell.is_check:
                outputs = _of_check(results[cell.key], rebuilt.language, unit)
                outputs += [_picture(one, rebuilt.language) for one in (pictures or {}).get(cell.key, ())]
            elif place in shown:
                outputs = [*shown[place].outputs]
            if outputs or place in shown:
                count += 1
                made.execution_count = count
            for output in outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
            made.outputs = outputs
        cells.append(made)
    metadata: NotebookNode = nbformat.from_dict(dict(source.metadata))
    metadata.setdefault("passerelle", NotebookNode())
    notebook = NotebookNode(nbformat=4, nbformat_minor=5, metadata=metadata, cells=cells)
    put_into_language(notebook, rebuilt.language)
    return notebook


def _cell(cell: RebuiltCell, place: int, known: Container[str]) -> NotebookNode:
    metadata = nbformat.from_dict(dict(cell.made.metadata)) if cell.made is not None else NotebookNode()
    # Hers are numbered: her notebook's ids may be doubled, or anything.
    identity = cell.made.get("id") if cell.made is not None else None
    if not identity or identity in known:
        identity = hashlib.sha256(f"added/{place}".encode()).hexdigest()[:12]
    kind = "code" if cell.cell_type == "code" else "markdown"
    made = NotebookNode(id=identity, cell_type=kind, source=cell.text, metadata=metadata)
    if kind == "code":
        made.execution_count, made.outputs = None, []
    return made


def _of_check(result: CheckResult, language: str, unit: dict[str, Any]) -> list[NotebookNode]:
    """Return the outputs of a check: nbgrader reads no output as full marks, a number as points, an error as none."""
    if result.state is CheckState.PASSED:
        return []
    lines = [line for one in result.messages for line in Fact(one.id, one.args, one.look).lines(language, unit)]
    if result.points > 0:
        points = _shown_as("execute_result", {"text/plain": repr(result.points)})
        return [_shown_as("display_data", {"text/plain": "\n".join(lines)}), points]
    return [NotebookNode(output_type="error", ename="CheckFailed", evalue="\n".join(lines), traceback=lines)]


def _shown_as(kind: str, data: Mapping[str, str], metadata: Mapping[str, Any] | None = None) -> NotebookNode:
    """Return an output with data; a result gets its number later."""
    about: NotebookNode = nbformat.from_dict(dict(metadata or {}))
    made = NotebookNode(output_type=kind, metadata=about, data=NotebookNode(data))
    if kind == "execute_result":
        made.execution_count = None
    return made


def _picture(told: Mapping[str, Any], language: str) -> NotebookNode:
    """Return what a browser showed of her page."""
    kind, said = str(told["kind"]), words("page-picture", {"width": told["width"]}, language)
    about = {"alt": said, "width": min(int(told["width"]), _WIDEST)}
    return _shown_as("display_data", {kind: told["body"], "text/plain": said}, {kind: about})


def _text(value: object) -> str:
    """Return text that can be stored: the box may have sent anything."""
    return value.encode("utf-8", "replace").decode("utf-8") if type(value) is str else ""


def _output(told: object) -> NotebookNode | None:
    """Return a notebook output of what the box says is one; None where it is not."""
    if not isinstance(told, dict):
        return None
    kind, data, traceback = told.get("output_type"), told.get("data"), told.get("traceback")
    made: NotebookNode | None = None
    if kind == "stream" and told.get("name") in ("stdout", "stderr"):
        made = NotebookNode(output_type="stream", name=told["name"], text=_text(told.get("text")))
    elif kind == "error":
        lines = [_text(line) for line in traceback[:60]] if isinstance(traceback, list) else []
        name, value = _text(told.get("ename")), _text(told.get("evalue"))
        made = NotebookNode(output_type="error", ename=name, evalue=value, traceback=lines)
    elif kind in ("display_data", "execute_result") and isinstance(data, dict):
        texts = {name: _text(text) for name, text in data.items() if name in _SHOWN_TYPES and type(text) is str}
        made = _shown_as(str(kind), texts) if texts else None
    return made
