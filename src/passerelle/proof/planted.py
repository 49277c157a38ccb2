"""Plants the bugs of a unit, really marks each, and says which are caught."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from passerelle.courses import Fault, UnitFolder
from passerelle.grading.panel import ExaminerError
from passerelle.grading.warm import Bench, Tried
from passerelle.proof.mutants import Mutant, Planted

LEAST_CAUGHT = 0.95
"""Share of the planted bugs, without those that are listed as equivalent, that lose points."""
MOST_EQUIVALENT = 0.05
"""Share of the planted bugs that may be listed."""
MOST_ERRORED = 0.5
"""Share of the planted bugs that may end with an error: any check catches these."""


@dataclass(frozen=True)
class Marks:
    """What came of the planted bugs of a unit: how each was marked."""

    planted: Planted
    tried: Mapping[str, Tried]
    """By the mutant's id; a check that stopped has none."""
    stopped: Mapping[str, str]
    """Why a check stopped, by the mutant's id."""

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """Return the bugs that lost nothing."""
        return tuple(one for one in self.planted.mutants if one.id in self.tried and not self.tried[one.id].caught_by)

    @property
    def caught(self) -> int:
        """Return how many lost points."""
        return sum(one.caught_by is not None for one in self.tried.values())

    @property
    def errored(self) -> int:
        """Return how many ended with an error."""
        return sum(one.errored for one in self.tried.values())


def mark_planted(
    planted: Planted, course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, jobs: int
) -> Marks:
    """Mark the planted bugs, each in the submission of the reference answers.

    Args:
        planted: the bugs.
        course_dir: the built course directory.
        unit: the unit's id.
        files: the submission with the reference answers.
        learner: the environment in which answers run.
        jobs: how many are marked at the same time.

    Raises:
        ServiceError: there can be no marking here.
    """
    waiting: SimpleQueue[Mutant] = SimpleQueue()
    for mutant in planted.mutants:
        waiting.put(mutant)
    tried: dict[str, Tried] = {}
    stopped: dict[str, str] = {}

    def work() -> None:
        with Bench(course_dir, unit, files, learner=learner) as bench:
            while True:
                try:
                    mutant = waiting.get_nowait()
                except Empty:
                    return
                try:
                    tried[mutant.id] = bench.attempt(mutant.key, mutant.text)
                except ExaminerError as error:
                    stopped[mutant.id] = str(error)

    if planted.mutants:
        with ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(work) for _ in range(min(jobs, len(planted.mutants)))]:
                done.result()
    return Marks(planted, tried, stopped)


def planted_faults(folder: UnitFolder, marks: Marks) -> list[Fault]:
    """Return what the planted bugs say of the unit's checks, and of its list of equivalent ones."""
    planted = marks.planted
    where = folder.where("unit.md, planted bugs")
    faults = [
        Fault(folder.where(f"unit.md, cell {key!r}"), "no bug can be planted in it", "write a solution with code")
        for key in planted.barren
    ]
    by_id = {mutant.id: mutant for mutant in planted.mutants}
    for name, why in marks.stopped.items():
        faults.append(Fault(f"{where}, {name}", f"{by_id[name].on_one_line}: {why.rpartition('; ')[0]}", _MEND_CHECK))
    listed, stale = _listed(folder, marks, by_id)
    faults += stale
    count = len(planted.mutants)
    if not count:
        return faults
    unlisted = [mutant for mutant in marks.survivors if mutant.id not in listed]
    if marks.caught < LEAST_CAUGHT * (count - len(listed)):
        what = f"{marks.caught} of {count - len(listed)} planted bugs are caught, {LEAST_CAUGHT:.0%} must be"
        faults.append(Fault(where, what, "mend the checks: what survives stands below"))
        faults += [_survivor_fault(folder, mutant) for mutant in unlisted]
    if len(listed) > MOST_EQUIVALENT * count:
        what = f"{len(listed)} of {count} planted bugs are listed as equivalent, at most {MOST_EQUIVALENT:.0%} may be"
        faults.append(
            Fault(folder.where("equivalent.toml"), what, "write checks, or a reference, that tell them apart")
        )
    if marks.errored > MOST_ERRORED * count:
        what = f"{marks.errored} of {count} planted bugs end with an error: any check catches those"
        faults.append(Fault(where, what, "write the reference so that a slip gives another result"))
    return faults


_MEND_CHECK = "mend the check: it must say something of every answer"


def _listed(folder: UnitFolder, marks: Marks, by_id: Mapping[str, Mutant]) -> tuple[set[str], list[Fault]]:
    """Return the survivors that are listed, and what of the list is no longer so."""
    survivors = {mutant.id for mutant in marks.survivors}
    listed, faults = set[str](), []
    for entry in folder.equivalent:
        where = folder.where(f"equivalent.toml, {entry.id}")
        if entry.id not in by_id:
            if not marks.planted.is_sample:
                faults.append(Fault(where, "no such bug is planted any more", "take it out"))
        elif entry.id not in survivors:
            faults.append(Fault(where, "this bug is caught", "take it out: it is not equivalent"))
        elif entry.change != by_id[entry.id].on_one_line:
            faults.append(Fault(where, f"its change is {by_id[entry.id].on_one_line}", "write that"))
        else:
            listed.add(entry.id)
    return listed, faults


def _survivor_fault(folder: UnitFolder, mutant: Mutant) -> Fault:
    cell = next(cell for cell in folder.cells if cell.key == mutant.key)
    where = folder.where(f"unit.md line {cell.line}, cell {mutant.key!r}")
    cure = f"mend the check; or list {mutant.id} in equivalent.toml, with evidence, where nobody can tell it apart"
    return Fault(where, f"no check sees {mutant.on_one_line}", cure)
