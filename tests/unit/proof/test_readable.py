from pathlib import Path

from passerelle.courses import read_unit
from passerelle.proof.readable import readability, sentence_faults, sign_faults
from tests.unit.courses.example import edit

INTRO = "A **mean** is a sum divided by a count."


def test_the_example_reads_easily_in_both_languages(course: Path) -> None:
    folder = read_unit(course, "mini")
    found = readability(folder)

    assert sentence_faults(folder) == []
    assert set(found) == {"en", "fr"}
    assert found["en"].sentences == found["fr"].sentences > 4
    assert 3 < found["en"].mean < 12
    assert found["fr"].longest < 20


def test_a_sentence_of_forty_words_is_a_fault(course: Path, unit: Path) -> None:
    edit(unit / "unit.md", INTRO, INTRO + " It " + "goes and " * 20 + "ends.")

    faults = sentence_faults(read_unit(course, "mini"))

    assert any(fault.where == "mini/unit.md, cell 'intro' (en)" and "has 42 words" in fault.what for fault in faults)


def test_many_long_sentences_are_a_fault_of_the_whole(course: Path, unit: Path) -> None:
    edit(unit / "unit.md", INTRO, " ".join(["It " + "goes and " * 14 + "ends."] * 20))

    faults = sentence_faults(read_unit(course, "mini"))

    assert any(fault.where == "mini/unit.md (en)" and "words on the mean" in fault.what for fault in faults)


def test_code_counts_as_one_word_and_code_blocks_as_none(course: Path, unit: Path) -> None:
    before = readability(read_unit(course, "mini"))["en"].words
    edit(unit / "unit.md", INTRO, f"{INTRO}\n\n```python\n{'word ' * 200}\n```\n\nRun `a b c d e f`.")

    assert readability(read_unit(course, "mini"))["en"].words == before + 2


def test_a_french_sign_that_can_stand_at_the_beginning_of_a_line_is_a_fault(course: Path, unit: Path) -> None:
    assert sign_faults(read_unit(course, "mini")) == []
    po = (unit / "fr.po").read_text("utf-8")
    tight = next(line for line in po.splitlines() if "\u00a0:" in line)
    edit(unit / "fr.po", tight, tight.replace("\u00a0:", " :"))

    faults = sign_faults(read_unit(course, "mini"))

    assert [fault.where.partition(",")[0] for fault in faults] == ["mini/fr.po"]
    assert "a sign can come loose" in faults[0].what
