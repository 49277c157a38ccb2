"""Marking from end to end: real box, real examiner, a tiny unit."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.utils import determine_grade

from passerelle.grading import Marked, mark, verdict_key
from passerelle.model.errors import ServiceError
from passerelle.model.verdict import CheckState, Outcome
from tests.unit.grading.trial import (
    ANSWERS,
    HIDDEN_NAME,
    LEARNER,
    RIGHT,
    SECRET,
    UNIT,
    everything_said,
    make_course,
    marked,
    points,
    release,
    results,
    sent,
    source,
    submission,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def right(course_dir: Path) -> Marked:
    return marked(course_dir)


@pytest.fixture(scope="module")
def tables_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("tables"), tables=True)


def test_the_right_answers_earn_full_marks(right: Marked) -> None:
    assert points(right) == {"mean": 1, "double": 2}
    assert right.verdict.outcome is Outcome.MARKED
    assert [one.messages for one in right.verdict.checks] == [(), (), ()]


def test_tables_are_compared_from_outside(tables_dir: Path) -> None:
    assert points(marked(tables_dir, {"answer-large": ANSWERS["answer-large"]})) == {"mean": 1, "double": 2, "large": 2}


def test_a_manual_answer_waits_for_a_person_and_has_its_hash(right: Marked) -> None:
    assert results(right)["answer-words"].state is CheckState.BY_HAND
    assert len(right.verdict.manual_answers["answer-words"] or "") == 64


def test_a_blank_release_earns_nothing_and_every_check_says_so(course_dir: Path) -> None:
    outcome = mark(course_dir, UNIT, sent(release()), learner=LEARNER)

    checks = [one for one in outcome.verdict.checks if one.state is not CheckState.BY_HAND]
    assert [(one.points, one.state) for one in checks] == [(0, CheckState.MISSED)] * 2
    assert all(one.messages for one in checks)
    assert outcome.verdict.manual_answers == {"answer-words": None}


def test_parts_earn_partial_credit_and_the_unseen_part_has_its_message(course_dir: Path) -> None:
    outcome = marked(course_dir, {"answer-double": "def double(number):\n    return 8 if number == 4 else number"})

    double = results(outcome)["check-double"]
    assert (double.points, double.state) == (1, CheckState.PARTIAL)
    assert [(one.id, one.args) for one in double.messages] == [("double-unseen", {"name": "double(…)"})]


def test_what_can_be_seen_in_the_notebook_is_said_with_its_facts(course_dir: Path) -> None:
    outcome = marked(course_dir, {"answer-mean": "mean_price = 12"})

    (message,) = results(outcome)["check-mean"].messages
    assert message.id == "value-differs"
    assert message.args == {"name": "mean_price", "expected": 4, "found": 12}
    assert message.look == "look-mean"


def test_hidden_values_are_in_no_message_and_no_output(tables_dir: Path) -> None:
    nosy = "def large(rows, least):\n    print(rows)\n    seen = rows.to_dict()\n    raise ValueError(str(seen))"
    outcome = marked(tables_dir, {"answer-large": nosy, "answer-double": "def double(number):\n    return str(number)"})

    said = everything_said(outcome)
    assert points(outcome)["large"] == 0
    assert str(SECRET) not in said
    assert HIDDEN_NAME not in said


def test_an_error_in_her_function_is_said_exactly(course_dir: Path) -> None:
    outcome = marked(course_dir, {"answer-double": "def double(number):\n    return {}['price']"})

    said = results(outcome)["check-double"].messages[0]
    assert said.id == "call-raised-at"
    assert said.args == {"name": "double(4)", "error": "KeyError", "text": "'price'", "code": "return {}['price']"}


def test_an_error_in_the_answer_cell_is_said_beside_the_missing_name(course_dir: Path) -> None:
    outcome = marked(course_dir, {"answer-mean": "mean_price = sum(prices) / 0"})

    missing, raised = results(outcome)["check-mean"].messages
    assert missing.id == "name-missing"
    assert (raised.id, raised.args["error"]) == ("cell-raised", "ZeroDivisionError")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param("while True: pass", "cell-time", id="an-endless-loop"),
        pytest.param("import os; os._exit(3)", "gone-died", id="a-killed-kernel"),
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "gone-died", id="a-signal"),
        pytest.param("hoard = bytearray(8_000_000_000)", "cell-memory", id="too-much-memory"),
        pytest.param(
            "import signal\nfor one in (signal.SIGPROF, signal.SIGALRM): signal.signal(one, signal.SIG_IGN)\nwhile True: pass",
            "gone-time",
            id="a-loop-that-ignores-the-alarm",
        ),
    ],
)
def test_what_was_earned_before_stays_and_what_ran_out_is_said(course_dir: Path, answer: str, message: str) -> None:
    outcome = marked(course_dir, {"answer-double": answer})

    checks = results(outcome)
    assert checks["check-mean"].points == 1
    assert checks["check-double"].state is CheckState.UNANSWERED
    assert message in {one.id for one in checks["check-double"].messages}


def test_an_endless_loop_in_one_function_costs_only_its_own_check(course_dir: Path) -> None:
    outcome = marked(course_dir, {"answer-double": "def double(number):\n    while True: pass"})

    assert results(outcome)["check-double"].state is CheckState.UNANSWERED
    assert results(outcome)["check-double"].messages[0].id == "call-slow"
    assert points(outcome) == {"mean": 1, "double": 0}


def test_a_later_cell_does_not_change_what_an_earlier_check_sees(course_dir: Path) -> None:
    spoiled = ANSWERS["answer-double"] + "\nmean_price = 0\nprices.clear()"

    assert points(marked(course_dir, {"answer-double": spoiled})) == {"mean": 1, "double": 2}


def test_cells_she_added_run_in_place(course_dir: Path) -> None:
    notebook = release({**RIGHT, "answer-mean": "mean_price = helper(prices)"})
    notebook.cells.insert(2, new_code_cell("def helper(numbers):\n    return sum(numbers) / len(numbers)"))

    outcome = mark(course_dir, UNIT, sent(notebook), learner=LEARNER)

    assert points(outcome)["mean"] == 1


def test_a_module_she_sent_beside_the_notebook_can_be_imported_but_not_replace_data(course_dir: Path) -> None:
    answer = "from hers import mean\nmean_price = mean(prices)"
    files = {"hers.py": b"def mean(numbers):\n    return sum(numbers) / len(numbers)", "data/prices.txt": b"4\n"}

    outcome = marked(course_dir, {"answer-mean": answer}, **files)

    assert points(outcome)["mean"] == 1


def test_the_notebook_read_by_nbgrader_has_the_verdict_s_points(course_dir: Path) -> None:
    half = {"answer-double": "def double(number):\n    return 8 if number == 4 else 0", "answer-mean": "mean_price = 1"}
    outcome = marked(course_dir, half)

    nbformat.validate(outcome.notebook)
    graded = {
        cell.metadata.nbgrader.grade_id: determine_grade(cell)[0]
        for cell in outcome.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    }
    assert graded == {key: one.points for key, one in results(outcome).items() if key in graded}
    assert graded == {"check-mean": 0, "check-double": 1}


def test_the_notebook_shows_what_her_cells_showed(right: Marked) -> None:
    shown = {cell.get("id"): cell.get("outputs") for cell in right.notebook.cells}

    assert shown["example-free"][0]["data"]["text/plain"] == "2"
    assert shown["check-mean"] == []


def test_the_verdict_key_is_that_of_the_answers_and_nothing_of_the_wrapping(course_dir: Path, right: Marked) -> None:
    wrapped = release(RIGHT)
    for cell in wrapped.cells:
        cell.metadata["tags"] = ["skip-execution"]

    keys = {
        verdict_key(course_dir, UNIT, sent(wrapped), learner=LEARNER),
        verdict_key(course_dir, UNIT, submission(), learner=LEARNER),
        right.verdict.key,
    }
    other = verdict_key(course_dir, UNIT, submission({"answer-mean": "mean_price = 4"}), learner=LEARNER)

    assert len(keys) == 1
    assert other not in keys


def test_a_file_with_the_name_of_one_that_is_not_released_is_hers_and_in_the_key(course_dir: Path) -> None:
    sent_with = [submission(**{"truth/truth.txt": content}) for content in (b"one", b"another")]

    assert len({verdict_key(course_dir, UNIT, files, learner=LEARNER) for files in sent_with}) == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "unreadable-missing", id="no-notebook"),
        pytest.param({f"{UNIT}.ipynb": b"{"}, "unreadable-notebook", id="half-a-file"),
        pytest.param({f"{UNIT}.ipynb": b"[" * 100_000}, "unreadable-notebook", id="nested-without-end"),
    ],
)
def test_what_cannot_be_read_is_a_verdict_that_says_what_to_do(
    course_dir: Path, files: dict[str, bytes], message: str
) -> None:
    outcome = mark(course_dir, UNIT, files, learner=LEARNER)

    assert {one.messages[0].id for one in outcome.verdict.checks if one.messages} == {message}
    assert outcome.verdict.points == 0


def test_a_broken_check_is_a_fault_of_ours_and_names_the_check(tmp_path: Path) -> None:
    course_dir = make_course(tmp_path)
    broken = source()
    broken.cells[4].source = "from autograders import expect\nexpect('mean_price').equals(not_there)"
    (course_dir / "source" / UNIT / f"{UNIT}.ipynb").write_text(json.dumps(broken))

    with pytest.raises(ServiceError, match=r"check-mean.*NameError.*mend it"):
        marked(course_dir)
