"""Marks many changed answers to one unit, one cell at a time, in a box and an examiner that are kept.

The path is that of `marking`: the same box, the same states at each check, the same examiner. Two things are
spared. What stands before a changed cell has run once, and every try goes on from a fork of that state. And a
try ends at the first check that loses points. So a try takes tenths of a second, where a submission takes more
than one; it says whether points are lost, and is no verdict.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from passerelle.grading import calibrate
from passerelle.grading.asserts import PlainChecks
from passerelle.grading.box import Box
from passerelle.grading.examiner import has_hidden, needs
from passerelle.grading.keeper import Keeper
from passerelle.grading.pages import Pages
from passerelle.grading.panel import Examiner, ExaminerError
from passerelle.grading.prepare import prepare
from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.seeds import EXAMPLE
from passerelle.grading.walls import Limits
from passerelle.model.verdict import Message

SLOW_S = 3.0
"""CPU seconds of a changed cell, and of a call to what it defines: longer than any reference answer takes."""
_LONG_S = 100_000.0
"""Of all tries together: each has its own limits."""
_EXAMINER_S = 15.0
"""Seconds after which the examiner is a new one: its CPU time is bounded, for all that one submission asks."""
_NOT_RUN = frozenset({"check", "hints"})
_ERRORS = frozenset({"raised", "slow", "gone"})

# What a cell writes lies on a disk that all states share: each try begins with the files of its place.
_FILES = '__import__("builtins").__dict__["__files_here__"]'
_PATH = '__import__("pathlib").Path'
_NOTE = f'{_FILES} = {{str(one): one.read_bytes() for one in {_PATH}().rglob("*") if one.is_file()}}'
_RESTORE = "\n".join(
    [
        f'_FILES_ = [one.unlink() for one in {_PATH}().rglob("*") if one.is_file() and str(one) not in {_FILES}]',
        f"_FILES_ = [({_PATH}(name).parent.mkdir(parents=True, exist_ok=True), {_PATH}(name).write_bytes(content))",
        f"    for name, content in {_FILES}.items()",
        f"    if not {_PATH}(name).is_file() or {_PATH}(name).read_bytes() != content]",
        "del _FILES_",
    ]
)


@dataclass(frozen=True)
class Tried:
    """What came of a try: the check that lost points first, if any, and what it said.

    `errored` says that her cell or a call of hers ended with an error or ran out of time. `points` are those of that
    check.
    """

    caught_by: str | None = None
    errored: bool = False
    points: float = 0.0
    messages: tuple[Message, ...] = ()


class PlainCheckError(ExaminerError):
    """A check of the unit does not use `expect`: it cannot be asked of a kept state."""

    @classmethod
    def of(cls, key: str) -> Self:
        """Build the error from the check's key."""
        return cls(f"the check {key} does not use expect, and tries ask checks that do; write it with expect")


class Bench:
    """A unit's box and examiner, kept. A context manager; for one thread."""

    def __init__(self, course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path) -> None:
        """Run the submission whose answers are changed in the tries.

        Args:
            course_dir: the built course directory.
            unit: the unit's id.
            files: the submission: all its checks earn full points.
            learner: the environment in which answers run.

        Raises:
            ServiceError: there is no box.
            PlainCheckError: a check is asked in another way.
        """
        self._work = prepare(course_dir, unit, files, learner, EXAMPLE).works[0]
        self._cells = self._work.rebuilt.cells
        self._learner = learner
        checks = [cell for cell in self._cells if cell.is_check]
        self._modules = sorted(set().union(*(needs(cell.text) for cell in checks)))
        limits = Limits(call_s=SLOW_S, total_s=_LONG_S).with_checks(len(self._cells))
        self._box = Box(learner, self._work.files, limits, modules=self._modules, seed=self._work.box_seed)
        self._examiner: Examiner | None = None
        self._examined_s = self._asked_s = 0.0
        self._states: dict[str, tuple[int, Keeper]] = {}
        try:
            self._examiner = self._new_examiner()
            plain = PlainChecks(
                self._work.solution,
                self._examiner,
                lambda: calibrate.routes(self._work.solution, self._work.folder, learner, Limits()),
            )
            for cell in checks:
                if cell.key in plain:
                    raise PlainCheckError.of(cell.key)  # noqa: TRY301  what was started ends below
            self._box.wait()
            self._run_all()
        except BaseException:
            self.close()
            raise

    def _run_all(self) -> None:
        for place, cell in enumerate(self._cells):
            if not _runs(cell):
                continue
            if cell.kind == "answer":
                self._box.run(_NOTE)
                state = self._box.keep()
                if state is None:
                    break
                self._states[cell.key] = (place, state)
            self._box.run(cell.text)

    def attempt(self, key: str, text: str) -> Tried:
        """Put a text into one answer cell, run it and what follows, and ask the checks until one loses points.

        Raises:
            ExaminerError: the check itself stopped.
        """
        place, state = self._states[key]
        with closing(state.again()) as fork:
            if _ran(fork.ask({"ask": "run", "source": _RESTORE}, SLOW_S)) != "done":
                raise ExaminerError.silent("the files of a try could not be laid out")
            errored = _ran(fork.ask({"ask": "run", "source": text}, SLOW_S)) != "done"
            for cell in self._cells[place + 1 :]:
                if cell.is_check:
                    tried = self._ask(cell, fork)
                    errored = errored or tried.errored
                    if tried.caught_by is not None:
                        return Tried(tried.caught_by, errored, tried.points, tried.messages)
                elif _runs(cell):
                    _ran(fork.ask({"ask": "run", "source": cell.text}, SLOW_S))
        return Tried(errored=errored)

    def _ask(self, cell: RebuiltCell, state: Keeper) -> Tried:
        errors: list[bool] = []
        pages = Pages(self._learner, widths=())

        def ask(question: Mapping[str, Any]) -> bytes:
            began = monotonic()
            answer = pages.beside(fork.ask, [])(question)
            self._asked_s += monotonic() - began
            errors.append(_is_error(answer))
            return answer

        if self._examined_s > _EXAMINER_S and self._examiner is not None:
            self._examiner.close()
            self._examiner = self._new_examiner()
            self._examined_s = 0.0
        assert self._examiner is not None  # noqa: S101  made with the bench, ended with it
        most, began, self._asked_s = cell.points or 0.0, monotonic(), 0.0
        with closing(state.again()) as fork:
            told = self._examiner.examine(cell.text, most, ask, hidden=has_hidden(cell.text))
        self._examined_s += monotonic() - began - self._asked_s
        if told["fault"]:
            raise ExaminerError.of_check(self._work.card.unit, cell.key, str(told["fault"]))
        points = float(told["points"])
        messages = tuple(
            Message(id=id_, args=args, look=look) for _line, _time, facts in told["unmet"] for id_, args, look in facts
        )
        lost = points < most or bool(messages)
        return Tried(cell.key if lost else None, any(errors), points, messages)

    def _new_examiner(self) -> Examiner:
        return Examiner(self._work.folder, modules=self._modules, learner=self._learner, seed=self._work.seed)

    def close(self) -> None:
        """End box and examiner."""
        self._box.close()
        if self._examiner is not None:
            self._examiner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _runs(cell: RebuiltCell) -> bool:
    return cell.cell_type == "code" and not cell.is_check and cell.kind not in _NOT_RUN and bool(cell.text.strip())


def _ran(answer: bytes) -> str:
    """Return how a cell ended."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return "died"
    return str(told.get("state")) if isinstance(told, dict) else "died"


def _is_error(answer: bytes) -> bool:
    return _ran(answer) in _ERRORS
