"""Mark all submissions by our marking, and print what we give beside what nbgrader gives: `make differential`.

`--oracle` prints the text of `oracle.json` instead, after stock nbgrader marked what it has not: a matter of minutes.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.grading.differential import ours, stock
from tests.grading.differential.making import make_course
from tests.grading.differential.on_purpose import reason_of
from tests.grading.differential.submissions import ALL, submissions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", action="store_true", help="print what stock nbgrader gives, as oracle.json has it")
    parser.add_argument("--only", nargs="*", help="these assignments")
    parser.add_argument("--workers", type=int, default=2, help="submissions marked at once")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="differential-") as made:
        course, root = Path(made, "course"), Path(made, "ours")
        course.mkdir()
        root.mkdir()
        make_course(course, ALL)
        sent = [one for one in submissions(course) if not asked.only or one.assignment in asked.only]
        if asked.oracle:
            sys.stdout.write(stock.as_text(course, sent, stock.renewed(course, sent, sys.stderr.write)))
            return
        theirs = stock.cached(course, sent)
        missing = sorted({one.assignment for one in sent if one.place not in theirs})
        if missing:
            sys.exit(f"oracle.json is not of these submissions ({', '.join(missing)}); run: make differential-oracle")
        hers, _records = ours.run(course, root, sent, workers=asked.workers)
    sys.exit(_table(theirs, hers))


def _table(theirs: dict[str, dict[str, stock.Grade]], hers: dict[str, dict[str, stock.Grade]]) -> int:
    """Print the table; return how many cells differ that should not."""
    found = list(ours.differences(theirs, hers))
    reasons = {one: reason_of(one) for one in found}
    by_assignment = Counter(place.partition("/")[0] for place in theirs)
    apart, unexplained = (
        Counter(place.partition("/")[0] for place in {one.submission for one in found if wanted(reasons[one])})
        for wanted in (bool, lambda reason: reason is None)
    )
    print("| assignment | submissions | cells | differ on purpose | differ |\n|---|--:|--:|--:|--:|")
    for name, count in by_assignment.items():
        cells = sum(len(grades) for place, grades in theirs.items() if place.partition("/")[0] == name)
        print(f"| {name} | {count} | {cells} | {apart[name]} | {unexplained[name]} |")
    cells = sum(len(grades) for grades in theirs.values())
    print(f"| all | {len(theirs)} | {cells} | {apart.total()} | {unexplained.total()} |\n")
    for one in found:
        print(f"{reasons[one] or 'UNEXPLAINED'}: {one}")
    return sum(reason is None for reason in reasons.values())


if __name__ == "__main__":
    main()
