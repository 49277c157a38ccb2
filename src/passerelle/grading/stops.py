"""Which cell ran out of what, for the checks that have no answer because of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.sheet import Shown
from passerelle.grading.walls import Limits
from passerelle.model.verdict import Message

_STOPPED = frozenset({"time", "memory", "died"})
_NO_ANSWER = frozenset({"name-missing", "still-to-write", "not-callable", "returns-nothing"})
_GONE = frozenset({"gone-time", "gone-memory", "gone-died"})
RAISED = frozenset({"cell-raised", "cell-input", "cell-exit", "cell-magic", "cell-module"})
"""Sentences of a cell that ended by itself: the check has an answer, which is that there is none."""
_NO_MAGIC = re.compile(r"(?:Line magic function|Cell magic) `(%%?\w{1,40})` not found")
_NO_MODULE = re.compile(r"No module named '([\w.]{1,60})'")
_BEGIN = 60


@dataclass(frozen=True)
class Ended:
    """A cell that did not come to its end, and how."""

    cell: RebuiltCell
    shown: Shown

    def said(self, limits: Limits) -> Message:
        """Return the sentence."""
        args: dict[str, Any] = {"cell": _named(self.cell)}
        if self.shown.state == "raised":
            return self._raised(args)
        if self.shown.state != "time":
            return Message(id=f"cell-{self.shown.state}", args=args)
        if self.shown.whole:
            return Message(id="cell-time-whole", args={**args, "seconds": round(limits.total_s)})
        return Message(id="cell-time", args={**args, "seconds": round(limits.cell_s)})

    def _raised(self, args: dict[str, Any]) -> Message:
        """Return the sentence of an error: one of its own, where it comes of what is not there in the box."""
        error, text = self.shown.error, self.shown.text
        if text == "EOF when reading a line":
            return Message(id="cell-input", args=args)
        if error == "SystemExit":
            return Message(id="cell-exit", args=args)
        if error == "UsageError" and (magic := _NO_MAGIC.match(text)):
            return Message(id="cell-magic", args={**args, "magic": magic[1]})
        if error == "ModuleNotFoundError" and (module := _NO_MODULE.match(text)):
            return Message(id="cell-module", args={**args, "module": module[1]})
        return Message(id="cell-raised", args={**args, "error": error, "text": text})


@dataclass
class Stops:
    """What stopped while a notebook's cells ran, in their order."""

    last: Ended | None = None
    """Where the notebook stopped for good."""
    _of_task: dict[str, list[Ended]] = field(default_factory=dict)
    _before: dict[str, list[Ended]] = field(default_factory=dict)
    _since_check: list[Ended] = field(default_factory=list)
    _met_check: bool = False

    def ran(self, cell: RebuiltCell, shown: Shown, *, is_over: bool) -> None:
        """Note how a cell ended; `is_over`: no cell runs after it."""
        if self._met_check:
            self._since_check, self._met_check = [], False
        if shown.state == "done" or self.last is not None:
            return
        ended = Ended(cell, shown)
        if is_over or (shown.whole and shown.state == "time"):
            self.last = ended
        self._since_check.append(ended)
        if cell.task:
            self._of_task.setdefault(cell.task, []).append(ended)

    def check(self, cell: RebuiltCell) -> None:
        """Note where a check stands: in a notebook without tasks, what ran just before it is its answer."""
        self._met_check = True
        self._before[cell.key] = self._since_check

    def said_of(self, check: RebuiltCell, messages: Iterable[Message], limits: Limits) -> tuple[Message, ...]:
        """Return why a check has no answer, where a cell says so: one of its own, or where the notebook stopped."""
        ids = {message.id for message in messages}
        if not ids & (_NO_ANSWER | _GONE):
            return ()
        own = self._of_task.get(check.task, []) if check.task else self._before.get(check.key, [])
        # What ran out says more than what was raised after it.
        first = next((one for one in own if one.shown.state in _STOPPED), next(iter(own), None))
        if first is None and ids & _GONE:
            first = self.last
        return (first.said(limits),) if first is not None else ()


def _named(cell: RebuiltCell) -> dict[str, Any]:
    """Return what a cell is called: by its task, or by how it begins."""
    if cell.task:
        return {"id": "the-cell-of", "args": {"title": {"id": f"task:{cell.task}", "args": {}}}}
    begin = next((line.strip() for line in cell.text.splitlines() if line.strip()), "…")
    return {"id": "the-cell-that-begins", "args": {"code": begin[:_BEGIN]}}
