from pathlib import Path

import pytest

from passerelle.courses import build_course
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict
from passerelle.proof.judging import Judge

FULL = {"check-mean": 2.0}


@pytest.fixture
def judge(course: Path, tmp_path: Path) -> Judge:
    return Judge(build_course(course, tmp_path / "built").unit("mini").card, FULL)


def verdict(points: float, *messages: Message, outcome: Outcome = Outcome.MARKED) -> Verdict:
    state = CheckState.PASSED if points == FULL["check-mean"] else CheckState.MISSED
    checks = (
        CheckResult(key="check-mean", points=points, max_points=2, state=state, messages=messages),
        CheckResult(key="answer-words", points=0, max_points=1, state=CheckState.BY_HAND),
    )
    return Verdict(key="k", unit="mini", version="v", engine="e", outcome=outcome, checks=checks)


HINT = Message(id="value-differs", args={"name": "mean", "expected": 3, "found": 9}, look="divide-by-count")


@pytest.mark.parametrize("points", [0.0, 2.0])
def test_the_stated_points_are_no_fault(judge: Judge, points: float) -> None:
    assert judge.point_faults(verdict(points, HINT), {"check-mean": points}, "here") == []


def test_other_points_are_a_fault_with_what_the_check_said(judge: Judge) -> None:
    (fault,) = judge.point_faults(verdict(0, HINT), FULL, "mini/reference solution")

    assert fault.where == "mini/reference solution"
    assert fault.what == "'check-mean' earned 0, stated are 2 («`mean`: expected 3, found 9.»)"


def test_a_check_that_marking_forgot_is_a_fault(judge: Judge) -> None:
    (fault,) = judge.point_faults(verdict(2), {"check-other": 1}, "here")

    assert "says nothing of 'check-other'" in fault.what


def test_a_fault_of_ours_is_not_taken_for_the_units(judge: Judge) -> None:
    (fault,) = judge.point_faults(verdict(0, outcome=Outcome.OURS), FULL, "here")

    assert fault.what.startswith("marking it was our fault")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Message(id="divide-by-count"), id="as-the-message"),
        pytest.param(HINT, id="as-where-to-look"),
        pytest.param(Message(id="look", args={"where": {"id": "divide-by-count"}}), id="inside-an-argument"),
    ],
)
def test_a_stated_hint_is_found_wherever_it_is_said(judge: Judge, message: Message) -> None:
    assert judge.hint_faults(verdict(0, message), ("divide-by-count",), "here") == []


def test_a_hint_that_was_not_given_is_a_fault(judge: Judge) -> None:
    (fault,) = judge.hint_faults(verdict(0, Message(id="value-differs")), ("divide-by-count",), "here")

    assert fault.what == "the hint 'divide-by-count' was not given (given: value-differs)"


def test_messages_that_can_be_read_in_both_languages_are_no_fault(judge: Judge) -> None:
    assert judge.message_faults(verdict(0, HINT), "here") == []
    assert judge.message_faults(verdict(2), "here") == []


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        pytest.param((), "it says nothing", id="silent-check"),
        pytest.param((Message(id="no-such"),), "the message 'no-such' has no words", id="unknown-message"),
        pytest.param((Message(id="value-differs", look="no-such"),), "'no-such' has no words", id="unknown-look"),
    ],
)
def test_a_check_below_full_points_says_why_in_words(judge: Judge, messages: tuple[Message, ...], said: str) -> None:
    faults = judge.message_faults(verdict(0, *messages), "here")

    assert [fault.where for fault in faults] == ["here, 'check-mean'"]
    assert said in faults[0].what


def test_the_general_words_are_known_by_id(judge: Judge) -> None:
    assert judge.knows("value-differs")
    assert not judge.knows("no-such")
