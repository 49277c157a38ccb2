"""Seeds of hidden tests: nobody guesses them, whatever draws from them."""

from pathlib import Path

import pytest

from passerelle.courses import read_unit
from passerelle.proof.seeds import seed_faults
from tests.unit.courses.example import edit

HIDDEN_LINE = 'expect.call("mean", [5, 6]).equals(5.5, tolerance=1e-9, else_="divide-by-count")'
LONG = "9f70457b333b746b"


@pytest.mark.parametrize(
    ("line", "seed"),
    [
        pytest.param('passwords(4, "store")', '"store"', id="a-word"),
        pytest.param('passwords(4, seed="a-long-name-of-a-task")', None, id="long-and-nowhere-else"),
        pytest.param("np.random.default_rng(101)", "101", id="a-small-number"),
        pytest.param(f"np.random.default_rng(0x{LONG})", None, id="a-long-number"),
        pytest.param(f'random.Random("{LONG}")', None, id="hexadecimal"),
        pytest.param('random.Random("Write a function")', '"Write a function"', id="words-of-the-text"),
        pytest.param("random.Random(seed)", None, id="another-place-decides"),
    ],
)
def test_a_seed_that_can_be_guessed_is_a_fault(course: Path, unit: Path, line: str, seed: str | None) -> None:
    edit(unit / "unit.md", HIDDEN_LINE, f"_made = {line}\n{HIDDEN_LINE}")

    faults = seed_faults(read_unit(course, "mini"))

    assert [fault.what for fault in faults] == [f"the seed {seed} of a hidden test can be guessed"] * (seed is not None)


def test_what_a_fellow_sees_may_have_any_seed(course: Path, unit: Path) -> None:
    visible = 'expect.call("mean", [1, 2, 6]).equals(3, tolerance=1e-9, else_="divide-by-count")'
    edit(unit / "unit.md", visible, f"_made = random.Random(1)\n{visible}")

    assert seed_faults(read_unit(course, "mini")) == []
