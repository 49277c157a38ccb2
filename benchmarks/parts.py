"""What a submission costs beside the running of its cells and the asking of its checks, part by part.

`make bench-parts` prints one Markdown table: CPU milliseconds of this process, the median of many submissions. One
submission is really marked; the others are it with their own number in each answer, so nothing is marked in what is
measured. `--profile` prints which functions took the time, for docs/profile.md.
"""

import argparse
import cProfile
import io
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import Engine
from traitlets.config import Config

from benchmarks.loop import TRACK, UNIT, solved_in
from passerelle import courses, ledger
from passerelle.grading.feedback import release_feedback
from passerelle.grading.marking import Marked, mark, verdict_key
from passerelle.grading.noticed import Noticer
from passerelle.grading.prepare import Prepared, prepare
from passerelle.grading.record import record, stands
from passerelle.grading.release import generate
from passerelle.grading.sheet import Shown, executed_notebook
from passerelle.ledger import people, queue, receipts
from passerelle.ledger.receipts import Receipt
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.model.verdict import Verdict
from tests.hub.running import COURSES

STOCK = 5
MORNING = datetime(2024, 11, 26, 9, 30, tzinfo=UTC)


@dataclass
class Clock:
    """CPU seconds of this process, by part; a profile of one of them where that is asked for."""

    profiled: str = ""
    profile: cProfile.Profile = field(default_factory=lambda: cProfile.Profile(time.process_time))
    spent: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        profiled = self.profiled in (name, "all")
        began = time.process_time()
        if profiled:
            self.profile.enable()
        try:
            yield
        finally:
            if profiled:
                self.profile.disable()
            self.spent.setdefault(name, []).append(time.process_time() - began)

    def milliseconds(self, name: str) -> float:
        """Return the median."""
        return 1000 * statistics.median(self.spent[name])


@dataclass
class Desk:
    """An installation with one course, the fellows who submit, and one submission that was really marked."""

    settings: Settings
    engine: Engine
    course: Path
    example: Marked
    learner: Path
    noticer: Noticer
    moment: datetime = MORNING

    @classmethod
    def open(cls, root: Path, learner: Path) -> "Desk":
        """Build and release the unit, and mark one submission."""
        settings = Settings(data=root)
        course = settings.courses / TRACK
        courses.build_course(COURSES / TRACK, course, units=[UNIT])
        generate(course, UNIT)
        ledger.migrate(settings.database_url)
        example = mark(course, UNIT, solved_in(course, 0), learner=learner)
        engine = ledger.engine(settings.database_url)
        return cls(settings, engine, course, example, learner, Noticer(engine, lambda: {TRACK: course}))

    def submit(self, handle: str, files: Mapping[str, bytes]) -> Receipt:
        """Take a submission of somebody new."""
        self.moment += timedelta(seconds=1)
        with ledger.session(self.engine) as session:
            people.add_person(session, handle, Role.FELLOW, handle)
            return receipts.take(
                session, handle=handle, sender=handle, track=TRACK, unit=UNIT, parcel=pack(files),
                token=handle, at=self.moment,
            )  # fmt: skip

    def keep(self, receipt: Receipt, verdict: Verdict) -> None:
        """Store a verdict, as the worker does before it records."""
        with ledger.session(self.engine) as session:
            kept = queue.keep_verdict(session, TRACK, verdict, self.moment)
            queue.give_verdict(session, session.get_one(Receipt, receipt.id), kept)

    def told(self) -> dict[int, dict[str, Any]]:
        """Return what the box tells of the cells, by their place: what they showed in the example."""
        return {
            place: {"state": "done", "outputs": [dict(output) for output in cell.outputs]}
            for place, cell in enumerate(self.example.notebook.cells)
            if cell.cell_type == "code" and cell.outputs
        }

    def verdict(self, prepared: Prepared) -> Verdict:
        """Return the example's verdict for other answers."""
        answers = prepared.works[0].rebuilt.manual_answers
        return self.example.verdict.model_copy(update={"key": prepared.key, "manual_answers": answers})


def submit_one(desk: Desk, clock: Clock, number: int) -> None:
    """Let one submission go through all parts."""
    handle, files, told = f"fellow{number}", solved_in(desk.course, number), desk.told()
    receipt = desk.submit(handle, files)
    with clock.part("prepare"):  # twice, as the worker does: is the verdict known? then, to mark it
        verdict_key(desk.course, UNIT, files, learner=desk.learner)
        prepared = prepare(desk.course, UNIT, files, desk.learner)
    work, verdict = prepared.works[0], desk.verdict(prepared)
    results = {result.key: result for result in verdict.checks}
    with clock.part("executed"):
        shown = {place: Shown.of(one) for place, one in told.items()}
        card = work.card.model_dump(mode="json")
        executed = executed_notebook(work.source, work.rebuilt, shown, results, card)
    desk.keep(receipt, verdict)
    with clock.part("settle"):
        if stands(desk.course, handle, receipt.received, verdict):
            sys.exit(f"{handle}: recorded before it was")
    with clock.part("record"):
        marked = Marked(verdict, {UNIT: executed})
        own = record(desk.course, handle, receipt.received, 1, files, marked, ledger_engine=desk.engine)
    with clock.part("settle again"):
        if not stands(desk.course, handle, receipt.received, verdict):
            sys.exit(f"{handle}: recorded, and it does not stand")
    with clock.part("marks"):
        desk.noticer.wrote(TRACK, own)
        desk.noticer.look(idle=True)
    with clock.part("feedback"):
        release_feedback(desk.course, handle, UNIT, desk.engine)


def stock_feedback(desk: Desk, clock: Clock) -> None:
    """Let stock nbgrader make the pages of some of the same submissions, in this process, one call for each."""
    config = Config()
    config.CourseDirectory.root = str(desk.course)
    config.CourseDirectory.course_id = TRACK
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for number in range(1, STOCK + 1):
        with clock.part("stock feedback"):
            made = api.generate_feedback(UNIT, f"fellow{number}")
        if not made["success"]:
            sys.exit(f"stock nbgrader made no feedback: {made['log'][-500:]}")


def table(clock: Clock, count: int, others: int, cells: str) -> str:
    """Return the figures as a Markdown table."""
    cost = clock.milliseconds
    settle = cost("settle") + cost("settle again") + cost("marks")
    ours = [
        ("prepare and rebuild (both times)", cost("prepare"), "≤ 15 ms"),
        ("executed notebook", cost("executed"), "≤ 10 ms"),
        ("record, with both folders", cost("record"), "≤ 25 ms"),
        ("settle: does it stand (twice), marks by hand", settle, "≤ 5 ms"),
    ]
    feedback, stock = cost("feedback"), cost("stock feedback")
    rows = [*ours, ("together", sum(one[1] for one in ours), "≤ 60 ms"), ("feedback page", feedback, "≤ 60 ms")]
    lines = [f"{UNIT} ({cells}), median of {count}, after {others} other submissions", ""]
    lines += ["| Part | CPU | Reach |", "|---|---|---|"]
    lines += [f"| {name} | {took:.1f} ms | {reach} |" for name, took, reach in rows]
    times = f"{stock:.0f} ms, {stock / feedback:.0f} times as long"
    lines += [f"| stock nbgrader's `generate_feedback`, the same | {times} | ≥ 20 times |"]
    return "\n".join(lines)


def top(profile: cProfile.Profile, count: int, lines: int = 15) -> str:
    """Return where the time went, as own time of each function, a submission."""
    said = io.StringIO()
    stats = pstats.Stats(profile, stream=said)
    stats.strip_dirs().sort_stats("cumulative").print_stats(3 * lines)
    stats.sort_stats("tottime").print_stats(lines)
    return f"{count} submissions\n{said.getvalue()}"


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="submissions that are measured")
    parser.add_argument("--others", type=int, default=100, help="submissions recorded before")
    parser.add_argument("--learner", type=Path, default=Settings().learner, help="the environment of fellows' code")
    parser.add_argument(
        "--profile", default="", metavar="PART", help="print where a part's time goes; all: of all parts"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parts") as place:
        desk = Desk.open(Path(place) / "data", asked.learner)
        for number in range(-asked.others, 0):
            submit_one(desk, Clock(), number)
        clock = Clock(asked.profile)
        for number in range(1, asked.count + 1):
            submit_one(desk, clock, number)
        if asked.profile:
            print(top(clock.profile, asked.count))
            return
        stock_feedback(desk, clock)
        checks = len(desk.example.verdict.checks)
        print(table(clock, asked.count, asked.others, f"{len(desk.example.notebook.cells)} cells, {checks} checks"))
        desk.engine.dispose()


if __name__ == "__main__":
    main()
