"""How many check cells of other people's courses run in the examiner, with nbgrader's verdict.

`python -m benchmarks.survey_run FOLDER [--only PATTERN] [--extra MODULES] [--stock FILE] [--cells FILE]` marks every
notebook of FOLDER (as `benchmarks.survey`) over its own solutions, by stock nbgrader's rule and by ours, and prints
how many check cells were examined over stand-ins, how many ran in the box and why, and where the verdict differs.
`--stock` keeps nbgrader's verdicts for the next time. Courses are other people's code: never run this as root.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from benchmarks import survey
from passerelle.grading import calibrate
from passerelle.grading.asserts import PlainChecks, Route
from passerelle.grading.box import Box
from passerelle.grading.examiner import needs
from passerelle.grading.panel import Examiner, ExaminerError
from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.walls import Limits

LIMITS = Limits(cell_s=60, call_s=20, total_s=300, disk=256_000_000)


def stock_of(path: Path, learner: Path, extra: Path | None) -> dict[str, str]:
    """Return nbgrader's verdict of each check, by its number among the code cells."""
    result = survey.execute(path, "stock", learner, extra)
    return {str(number): said for number, what, said in result["cells"] if what == "check"}


def ours_of(path: Path, learner: Path, extra: Path | None) -> dict[str, dict[str, Any]]:
    """Return what marking says of each check, by its number among the code cells."""
    notebook = nbformat.read(path, as_version=4)
    numbers, number = dict[str, int](), 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            numbers[cell.metadata.get("nbgrader", {}).get("grade_id", "")] = number
            number += 1
    cells = calibrate.own_cells(notebook)
    modules = sorted(set().union(*(needs(cell.text) for cell in cells)))
    found: dict[str, Any] = {}
    with _folder(path.parent, extra) as folder:
        files, limits = calibrate.files_beside(folder), LIMITS.with_checks(len(cells))
        routes = calibrate.routes(notebook, folder, learner, limits)

        def box() -> Box:
            return Box(learner, files, limits, modules=modules, seed=folder.name)

        with box() as first, Examiner(folder, modules=modules, learner=learner, seed=folder.name) as examiner:
            first.wait()
            plain = PlainChecks(notebook, examiner)
            plain.take_routes(routes)
            for cell, keeper in calibrate.run_cells(first, plain, cells)[0]:
                try:
                    found[str(numbers[cell.key])] = _told(plain, cell, keeper, routes.get(cell.key, Route()))
                except ExaminerError as error:
                    found[str(numbers[cell.key])] = {"points": -1, "error": str(error)[:200]}
            first.close()

            @contextlib.contextmanager
            def once_more() -> Iterator[dict[str, Any]]:
                with box() as again:
                    again.wait()
                    yield {cell.key: keeper for cell, keeper in calibrate.run_cells(again, plain, cells)[0]}

            plain.settle(once_more)
    return {key: _row_of(*told) if isinstance(told, tuple) else told for key, told in found.items()}


@contextlib.contextmanager
def _folder(folder: Path, extra: Path | None) -> Iterator[Path]:
    """Give a folder as the course has it, modules beside it that are not to be had any more."""
    if extra is None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "source"
        shutil.copytree(folder, copy)
        shutil.copytree(extra, copy, dirs_exist_ok=True)
        yield copy


def _told(plain: PlainChecks, cell: RebuiltCell, keeper: Any, route: Route) -> tuple[Any, ...]:
    """Examine a check; what is decided when its versions have run is in the same dictionary."""
    first = plain.over_stand_ins(plain.order(cell, route, hidden=True), keeper)
    return cell, route, first, plain.examine(cell, keeper, "died", hidden=True)


def _row_of(cell: RebuiltCell, route: Route, first: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    in_box = bool(route.beside or told["unsupported"] or first["unsupported"])
    proof = route.box if in_box else route.over
    why = first["unsupported"] or f"{first['error']} {first['unmet'][0][2][0] if first['unmet'] else ''}"
    return {
        "points": told["points"] / (cell.points or 1.0) if cell.points else float(not told["error"]),
        "beside": told["beside"],
        "in box": in_box,
        "why": why[:200],
        "error": told["error"],
        "tests": len(proof.needed or ()) if proof else 0,
        "armed": len({number for numbers in proof.armed.values() for number in numbers}) if proof else 0,
    }


def main() -> None:
    """Print the table."""
    if os.geteuid() == 0:
        sys.exit("survey_run: these are other people's programs; run it as another user")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--stock", type=Path)
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--extra", type=Path)
    parser.add_argument("--learner", type=Path, default=survey.LEARNER)
    given = parser.parse_args()
    stock = json.loads(given.stock.read_text()) if given.stock and given.stock.exists() else {}
    rows: list[dict[str, Any]] = []
    for notebook in survey.notebooks(given.folder):
        name = notebook.path.relative_to(given.folder).as_posix()
        if not re.search(given.only, name):
            continue
        if name not in stock:
            stock[name] = stock_of(notebook.path, given.learner, given.extra)
            if given.stock:
                given.stock.write_text(json.dumps(stock))
        try:
            ours = ours_of(notebook.path, given.learner, given.extra)
        except Exception as error:  # noqa: BLE001  one notebook must not end the survey
            ours = {}
            print(f"?? {name}: {type(error).__name__} {str(error)[:200]}", flush=True)
        for check in notebook.checks:
            row = _row(name, check.number, stock[name].get(str(check.number)), ours.get(str(check.number)))
            rows.append(row)
            if row["kind"] == "differs":
                print(f"!! {name} [{check.number}] nbgrader: {row['stock']} | ours: {row['ours']}", flush=True)
        if given.cells:
            given.cells.write_text(json.dumps(rows, indent=1))
    _print(rows)


def _row(name: str, number: int, stock: str | None, ours: dict[str, Any] | None) -> dict[str, Any]:
    row: dict[str, Any] = {"notebook": name, "check": number, "stock": stock, "ours": ours}
    if stock is None or ours is None:
        return row | {"kind": "not run"}
    earned = 1.0 if stock == "full" else 0.5 if stock.startswith("partial") else 0.0
    mine = ours["points"] if stock == "full" or not earned or ours["points"] <= 0 else 0.5
    if stock.startswith("stderr") and mine == 1.0:
        return row | {"kind": "a warning no longer costs the points"}
    if earned != mine:
        return row | {"kind": "differs"}
    if not earned:
        return row | {"kind": "no points, as nbgrader"}
    return row | {"kind": "box" if ours["in box"] else "judged" if ours["beside"] else "examined"}


def _print(rows: list[dict[str, Any]]) -> None:
    kinds = Counter(row["kind"] for row in rows)
    print(f"\n| check cells | {len(rows)} |\n|---|--:|")
    for kind, times in kinds.most_common():
        print(f"| {kind} | {times} |")
    reasons = Counter(row["ours"]["why"][:70] for row in rows if row["kind"] == "box")
    print("\n| in the box, since | checks |\n|---|--:|")
    for reason, times in reasons.most_common(30):
        print(f"| {reason} | {times} |")
    armed = [row["ours"] for row in rows if row["kind"] in ("box", "judged")]
    tests, with_canary = sum(one["tests"] for one in armed), sum(one["armed"] for one in armed)
    print(f"\n{with_canary} of {tests} tests of these have an armed canary.")


if __name__ == "__main__":
    main()
