"""The same work has the same verdict in every run; a check with two answers is flaky and not hers; feedback says
which cell ran out of what.
"""

from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograders.failure import Fact
from passerelle.grading.marking import Marked, mark
from passerelle.grading.walls import Limits
from passerelle.model.verdict import CheckResult, CheckState, Verdict
from tests.unit.grading.trial import LEARNER, UNIT, make_course, marked, points, release, results, sent

pytestmark = pytest.mark.slow

BRIEF = Limits(cell_s=1.0, call_s=1.0, total_s=12, patience=3)
IN_ALL = Limits(cell_s=2.0, call_s=1.0, total_s=3.4, patience=5)
CHECKS = {"mean": "assert mean_price == 4", "double": "assert double(4) == 8", "later": "assert later == 1"}
PLAIN = {
    "mean": "mean_price = sum(prices) / len(prices)",
    "double": "def double(number):\n    return number * 2",
    "later": "later = 1",
}


@pytest.fixture(scope="module")
def course_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A unit of plain asserts, without tasks: nbgrader's flags are all that its cells have."""
    course_dir = make_course(tmp_path_factory.mktemp("plain"))
    solved = {key: f"### BEGIN SOLUTION\n{text}\n### END SOLUTION" for key, text in PLAIN.items()}
    nbformat.write(_notebook(solved), course_dir / "source" / UNIT / f"{UNIT}.ipynb")
    return course_dir


def _notebook(answers: Mapping[str, str]) -> NotebookNode:
    cells = [_cell("given", "prices = [2, 4, 6]")]
    for key, text in answers.items():
        cells += [_cell(key, text, solution=True), _cell(f"check-{key}", CHECKS[key], grade=True)]
    made: NotebookNode = new_notebook(cells=cells)
    return made


def _cell(key: str, text: str, *, grade: bool = False, solution: bool = False) -> NotebookNode:
    made: NotebookNode = new_code_cell(text)
    made.metadata["nbgrader"] = {
        "grade_id": key, "grade": grade, "solution": solution, "locked": not solution, "schema_version": 3,
        "task": False, "cell_type": "code", **({"points": 1} if grade else {}),
    }  # fmt: skip
    return made


def marked_plain(elsewhere: Path, answers: Mapping[str, str], limits: Limits = BRIEF) -> Marked:
    files = sent(_notebook({**PLAIN, **answers}))
    return mark(elsewhere, UNIT, files, learner=LEARNER, limits=limits)


def words(result: CheckResult, language: str, unit: Mapping[str, object] | None = None) -> str:
    facts = [Fact(one.id, one.args, one.look) for one in result.messages]
    return "\n".join(line for fact in facts for line in fact.lines(language, dict(unit or {})))


TASKS = {"tasks": {"mean": {"en": "The mean", "fr": "La moyenne"}, "double": {"en": "The double", "fr": "Le double"}}}
EXHAUSTED = [
    pytest.param("while True: pass", "time", id="the-time-of-a-cell"),
    pytest.param("import time\nfor _ in range(40): time.sleep(.1)", "time", id="waiting"),
    pytest.param("hoard = bytearray(8_000_000_000)", "memory", id="memory"),
    pytest.param("import os\nos._exit(3)", "died", id="a-killed-kernel"),
]
EN = {"time": "was still running when its time was up", "memory": "needed more memory", "died": "stopped Python itself"}
FR = {"time": "n’avait pas encore terminé", "memory": "a demandé plus de mémoire", "died": "a arrêté Python lui-même"}


@pytest.mark.parametrize(("answer", "what"), EXHAUSTED)
def test_the_task_whose_cell_ran_out_is_named_and_what_was_earned_stays(
    course_dir: Path, answer: str, what: str
) -> None:
    outcome = marked(course_dir, {"answer-double": answer}, limits=BRIEF)
    check = results(outcome)["check-double"]

    assert points(outcome) == {"mean": 1, "double": 0}
    assert check.state is CheckState.UNANSWERED
    assert f"The cell “The double” {EN[what]}" in words(check, "en", TASKS)
    assert f"La cellule «\N{NO-BREAK SPACE}Le double\N{NO-BREAK SPACE}» {FR[what]}" in words(check, "fr", TASKS)


@pytest.mark.parametrize(("answer", "what"), EXHAUSTED)
def test_a_cell_without_a_task_is_named_by_how_it_begins(elsewhere: Path, answer: str, what: str) -> None:
    outcome = marked_plain(elsewhere, {"double": f"slow = 1\n{answer}"})
    found = results(outcome)

    assert found["check-mean"].points == 1
    assert found["check-double"].state is CheckState.UNANSWERED
    assert f"The cell that begins with `slow = 1` {EN[what]}" in words(found["check-double"], "en")
    assert f"La cellule qui commence par `slow = 1` {FR[what]}" in words(found["check-double"], "fr")
    assert found["check-later"].points == (0 if what == "died" else 1)


def test_a_later_check_says_at_which_cell_the_notebook_stopped(elsewhere: Path) -> None:
    found = results(marked_plain(elsewhere, {"mean": f"{PLAIN['mean']}\nimport os; os._exit(1)"}))

    assert found["check-later"].state is CheckState.UNANSWERED
    assert "The cell that begins with `mean_price = sum(prices) / len(prices)` stopped Python itself." in words(
        found["check-later"], "en"
    )


@pytest.mark.parametrize("plain", [pytest.param(False, id="expect"), pytest.param(True, id="plain")])
def test_the_time_of_the_whole_notebook_is_told_from_that_of_a_cell(
    course_dir: Path, elsewhere: Path, *, plain: bool
) -> None:
    busy = "import time\nuntil = time.process_time() + .9\nwhile time.process_time() < until: pass\n"
    if plain:
        found = results(
            marked_plain(
                elsewhere, {"mean": busy + PLAIN["mean"], "double": busy + PLAIN["double"], "later": busy * 3}, IN_ALL
            )
        )
        last = found["check-later"]
        assert found["check-mean"].points == found["check-double"].points == 1
    else:
        notebook = release({"answer-mean": busy + "mean_price = 4", "answer-double": busy * 3})
        notebook.cells.insert(2, new_code_cell(busy))
        found = results(mark(course_dir, UNIT, sent(notebook), learner=LEARNER, limits=IN_ALL))
        last = found["check-double"]
        assert found["check-mean"].points == 1

    assert last.state is CheckState.UNANSWERED
    assert "the time for the whole notebook was up (3 s)" in words(last, "en", TASKS)
    assert "le temps prévu pour tout le notebook" in words(last, "fr", TASKS)


# Seeds and flaky checks

DRAWS = {
    "random": "import random\nmean_price = random.random()",
    "numpy": "import numpy\nmean_price = float(numpy.random.rand())",
    "default_rng": "import numpy as np\nmean_price = float(np.random.default_rng().random())",
    "hash": "mean_price = hash('Gap') % 1000",
}


@pytest.mark.parametrize("answer", DRAWS.values(), ids=DRAWS)
def test_what_is_drawn_at_random_is_the_same_in_every_run(course_dir: Path, elsewhere: Path, answer: str) -> None:
    shown = "\ndouble = lambda number: mean_price"
    runs = [marked(course_dir, {"answer-mean": answer, "answer-double": shown[1:]}).verdict for _ in range(2)]
    plain = [marked_plain(elsewhere, {"mean": f"{answer}\nassert False, mean_price"}).verdict for _ in range(2)]

    for one, two in (runs, plain):
        assert one.model_copy(update={"seconds": 0}) == two.model_copy(update={"seconds": 0})
        assert not one.flaky
        assert one.checks[0].messages


def test_another_unit_draws_other_numbers(course_dir: Path, elsewhere: Path) -> None:
    drawn = [
        str(marked(course_dir, {"answer-mean": DRAWS["random"]}).verdict.checks[0].messages[0].args["found"]),
        str(marked_plain(elsewhere, {"mean": f"{DRAWS['random']}\nraise ValueError(mean_price)"}).notebook),
    ]

    assert drawn[0] not in drawn[1]


COUNTER = "calls = []\ndef double(number):\n    calls.append(number)\n    return number * 2 if len(calls) > 1 else 0"
LUCKY = """import os
def double(number):
    with open("asked", "a+") as asked:
        asked.write("x")
    return number * 2 if os.path.getsize("asked") > {before} else 0"""


def test_a_function_that_counts_its_calls_makes_no_check_flaky(course_dir: Path, elsewhere: Path) -> None:
    for outcome in (marked(course_dir, {"answer-double": COUNTER}), marked_plain(elsewhere, {"double": COUNTER})):
        assert outcome.verdict.flaky == ()
        assert outcome.verdict.others == ()


@pytest.mark.parametrize("plain", [pytest.param(False, id="expect"), pytest.param(True, id="plain")])
def test_of_two_answers_the_better_counts_and_the_trainer_is_told(
    course_dir: Path, elsewhere: Path, *, plain: bool
) -> None:
    # Beside the kept states lie the files of one box: what one question wrote, the next can see.
    once = LUCKY.format(before=1 if plain else 5)
    answers = {"double": once} if plain else {"answer-double": once}
    verdict: Verdict = (marked_plain(elsewhere, answers) if plain else marked(course_dir, answers)).verdict
    double = next(check for check in verdict.checks if check.key == "check-double")

    assert verdict.flaky == ("check-double",)
    assert double.points > verdict.others[0].points
    assert "flaky" not in words(double, "en")
