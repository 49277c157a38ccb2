"""A batch of submissions whose marking is killed again and again (`make faults-batch`): what must be true afterwards.

`passerelle mark` marks 200 submissions. At 100 random moments (seeded) one process is killed -9: the client, which is
also the writer, or one below it. Where the client is killed the same command is started again; where another one is,
the run that is under way has to come to its end by itself. Then each submission has one receipt, one verdict, its rows
and its folders, all as after an undisturbed run, and nothing is left behind.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.tiny import UNIT
from tests.faults import batch_course, outcome
from tests.faults.left import everywhere, files_in
from tests.faults.own_world import be_alone
from tests.faults.victims import (
    BOX,
    BROWSER,
    CLIENT,
    EXAMINER,
    NEST,
    WARM,
    WORKER,
    Seen,
    become_reaper,
    below,
    kill,
    playing,
    reap,
    still_there,
)

WITHIN_S = 1.0
"""A kill comes up to so long after its moment: some hit a run that has just been started."""
RUN_S = 1800.0
GONE_S = 20.0
VICTIMS = (CLIENT, NEST, WORKER, WARM, BOX, EXAMINER)


@dataclass
class Line:
    """A line of the table: what the kills of one kind of process did.

    `marked` are those who got their verdict between such a kill and the next; `below` is what stood below the killed.
    """

    kills: int = 0
    resumed: int = 0
    marked: list[str] = field(default_factory=list)
    below: list[Seen] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


Report = dict[str, Line]
"""What came of a batch, by victim."""


class Batch:
    """A course directory in which one command marks, in a place of its own for temporary files."""

    def __init__(self, course: Path, unit: str, place: Path) -> None:
        self.course, self.unit, self.place = course, unit, place
        self.temporary = place / "tmp"
        self.temporary.mkdir()
        self.run: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the command, as anybody would."""
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        command = [sys.executable, "-m", "passerelle.cli", "mark", self.unit, "--course-dir", str(self.course)]
        with (self.place / "said.txt").open("wb") as said:
            self.run = subprocess.Popen(
                [*command, "--workers", "2"], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        return self.run

    @property
    def said(self) -> str:
        """Return the beginning of what the run has said so far."""
        return (self.place / "said.txt").read_text("utf-8", "replace")[:1500]

    def says_why_it_waits(self) -> bool:
        """Tell whether what is not marked has a reason."""
        said = (self.place / "said.txt").read_text("utf-8", "replace")
        return ": waits for us: " in said and "waits for us: it was not marked" not in said

    def stop(self) -> None:
        """End what still runs."""
        if self.run is not None and self.run.poll() is None:
            for one in kill(self.run.pid) or []:
                kill(one.pid)
            self.run.wait(GONE_S)


def undisturbed(batch: Batch) -> outcome.Facts:
    """Mark a batch without any kill; return what it leaves."""
    assert batch.start().wait(RUN_S) == 0, batch.said
    return outcome.outcome(batch.course)


def shaken(batch: Batch, right: outcome.Facts, count: int, victims: Sequence[str], chance: random.Random) -> Report:
    """Mark a batch with a kill for each of these victims, at random moments; say what came of it.

    Those for whom there was no moment left, because all was marked, are not killed.

    Args:
        batch: nothing of it is marked yet.
        right: what an undisturbed run leaves.
        count: of its submissions.
        victims: one of each kill, in the order in which they come.
        chance: decides when.
    """
    report: Report = {victim: Line() for victim in victims}
    before = everywhere()
    run, last, marked = batch.start(), CLIENT, set[str]()
    for moment, victim in zip(sorted(chance.randrange(count) for _ in victims), victims, strict=True):
        if not _comes_to(batch, run, moment) or (below_it := _strike(run, victim, chance)) is None:
            break
        now = outcome.marked(batch.course)
        if last in report:
            report[last].marked += now - marked
        last, marked, line = victim, now, report[victim]
        line.kills += 1
        line.below += below_it
        if victim == CLIENT:
            run.wait(GONE_S)
            line.resumed += 1
            run = batch.start()
    line = report.get(last, Line())
    while (status := run.wait(RUN_S)) != 0 and len(line.wrong) < 5:
        # Hit twice, a submission may wait for us: that is said, and the same command goes on. Anything else is wrong.
        if status != 1 or not batch.says_why_it_waits():
            line.wrong.append(f"the run ended with {status}: {batch.said}")
        line.resumed += 1
        run = batch.start()
    line.marked += outcome.marked(batch.course) - marked
    _judge(report, outcome.differing(outcome.outcome(batch.course), right))
    left = left_behind(batch, before)
    for line in report.values():
        line.left += [f"process {one.pid}: {one.line[:120]}" for one in still_there(line.below)]
    report.setdefault(last, Line()).left += left
    return report


def _judge(report: Report, differing: dict[str, str]) -> None:
    """Count what differs where it was made; what is nobody's alone, everywhere."""
    for name, said in differing.items():
        lines = [line for line in report.values() if name in line.marked] or list(report.values())
        for line in lines:
            line.wrong.append(f"{name}: {said}")


def _comes_to(batch: Batch, run: subprocess.Popen[bytes], moment: int) -> bool:
    """Wait until so many submissions are marked; False where the run ended before."""
    until = time.monotonic() + RUN_S
    while len(outcome.marked(batch.course)) < moment and time.monotonic() < until:
        if _has_ended(run, 0.05):
            return False
    return run.poll() is None


def _strike(run: subprocess.Popen[bytes], victim: str, chance: random.Random) -> list[Seen] | None:
    """Kill one that plays a role, a moment from now; wait for one that is to come. None where the run ended before."""
    if _has_ended(run, chance.uniform(0, WITHIN_S)):
        return None
    while not _has_ended(run, 0.005):
        pids = playing(victim, run.pid)
        if pids and (found := kill(chance.choice(pids))) is not None:
            return found
    return None


def _has_ended(run: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        run.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def left_behind(batch: Batch, before: set[str]) -> list[str]:
    """Say what is left: processes, temporary files, and what was not everywhere before."""
    until = time.monotonic() + GONE_S
    while True:
        reap({batch.run.pid} if batch.run is not None else set())
        found = [f"process {one.pid}: {one.line[:120]}" for one in below(os.getpid())]
        found += files_in(batch.temporary) + files_in(batch.course / ".passerelle" / "scratch")
        found += sorted(everywhere() - before)
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.1)


# The whole


@contextmanager
def batch_of(made: Path, unit: str, place: Path) -> Iterator[Batch]:
    """Give a copy of a course directory to mark in; end what is still running there."""
    become_reaper()
    place.mkdir()
    batch = Batch(batch_course.copied(made, place / "course"), unit, place)
    try:
        yield batch
    finally:
        batch.stop()


def schedule(kills: int, victims: Sequence[str], chance: random.Random) -> list[str]:
    """Return who is killed, as often one as the other, in a random order."""
    chosen = [victims[number % len(victims)] for number in range(kills)]
    chance.shuffle(chosen)
    return chosen


def shaken_until(
    made: Path, unit: str, place: Path, count: int, victims: Sequence[str], chance: random.Random
) -> Report:
    """Mark a batch once undisturbed, then with all these kills: again, from the beginning, until each was made."""
    with batch_of(made, unit, place / "undisturbed") as alone:
        right = undisturbed(alone)
    whole: Report = {victim: Line() for victim in dict.fromkeys(victims)}
    waiting = list(victims)
    for turn in range(9):
        if not waiting:
            break
        with batch_of(made, unit, place / f"shaken-{turn}") as batch:
            report = shaken(batch, right, count, waiting, chance)
        for victim, line in report.items():
            mine = whole[victim]
            mine.kills, mine.resumed = mine.kills + line.kills, mine.resumed + line.resumed
            mine.marked, mine.wrong, mine.left = (
                mine.marked + line.marked,
                mine.wrong + line.wrong,
                mine.left + line.left,
            )
        waiting = waiting[sum(line.kills for line in report.values()) :]
    return whole


def table(report: Report) -> str:
    """Return the table as Markdown."""
    heads = ("killed", "kills", "runs started again", "verdicts", "not as it must be", "left behind")
    rows = [f"| {' | '.join(heads)} |", "|---|--:|--:|--:|--:|--:|"]
    rows += [
        f"| {victim} | {line.kills} | {line.resumed} | {len(line.marked)} | {len(line.wrong)} | {len(line.left)} |"
        for victim, line in report.items()
    ]
    return "\n".join(rows)


def main() -> int:
    """Kill a batch; print what came of it; 1 where something is not as it must be."""
    be_alone("tests.faults.batch")
    parser = argparse.ArgumentParser(prog="make faults-batch", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="submissions (200)")
    parser.add_argument("--kills", type=int, default=100, help="kills (100)")
    parser.add_argument("--pages", type=int, default=24, help="submitted pages, as a batch of their own (24; 0: none)")
    parser.add_argument("--victim", action="append", choices=[*VICTIMS, BROWSER], help="kill these alone")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    chance, began = random.Random(asked.seed), time.monotonic()
    wanted = asked.victim or [*VICTIMS, *([BROWSER] if asked.pages else [])]
    kills_of_pages = asked.kills * (BROWSER in wanted) // len(wanted)
    victims = schedule(asked.kills - kills_of_pages, [one for one in wanted if one != BROWSER], chance)
    with tempfile.TemporaryDirectory(prefix="faults-batch-") as folder:
        place = Path(folder)
        report: Report = {}
        if victims:
            made = batch_course.make(place / "made", asked.count)
            report = shaken_until(made, UNIT, place, asked.count, victims, chance)
        if kills_of_pages:
            (place / "pages").mkdir()
            made = batch_course.make_pages(place / "pages", asked.pages)
            seen = [BROWSER] * kills_of_pages
            report |= shaken_until(made, batch_course.PAGES, place / "pages", asked.pages, seen, chance)
    print(table(report))
    kills = sum(line.kills for line in report.values())
    print(
        f"\n{asked.count} submissions, {asked.pages} pages, {kills} of {asked.kills} kills, {time.monotonic() - began:.0f} s"
    )
    bad = [f"{victim}: {said}" for victim, line in report.items() for said in line.wrong + line.left]
    print(
        "\n".join(bad) or "each as after an undisturbed run; nothing left behind",
        file=sys.stderr if bad else sys.stdout,
    )
    return 1 if bad or kills < asked.kills else 0


if __name__ == "__main__":
    sys.exit(main())
