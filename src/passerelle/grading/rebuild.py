"""Rebuilds a notebook from what a fellow sent: her answers by key, everything else from the source.

From the submission come the text of answer cells, cells she added, her edits of cells that are not locked,
and nothing more: no check, tag, metadata or output. The order is the source's; cells she added stay behind
the cell of the unit that they followed.
"""

import hashlib
import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nbformat import NotebookNode

import autograders
from passerelle.model.errors import SubmissionError
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import Message

MAX_BYTES = 20_000_000
MAX_CELLS = 1_000
MAX_CELL_CHARACTERS = 200_000
MAX_DEPTH = 60

# The bare words anywhere in a line, as nbgrader has it.
_SOLUTION = re.compile(r"^[^\n]*BEGIN SOLUTION[^\n]*\n.*?^[^\n]*END SOLUTION[^\n]*$", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?(?:END HIDDEN TESTS[^\n]*\n?|\Z)", re.MULTILINE | re.DOTALL)
_STUBS = {"", "...", "YOUR ANSWER HERE", "# YOUR CODE HERE\nraise NotImplementedError()"}


class Origin(StrEnum):
    """Where a cell's text comes from."""

    SOURCE = "source"
    ANSWER = "answer"
    EDITED = "edited"
    ADDED = "added"
    MISSING = "missing"  # not in the notebook, and not put back: nbgrader's rule for courses from elsewhere


@dataclass(frozen=True)
class RebuiltCell:
    """One cell to run or to mark. `key` is empty for a cell she added; `made` is the source's cell."""

    key: str
    kind: str
    task: str | None
    cell_type: str
    text: str
    origin: Origin
    made: NotebookNode | None = None

    @property
    def is_check(self) -> bool:
        """Say whether the examiner marks it."""
        return self.points is not None and not self.is_by_hand

    @property
    def is_by_hand(self) -> bool:
        """Say whether a person marks it."""
        meta = _nbgrader(self.made)
        alone = meta.get("solution") or meta.get("task") or self.cell_type != "code" or self.origin is Origin.MISSING
        return self.points is not None and bool(alone)

    @property
    def points(self) -> float | None:
        """Return the points of a marked cell."""
        meta = _nbgrader(self.made)
        return float(meta.get("points", 0)) if meta.get("grade") or meta.get("task") else None


@dataclass(frozen=True)
class Rebuilt:
    """The notebook as it will be run: `answers` by key (None where blank), and what she should know."""

    cells: tuple[RebuiltCell, ...]
    answers: Mapping[str, str | None]
    notices: tuple[Message, ...] = ()
    language: str = "en"

    @property
    def manual_answers(self) -> dict[str, str | None]:
        """Return the hash of each answer that a person marks; None where it was left blank."""
        found: dict[str, str | None] = {}
        for cell in self.cells:
            if cell.is_by_hand:
                answer = self.answers.get(cell.key)
                found[cell.key] = None if answer is None else hashlib.sha256(answer.strip().encode()).hexdigest()
        return found


@dataclass(frozen=True)
class PlannedCell:
    """What rebuilding asks of a cell of the source: read once, it is asked for every submission.

    `released`: a locked cell as fellows may have it, by the lines that matter.
    """

    key: str
    made: NotebookNode
    kind: str
    task: str | None
    is_answer: bool
    is_free: bool
    released: tuple[list[str], ...] | None

    @classmethod
    def of(cls, key: str, made: NotebookNode) -> "PlannedCell":
        """Build it from a cell."""
        ours = _ours(made)
        is_free = made.cell_type == "code" and not _is_kept(made) and ours.get("kind") != "hints"
        locked = _nbgrader(made).get("locked") and not _is_answer(made)
        kind = str(ours.get("kind") or kind_of(made))
        released = _releases(made) if locked else None
        return cls(key, made, kind, ours.get("task"), _is_answer(made), is_free, released)


@dataclass(frozen=True)
class Plan:
    """A source notebook as it is rebuilt, its cells by key."""

    cells: Mapping[str, PlannedCell]

    @classmethod
    def of(cls, source: NotebookNode) -> "Plan":
        """Build it from a source notebook."""
        # The last of two with one key, at the place of the first.
        known = {key_of(cell): cell for cell in source.cells}
        return cls({key: PlannedCell.of(key, made) for key, made in known.items()})


class UnreadableSubmissionError(SubmissionError):
    """The submitted notebook cannot be read. `facts` is the message of her verdict."""

    facts: Message

    @classmethod
    def of(cls, what: str, **args: Any) -> "UnreadableSubmissionError":
        """Build it from a message of `autograders` (its id and arguments)."""
        error = cls(autograders.words(what, args, "en"))
        error.facts = Message(id=what, args=args)
        return error


@dataclass
class _Found:
    """What the submission holds, by key and place."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    added: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def rebuild(source: NotebookNode | Plan, submitted: bytes) -> Rebuilt:
    """Rebuild the notebook to be marked.

    Args:
        source: the unit's source notebook, solutions and hidden tests inside; or its plan.
        submitted: the submitted notebook file.

    Raises:
        UnreadableSubmissionError: the file is no notebook, or larger than any honest one.
    """
    known = (source if isinstance(source, Plan) else Plan.of(source)).cells
    notebook = read_notebook(submitted)
    found = _sort(notebook["cells"], known)
    cells, answers, notices = _added(found, ""), dict[str, str | None](), list[Message]()
    changed = 0
    for key, planned in known.items():
        texts, made = found.texts.get(key, []), planned.made
        origin, text = _text(planned, texts)
        if planned.is_answer:
            answers[key] = None if is_blank(made, text) else text
            notices += _notices(made, texts)
        elif planned.released is not None and any(_differs(one, planned) for one in texts):
            changed += 1
        cells.append(RebuiltCell(key, planned.kind, planned.task, made.cell_type, text, origin, made))
        cells += _added(found, key)
    if changed:
        notices.append(Message(id="notice-restored", args={"count": changed}))
    language = notebook.get("metadata", {}).get("passerelle")
    language = language.get("language") if isinstance(language, dict) else None
    return Rebuilt(tuple(cells), answers, tuple(notices), language if language in LANGUAGES else "en")


def nothing_of(source: NotebookNode | Plan) -> Rebuilt:
    """Return the rebuilt notebook of a submission that cannot be read: every answer blank."""
    empty = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    return rebuild(source, empty)


def key_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's key: ours, nbgrader's, or none."""
    key = _ours(cell).get("key") or _nbgrader(cell).get("grade_id")
    return key if isinstance(key, str) else ""


def without_hidden_tests(text: str) -> str:
    """Return a check as fellows may see it."""
    return _HIDDEN.sub("", text)


def is_blank(made: NotebookNode, answer: str) -> bool:
    """Say whether an answer is as it was released: nothing where the solution was."""
    if answer.strip() in _STUBS:
        return True
    around = _SOLUTION.split(made.source)
    if len(around) == 1:
        return False
    stub = r"\s*(?:\.\.\.|YOUR ANSWER HERE|# YOUR CODE HERE\s+raise NotImplementedError\(\))?\s*"
    return re.fullmatch(stub.join(re.escape(part.strip()) for part in around), answer.strip()) is not None


def read_notebook(submitted: bytes) -> dict[str, Any]:
    """Return the submitted notebook as plain, checked JSON (nbformat would try to repair it)."""
    if len(submitted) > MAX_BYTES:
        raise UnreadableSubmissionError.of("unreadable-size", megabytes=len(submitted) // 1_000_000)
    try:
        notebook = json.loads(submitted)
    except (ValueError, RecursionError):
        raise UnreadableSubmissionError.of("unreadable-notebook") from None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        raise UnreadableSubmissionError.of("unreadable-notebook")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnreadableSubmissionError.of("unreadable-notebook")
    if len(cells) > MAX_CELLS:
        raise UnreadableSubmissionError.of("unreadable-cells", count=len(cells), most=MAX_CELLS)
    if not isinstance(notebook.get("metadata"), dict):
        notebook["metadata"] = {}  # nothing of it is believed but the language: her answers are there all the same
    if depth([cell.get("metadata") for cell in cells]) > MAX_DEPTH:
        raise UnreadableSubmissionError.of("unreadable-notebook")
    return notebook


def depth(value: Any) -> int:
    """Return how deep lists and objects lie in one another; a little more than MAX_DEPTH stands for all that is."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        deepest = max(deepest, level)
        if level > MAX_DEPTH:
            break
        inside: Iterable[Any] = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting += [(part, level + 1) for part in inside if isinstance(part, dict | list)]
    return deepest


def _sort(cells: list[dict[str, Any]], known: Container[str]) -> _Found:
    """Sort the submitted cells: those of the unit by key, others by what they follow."""
    found, follows = _Found(), ""
    for cell in cells:
        key, text, kind = key_of(cell), text_of(cell), str(cell.get("cell_type"))
        if key in known:
            found.texts.setdefault(key, []).append(text)
            follows = key
        elif kind in ("code", "markdown"):
            found.added.setdefault(follows, []).append((kind, text))
    return found


def text_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's text; a list of lines is what the format stores."""
    text = cell.get("source", "")
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    if not isinstance(text, str):
        raise UnreadableSubmissionError.of("unreadable-notebook")
    if len(text) > MAX_CELL_CHARACTERS:
        raise UnreadableSubmissionError.of("unreadable-cell", count=len(text), most=MAX_CELL_CHARACTERS)
    if text.isascii() and "\0" not in text:
        return text
    # A lone surrogate is no text: nothing could store or send it.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _text(planned: PlannedCell, texts: list[str]) -> tuple[Origin, str]:
    made = planned.made
    if planned.is_answer:
        return Origin.ANSWER, "\n\n".join(texts) if made.cell_type == "markdown" else "\n".join(texts)
    if planned.is_free and texts:
        return (Origin.SOURCE, made.source) if "\n".join(texts) == made.source else (Origin.EDITED, "\n".join(texts))
    return Origin.SOURCE, made.source


def _differs(text: str, planned: PlannedCell) -> bool:
    return text != planned.made.source and lines_of(text) not in (planned.released or ())


def _added(found: _Found, follows: str) -> list[RebuiltCell]:
    return [RebuiltCell("", "added", None, kind, text, Origin.ADDED) for kind, text in found.added.get(follows, [])]


def _notices(made: NotebookNode, texts: list[str]) -> list[Message]:
    task = _ours(made).get("task")
    title = {"id": f"task:{task}", "args": {}} if task else key_of(made)
    if len(texts) > 1:
        return [Message(id="notice-joined", args={"title": title, "count": len(texts)})]
    return [] if texts else [Message(id="notice-missing", args={"title": title})]


def _releases(made: NotebookNode) -> tuple[list[str], list[str]]:
    """Return a locked cell as it is released, without hidden tests, and as it is in the source."""
    return lines_of(without_hidden_tests(made.source)), lines_of(made.source)


def lines_of(text: str) -> list[str]:
    """Return the lines that matter for whether a cell was changed."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _is_answer(made: Mapping[str, Any]) -> bool:
    return bool(_nbgrader(made).get("solution"))


def _is_kept(made: Mapping[str, Any]) -> bool:
    """Say whether the source's text is used whatever was sent."""
    return bool(_nbgrader(made).get("locked")) or made.get("metadata", {}).get("editable") is False


def kind_of(made: Mapping[str, Any]) -> str:
    """Return the kind of a cell of a course from elsewhere, by nbgrader's flags."""
    meta = _nbgrader(made)
    if meta.get("grade") or meta.get("task"):
        return "manual" if meta.get("solution") or meta.get("task") else "check"
    if meta.get("solution"):
        return "answer"
    return "given" if meta.get("locked") else "prose" if made.get("cell_type") == "markdown" else "example"


def _ours(cell: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return _metadata(cell, "passerelle")


def _nbgrader(cell: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return _metadata(cell, "nbgrader")


def _metadata(cell: Mapping[str, Any] | None, of: str) -> Mapping[str, Any]:
    metadata = (cell or {}).get("metadata")
    inside = metadata.get(of) if isinstance(metadata, Mapping) else None
    return inside if isinstance(inside, Mapping) else {}
