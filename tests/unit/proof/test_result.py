from passerelle.courses import Fault
from passerelle.proof import UnitProof, lines


def test_a_proved_unit_is_one_line() -> None:
    proof = UnitProof("mini", points=2, by_hand=1, wrong=2, languages=("en", "fr"), seconds=3.4)

    assert proof.proved
    assert list(lines([proof])) == [
        "mini: proved: 2 points by machine and 1 by hand, 2 wrong answers, en and fr complete (3 s)"
    ]


def test_what_is_to_mend_stands_below_its_unit() -> None:
    proof = UnitProof("mini", (Fault("mini/fr.po", "«A» has no translation", "translate it"),))

    assert not proof.proved
    assert list(lines([proof])) == ["mini: 1 thing to mend", "  mini/fr.po: «A» has no translation; translate it"]
