from pathlib import Path

import pytest

from passerelle.courses import read_unit
from passerelle.proof.mutants import columns_of, mutants_of, solution_of
from tests.unit.courses.example import edit

SOLUTION = "    return sum(numbers) / len(numbers)"


def test_bugs_have_names_that_stay_and_say_their_change(course: Path) -> None:
    first, second = (mutants_of(read_unit(course, "mini")) for _ in range(2))

    assert first == second
    assert len({mutant.id for mutant in first.mutants}) == len(first.mutants) == first.found > 8
    assert not first.is_sample
    times = next(mutant for mutant in first.mutants if "*" in mutant.text)
    assert times.id.startswith("answer-mean/operator/")
    assert times.on_one_line == "«return sum(numbers) / len(numbers)» became «return sum(numbers) * len(numbers)»"


def test_no_two_bugs_are_the_same_code(course: Path, unit: Path) -> None:
    edit(unit / "unit.md", SOLUTION, "    return sum(numbers[:len(numbers)]) / len(numbers)")
    mutants = mutants_of(read_unit(course, "mini")).mutants

    assert len({mutant.text for mutant in mutants}) == len(mutants)


def test_one_change_in_two_places_has_two_names(course: Path, unit: Path) -> None:
    edit(unit / "unit.md", SOLUTION, "    a = 1\n    a = 1\n    return sum(numbers) / len(numbers)")
    names = [mutant.id for mutant in mutants_of(read_unit(course, "mini")).mutants]

    assert len(set(names)) == len(names)
    assert any(name.endswith("-2") for name in names)


def test_too_many_are_a_sample_that_stays(course: Path) -> None:
    every, some, again = (mutants_of(read_unit(course, "mini"), most) for most in (400, 5, 5))

    assert some == again
    assert some.is_sample
    assert len(some.mutants) == 5
    assert some.found == every.found
    places = [every.mutants.index(mutant) for mutant in some.mutants]
    assert places == sorted(places)


def test_only_the_solution_is_changed() -> None:
    text, lines = solution_of("a = 1\n### BEGIN SOLUTION\nb = 2\n### END SOLUTION\nc = 3")

    assert (text, lines) == ("a = 1\nb = 2\nc = 3", frozenset({2}))
    assert solution_of("a\nb") == ("a\nb", frozenset({1, 2}))


@pytest.mark.parametrize(
    ("head", "body", "word"),
    [
        pytest.param("%%writefile index.html", '    <p lang="fr">Bonjour</p>', "changed-language", id="page"),
        pytest.param("%%writefile tools.py", "    a = 1 + 2", "operator", id="module"),
        pytest.param("%%writefile style.css", "    p { color: navy; }", "dropped-line", id="style"),
    ],
)
def test_a_cell_that_writes_a_file_is_changed_as_that_file(
    course: Path, unit: Path, head: str, body: str, word: str
) -> None:
    edit(unit / "unit.md", "def mean(numbers):\n    ### BEGIN SOLUTION\n", f"{head}\n    ### BEGIN SOLUTION\n")
    edit(unit / "unit.md", SOLUTION, body if not head.endswith(".py") else body.strip())
    mutants = mutants_of(read_unit(course, "mini")).mutants

    assert word in {mutant.operator for mutant in mutants}
    assert all(mutant.text.startswith(f"{head}\n") for mutant in mutants)


def test_a_cell_without_code_is_barren(course: Path, unit: Path) -> None:
    edit(unit / "unit.md", SOLUTION, "    %magic")

    assert mutants_of(read_unit(course, "mini")).barren == ("answer-mean",)


def test_columns_come_from_the_data(course: Path, unit: Path) -> None:
    (unit / "data").mkdir()
    (unit / "data" / "a.csv").write_text('town;"people"\nLille;1\n', "utf-8")
    (unit / "data" / "b.txt").write_text("other,words\n", "utf-8")

    assert columns_of(read_unit(course, "mini")) == ("town", "people")
