"""Writes the table of the survey (docs/survey.md) from what `benchmarks.survey_run --cells FILE` has kept.

`python -m benchmarks.survey_table CELLS… [--list benchmarks/survey.csv]` prints one line a repository: what was run and
what came of it. The list says of each assignment where it is public: repository, commit, licence, folder, check cells.
Names and numbers only: no word of a course is printed, of an error only its type.
"""

import argparse
import csv
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("survey.csv")
_PASSED = ("examined", "judged", "box", "differs")
"""The kinds of check cells to which nbgrader gives points; `differs` has none from us."""
_SENT = "sent there at the build (over stand-ins it passes, too)"
_HEAD = (
    "repository",
    "commit",
    "licence",
    "assignments run",
    "check cells run",
    "points with nbgrader",
    "examined",
    "beside",
    "differs",
    "no points with either",
    "warning",
    "why beside; errors of the solutions",
)


def rows(cells: list[dict[str, Any]], listed: list[dict[str, str]]) -> list[list[str]]:
    """Return the lines of the table, with one for all of them at the end.

    Args:
        cells: as `survey_run` keeps them.
        listed: the assignments, as in the list.
    """
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for cell in cells:
        found[cell["notebook"].partition("/")[0].replace("+", "/", 1)].append(cell)
    lines = []
    for repo in dict.fromkeys(one["repo"] for one in listed):
        of = [one for one in listed if one["repo"] == repo]
        facts = [f"[{repo}](https://github.com/{repo})", f"`{of[0]['commit'][:12]}`", of[0]["licence"] or "none stated"]
        ran = {one["notebook"].rpartition("/")[0] for one in found[repo]}
        lines.append([*facts, f"{len(ran)} of {len(of)}", *(_numbers(found[repo]) if ran else ["not run", *[""] * 7])])
    folders = {one["notebook"].rpartition("/")[0] for one in cells}
    repos = sum(bool(one) for one in found.values())
    everything = [f"**{repos} repositories**", "", "", f"{len(folders)} of {len(listed)}", *_numbers(cells)[:-1], ""]
    return [*lines, everything]


def _numbers(cells: list[dict[str, Any]]) -> list[str]:
    kinds = Counter(cell["kind"] for cell in cells)
    known = {*_PASSED, "no points, as nbgrader", "a warning no longer costs the points", "not run"}
    if unknown := kinds.keys() - known:
        raise ValueError(f"survey_table: no column for {', '.join(sorted(unknown))}; add one")
    counted = [
        len(cells) - kinds["not run"],
        sum(kinds[kind] for kind in _PASSED),
        kinds["examined"] + kinds["judged"],
        kinds["box"],
        kinds["differs"],
        kinds["no points, as nbgrader"],
        kinds["a warning no longer costs the points"],
    ]
    beside = Counter(_why(cell["ours"]["why"]) for cell in cells if cell["kind"] == "box")
    stopped = Counter(_type(cell["stock"]) for cell in cells if cell["kind"] == "no points, as nbgrader")
    why = [_list("beside", beside), _list("solutions", stopped)]
    return [*map(str, counted), "; ".join(part for part in why if part)]


def _why(said: str) -> str:
    """Return why a check ran beside her code: the examiner's own words, or the type of what stopped it there."""
    kind = said.partition(" ")[0]
    return kind if kind.endswith("Error") or not said.strip() else said


def _type(said: str) -> str:
    return said.partition(":")[0].partition(" ")[0][:40]


def _list(what: str, times: Counter[str]) -> str:
    named = [f"{number} × {name.strip() or _SENT}" for name, number in times.most_common()]
    return f"{what}: {', '.join(named)}" if named else ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="the table of the survey")
    parser.add_argument("cells", type=Path, nargs="+")
    parser.add_argument("--list", type=Path, default=LIST)
    given = parser.parse_args()
    cells = {(cell["notebook"], cell["check"]): cell for path in given.cells for cell in json.loads(path.read_text())}
    with given.list.open(newline="", encoding="utf-8") as file:
        table = rows([*cells.values()], [*csv.DictReader(file)])
    print("| " + " | ".join(_HEAD) + " |\n|---|---|---|" + "--:|" * 8 + "---|")
    for line in table:
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
