"""Which earlier checks a plain check is run after: those without which it would not be what it was in its notebook."""

import pytest
from nbformat.v4 import new_notebook

from passerelle.grading.routes import plans
from tests.unit.grading.asserted import cell


def before_the_last(*texts: str) -> list[str]:
    """Return what runs before the last check of a notebook; cells that do not begin with `#` are checks."""
    cells = [
        cell(f"cell-{place}", text, grade=not text.startswith("#"), solution=text.startswith("#"))
        for place, text in enumerate(texts)
    ]
    return plans(new_notebook(cells=cells))[f"cell-{len(texts) - 1}"].before


@pytest.mark.parametrize(
    "texts",
    [
        ("y = 2", "assert f(y) == 4"),
        ("y = 2", "y += 1\nassert f(y) == 6"),
        ("y = 2", "if z:\n    y = 3\nassert f(y) == 4"),
        ("y = 2", "def g(): return y\ny = 3\nassert g()"),
        ("y = 2", "[y for y in z]\nassert y == 2"),
        ("x.append(2)", "assert x == [1, 2]"),
        ("x[0] = 2", "assert x == [2]"),
        ("x.append(np.sum(2))", "# other\nimport numpy as np\nz = 1", "assert x == [1, 2]"),
    ],
    ids=lambda texts: texts[-1],
)
def test_an_earlier_check_is_run_whose_names_or_changes_are_used(texts: tuple[str, ...]) -> None:
    assert before_the_last(*texts) == [texts[0]]


@pytest.mark.parametrize(
    "texts",
    [
        ("y = 2", "y = 3\nassert f(y) == 6"),
        ("y = 2", "import y\nassert y.f() == 6"),
        ("y = 2", "def y(): return 1\nassert y()"),
        ("y = 2", "#\ny = 3", "assert f(y) == 6"),
    ],
    ids=lambda texts: texts[-1],
)
def test_one_is_not_run_whose_names_are_bound_anew_by_then(texts: tuple[str, ...]) -> None:
    assert before_the_last(*texts) == []


def test_one_that_worked_with_what_is_no_more_is_not_run_again_for_what_it_changed() -> None:
    notebook = ("#\nsound = range(13)", "log.write('1')\nassert f(sound) == 13", "#\nsound = range(700_000)")

    assert before_the_last(*notebook, "log.write('2')\nassert f(range(3)) == 3") == []
    assert before_the_last(*notebook[:2], "#\nother = 1", "log.write('2')\nassert f(range(3)) == 3") == [notebook[1]]
