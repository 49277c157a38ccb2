"""How far it goes: the tables and pictures of docs/scale.md, from measured costs and a small simulation.

`make scale` prints the tables and makes docs/pictures/scale-*.svg anew. The costs are in benchmarks/costs.json, each
with the command that measured it (`make bench-marking SAVE=benchmarks/costs.json` writes them).
"""

import argparse
import json
import math
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.evening import EVENING_S, MINUTE, Costs, Evening, Place, deadline_arrivals, simulate, starts
from benchmarks.scale_pictures import evening_picture, workers_picture

COSTS = Path(__file__).with_name("costs.json")
DOCUMENT = Path("docs/scale.md")
SIZES = (12, 600, 10_000)
TARGET_S = 60.0
SEED = 7
CORES = 2
MOST_WORKERS = 64
CLASS = 40
MB = 1024 * 1024


def read_costs(path: Path) -> tuple[Costs, dict[str, Any]]:
    """Return what a submission costs, and everything that was measured."""
    found = {name: one["value"] for name, one in json.loads(path.read_text()).items()}
    receive, marking = statistics.median(found["hub_receiving"]), found["hub_alone_marking"]
    known = receive + statistics.median(marking) + found["give"]
    latency = max(0.0, statistics.median(found["hub_alone"]) - known)
    return Costs(receive, marking, found["give"], found["write"], latency), found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def said(value: float) -> str:
    """Return a time as it is read."""
    if value >= 2 * MINUTE:
        return f"{value / MINUTE:,.0f} min"
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def validation(costs: Costs, found: dict[str, Any]) -> str:
    """Compare forty within ten seconds as simulated with what was measured in a hub."""
    measured = sorted(found["hub_forty"])
    count = len(measured)
    evening = simulate([10.0 * number / count for number in range(count)], costs, Place(CORES, CORES))
    rows = []
    for share in (0.5, 0.95):
        real, ours = measured[max(0, math.ceil(share * count) - 1)], evening.percentile(share)
        rows.append((f"p{share * 100:g}", said(real), said(ours), f"{100 * (ours / real - 1):+.0f} %"))
    return table((f"{count} within 10 s, {CORES} cores", "measured", "simulated", "difference"), rows)


def fewest_workers(arrivals: Sequence[float], costs: Costs) -> tuple[int, Evening] | None:
    """Return the fewest workers with a core each that keep p95 under the target; None where even the most do not."""
    for workers in (*range(1, 17), *range(18, MOST_WORKERS + 1, 2)):
        evening = simulate(arrivals, costs, Place(CORES, workers, apart=True))
        if evening.percentile(0.95) < TARGET_S:
            return workers, evening
    return None


def evenings(costs: Costs, found: dict[str, Any]) -> str:
    """Say for each size how many workers it takes, and what it is like then."""
    rows = []
    for fellows in SIZES:
        for name, arrivals in (("as people do", rush(fellows)), ("all in the last ten minutes", last_minutes(fellows))):
            busiest = max(in_minute(arrivals).values())
            here = simulate(arrivals, costs, Place(CORES, CORES)).percentile(0.95)
            kept = fewest_workers(arrivals, costs)
            if kept is None:
                rows.append((f"{fellows:,}", name, str(busiest), said(here), f"over {MOST_WORKERS}", "–", "–", "–"))
                continue
            workers, evening = kept
            last = max(job.written for job in evening.jobs) - max(job.came for job in evening.jobs)
            memory = f"{workers * found['memory_two_workers'] / 2 / 1024:.1f} GB"
            wait = said(evening.percentile(0.95))
            rows.append((f"{fellows:,}", name, str(busiest), said(here), str(workers), wait, said(last), memory))
    head = (
        "Fellows", "They come", "Submissions in the busiest minute", f"p95 with {CORES} workers on {CORES} cores",
        "Workers for p95 < 60 s, a core each", "p95 then", "All written after the last one", "Memory of the workers",
    )  # fmt: skip
    return table(head, rows)


def rush(fellows: int) -> list[float]:
    """Return the arrivals of an evening."""
    return deadline_arrivals(fellows, random.Random(SEED))


def last_minutes(fellows: int) -> list[float]:
    """Return arrivals that are as bad as it gets: everybody once, in ten minutes."""
    draw = random.Random(SEED)
    return sorted(EVENING_S - draw.uniform(0, 10 * MINUTE) for _ in range(fellows))


def in_minute(arrivals: Sequence[float]) -> dict[int, int]:
    """Count arrivals by minute."""
    counted: dict[int, int] = {}
    for moment in arrivals:
        counted[int(moment // MINUTE)] = counted.get(int(moment // MINUTE), 0) + 1
    return counted


def limits(costs: Costs, found: dict[str, Any]) -> str:
    """Say how many fellows each part can take in the busiest ten minutes of an evening; the lowest breaks first."""
    share = busiest_share()
    spawn, _, more = found["hub_spawn"]
    spawned = found["hub_spawn"][1]
    parts = (
        ("one worker", statistics.mean(costs.marking), "add workers: `marking_workers`, or a Dask scheduler"),
        (
            "the one writer, gradebook and pages",
            costs.write,
            "pages and gradebook come later; verdicts do not wait for it",
        ),
        ("the one writer, verdicts", costs.give, "a faster disk"),
        ("the exchange: a receipt on the disk", costs.receive, "a faster disk"),
    )
    rows = [
        (name, f"{1000 * cost:.0f} ms", f"{1 / cost:.1f}", f"{10 * MINUTE / cost / share:,.0f}", cure)
        for name, cost, cure in parts
    ]
    held = 16 * 1024 * MB / more
    rows.append(
        (
            "memory of open servers without a kernel, 16 GB for them",
            f"{more / MB:.0f} MB",
            "–",
            f"{held:,.0f} at once",
            "several machines",
        )
    )
    cores = f"the hub's spawns, {CORES} cores"
    rows.append(
        (
            cores,
            f"{spawned:.1f} s",
            f"{CORES / spawned:.2f}",
            f"{10 * MINUTE * CORES / spawned:,.0f} in ten minutes",
            "more cores",
        )
    )
    assert spawn > 0  # a measured one
    return table(("Part", "Each takes", "A second", "Fellows it can take", "What helps"), rows)


def busiest_share() -> float:
    """Return how many submissions a fellow sends in the busiest ten minutes of an evening, on average."""
    fellows = 20_000
    arrivals = rush(fellows)
    counted = in_minute(arrivals)
    return max(sum(counted.get(first + more, 0) for more in range(10)) for first in counted) / fellows


def class_starts(found: dict[str, Any]) -> str:
    """Say what forty servers that are asked for at one moment cost, on how many cores it takes how long."""
    _, spent, more = found["hub_spawn"]
    rows = []
    for cores in (2, 4, 8, 16):
        there = starts(CLASS, spent, cores, max(2, cores))
        rows.append((str(cores), said(there[len(there) // 2]), said(there[-1])))
    text = (
        f"{CLASS} servers: {CLASS * spent:.0f} s of processor, {CLASS * more / MB / 1024:.1f} GB (before kernels).\n\n"
    )
    return text + table(("Cores", "half of them are there after", "all of them"), rows)


def workers_waits(costs: Costs) -> dict[str, list[tuple[int, float]]]:
    """Return p95 by number of workers, for each size."""
    counts = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    found = {}
    for fellows in SIZES:
        arrivals = rush(fellows)
        waits = [simulate(arrivals, costs, Place(CORES, count, apart=True)).percentile(0.95) for count in counts]
        found[f"{fellows:,} fellows"] = list(zip(counts, waits, strict=True))
    return found


def main() -> None:
    """Print the tables, make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--costs", type=Path, default=COSTS)
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="whose tables are made anew")
    parser.add_argument("--into", type=Path, help="folder for the document and its two pictures")
    asked = parser.parse_args()
    costs, found = read_costs(asked.costs)
    commands = {name: one["command"] for name, one in json.loads(asked.costs.read_text()).items()}
    tables = {
        "costs": measured(costs, commands),
        "validation": validation(costs, found),
        "evening": evenings(costs, found),
        "limits": limits(costs, found),
        "class": class_starts(found),
    }
    for name, text in tables.items():
        print(f"{name}\n\n{text}\n")
    if asked.into is not None:
        (asked.into / "scale.md").write_text(with_tables(asked.document.read_text("utf-8"), tables), "utf-8")
        (asked.into / "scale-workers.svg").write_text(workers_picture(workers_waits(costs), TARGET_S), "utf-8")
        arrivals = rush(600)
        evening = simulate(arrivals, costs, Place(CORES, CORES))
        (asked.into / "scale-evening.svg").write_text(evening_picture(in_minute(arrivals), evening), "utf-8")


def measured(costs: Costs, commands: dict[str, str]) -> str:
    """Say what a submission costs, part by part, and which command measured it."""
    parts = (
        ("received by the exchange", costs.receive, "hub_receiving"),
        ("marked by a worker (median)", statistics.median(costs.marking), "hub_alone_marking"),
        ("its verdict given by the one writer", costs.give, "give"),
        ("written by it: gradebook, folders, page", costs.write, "write"),
        ("nobody's core: waking up, the network, her page asking", costs.latency, "hub_alone"),
    )
    rows = [(name, f"{1000 * value:.0f} ms", f"`{commands[key]}`") for name, value, key in parts]
    return table(("Part", "Measured", "By"), rows)


def with_tables(document: str, tables: dict[str, str]) -> str:
    """Return the document with each table between its marks made anew."""
    for name, text in tables.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, rest = document.split(begin)
        document = before + begin + text + end + rest.split(end)[1]
    return document


if __name__ == "__main__":
    main()
