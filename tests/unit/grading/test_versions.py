"""Which versions of a check are drawn: what one who knows the released tests can tell by them."""

import ast
import itertools
import re

import pytest

from passerelle.grading.canaries import noted
from passerelle.grading.versions import Proof, draw, prove

RELEASED, HIDDEN = (0, 1), (2, 3)


def places(drawn: list[dict[int, int]], test: int) -> frozenset[int]:
    return frozenset(place for place, changed in enumerate(drawn) if test in changed)


def test_a_hidden_test_is_never_changed_in_the_same_versions_as_a_released_one() -> None:
    proof = Proof("seed", [0, 1, 2, 3], {"1": [0, 1, 2, 3], "2": [1, 3]})
    seen = set()
    for _ in range(300):
        drawn = draw(proof, frozenset(HIDDEN))
        assert drawn.count({}) >= 1
        for test in (*RELEASED, *HIDDEN):
            assert places(drawn, test)
        for released, hidden in itertools.product(RELEASED, HIDDEN):
            assert places(drawn, released) != places(drawn, hidden)
        seen.add(places(drawn, HIDDEN[0]))
    # Nobody knows which it will be.
    assert len(seen) >= 6


def test_a_test_without_a_value_can_only_be_negated() -> None:
    def run(version: str) -> dict[str, list[list[object]]]:
        """Run beside a solution that meets the check as it is."""
        notes: list[list[object]] = []
        names = {"f": lambda number: number > 3, "g": lambda: 5}
        exec(version, names | {"__passerelle_note__": lambda number, error=None: notes.append([number, error is None])})
        return {"notes": notes}

    proof = prove("assert f(4)\nassert g() == 5", "seed", run)

    assert proof.needed == [0, 1]
    assert proof.negated == [0]
    assert {number for armed in proof.armed.values() for number in armed} == {0, 1}


def changed(check: str, seed: str) -> str:
    """Return the test of a check with other values, as her code can read it."""
    (version,) = ast.parse(noted(check, seed=seed, changed={0: 1})).body
    assert isinstance(version, ast.Try)
    return ast.unparse(version.body[0])


@pytest.mark.parametrize(
    ("right", "looks_like"),
    [
        ("0.25", r"\d+(\.\d{1,2})?"),  # not 0.8341276093515
        ("12.5", r"\d+(\.\d)?"),
        ("1000", r"\d+000"),
        ("120", r"\d+0"),
        ("'Paris'", r"'[B-DF-HJ-NP-TV-Z][aeiou][b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]'"),
        ("'A4'", r"'[AEIOU]\d'"),
        ("b'abc'", r"b'[aeiou][b-df-hj-np-tv-z]{2}'"),
        ("'--'", r"'---'"),
    ],
)
def test_a_changed_value_looks_like_one_of_an_author(right: str, looks_like: str) -> None:
    for number in range(50):
        value = changed(f"assert f(3) == {right}", str(number)).removeprefix("assert f(3) == ")
        assert value != right
        assert re.fullmatch(looks_like, value)
        assert float(value) != float(right) if right[0].isdigit() else value


@pytest.mark.parametrize(
    "check",
    [
        "assert f(3) == 61, 'f(3) is 61'",
        "assert f(3) == 61, f'expected {61}'",
        "assertEqual(f(3), 61, 'f(3) is 61')",
        "np.testing.assert_allclose(f(3), 61, rtol=0.1, err_msg='it is 61')",
        "if f(3) != 61:\n    print('61 was expected')\n    raise ValueError('61 was expected')",
    ],
)
def test_a_changed_test_does_not_say_the_right_value(check: str) -> None:
    for number in range(20):
        assert "61" not in changed(check, str(number))
    assert "61" in noted(check)  # what is said of a released test is said


def test_what_is_no_message_stays() -> None:
    for check in ("assertAlmostEqual(f(3), 61, 7)", "assertAlmostEqual(f(3), 61, places)", "assertRaises(E, f, 'x')"):
        assert check.rpartition(",")[2] in noted(check, seed="1", changed={})
