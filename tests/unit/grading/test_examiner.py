"""The examiner: points and facts of a check cell, over answers that may be anything."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from passerelle.grading.examiner import has_hidden, visible
from passerelle.grading.panel import Examiner, ExaminerError

Reply = Callable[[Mapping[str, Any]], bytes]


@pytest.fixture(scope="module")
def examiner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examiner]:
    with Examiner(tmp_path_factory.mktemp("source")) as started:
        yield started


def says(answer: Any) -> Reply:
    return lambda _question: json.dumps(answer).encode()


def value(data: Any) -> Reply:
    return says({"state": "value", "value": data})


def facts(told: dict[str, Any]) -> list[str]:
    return [fact[0] for _line, _time, said in told["unmet"] for fact in said]


CHECK = "from autograders import expect\nexpect('x').equals(3)"


def test_all_points_for_what_is_expected(examiner: Examiner) -> None:
    told = examiner.examine(CHECK, 2.0, value(3), hidden=False)

    assert (told["points"], told["unmet"], told["fault"]) == (2.0, [], None)


def test_a_number_in_the_last_line_is_partial_credit_up_to_the_points(examiner: Examiner) -> None:
    earned = [examiner.examine(last, 2.0, value(3), hidden=False)["points"] for last in ("0.5", "7", "-1", "True")]

    assert earned == [0.5, 2.0, 0.0, 2.0]


def test_every_part_is_looked_at_and_has_its_line(examiner: Examiner) -> None:
    cell = (
        "from autograders import expect\n"
        "with expect.part(1): expect('x').equals(4)\n"
        "with expect.part(2): expect('x').equals(3)\n"
        "with expect.part(4): expect('x').is_a(str)\n"
        "expect.points()"
    )

    told = examiner.examine(cell, 7.0, value(3), hidden=False)

    assert told["points"] == 2.0
    assert [(line, said[0][0]) for line, _time, said in told["unmet"]] == [(2, "value-differs"), (4, "kind-differs")]


def test_parts_of_one_cell_are_not_those_of_the_next(examiner: Examiner) -> None:
    examiner.examine("from autograders import expect\nwith expect.part(5): pass", 9.0, value(3), hidden=False)

    told = examiner.examine("from autograders import expect\nexpect.points()", 9.0, value(3), hidden=False)

    assert told["points"] == 0.0


def test_names_of_one_check_are_not_those_of_another(examiner: Examiner) -> None:
    examiner.examine("secret = 3", 1.0, value(3), hidden=False)

    assert "NameError" in examiner.examine("secret", 1.0, value(3), hidden=False)["fault"]


def test_hidden_tests_say_no_value(examiner: Examiner) -> None:
    told = examiner.examine(CHECK, 1.0, value(7919), hidden=True)

    assert told["unmet"] == [[0, 1, [["unseen-differs", {"name": "x"}, None]]]]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"state": "gone", "why": "memory"}, "gone-memory", id="no-more-memory"),
        pytest.param({"state": "slow"}, "call-slow", id="too-slow"),
    ],
)
def test_an_answer_that_never_came_is_unanswered(examiner: Examiner, answer: Any, said: str) -> None:
    told = examiner.examine(CHECK, 1.0, says(answer), hidden=False)

    assert (told["points"], told["unanswered"], facts(told)) == (0.0, True, [said])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"3",
        b'{"state": "passed"}',
        b'{"state": {"a": 1}}',
        b'{"state": "value", "value": {"t": "pickle", "v": "x"}}',
        b'{"state": "value", "value": {"t": ["tuple"], "v": []}}',
        b'{"state": "value", "value": {"t": "array", "d": "O8", "s": [1], "b": "AAAAAAAAAAA="}}',
        b'{"state": "value", "value": {"t": "array", "d": "<f8", "s": [99999999999], "b": ""}}',
        b'{"state": "value", "value": {"t": "frame", "i": {"r": [0, 9999999999999, 1], "n": [null]}}}',
        b'{"state": "value", "value": {"t": "dict", "v": [[[1], 2]]}}',
        b'{"state": "value", "value": {"t": "range", "v": [0, 1, 0]}}',
        b'{"state": "value", "value": {"t": "Timestamp", "v": "no date"}}',
        b'{"state": "value", "value": {"t": "timedelta", "v": ["a"]}}',
    ],
)
def test_garbled_answers_earn_nothing_and_stop_nothing(examiner: Examiner, raw: bytes) -> None:
    told = examiner.examine(CHECK, 1.0, lambda _question: raw, hidden=False)

    assert (told["points"], told["fault"], facts(told)) == (0.0, None, ["garbled"])


def test_an_answer_that_claims_to_be_right_is_compared_all_the_same(examiner: Examiner) -> None:
    claims = {"state": "value", "value": 4, "points": 100, "examined": {"points": 100}, "equal": True}

    assert examiner.examine(CHECK, 1.0, says(claims), hidden=False)["points"] == 0.0


def test_an_error_over_unforeseen_data_is_not_met_and_no_fault(examiner: Examiner) -> None:
    cell = "from autograders import expect\nassert expect('x').value['price'] > 0"

    told = examiner.examine(cell, 1.0, value([]), hidden=False)

    assert (told["fault"], facts(told)) == (None, ["unforeseen"])


def test_an_error_of_the_check_itself_is_a_fault(examiner: Examiner) -> None:
    told = examiner.examine("from autograders import expect\n{}['price']", 1.0, value(3), hidden=False)

    assert told["fault"] == "KeyError: 'price'"


def test_a_plain_assert_says_its_words_unless_hidden(examiner: Examiner) -> None:
    cell = "assert False, 'look at 7919'"

    seen, hidden = (examiner.examine(cell, 1.0, value(3), hidden=hidden) for hidden in (False, True))

    assert seen["unmet"][0][2] == [["said-by-check", {"text": "look at 7919"}, None]]
    assert facts(hidden) == ["not-met"]


def test_an_examiner_that_dies_is_a_fault_of_ours(tmp_path: Path) -> None:
    with Examiner(tmp_path) as dying, pytest.raises(ExaminerError, match="no result"):
        dying.examine("import os; os._exit(1)", 1.0, value(3), hidden=False)


def test_the_visible_check_keeps_its_lines_and_its_blocks() -> None:
    cell = "with part:\n    ### BEGIN HIDDEN TESTS\n    secret = 1\n    ### END HIDDEN TESTS\nlast()"

    seen = visible(cell)

    assert seen.splitlines()[4] == "last()"
    assert "secret" not in seen
    compile(seen, "check", "exec")
    assert (has_hidden(cell), has_hidden(seen)) == (True, False)


@pytest.mark.parametrize(
    "answer",
    [
        {"state": "raised", "kinds": 5, "error": [], "text": {}, "code": 3},
        {"state": "raised", "kinds": [[], {}], "error": "\ud800"},
        {"state": "gone", "why": {}},
        {"state": "value", "value": 1, "printed": [], "arguments": 7},
        {"state": "closed", "value": {"t": "opaque", "kind": 5}},
    ],
)
@pytest.mark.parametrize("word", ["equals(3)", "raises(KeyError)", "prints('x')", "leaves_arguments()"])
def test_answers_with_parts_of_other_types_stop_nothing(examiner: Examiner, answer: Any, word: str) -> None:
    cell = f"from autograders import expect\nexpect.call('f', 1).{word}"

    told = examiner.examine(cell, 1.0, says(answer), hidden=False)

    assert (told["points"], told["fault"]) == (0.0, None)
    assert told["unmet"]


def test_a_word_that_stumbles_over_her_data_is_not_met(examiner: Examiner) -> None:
    twice = {
        "t": "frame",
        "i": {"r": [0, 1, 1], "n": [None]},
        "c": {"v": [{"k": "text", "v": ["a", "a"]}], "n": [None]},
        "v": [{"k": "text", "v": ["x"]}, {"k": "text", "v": ["y"]}],
    }
    cell = "from autograders import expect\nexpect('x').frame(kinds={'a': 'whole'})"

    told = examiner.examine(cell, 1.0, value(twice), hidden=False)

    assert (told["points"], told["fault"], facts(told)) == (0.0, None, ["unforeseen"])


def test_what_an_author_hands_over_and_cannot_cross_is_a_fault_of_the_check(examiner: Examiner) -> None:
    cell = "from autograders import expect\nwith expect.part(1):\n    expect.call('f', print)"

    assert "plain data" in examiner.examine(cell, 1.0, value(3), hidden=False)["fault"]
