"""What is said of an answer is JSON, and short, whatever her data are: nothing of hers ends the examiner."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograders.typed import pack
from passerelle.grading.asserts import _hearsay
from passerelle.grading.panel import Examiner

HUGE = 10**4000
LONG = "é" * 5_000_000


@pytest.fixture(scope="module")
def examiner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examiner]:
    with Examiner(tmp_path_factory.mktemp("source")) as started:
        yield started


def examined(examiner: Examiner, cell: str, value: Any, *, ascii_only: bool = True) -> dict[str, Any]:
    answer = json.dumps({"state": "value", "value": value}, ensure_ascii=ascii_only).encode()
    cell = f"from autograders import expect\nimport numpy as np\n{cell}"
    return examiner.examine(cell, 2.0, lambda _question: answer, hidden=False)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (np.longdouble(3.5), 3.5),
        (np.float64("nan"), "nan"),
        (float("-inf"), "-inf"),
        (np.int64(3), 3),
        (HUGE, {"id": "kind-int", "args": {}}),
    ],
)
def test_numbers_of_any_kind_are_said(examiner: Examiner, found: Any, said: Any) -> None:
    told = examined(examiner, "expect('x').equals(36.7)", found if found is HUGE else pack(found))

    assert [fact[1]["found"] for _line, _time, facts in told["unmet"] for fact in facts] == [said]


@pytest.mark.parametrize(
    ("found", "said"),
    [(np.int64(3), 3), (np.longdouble(2), 2.0), ({1}, "{1}"), ({(1, 2): 3}, "{(1, 2): 3}"), ("é" * 9_000, "é" * 2_000)],
)
def test_what_an_author_says_of_her_data_may_be_any_of_them(examiner: Examiner, found: Any, said: Any) -> None:
    told = examined(examiner, "expect.that(False, 'beats', found=expect('x').value)", pack(found))

    assert (told["fault"], told["unmet"][0][2]) == (None, [["beats", {"found": said}, None]])


@pytest.mark.parametrize(
    ("value", "points"), [(float("nan"), 0.0), (float("inf"), 2.0), (HUGE, 2.0), (-HUGE, 0.0), (0.5, 0.5)]
)
def test_the_last_line_is_points_whatever_number_it_is(examiner: Examiner, value: Any, points: float) -> None:
    assert examined(examiner, "expect('x').value", value)["points"] == points


@pytest.mark.parametrize("value", [{"t": "handle", "r": LONG}, ["é" * 10] * 450_000])
def test_an_answer_that_would_grow_when_it_is_said_back_is_none(examiner: Examiner, value: Any) -> None:
    told = examined(examiner, "expect('x').attribute('y').equals(1)", value, ascii_only=False)

    assert (told["points"], told["fault"]) == (0.0, None)
    assert told["unmet"]


def test_a_huge_number_beside_her_code_is_all_points_and_no_more() -> None:
    answer = json.dumps({"state": "ran", "value": HUGE, "notes": [[0, True, ""]], "error": ""}).encode()

    assert _hearsay(answer, {"points": 2.0, "hidden": True}, beside=True)["points"] == 2.0


def test_the_record_of_a_drawing_is_short_however_much_is_written_there(examiner: Examiner) -> None:
    axis = {"title": "z" * 3_000_000, "limits": [0, 1], "scale": "linear"}
    chart = {"title": "t", "x": axis, "y": axis, "legend": [], "texts": [], "marks": [MARK]}
    told = examined(examiner, "expect('x').figure(x='k')", _shared({"panels": [chart], "own": None, "title": ""}))

    assert told["unmet"][0][2][0][0] == "written-lacks"
    assert len(json.dumps(told)) < 5_000


MARK = {"kind": "bars", "series": "s", "data": {"value": [1], "base": [0], "start": [0], "end": [1]}}


def _shared(value: Any) -> Any:
    if isinstance(value, dict):
        return {"t": "dict", "v": [[name, _shared(one)] for name, one in value.items()]}
    return [_shared(one) for one in value] if isinstance(value, list) else value
