"""Every word of the vocabulary as marking uses it: her code in the box, the check outside, a pipe between."""

from collections.abc import Iterator
from typing import Any

import pytest

from passerelle.grading.box import Box
from passerelle.grading.pages import Pages
from passerelle.grading.panel import Examiner
from passerelle.grading.walls import Limits
from scripts.vocabulary import UNIT, Example
from scripts.vocabulary_examples import EXAMPLES
from tests.unit.grading.trial import LEARNER

pytestmark = pytest.mark.slow

PATIENT = Limits(total_s=600)
IMPORTS = "from autograders import cybersecurity, expect\nimport numpy as np, pandas as pd\n"
MODEL = """
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = make_pipeline(StandardScaler(), LinearRegression()).fit([[1.0], [3.0]], [2.0, 6.0])
def halves(model, rows):
    return model.predict(rows) / 2
"""
PATCHED = """
import matplotlib.axes, matplotlib.axis, matplotlib.figure
matplotlib.axes.Axes.get_legend = lambda self: self.text(0, 0, "2021")
matplotlib.axis.Axis.get_view_interval = lambda self: [0, 1]
matplotlib.figure.Figure.axes = property(lambda self: [])
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(LEARNER, {"unit.json": b"{}"}, PATIENT, modules=["pandas"]) as opened:
        opened.wait()
        yield opened


@pytest.fixture(scope="module")
def examiner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examiner]:
    with Examiner(tmp_path_factory.mktemp("source"), modules=["pandas"]) as opened:
        yield opened


def examined(box: Box, examiner: Examiner, hers: str, checks: tuple[str, ...]) -> list[dict[str, Any]]:
    told = box.run(hers)
    assert told["state"] == "done", told
    keeper = box.keep()
    assert keeper is not None
    pages = Pages(LEARNER)  # as marking has it: files come from the box, what a browser sees from a browser
    ask = pages.beside(keeper.ask, [])
    results = [examiner.examine(IMPORTS + check, 1.0, ask, hidden=False) for check in checks]
    keeper.close()
    pages.close()
    return results


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.word)
def test_a_word_says_in_the_box_what_it_says_in_her_notebook(box: Box, examiner: Examiner, one: Example) -> None:
    told = examined(box, examiner, one.hers, one.accepts + one.refuses)
    met, unmet = told[: len(one.accepts)], told[len(one.accepts) :]

    assert [(told["points"], told["unmet"], told["fault"]) for told in met] == [(1.0, [], None)] * len(met)
    assert [(told["points"], told["fault"]) for told in unmet] == [(0.0, None)] * len(unmet)
    known = set(UNIT["messages"]) | {"value-differs"}
    assert all(fact[0] in known or "-" in fact[0] for told in unmet for *_, facts in told["unmet"] for fact in facts)


def test_a_model_stays_in_the_box_and_answers_there(box: Box, examiner: Examiner) -> None:
    checks = (
        'expect("model").call("predict", np.array([[2.0]])).array(shape=(1,)).equals(np.array([4.0]))',
        'expect("model").attribute("named_steps").item("standardscaler").attribute("mean_").equals(np.array([2.0]))',
        'expect.call("halves", expect("model"), np.array([[2.0]])).equals(np.array([2.0]))',
    )

    assert [told["points"] for told in examined(box, examiner, MODEL, checks)] == [1.0] * len(checks)


def test_patched_matplotlib_is_not_asked(examiner: Examiner) -> None:
    with Box(LEARNER, {}, PATIENT) as box:
        box.wait()
        (told,) = examined(box, examiner, PATCHED, ('expect("ax").figure()',))

    assert told["unmet"][0][2][0][0] == "garbled"
    assert told["points"] == 0.0


def test_a_rule_that_cannot_be_right_is_ours(box: Box, examiner: Examiner) -> None:
    checks = tuple(
        f'expect("number").satisfies({rule}, else_="even")'
        for rule in (
            "lambda value: value == unknown",
            "lambda value: np.no_such_thing",
            "lambda: True",
            "lambda value: __import__('no_such')",
        )
    )
    told = examined(box, examiner, "number = 3", checks)

    assert [one["points"] for one in told] == [0.0] * len(checks)
    assert all(one["fault"] for one in told)


def test_what_a_fork_changed_the_state_itself_never_saw(box: Box, examiner: Examiner) -> None:
    assert box.run("stack = [1]")["state"] == "done"
    keeper = box.keep()
    assert keeper is not None
    fork = keeper.again()
    pushed = IMPORTS + 'expect("stack").call("append", 2)\nexpect("stack").equals([1, 2])'

    released = examiner.examine(pushed, 1.0, fork.ask, hidden=False)
    fork.close()
    whole = examiner.examine(pushed, 1.0, keeper.ask, hidden=True)
    keeper.close()

    assert [told["points"] for told in (released, whole)] == [1.0, 1.0]


def test_hidden_arguments_of_a_method_are_not_said(box: Box, examiner: Examiner) -> None:
    assert box.run("stack = [1]")["state"] == "done"
    keeper = box.keep()
    assert keeper is not None
    checks = ('expect("stack").call("index", 98765)', 'expect("stack").call("count", 98765).equals(98764)')

    told = [
        examiner.examine(IMPORTS + one, 1.0, keeper.ask, hidden=True) for one in (checks[0] + ".equals(0)", checks[1])
    ]
    keeper.close()

    assert all(one["unmet"] and one["fault"] is None for one in told)
    assert "9876" not in str(told)
