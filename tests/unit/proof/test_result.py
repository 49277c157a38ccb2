import json
from pathlib import Path

from passerelle.courses import Fault
from passerelle.proof import UnitProof, lines
from passerelle.proof.result import PlantedCount

DOCUMENT = Path(__file__).parents[3] / "docs" / "proof.md"
PLANTED = PlantedCount(found=20, planted=20, caught=19, equivalent=1, errored=4)


def test_a_proved_unit_is_one_line() -> None:
    proof = UnitProof(
        "mini", points=2, by_hand=1, wrong=2, right=3, languages=("en", "fr"), planted=PLANTED, seconds=3.4
    )

    assert proof.proved
    assert list(lines([proof])) == [
        "mini: proved: 2 points by machine and 1 by hand, en and fr complete; 2 wrong and 3 other right answers;"
        " 19 of 20 planted bugs caught, 1 listed as equivalent (3 s)"
    ]


def test_what_was_not_yet_planted_is_not_called_proved() -> None:
    (line,) = lines([UnitProof("mini", points=2, languages=("en", "fr"))])

    assert line == "mini: so far: 2 points by machine, en and fr complete (0 s)"


def test_a_sample_says_so() -> None:
    assert str(PlantedCount(found=900, planted=400, caught=400)) == "400 of 400 planted bugs caught (a sample of 900)"


def test_what_is_to_mend_stands_below_its_unit() -> None:
    proof = UnitProof("mini", (Fault("mini/fr.po", "«A» has no translation", "translate it"),))

    assert not proof.proved
    assert list(lines([proof])) == [
        "mini: 1 thing to mend (0 s)",
        "  mini/fr.po: «A» has no translation; translate it",
    ]


def test_a_record_is_plain_data_and_every_field_is_in_the_document() -> None:
    record = UnitProof("mini", (Fault("a", "b", "c"),), planted=PLANTED).record()

    assert json.loads(json.dumps(record)) == json.loads(json.dumps(record))
    assert record["proved"] is False
    assert record["faults"] == ({"where": "a", "what": "b", "cure": "c"},)
    text = DOCUMENT.read_text("utf-8")
    assert [name for name in [*record, *record["planted"]] if f"`{name}`" not in text] == []
