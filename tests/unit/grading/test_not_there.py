"""What a notebook may use and a box has not: she is told what was found and what to do, and the rest is marked."""

from pathlib import Path

import pytest

from autograders.failure import Fact
from passerelle.model.verdict import CheckResult
from tests.unit.grading.trial import CARD, make_course, marked, points, results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def course_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


def said(check: CheckResult, language: str) -> str:
    unit = CARD.model_dump(mode="json")
    return "\n".join(line for one in check.messages for line in Fact(one.id, one.args).lines(language, unit))


@pytest.mark.parametrize(
    ("line", "id_", "english", "french"),
    [
        ("exit()", "cell-exit", "ends Python itself, by `exit()`", "arrête Python lui-même, avec `exit()`"),
        ("quit()", "cell-exit", "Take that line out", "Enlève cette ligne"),
        ("import sys\nsys.exit(0)", "cell-exit", "`sys.exit()`", "`sys.exit()`"),
        ("%nosuch 3", "cell-magic", "uses `%nosuch`, which is not there", "utilise `%nosuch`, qui n’existe pas"),
        ("%sql select 1", "cell-magic", "write it in Python", "écris-la en Python"),
        ("import nosuch.part", "cell-module", "imports `nosuch`", "importe `nosuch`"),
    ],
)
def test_what_is_not_there_is_named_in_both_languages(
    course_dir: Path, line: str, id_: str, english: str, french: str
) -> None:
    outcome = marked(course_dir, {"answer-mean": f"{line}\nmean_price = 4"})
    check = results(outcome)["check-mean"]

    assert points(outcome) == {"mean": 0, "double": 2}
    assert [one.id for one in check.messages] == ["name-missing", id_]
    assert english in said(check, "en")
    assert french in said(check, "fr")
    assert "The cell “The mean”" in said(check, "en")


def test_a_cell_magic_that_is_not_there_is_named(course_dir: Path) -> None:
    check = results(marked(course_dir, {"answer-mean": "%%nosuch\nmean_price = 4"}))["check-mean"]

    assert [one.args.get("magic") for one in check.messages] == [None, "%%nosuch"]


@pytest.mark.parametrize("line", ["%pip install numpy", "%conda install numpy", "%clear", "%autosave 60", "!pip list"])
def test_what_installs_or_serves_a_reader_costs_nothing(course_dir: Path, line: str) -> None:
    assert points(marked(course_dir, {"answer-mean": f"{line}\nmean_price = 4"}))["mean"] == 1
