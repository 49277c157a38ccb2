"""Say what marking would change, and write nothing: `passerelle mark --dry-run`.

It is the real thing over a copy of the ledger, without the step that records.
"""

from pathlib import Path
from typing import Unpack

from passerelle import ledger
from passerelle.grading.assignment import Bench, How, open_bench, reason_of, run, take_all
from passerelle.grading.gradebook import gradebook, labels, submitted_cells
from passerelle.grading.manual import sync_manual_marks
from passerelle.grading.remark import change, counted_by_fellow
from passerelle.grading.report import ChangeRecord
from passerelle.ledger import receipts
from passerelle.ledger.receipts import AttemptRow
from passerelle.model.verdict import place_of

Points = dict[str, float | None]


def rehearse(course_dir: Path, unit: str, *, learner: Path, **how: Unpack[How]) -> list[ChangeRecord]:
    """Return what `mark_assignment` would change, by fellow; it writes neither ledger, gradebook nor folders.

    What stood before is what counted by the ledger; where that knows nothing, what the gradebook has.

    Raises:
        ContentError: where the unit is not built, or nothing was submitted by who was named.
        ServiceError: where the gradebook cannot be read.
    """
    with open_bench(course_dir, unit, copy=True) as bench:
        with ledger.session(bench.engine) as session:
            # What a trainer has marked since the last run is no change that marking would bring.
            sync_manual_marks(bench.layout.root, session, track=bench.track)
        before = _counted(bench, unit)
        stood = _in_gradebook(bench, unit)
        taken = take_all(bench, unit, how.get("handles"), stamp=False)
        run(bench, unit, learner, records=False, **how)
        after = _counted(bench, unit)
        with ledger.reading(bench.engine) as session:
            reasons = {one.handle: reason_of(session, one.receipt) for one in taken}
    return [
        change(bench.track, unit, handle, before.get(handle), after.get(handle), stood=stood.get(handle), reason=why)
        for handle, why in sorted(reasons.items())
    ]


def _counted(bench: Bench, unit: str) -> dict[str, AttemptRow]:
    with ledger.reading(bench.engine) as session:
        return counted_by_fellow(receipts.attempts_of_track(session, bench.track, unit))


def _in_gradebook(bench: Bench, unit: str) -> dict[str, Points]:
    """Return the points that the gradebook has, by nbgrader's rule: a person's before the machine's."""
    found: dict[str, Points] = {}
    with gradebook(bench.layout.root) as rows:
        label = labels(rows)
        for _, handle, assignment, _, notebook, name, auto, manual, extra in rows.execute(submitted_cells()):
            if assignment == unit and name is not None:
                points = manual if manual is not None else auto
                found.setdefault(handle, {})[place_of(label[notebook], name)] = (
                    None if points is None else points + (extra or 0.0)
                )
    return found
