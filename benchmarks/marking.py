"""Marking at speed: the issue's table, stock nbgrader beside it in the same run. `make bench-marking` prints it.

Everything is marked by the command line as it is, in processes of its own, start-up included, in fresh copies of one
course directory. All answers differ. Stock nbgrader marks the same answers with the twin of plain asserts, its best
case, on a sample: two sizes give what it needs to start and what a submission needs, and so what 100 would take; its
points must be ours. The command ends with 1 where a figure is not reached.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks import sample
from benchmarks.stock import Stock, measured_stock, nbgrader
from benchmarks.watched import MB, Ran, ran
from passerelle import courses
from passerelle.courses.trees import read_tree
from passerelle.grading.release import generate
from passerelle.model.settings import Settings

WARM_SUBMISSIONS = 20
"""How many are marked where the memory of one is looked at."""
COURSES = Path(__file__).parents[1] / "courses"
COPIES = 6
"""How many units a track has at least where releases are measured."""


@dataclass(frozen=True)
class Row:
    """One line of the table; `reached` is None where nothing was promised."""

    name: str
    stock: str
    ours: str
    ratio: str
    reach: str
    reached: bool | None = None

    def line(self) -> str:
        """Return it as Markdown."""
        said = {None: "", True: "yes", False: "**not reached**"}[self.reached]
        return f"| {self.name} | {self.stock} | {self.ours} | {self.ratio} | {self.reach} | {said} |"


@dataclass
class Costs:
    """What was measured, for the simulation."""

    found: dict[str, dict[str, object]] = field(default_factory=dict)

    def put(self, name: str, value: object, unit: str, part: str) -> None:
        """Keep a figure with the command that measured it."""
        self.found[name] = {"value": value, "unit": unit, "command": f"make bench-marking PART={part}"}


@dataclass
class Bench:
    """A place to measure in, with what several parts need."""

    place: Path
    asked: argparse.Namespace
    costs: Costs
    shared: int = 0

    @cached_property
    def course(self) -> Path:
        """The course directory with nothing submitted."""
        course = sample.build(self.place)
        generate(course, sample.UNIT)
        return course

    @cached_property
    def cells_s(self) -> float:
        """CPU seconds that one submission's cells take in a warm Python: the median of twenty."""
        return measured_cells(self.course)

    @cached_property
    def large(self) -> Ran:
        """The large run with two workers."""
        return self.marked(self.asked.many, 2)

    @cached_property
    def stock(self) -> Stock:
        """What stock nbgrader took for its sample."""
        return measured_stock(self.place / "stock", self.course, self.asked.stock)

    @cached_property
    def one_writer(self) -> dict[str, float]:
        """What recording and pages take."""
        from benchmarks.one_writer import measured_writer  # noqa: PLC0415  formgrader's API, only where it is asked for

        return measured_writer(self.place / "writer", Settings().learner, self.asked.recorded)

    def submitted(self, count: int) -> Path:
        """Return a fresh copy of the course directory with as many submissions."""
        course = Path(tempfile.mkdtemp(dir=self.place)) / sample.TRACK
        shutil.copytree(self.course, course)
        for number in range(1, count + 1):
            files = sample.submission(course / "release" / sample.UNIT, number)
            sample.lay(course, sample.UNIT, files, f"fellow{number:04}")
        return course

    def marked(self, count: int, workers: int, *, look: bool = False) -> Ran:
        """Mark as many submissions with the command line; every verdict must be the right one."""
        course = self.submitted(count)
        command = [sys.executable, "-m", "passerelle.cli", "mark", sample.UNIT, "--course-dir", str(course)]
        command += ["--workers", str(workers), "--json", "--learner", str(Settings().learner)]
        done = ran(command, look=look)
        if done.code != 0:
            sys.exit(f"passerelle mark ended with {done.code}: {done.errors[-2000:]}")
        records = [json.loads(line) for line in done.output.splitlines()]
        self.shared += count - len({record["key"] for record in records})
        must_be_right(records, count)
        return done


def must_be_right(records: Sequence[dict[str, object]], count: int) -> None:
    """Stop where a submission is missing, waits, or has other points than its answers are worth."""
    if len(records) != count:
        sys.exit(f"{count} were submitted: there are {len(records)} records")
    for record in records:
        number = int(str(record["fellow"])[len("fellow") :])
        if record["state"] != "marked" or points_of(record) != sample.answers(number)[1]:
            sys.exit(f"{record['fellow']} should have {sample.answers(number)[1]}: {json.dumps(record)[:2000]}")


def points_of(record: dict[str, object]) -> dict[str, float]:
    """Return the points of each check of a record."""
    checks = record["checks"]
    assert isinstance(checks, list)
    return {check["key"]: check["points"] for check in checks}


def measured_cells(course: Path) -> float:
    """Return the CPU seconds of a submission's own cells, in a Python that has imported everything."""
    source = courses.unit_source(course, sample.UNIT)
    cells = [sample.cell_texts(source, number) for number in range(1, 21)]
    done = ran([sys.executable, "-m", "benchmarks.warm_cells", json.dumps(cells)], env=one_thread())
    if done.code != 0:
        sys.exit(f"the cells stop: {done.errors[-2000:]}")
    return statistics.median(json.loads(done.output))


def one_thread() -> dict[str, str]:
    """Return this environment with one thread for each library: as in the box."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


# The parts


def wall(bench: Bench) -> Iterator[Row]:
    """Measure many and few submissions, two workers, start-up included; stock nbgrader must agree on the points."""
    stock = bench.stock
    for number, points in stock.points.items():
        if points != sample.answers(number)[1]:
            sys.exit(f"stock nbgrader gives {points} to submission {number}: {sample.answers(number)[1]} expected")
    for count, reach, repeat in ((bench.asked.many, 25, 1), (bench.asked.few, 12, bench.asked.repeat)):
        runs = [bench.large] if count == bench.asked.many else [bench.marked(count, 2) for _ in range(repeat)]
        took = statistics.median(one.wall_s for one in runs)
        ratio = stock.wall_s(count) / took
        name = f"wall, {count} submissions, 2 workers, start-up included (median of {repeat})"
        yield Row(name, seconds(stock.wall_s(count)), seconds(took), times(ratio), f"≥ {reach} times", ratio >= reach)
        bench.costs.put(f"wall_{count}", took, "s", "wall")
        if count == bench.asked.many:
            yield from _processor(bench, runs[0], count)
    yield Row("verdict-cache hits in all of these runs", "–", str(bench.shared), "", "0", bench.shared == 0)


def _processor(bench: Bench, run: Ran, count: int) -> Iterator[Row]:
    beyond = run.cpu_s / count - bench.cells_s
    stock = bench.stock.cpu_each_s - bench.cells_s
    name = f"processor beyond the cells' own {bench.cells_s:.2f} s, a submission of {count}, start-up included"
    yield Row(name, seconds(stock), seconds(beyond), times(stock / beyond), "≤ 0.2 s", beyond <= 0.2)
    bench.costs.put("cells_cpu", bench.cells_s, "s", "wall")
    bench.costs.put("submission_cpu", run.cpu_s / count, "s", "wall")


def workers(bench: Bench) -> Iterator[Row]:
    """Measure one worker against two."""
    count = bench.asked.many
    one, two = bench.marked(count, 1), bench.large
    ratio = one.wall_s / two.wall_s
    name = f"two workers against one, {count} submissions"
    yield Row(name, "–", f"{seconds(one.wall_s)} → {seconds(two.wall_s)}", times(ratio), "≥ 1.8", ratio >= 1.8)
    took = [json.loads(line)["seconds"] for line in one.output.splitlines()]
    bench.costs.put("service", sorted(took), "s, each of one worker's submissions", "workers")


def feedback(bench: Bench) -> Iterator[Row]:
    """Measure feedback pages, each in a process that runs: the service, and nbgrader's API as formgrader calls it."""
    stock, ours = (bench.one_writer[name] for name in ("stock feedback", "feedback"))
    ratio = stock / ours
    yield Row(
        "a feedback page, in a process that runs",
        seconds(stock),
        seconds(ours),
        times(ratio),
        "≥ 20 times",
        ratio >= 20,
    )


def releases(bench: Bench) -> Iterator[Row]:
    """Measure the release of each whole track, six units at least."""
    for source in sorted(path.parent for path in COURSES.glob("*/course.toml")):
        text = bench.place / "tracks" / source.name
        track = six_units(source, text)
        stock = bench.place / "releases" / "stock" / source.name
        units = [unit.card.unit for unit in courses.build_course(track, stock).units]
        places = [stock.parent.with_name(name) / source.name for name in ("at-once", "one", "two", "three")]
        for place in places:
            shutil.copytree(stock, place)
        apart = sum(nbgrader(stock, "generate_assignment", unit).wall_s for unit in units)
        at_once = nbgrader(places[0], "generate_assignment", "*").wall_s
        runs = [ran([sys.executable, "-m", "benchmarks.warm_release", str(place), *units]) for place in places[1:]]
        for done, place in zip(runs, places[1:], strict=True):
            if done.code != 0 or read_tree(place / "release") != read_tree(stock / "release"):
                sys.exit(f"{source.name}: ours is not nbgrader's release: {done.errors[-2000:]}")
        ours = statistics.median(done.wall_s for done in runs)
        ratio = apart / ours
        name = f"generate_assignment, {source.name}, {len(units)} units, start-up included"
        said = f"{seconds(apart)} (`'*'` in one command: {seconds(at_once)})"
        yield Row(name, said, seconds(ours), times(ratio), "≥ 10 times", ratio >= 10)


def six_units(source: Path, text: Path) -> Path:
    """Copy a course as text, and its first unit under new names until there are enough."""
    shutil.copytree(source, text)
    units = sorted(path.name for path in (text / "units").iterdir())
    table = (text / "course.toml").read_text("utf-8")
    first = table[table.index("[[units]]") :].split("[[units]]")[1]
    name = next(unit for unit in units if f'unit = "{unit}"' in first)
    for number in range(2, 2 + COPIES - len(units)):
        shutil.copytree(text / "units" / name, text / "units" / f"{name}-{number}")
        table += "\n[[units]]" + first.replace(f'unit = "{name}"', f'unit = "{name}-{number}"')
    (text / "course.toml").write_text(table, "utf-8")
    return text


def memory(bench: Bench) -> Iterator[Row]:
    """Measure memory: of a submission, by what one worker's tree takes more while it has one; of two workers' tree."""
    alone, both = (bench.marked(WARM_SUBMISSIONS, workers, look=True) for workers in (1, 2))
    idle, busy = standing(alone)
    one = max(busy) - idle
    # Two at their most at one time are seldom looked at: what stands by and twice the most of one is what it can be.
    idle, busy = standing(both)
    whole, one = max(*busy, idle + 2 * one) / MB, one / MB
    unseen = max(size.unseen for size in (*alone.sizes, *both.sizes))
    yield Row(
        "memory of a running submission, beyond what stands by",
        "–",
        f"{one:.0f} MB",
        "",
        "≤ 150 MB",
        one <= 150,
    )
    yield Row(
        f"memory in all, 2 workers ({unseen} processes unseen)", "–", f"{whole:.0f} MB", "", "≤ 1,200 MB", whole <= 1200
    )
    bench.costs.put("memory_of_a_submission", one, "MB", "memory")
    bench.costs.put("memory_two_workers", whole, "MB", "memory")


def standing(run: Ran) -> tuple[float, list[int]]:
    """Return the bytes of what is kept warm, and those of all in the looks that met a submission while it ran.

    Once everything is warm, the lowest count of processes is that of nothing else.
    """
    settled = [size for size in run.sizes if 0.4 < size.at / run.wall_s < 0.85]
    usual = min(size.processes for size in settled)
    busy = [size.pss for size in settled if size.processes > usual]
    if not busy:
        sys.exit("memory: no look met a submission while it ran; try again on a quieter machine")
    return statistics.median(size.pss for size in settled if size.processes == usual), busy


def hub(bench: Bench) -> Iterator[Row]:
    """Measure a running hub: one submission alone, and forty within ten seconds."""
    from benchmarks.in_hub import measured_hub  # noqa: PLC0415  a browser and a hub: only where they are asked for

    found = measured_hub(bench.place / "hub", bench.asked.alone, bench.asked.forty)
    alone = statistics.median(found.alone)
    yield Row(f"one alone: submit → feedback, p50 of {len(found.alone)}", "–", seconds(alone), "", "< 3 s", alone < 3)
    for share, most in ((0.5, 5), (0.95, 20)):
        value = found.percentile(share)
        name = f"{len(found.forty)} within 10 s: submit → feedback, p{share * 100:g}"
        yield Row(name, "–", seconds(value), "", f"< {most} s", value < most)
    yield Row(
        "… lost; verdicts shared", "–", f"{found.lost}; {found.shared}", "", "0; 0", not found.lost and not found.shared
    )
    for name, value in found.costs().items():
        bench.costs.put(name, value, "s", "hub")


def writer(bench: Bench) -> Iterator[Row]:
    """Measure what the one writer does for a submission, for the simulation."""
    for name, said in (("give", "gives a verdict"), ("write", "writes gradebook, folders and feedback page")):
        yield Row(f"the one writer {said}", "–", seconds(bench.one_writer[name]), "", "–")
        bench.costs.put(name, bench.one_writer[name], "s", "writer")


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "releases": releases,
    "wall": wall,
    "workers": workers,
    "feedback": feedback,
    "memory": memory,
    "writer": writer,
    "hub": hub,
}


def seconds(value: float) -> str:
    """Return a time in the unit in which it is read."""
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def times(ratio: float) -> str:
    """Return how many times as fast."""
    return f"{ratio:.1f}×"


def main() -> None:
    """Measure the parts that were asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default=",".join(PARTS), help=f"which of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--many", type=int, default=100, help="submissions of the large run")
    parser.add_argument("--few", type=int, default=20, help="submissions of the small run")
    parser.add_argument("--repeat", type=int, default=3, help="how often the small run is made")
    parser.add_argument(
        "--stock", type=int, default=10, help="submissions that stock nbgrader marks, two to start with apart"
    )
    parser.add_argument("--recorded", type=int, default=30, help="submissions that are recorded")
    parser.add_argument("--alone", type=int, default=20, help="submissions one after another in the hub")
    parser.add_argument("--forty", type=int, default=40, help="submissions within ten seconds in the hub")
    parser.add_argument("--save", type=Path, help="write what the simulation needs there, as JSON")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    rows: list[Row] = []
    costs = Costs()
    with tempfile.TemporaryDirectory(prefix="bench") as place:
        bench = Bench(Path(place), asked, costs)
        for part in asked.part.split(","):
            for row in PARTS[part](bench):
                print(row.line(), file=sys.stderr, flush=True)
                rows.append(row)
    print(f"{os.cpu_count()} cores, load before {load:.1f}; stock nbgrader 0.9.6 on {asked.stock} submissions\n")
    print("| Figure | Stock nbgrader | Passerelle | Ratio | Reach | Reached |\n|---|---|---|---|---|---|")
    for row in rows:
        print(row.line())
    if asked.save is not None:
        known = json.loads(asked.save.read_text()) if asked.save.is_file() else {}
        asked.save.write_text(json.dumps(known | costs.found, indent=1, ensure_ascii=False) + "\n")
    if any(row.reached is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
