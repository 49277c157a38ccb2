"""Marks one submission: a pure function from the unit and what was sent to a verdict.

A fault of the submission is its verdict; a fault of ours is a ServiceError.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from passerelle.grading import calibrate
from passerelle.grading.asserts import PlainChecks
from passerelle.grading.box import Box, Here, Names
from passerelle.grading.examiner import has_hidden, needs, visible
from passerelle.grading.heard import Heard, Overheard
from passerelle.grading.keeper import Keeper, Trial
from passerelle.grading.libraries import libraries
from passerelle.grading.pages import BrowserError, Pages
from passerelle.grading.panel import CheckError, Examiner, ExaminerError
from passerelle.grading.prepare import Prepared, Work, engine, prepare
from passerelle.grading.rebuild import Rebuilt, RebuiltCell
from passerelle.grading.results import by_hand, result, unreadable
from passerelle.grading.sheet import MAX_SHOWN, Shown, executed_notebook
from passerelle.grading.stops import Stops
from passerelle.grading.unboxed import is_unboxed
from passerelle.grading.walls import BoxError, Limits
from passerelle.model.verdict import CheckResult, Message, Outcome, Trust, Verdict, place_of

# Kinds that the box need not run: checks are the examiner's, hints are for somebody who reads.
_NOT_RUN = frozenset({"check", "hints"})
_MOST_RUNS, _MOST_FAULTS = 4, 2
"""How often a submission is run where processes die, and how often where what is ours stops."""


@dataclass(frozen=True)
class Marked:
    """A verdict, and the executed notebooks by name that show how it came about (for nbgrader's `autograded/`)."""

    verdict: Verdict
    notebooks: Mapping[str, NotebookNode]

    @property
    def notebook(self) -> NotebookNode:
        """Return the executed notebook of a unit, which has one."""
        return next(iter(self.notebooks.values()))


@dataclass
class _Run:
    """What came of running the cells: how each ended, and the state at each check."""

    plain: PlainChecks | None = None
    pages: Pages | None = None
    looked_at: dict[str, list[str]] = field(default_factory=dict)
    died: bool = False
    shown: dict[int, Shown] = field(default_factory=dict)
    keepers: dict[str, Keeper | None] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    stops: Stops = field(default_factory=Stops)


@dataclass
class _Told:
    """What the examiner told of a notebook's checks, by key.

    `seen` is of what is released of each, `whole` is what counts. A check that is not passed and calls something of
    hers is examined a second time: of two answers the better one counts, and `other` has what it gave the other time.
    """

    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    whole: dict[str, dict[str, Any]] = field(default_factory=dict)
    other: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class _Notebook:
    """What came of one notebook: `others` are of checks that gave two answers, and do not count.

    `died`: a process that ran what is hers was killed, and not by us.
    """

    checks: list[CheckResult]
    others: list[CheckResult]
    executed: NotebookNode
    tampering: list[Message]
    died: bool


def mark(
    course_dir: Path,
    unit: str,
    files: Mapping[str, bytes],
    *,
    learner: Path,
    limits: Limits | None = None,
    fellow: str = "",
) -> Marked:
    """Mark a submission.

    A process that dies may be her doing, or that of a machine that is short of memory: nobody can tell. So it is all
    done again, until nothing dies or the same comes of it as the time before. What is ours is tried again, too.

    Args:
        course_dir: the built course directory.
        unit: the unit's id.
        files: the submission, by relative path; its notebook is `<unit>.ipynb`.
        learner: the environment in which her code runs.
        limits: what it may use.
        fellow: stands for whose it is (`seeds.fellow_key`); a unit with a seed of each fellow asks for it.

    Raises:
        ServiceError: there is no box, a check itself is broken, or nobody said whose it is; never what she sent.
        ContentError: the unit is not built.
    """
    prepared = prepare(course_dir, unit, files, learner, fellow)
    faults, before = 0, None
    for _ in range(_MOST_RUNS - 1):
        try:
            marked, died = _marked(prepared, unit, learner, limits or Limits())
        except CheckError:
            raise
        except (BoxError, ExaminerError, BrowserError):
            faults += 1
            if faults > _MOST_FAULTS:
                raise
            continue
        found = marked.verdict.model_copy(update={"seconds": 0.0})
        if not died or found == before:
            return marked
        before = found
    return _marked(prepared, unit, learner, limits or Limits())[0]


def _marked(prepared: Prepared, unit: str, learner: Path, limits: Limits) -> tuple[Marked, bool]:
    """Mark once; tell also whether a process of hers died of what may not be her doing."""
    began = time.monotonic()
    several = len(prepared.works) > 1
    checks, answers, shown = list[CheckResult](), dict[str, str | None](), dict[str, NotebookNode]()
    tampering, others, died = list[Message](), list[CheckResult](), False
    for work in prepared.works:
        made = _marked_notebook(work, learner, limits)
        died |= made.died
        tampering += [one.model_copy(update={"args": {**one.args, "notebook": work.name}}) for one in made.tampering]
        label = work.name if several else ""
        checks += [check.model_copy(update={"notebook": label}) for check in made.checks]
        others += [check.model_copy(update={"notebook": label}) for check in made.others]
        answers |= {place_of(label, key): answer for key, answer in work.rebuilt.manual_answers.items()}
        if not work.absent:
            shown[work.name] = made.executed
    verdict = Verdict(
        key=prepared.key,
        unit=unit,
        version=prepared.card.version,
        engine=engine(),
        outcome=Outcome.MARKED,
        checks=tuple(checks),
        manual_answers=answers,
        notices=prepared.notices,
        trust=_weakest(check.trust for check in checks),
        tampering=tuple(tampering),
        flaky=tuple(check.place for check in others),
        others=tuple(others),
        seconds=round(time.monotonic() - began, 2),
    )
    return Marked(verdict, shown), died


def _weakest(found: Iterable[Trust]) -> Trust:
    if is_unboxed():
        return Trust.UNBOXED
    return Trust.BESIDE if Trust.BESIDE in found else Trust.EXAMINED


def verdict_key(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> str:
    """Return the key that the verdict of a submission will have, without marking it."""
    return prepare(course_dir, unit, files, learner, fellow).key


# Running and examining


def _marked_notebook(work: Work, learner: Path, limits: Limits) -> _Notebook:
    run, others = _Run(), list[CheckResult]()
    if work.unreadable is not None:
        results = {cell.key: unreadable(cell, work.unreadable) for cell in work.rebuilt.cells if cell.is_check}
    else:
        run, told, limits = _told_of_box(work, learner, limits)
        asked = {cell.key: cell for cell in work.rebuilt.cells if cell.is_check}
        results = {key: result(cell, told.seen[key], told.whole[key], run.stops, limits) for key, cell in asked.items()}
        others = [result(asked[key], told.seen[key], other, run.stops, limits) for key, other in told.other.items()]
    checks = [
        results[cell.key] if cell.is_check else by_hand(cell) for cell in work.rebuilt.cells if cell.points is not None
    ]
    unit = work.card.model_dump(mode="json")
    shown = executed_notebook(work.source, work.rebuilt, run.shown, results, unit, _pictures(run, checks))
    return _Notebook(checks, others, shown, run.plain.tampering if run.plain is not None else [], run.died)


def _told_of_box(work: Work, learner: Path, limits: Limits) -> tuple[_Run, _Told, Limits]:
    checks = [cell for cell in work.rebuilt.cells if cell.is_check]
    modules = sorted(set().union(*(needs(cell.text) for cell in checks)))
    also = libraries(cell.source for cell in work.solution.cells if cell.cell_type == "code")
    limits = limits.with_checks(len(checks))
    with (
        Box(learner, work.files, limits, modules=modules, also=also, seed=work.box_seed) as box,
        Examiner(work.folder, modules=modules, also=also, learner=learner, seed=work.seed) as examiner,
    ):
        box.wait()
        plain = PlainChecks(
            work.solution, examiner, lambda: calibrate.routes(work.solution, work.folder, learner, limits)
        )
        run, told = _Run(plain, Pages(learner)), _Told()

        def is_examined(cell: RebuiltCell) -> bool:
            """Examine a check at its place: most need no state to be kept."""
            if cell.key in plain or box.why is not None:
                return False
            heard, known = Heard(), set[str]()
            run.keepers[cell.key] = Here(box, known)
            seen = told.seen[cell.key] = _examine(examiner, run, work, cell, heard, hidden=False)
            if not has_hidden(cell.text):
                _decide(told, seen, heard, examiner, run, work, cell)
                return True
            names = Names(box, known)
            whole = examiner.examine(cell.text, cell.points or 0.0, names.ask, hidden=True)
            if names.asked_more:
                run.keepers[cell.key] = names.kept
                return True
            told.whole[cell.key] = _of_sound_check(whole, work, cell)
            return True

        _run_cells(box, work.rebuilt, run, plain, is_examined)
        _told_of(told, examiner, run, work, [cell for cell in checks if cell.key not in told.whole])
        box.close()  # nothing of hers goes on living beside the boxes that follow
        if run.pages is not None:
            run.pages.close()
        plain.settle(lambda: _once_more(work, learner, limits, modules, plain, run))
        run.died |= box.died
        return run, told, limits


@contextmanager
def _once_more(
    work: Work, learner: Path, limits: Limits, modules: Sequence[str], plain: PlainChecks, run: _Run
) -> Iterator[Mapping[str, Keeper | None]]:
    """Run the notebook in a box of its own; give the state at each check."""
    also = libraries(cell.source for cell in work.solution.cells if cell.cell_type == "code")
    with Box(learner, work.files, limits, modules=modules, also=also, seed=work.box_seed) as box:
        box.wait()
        once = _Run()
        _run_cells(box, work.rebuilt, once, plain, lambda _cell: False)
        yield once.keepers
        run.died |= box.died


def _told_of(told: _Told, examiner: Examiner, run: _Run, work: Work, checks: Sequence[RebuiltCell]) -> None:
    """Examine what was kept: checks with hidden tests, and plain ones."""
    heard_of = {cell.key: Heard() for cell in checks}
    for cell in checks:
        if cell.key in told.seen:
            continue
        # Of a check with hidden tests the whole is what counts, and is listened to by itself.
        heard = Heard() if has_hidden(cell.text) else heard_of[cell.key]
        told.seen[cell.key] = _examine(examiner, run, work, cell, heard, hidden=False)
    # What has no hidden tests first: once hidden arguments are in the box, nothing that comes out of it is said.
    for cell in sorted(checks, key=lambda one: has_hidden(one.text)):
        hidden, heard = has_hidden(cell.text), heard_of[cell.key]
        first = _examine(examiner, run, work, cell, heard, hidden=True) if hidden else told.seen[cell.key]
        _decide(told, first, heard, examiner, run, work, cell)


def _decide(
    told: _Told, first: dict[str, Any], heard: Heard, examiner: Examiner, run: _Run, work: Work, cell: RebuiltCell
) -> None:
    """Take down what counts of a check; where it may be the chance of one run, examine it once more."""
    told.whole[cell.key] = first
    if not _is_worth_asking_again(cell, first, heard, run):
        return
    again = Heard()
    second = _examine(examiner, run, work, cell, again, hidden=has_hidden(cell.text))
    if second["points"] != first["points"]:
        worse, better = sorted((first, second), key=lambda one: float(one["points"]))
        told.whole[cell.key], told.other[cell.key] = better, worse
        if not heard.agrees(again):  # a name that held something else was a second guess
            told.whole[cell.key], told.other[cell.key] = first, second


def _is_worth_asking_again(cell: RebuiltCell, told: Mapping[str, Any], heard: Heard, run: _Run) -> bool:
    """Say whether a check is examined once more: it is not passed, and that is not for want of an answer.

    What ran out of time would do so again, at the same price; what was met by a canary stays met; what a name holds
    stays what it is, and is another guess where it does not.
    """
    if told["points"] >= (cell.points or 0.0) or run.keepers[cell.key] is None or not heard.called:
        return False
    if told.get("unanswered") or told.get("spent"):
        return False
    met = run.plain.tampering if run.plain is not None else []
    return all(one.args.get("check") != cell.key for one in met)


def _run_cells(
    box: Box, rebuilt: Rebuilt, run: _Run, plain: PlainChecks, is_examined: Callable[[RebuiltCell], bool]
) -> None:
    """Run the cells in order; at each check that is not examined at once, keep the state as it is there."""
    room = MAX_SHOWN
    for place, cell in enumerate(rebuilt.cells):
        if cell.is_check:
            if not is_examined(cell):
                keeper = box.keep()
                run.keepers[cell.key] = keeper
                if keeper is None:
                    run.gone[cell.key] = box.why or "died"
            run.stops.check(cell)
            if effects := plain.effects(cell.key):
                box.run(effects)
        elif cell.cell_type == "code" and cell.kind not in _NOT_RUN and cell.text.strip():
            run.shown[place] = shown = Shown.of(box.run(cell.text), room)
            room -= shown.size
            run.stops.ran(cell, shown, is_over=box.why is not None)


def _examine(
    examiner: Examiner, run: _Run, work: Work, cell: RebuiltCell, heard: Heard, *, hidden: bool
) -> dict[str, Any]:
    kept = run.keepers[cell.key]
    keeper = Overheard(kept, heard) if kept is not None else None
    why = run.gone.get(cell.key, "died")
    if run.plain is not None and cell.key in run.plain:
        counts = hidden or not has_hidden(cell.text)
        return run.plain.examine(cell, keeper, why, hidden=hidden, counts=counts)
    gone = json.dumps({"state": "gone", "why": why}).encode()
    source = cell.text if hidden else visible(cell.text)
    with Trial(keeper) if keeper is not None else nullcontext() as trial:
        ask = trial.ask if trial is not None else lambda _question: gone
        if run.pages is not None:
            ask = run.pages.beside(ask, run.looked_at.setdefault(cell.key, []))
        told = examiner.examine(source, cell.points or 0.0, ask, hidden=hidden)
    return _of_sound_check(told, work, cell)


def _of_sound_check(told: dict[str, Any], work: Work, cell: RebuiltCell) -> dict[str, Any]:
    """Return what the examiner told; where the check itself stopped, it is nobody's answer.

    Raises:
        ExaminerError: it did.
    """
    if told["fault"]:
        raise ExaminerError.of_check(work.card.unit, cell.key, str(told["fault"]))
    return told


def _pictures(run: _Run, checks: Sequence[CheckResult]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return the pictures of each page, by the first check that looked at it."""
    left = dict(run.pages.pictures) if run.pages is not None else {}
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for check in checks:
        for path in run.looked_at.get(check.key, ()):
            if path in left and check.key not in found:
                found[check.key] = left.pop(path)
    return found
