"""Which versions of a check are drawn: what one who knows the released tests can tell by them."""

import itertools

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
