"""`check` on the real marking path, with units named by their defect."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from passerelle.courses import CourseTextError
from passerelle.proof import Depth, UnitProof, check
from tests.unit.courses.example import edit, write_example

LEARNER = Path(sys.prefix)

SOLUTION = "return sum(numbers) / len(numbers)"
CHECK = 'expect.call("mean", [1, 2, 6]).equals(3, tolerance=1e-9, else_="divide-by-count")'
HIDDEN = 'expect.call("mean", [5, 6]).equals(5.5, tolerance=1e-9, else_="divide-by-count")'


def proof_of(course: Path, depth: Depth = Depth.WHOLE) -> UnitProof:
    (proof,) = check(course, "mini", learner=LEARNER, depth=depth)
    return proof


@pytest.mark.slow
def test_the_documents_example_is_proved(tmp_path: Path) -> None:
    proof = proof_of(write_example(tmp_path))

    assert proof.proved, proof.faults
    assert (proof.points, proof.by_hand, proof.wrong, proof.right, proof.languages) == (2.0, 1.0, 2, 2, ("en", "fr"))
    assert proof.planted is not None
    assert proof.planted.caught == proof.planted.planted > 8
    assert proof.planted.errored <= proof.planted.planted / 2


def ask_nothing(unit: Path) -> None:
    edit(unit / "unit.md", CHECK, "2 + 2")
    edit(unit / "unit.md", HIDDEN, "2 + 2")


def ask_for_one_spelling(unit: Path) -> None:
    """The name of an argument is the fellow's own: a right answer that has another one shows it."""
    edit(unit / "unit.md", CHECK, CHECK.replace("[1, 2, 6]", "numbers=[1, 2, 6]"))
    file = unit / "right" / "with-statistics.toml"
    file.write_text(file.read_text("utf-8").replace("numbers", "values"), "utf-8")


def ask_too_little(unit: Path) -> None:
    edit(unit / "unit.md", HIDDEN, "pass")
    edit(unit / "unit.md", CHECK, CHECK.replace("[1, 2, 6]).equals(3", "[2, 2]).equals(2"))


DEFECTS: list[tuple[str, Callable[[Path], None], str, str]] = [
    (
        "reference-loses-points",
        lambda unit: edit(unit / "unit.md", SOLUTION, "return sum(numbers)"),
        "mini/reference solution",
        "'check-mean' earned 0, stated are 2",
    ),
    (
        "blank-earns-points",
        ask_nothing,
        "mini/blank release",
        "'check-mean' earned 2, stated are 0",
    ),
    (
        "wrong-answer-is-right",
        lambda unit: edit(unit / "wrong" / "sum-not-mean.toml", "return sum(numbers)", SOLUTION),
        "mini/wrong/sum-not-mean.toml",
        "'check-mean' earned 2, stated are 0",
    ),
    (
        "hint-is-not-given",
        lambda unit: edit(unit / "unit.md", f'{CHECK}\n', CHECK.replace(', else_="divide-by-count"', "") + "\n"),
        "mini/wrong/sum-not-mean.toml",
        "the hint 'divide-by-count' was not given",
    ),
    (
        "one-spelling-is-asked-for",
        ask_for_one_spelling,
        "mini/right/with-statistics.toml",
        "'check-mean' earned 0, stated are 2",
    ),
    (
        "planted-bugs-survive",
        ask_too_little,
        "mini/unit.md, planted bugs",
        "planted bugs are caught, 95% must be",
    ),
    (
        "solution-warns",
        lambda unit: edit(unit / "unit.md", "sum([1, 2, 3])", "import sys\nprint('soon', file=sys.stderr)"),
        "mini/reference solution, cell 'example-sum'",
        "it warns: soon",
    ),
    (
        "check-is-broken",
        lambda unit: edit(unit / "unit.md", CHECK, f"{CHECK}\nno_such_name"),
        "mini/unit.md",
        "the check itself stopped with",
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "where", "what"), [pytest.param(spoil, where, what, id=name) for name, spoil, where, what in DEFECTS]
)
def test_a_defect_is_found_by_marking(tmp_path: Path, spoil: Callable[[Path], None], where: str, what: str) -> None:
    course = write_example(tmp_path)
    spoil(course / "units" / "mini")

    proof = proof_of(course, Depth.WHOLE if re.search("wrong|right|planted", where) else Depth.FIRST)

    assert not proof.proved
    assert [fault for fault in proof.faults if fault.where == where and what in fault.what], proof.faults


@pytest.mark.slow
def test_points_of_a_blank_release_may_be_stated(tmp_path: Path) -> None:
    course = write_example(tmp_path)
    unit = course / "units" / "mini"
    ask_nothing(unit)
    edit(unit / "unit.toml", "[staff]", "[blank]\ncheck-mean = 2\n\n[staff]")

    proof = proof_of(course, Depth.FIRST)

    assert "mini/blank release" not in {fault.where for fault in proof.faults}


def test_a_unit_that_cannot_be_built_says_why(tmp_path: Path) -> None:
    course = write_example(tmp_path)
    edit(course / "units" / "mini" / "unit.md", "points: 2\n", "")

    proof = proof_of(course)

    assert [str(fault) for fault in proof.faults] == [
        "mini/unit.md line 46, cell 'check-mean': it has no points; write points: a number above 0"
    ]


def test_a_unit_that_the_course_does_not_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseTextError, match="there is no unit 'maxi'; name one of: mini"):
        check(write_example(tmp_path), "maxi", learner=LEARNER)
