from pathlib import Path

import pytest

from passerelle.courses import CourseTextError, read_unit
from passerelle.proof.right import right_answer_faults, shape
from tests.unit.courses.example import edit


def test_two_ways_beside_the_reference_are_enough(course: Path) -> None:
    assert right_answer_faults(read_unit(course, "mini")) == []


def test_one_way_is_not(course: Path, unit: Path) -> None:
    (unit / "right" / "with-a-loop.toml").unlink()

    (fault,) = right_answer_faults(read_unit(course, "mini"))

    assert (fault.where, fault.what) == ("mini/right", "the task 'mean' has 1 other right answer")


def test_the_reference_with_other_names_is_no_other_way(course: Path, unit: Path) -> None:
    text = 'description = "x"\n[answers]\nanswer-mean = """\ndef mean(n):\n    # so\n    return sum( n )/len(n)\n"""\n'
    (unit / "right" / "with-a-loop.toml").write_text(text, "utf-8")

    faults = right_answer_faults(read_unit(course, "mini"))

    assert [fault.what for fault in faults] == [
        "its answer to the task 'mean' is that of the reference, but for names or spaces",
        "the task 'mean' has 1 other right answer",
    ]


def test_an_answer_to_no_cell_is_a_fault(course: Path, unit: Path) -> None:
    edit(unit / "right" / "with-a-loop.toml", "answer-mean", "answer-meen")

    with pytest.raises(
        CourseTextError, match=r"right/with-a-loop.toml, answers: there is no answer cell 'answer-meen'"
    ):
        read_unit(course, "mini")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a = 1\nb = a", "x = 1\ny = x", True),
        ("a = 1\nb = a", "x = 1\ny = y", False),
        ("def f(t):\n    return t.sum()", "def f(u):\n    return u.sum()", True),
        ("t.loc[m]", "t[m]", False),
        ("%%writefile a.html\n<p>Hi</p>", "%%writefile a.html\n <!-- so -->  <P>Hi</P>", True),
        ("%%writefile a.html\n<p>Hi</p>", "%%writefile a.html\n<main><p>Hi</p></main>", False),
    ],
)
def test_names_and_spaces_make_no_way(one: str, other: str, same: bool) -> None:
    assert (shape(one) == shape(other)) is same
