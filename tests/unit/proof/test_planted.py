"""What the planted bugs say of a unit: shares, survivors, and the list of those that are none."""

from pathlib import Path

import pytest

from passerelle.courses import Fault, read_unit
from passerelle.grading.warm import Tried
from passerelle.proof.mutants import Mutant, Planted, mutants_of
from passerelle.proof.planted import Marks, planted_faults

CAUGHT, SURVIVED = Tried("check-mean"), Tried()


def bugs(count: int) -> tuple[Mutant, ...]:
    return tuple(
        Mutant("answer-mean", "number", f"a = {number}", f"-a = 0\n+a = {number}") for number in range(1, count + 1)
    )


def marks(mutants: tuple[Mutant, ...], survivors: int = 0, errored: int = 0, found: int = 0) -> Marks:
    tried = {
        mutant.id: SURVIVED if place < survivors else Tried("check-mean", place >= len(mutants) - errored)
        for place, mutant in enumerate(mutants)
    }
    return Marks(Planted(mutants, found or len(mutants)), tried, {})


def list_as_equivalent(unit: Path, *mutants: Mutant, change: str | None = None) -> None:
    text = "".join(
        f"[[mutant]]\nid = '{mutant.id}'\nchange = '{change or mutant.on_one_line}'\n"
        "reason = 'The same.'\nevidence = 'Both give 3.'\n"
        for mutant in mutants
    )
    (unit / "equivalent.toml").write_text(text, "utf-8")


def faults(course: Path, of: Marks) -> list[Fault]:
    return planted_faults(read_unit(course, "mini"), of)


def test_all_caught_is_no_fault(course: Path) -> None:
    assert faults(course, marks(bugs(20))) == []


def test_one_of_twenty_may_survive(course: Path) -> None:
    of = marks(bugs(20), survivors=1)

    assert of.caught == 19
    assert faults(course, of) == []


def test_two_of_twenty_may_not_and_each_is_named_with_a_cure(course: Path) -> None:
    mutants = bugs(20)
    share, first, second = faults(course, marks(mutants, survivors=2))

    assert share.what == "18 of 20 planted bugs are caught, 95% must be"
    assert first.where == "mini/unit.md line 34, cell 'answer-mean'"
    assert first.what == "no check sees «a = 0» became «a = 1»"
    assert mutants[1].id in second.cure


def test_a_listed_survivor_does_not_count(course: Path, unit: Path) -> None:
    mutants = bugs(20)
    list_as_equivalent(unit, mutants[0])

    assert faults(course, marks(mutants, survivors=1)) == []


def test_a_list_that_is_too_long_is_a_fault(course: Path, unit: Path) -> None:
    mutants = bugs(20)
    list_as_equivalent(unit, *mutants[:2])

    (fault,) = faults(course, marks(mutants, survivors=2))

    assert fault.where == "mini/equivalent.toml"
    assert fault.what == "2 of 20 planted bugs are listed as equivalent, at most 5% may be"


@pytest.mark.parametrize(
    ("survivors", "change", "said"),
    [
        pytest.param(0, None, "this bug is caught", id="caught"),
        pytest.param(1, "«a» became «b»", "its change is «a = 0» became «a = 1»", id="another-change"),
    ],
)
def test_a_stale_entry_is_a_fault(course: Path, unit: Path, survivors: int, change: str | None, said: str) -> None:
    mutants = bugs(20)
    list_as_equivalent(unit, mutants[0], change=change)

    (fault,) = faults(course, marks(mutants, survivors))

    assert said in fault.what


def test_an_entry_of_no_bug_is_a_fault_but_not_beside_a_sample(course: Path, unit: Path) -> None:
    list_as_equivalent(unit, bugs(21)[20])
    (fault,) = faults(course, marks(bugs(20)))

    assert fault.what == "no such bug is planted any more"
    assert faults(course, marks(bugs(20), found=21)) == []


def test_more_than_half_may_not_end_with_an_error(course: Path) -> None:
    assert faults(course, marks(bugs(20), errored=10)) == []

    (fault,) = faults(course, marks(bugs(20), errored=11))

    assert fault.what == "11 of 20 planted bugs end with an error: any check catches those"


def test_a_check_that_stops_is_a_fault(course: Path) -> None:
    mutants = bugs(20)
    of = Marks(Planted(mutants, 20), {mutant.id: CAUGHT for mutant in mutants[1:]}, {mutants[0].id: "it stopped; mend"})

    (fault,) = faults(course, of)

    assert fault.what == "«a = 0» became «a = 1»: it stopped"


def test_an_answer_in_which_no_bug_can_be_planted_is_a_fault(course: Path) -> None:
    (fault,) = faults(course, Marks(Planted((), 0, ("answer-mean",)), {}, {}))

    assert (fault.where, fault.what) == ("mini/unit.md, cell 'answer-mean'", "no bug can be planted in it")


def test_the_list_holds_each_once(course: Path, unit: Path) -> None:
    list_as_equivalent(unit, *bugs(1) * 2)

    with pytest.raises(Exception, match="these are there twice"):
        read_unit(course, "mini")


def test_the_examples_bugs_are_in_its_one_answer(course: Path) -> None:
    assert {mutant.key for mutant in mutants_of(read_unit(course, "mini")).mutants} == {"answer-mean"}
