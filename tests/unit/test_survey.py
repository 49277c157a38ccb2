"""The survey of other people's checks, on a tiny course made up here."""

import json
from pathlib import Path
from typing import Any

import pytest
from ipykernel.compiler import XCachingCompiler
from IPython.core.interactiveshell import InteractiveShell

from benchmarks import survey, survey_box
from benchmarks.survey_table import rows

HALVE = (
    "def halve(numbers):\n    ### BEGIN SOLUTION\n    return [number / 2 for number in numbers]\n    ### END SOLUTION"
)
GROW = "def grow(numbers, step):\n    numbers.append(step(1))\n    return len(numbers)"
CHECK = {"grade": True, "solution": False, "grade_id": "c", "points": 1, "schema_version": 3}
ANSWER = {"grade": False, "solution": True, "grade_id": "a", "schema_version": 3}


def cell(source: str, meta: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"nbgrader": meta} if meta else {}}


def write(path: Path, *cells: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": list(cells), "metadata": {}}), "utf-8")
    return path


def seen_in(folder: Path, *cells: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Run cells in a shell of this process under the profiler; return what was seen of the checks."""
    shell: Any = InteractiveShell(  # type: ignore[no-untyped-call]
        compiler_class=XCachingCompiler, ipython_dir=str(folder)
    )
    listing = [[number, survey_box.role(one), one["source"]] for number, one in enumerate(cells)]
    watching = survey_box.Watch(shell, listing)
    shell.events.register("pre_run_cell", watching.pre_run_cell)
    shell.events.register("post_run_cell", watching.post_run_cell)
    for _number, _role, source in listing:
        shell.run_cell(source)
    return watching.checks


@pytest.mark.parametrize(
    ("source", "feature"),
    [
        ("import inspect\nassert 'for' in inspect.getsource(halve)", "reads source or code"),
        ("assert 'x' in In[-2]", "kernel history"),
        ("assert 'total' in globals()", "asks for names"),
        ("try:\n    halve\nexcept NameError:\n    raise", "catches NameError"),
        ("import sys, io\nsys.stdout = io.StringIO()", "captures output"),
        ("%%time\nassert halve([2]) == [1]", "magic"),
        ("import numpy as np\nnp.random.seed(3)\nassert draw() > 0", "seeds randomness"),
        ("lines = !ls\nassert lines", "shell"),
        ("### BEGIN HIDDEN TESTS\nassert halve([4])\n### END HIDDEN TESTS", "hidden tests"),
        ("score = 0.5\nscore", "may give part of the points"),
        ("# nothing here", "empty"),
        ("print(halve([1]))", "no assertion"),
    ],
)
def test_the_text_of_a_check_shows_what_it_uses(source: str, feature: str) -> None:
    assert feature in survey.features_of(source)


def test_a_plain_check_shows_nothing_that_a_stand_in_cannot_do() -> None:
    found = survey.features_of("assert halve([2, 4]) == [1, 2]")
    assert found == {"asserts"}


def test_a_module_beside_the_notebook_is_the_course_s() -> None:
    assert "module of the course" in survey.features_of("from helpers import same\nassert same(x)", ["helpers"])


def test_kinds_of_values() -> None:
    assert survey_box.kind([1, {"a": (2.0, None)}]) == "plain"
    assert survey_box.kind([1, [object]]) == "holder of library class"
    assert survey_box.kind(iter([1])) == "iterator"


def test_what_crosses_is_seen(tmp_path: Path) -> None:
    plain, busy, raising = seen_in(
        tmp_path,
        cell(HALVE, ANSWER),
        cell(GROW, ANSWER),
        cell("assert halve([2]) == [1]", CHECK),
        cell("mine = [1]\nassert grow(mine, lambda x: x) == 2", CHECK),
        cell("try:\n    halve(3)\nexcept TypeError:\n    pass", CHECK),
    ).values()
    assert plain["calls"] == [["halve", ["plain"], "plain"]]
    assert plain["reads"] == {"halve": ["answer", "her function"]}
    assert plain["events"] == []
    assert busy["calls"] == [["grow", ["her function", "plain"], "plain"]]
    assert sorted(busy["events"]) == ["an argument is changed", "callback into the check"]
    assert raising["calls"] == [["halve", ["plain"], "raises"]]


def test_a_name_taken_away_from_her_code_is_seen(tmp_path: Path) -> None:
    checks = seen_in(
        tmp_path,
        cell(HALVE, ANSWER),
        cell("def quarter(numbers):\n    return halve(halve(numbers))", ANSWER),
        cell("kept = halve\ndel halve\ntry:\n    quarter([1])\nexcept NameError:\n    pass\nhalve = kept", CHECK),
    )
    assert checks[2]["events"] == ["her code reads a name that a check sets"]


def test_a_seed_counts_where_her_code_draws(tmp_path: Path) -> None:
    seeding = "import random\nrandom.seed(1)\nassert draw(6) > 0"
    drawn = seen_in(
        tmp_path,
        cell("import random\ndef draw(sides):\n    return random.randint(1, sides)", ANSWER),
        cell(seeding, CHECK),
    )[1]
    for seen, counts in ((drawn, True), (drawn | {"events": []}, False)):
        check = survey.Check(1, seeding, set(), survey.features_of(seeding))
        survey.add_seen(check, seen)
        assert ("seeds randomness" in check.features) is counts
        assert check.place == ("extra" if counts else "data")


def test_the_tables_say_where_checks_can_run(tmp_path: Path) -> None:
    path = write(
        tmp_path / "week1" / "one.ipynb",
        cell(HALVE, ANSWER),
        cell("expected = [1]\nassert halve([2]) == expected", CHECK),
        cell("assert len(In) > 1 and halve([2]) == expected", CHECK),
        cell("assert halve([]) == []", CHECK),
    )
    (found,) = survey.notebooks(tmp_path)
    assert found.path == path
    assert "sets a name a later check cell reads" in found.checks[0].features
    earned = {"cells": [[1, "check", "full"], [2, "check", "full"], [3, "check", "AssertionError: "]]}
    seen = {"reads": {"halve": ["answer", "her function"]}, "calls": [["halve", ["plain"], "plain"]], "events": []}
    survey.add_results(found, earned, {"seen": {"1": seen, "2": seen, "3": seen}})
    assert [check.place for check in found.checks] == ["data", "box", "unseen"]
    assert survey.assignments_table([found], tmp_path)[-1] == "| all | 3 | 2 | 1 | 0 | 0 | 1 | 1 |"
    history = next(line for line in survey.features_table([found]) if "kernel history" in line)
    assert history == "| kernel history | box | 1 | 33.3 | 1 | 1 |"


def test_what_a_run_check_earned_is_nbgrader_s() -> None:
    def of(**output: Any) -> str:
        return survey_box.earned({"outputs": [output]})

    assert of(output_type="stream", name="stderr", text="a warning").startswith("stderr")
    assert of(output_type="execute_result", data={"text/plain": "0.5"}) == "partial 0.5"
    assert of(output_type="execute_result", data={"text/plain": "'done'"}) == "full"
    assert of(output_type="error", ename="AssertionError", evalue="no") == "AssertionError: no"


def test_the_table_of_the_survey_counts_what_was_run_and_says_what_was_not() -> None:
    def of(check: int, kind: str, why: str = " ", stock: str = "full") -> dict[str, Any]:
        return {
            "notebook": "her+course/ps1/a.ipynb",
            "check": check,
            "kind": kind,
            "ours": {"why": why},
            "stock": stock,
        }

    listed = [
        {"repo": repo, "commit": "0123456789abcdef", "licence": licence, "path": "source/ps1", "check_cells": "3"}
        for repo, licence in (("her/course", "MIT"), ("his/course", ""))
    ]
    wrong = of(2, "no points, as nbgrader", stock="ValueError: words of theirs")

    hers, his, everything = rows([of(0, "examined"), of(1, "box", "subprocess.Popen"), wrong], listed)

    assert hers[1:-1] == ["`0123456789ab`", "MIT", "1 of 1", "3", "2", "1", "1", "0", "1", "0"]
    assert hers[-1] == "beside: 1 × subprocess.Popen; solutions: 1 × ValueError"
    assert his[2:5] == ["none stated", "0 of 1", "not run"]
    assert everything[0] == "**1 repositories**"
    assert everything[3:6] == ["1 of 2", "3", "2"]


def test_a_kind_of_verdict_without_a_column_is_not_left_out_of_the_table() -> None:
    listed = [{"repo": "her/course", "commit": "0", "licence": "", "path": "ps1", "check_cells": "1"}]

    with pytest.raises(ValueError, match="no column for a new kind"):
        rows([{"notebook": "her+course/ps1/a.ipynb", "check": 0, "kind": "a new kind"}], listed)
