"""A check that is not passed is examined a second time: that is for honest chance, and no second guess."""

import json
from pathlib import Path

import nbformat
import pytest

from passerelle.grading.heard import Heard
from tests.unit.grading.trial import UNIT, make_course, marked, points, source

pytestmark = pytest.mark.slow

# Whoever is forked from a kept state counts in a file how many were before it, and answers by that.
GUESSES = """
import os
def guess():
    with open(f"/tmp/{os.getppid()}", "a+") as asked:
        asked.write("x")
    global mean_price
    mean_price = 4 if os.path.getsize(f"/tmp/{os.getppid()}") > 1 else 3
os.register_at_fork(after_in_child=guess)
mean_price = 3
"""
BOTH = """\
from autograders import expect

with expect.part(0.5, "a"):
    expect.call("double", 1).equals(2)
with expect.part(0.5, "b"):
    expect("mean_price").equals(4)
expect.points()
"""
PLAIN = "assert double(1) == 2\nassert mean_price == 4"


@pytest.mark.parametrize(("check", "earned"), [(None, 0), (BOTH, 0.5), (PLAIN, 0)], ids=["a-name", "a-call", "plain"])
def test_a_name_that_holds_something_else_the_second_time_is_no_second_guess(
    tmp_path: Path, check: str | None, earned: float
) -> None:
    course_dir = make_course(tmp_path)
    if check is not None:
        notebook = source()
        next(cell for cell in notebook.cells if cell.id == "check-mean").source = check
        (course_dir / "source" / UNIT / f"{UNIT}.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    double = "def double(number):\n    return number * 2"

    outcome = marked(course_dir, {"answer-mean": f"{double}{GUESSES}"})

    assert points(outcome)["mean"] == earned


def test_what_is_looked_at_must_agree_and_what_is_called_need_not() -> None:
    first, second, other = Heard(), Heard(), Heard()
    for heard, held, gave in ((first, 3, 3), (second, 3, 4), (other, 4, 3)):
        heard.note({"ask": "get", "name": "x"}, json.dumps(held).encode())
        heard.note({"ask": "call", "name": "f", "args": [1]}, json.dumps(gave).encode())

    assert first.agrees(second)
    assert not first.agrees(other)
    assert first.called


def test_the_files_of_a_page_are_looked_at_and_not_called() -> None:
    first, second, elsewhere = Heard(), Heard(), Heard()
    asked = {"op": "method", "on": {"t": "module", "n": "autograders.answers"}, "attr": "site", "plain": True}
    first.note({"ask": "do", **asked, "args": ["index.html"]}, b"one")
    second.note({"ask": "do", **asked, "args": ["index.html"]}, b"two")
    elsewhere.note({"ask": "do", **asked, "args": ["about.html"]}, b"two")

    assert not first.called
    assert not first.agrees(second)
    assert first.agrees(elsewhere)
