from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from passerelle.courses import Fault, build_course, read_unit, unit_source
from passerelle.proof import accessible, reading
from tests.unit.courses.example import edit


def accessibility(course: Path, into: Path) -> list[Fault]:
    build_course(course, into)
    return accessible.notebook_faults(unit_source(into, "mini"), "mini/unit.md")


def test_a_complete_unit_has_no_faults(course: Path, tmp_path: Path) -> None:
    folder = read_unit(course, "mini")

    assert accessibility(course, tmp_path / "built") == []
    assert reading.translation_faults(folder) == []
    assert accessible.page_faults(folder) == []
    assert reading.term_faults(folder) == []
    assert reading.minute_faults(folder) == []
    assert reading.identity_faults(folder) == []
    assert reading.wrong_answer_faults(folder) == []
    assert reading.message_faults(folder, lambda name: False) == []
    assert reading.language_faults(unit_source(tmp_path / "built", "mini"), "mini/unit.md") == []


INTRO = "A **mean** is a sum divided by a count.\n\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(INTRO, "![](data/mean.png)\n\n", "the image data/mean.png has no alternative text", id="image"),
        pytest.param(INTRO, '<img src="data/m.png">\n\n', "the image data/m.png has no alternative", id="html-image"),
        pytest.param(
            INTRO, 'An <img src="x.png" alt=" "> inline.\n\n', "the image x.png has no", id="inline-html-image"
        ),
        pytest.param(INTRO, "- a list\n- with ![](in.png)\n\n", "the image in.png has no", id="image-in-a-list"),
        pytest.param("# A mean\n", "## A mean\n", "the first heading is of level 2", id="no-title"),
        pytest.param("## Prove: the mean", "# Prove: the mean", "a second heading of level 1", id="two-titles"),
        pytest.param(
            "## Prove: the mean", "### Prove: the mean", "level 3 follows one of level 1; use ##", id="skipped"
        ),
        pytest.param("## Prove: the mean", "<h4>Prove</h4>", "level 4 follows one of level 1", id="skipped-in-html"),
    ],
)
def test_what_a_screen_reader_stumbles_over_is_found(
    course: Path, unit: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    edit(unit / "unit.md", old, new)

    faults = accessibility(course, tmp_path / "built")

    assert any(said in str(fault) and "(en)" in fault.where for fault in faults), faults


def test_the_translation_is_looked_at_too(course: Path, unit: Path, tmp_path: Path) -> None:
    edit(unit / "fr.po", 'msgstr "## Prouve-le\u00a0: la moyenne"', 'msgstr "#### Prouve-le\u00a0: la moyenne"')

    (fault,) = accessibility(course, tmp_path / "built")

    assert fault.where == "mini/unit.md, cell 'task-mean' (fr)"


def test_headings_in_code_are_no_headings(course: Path, unit: Path, tmp_path: Path) -> None:
    edit(unit / "unit.md", INTRO, "```python\n# a comment\n```\n\n")

    assert accessibility(course, tmp_path / "built") == []


def test_images_in_notes_are_looked_at(course: Path, unit: Path) -> None:
    (unit / "mentor.md").write_text("![](chart.png)\n", "utf-8")

    faults = accessible.page_faults(read_unit(course, "mini"))

    assert {fault.where for fault in faults} == {"mini/mentor.md (en)", "mini/mentor.md (fr)"}


def test_what_is_not_translated_is_named(course: Path, unit: Path) -> None:
    edit(unit / "fr.po", 'msgstr "Une moyenne"', 'msgstr ""')

    (fault,) = reading.translation_faults(read_unit(course, "mini"))

    assert str(fault) == "mini/fr.po, unit.toml:title: «A mean» has no translation; translate it"


def test_more_than_eight_terms_are_too_many(course: Path, unit: Path) -> None:
    terms = "\n".join(f'term{number} = "x"' for number in range(8))
    edit(unit / "unit.toml", "[staff]", f"{terms}\n[staff]")

    (fault,) = reading.term_faults(read_unit(course, "mini"))

    assert fault.what == "there are 9 terms"


def _one_wrong_answer(unit: Path) -> None:
    (unit / "wrong" / "sum-not-mean.toml").unlink()


def _harmless_wrong_answer(unit: Path) -> None:
    edit(unit / "wrong" / "sum-not-mean.toml", "check-mean = 0", "check-mean = 2")


def test_each_counted_task_needs_two_wrong_answers(course: Path, unit: Path) -> None:
    _one_wrong_answer(unit)

    (fault,) = reading.wrong_answer_faults(read_unit(course, "mini"))

    assert fault.what == "the task 'mean' has 1 wrong answers"


def test_a_wrong_answer_that_loses_nothing_counts_for_no_task(course: Path, unit: Path) -> None:
    _harmless_wrong_answer(unit)

    faults = reading.wrong_answer_faults(read_unit(course, "mini"))

    assert [fault.what for fault in faults] == ["no check loses points by it", "the task 'mean' has 1 wrong answers"]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        pytest.param(
            lambda unit: edit(unit / "unit.toml", "divide-by-count =", "divide-by ="),
            "mini/unit.md line 46, cell 'check-mean'",
            id="in-a-check",
        ),
        pytest.param(
            lambda unit: edit(unit / "wrong" / "sum-not-mean.toml", '["divide-by-count"]', '["no-such-hint"]'),
            "mini/wrong/sum-not-mean.toml, hints",
            id="in-a-wrong-answer",
        ),
    ],
)
def test_a_message_that_nobody_knows_is_found(
    course: Path, unit: Path, spoil: Callable[[Path], None], where: str
) -> None:
    spoil(unit)

    faults = reading.message_faults(read_unit(course, "mini"), lambda name: name == "value-differs")

    assert where in {fault.where for fault in faults}


def test_a_general_message_is_known(course: Path, unit: Path) -> None:
    edit(unit / "wrong" / "sum-not-mean.toml", '["divide-by-count"]', '["value-differs"]')

    assert reading.message_faults(read_unit(course, "mini"), lambda name: name == "value-differs") == []


def test_a_marked_cell_that_changes_with_the_language_is_found(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")
    notebook = unit_source(tmp_path / "built", "mini")
    (check,) = [cell for cell in notebook.cells if cell.metadata.passerelle.key == "check-mean"]
    check.metadata.passerelle["text"] = {"en": check.source, "fr": "# autre chose"}

    (fault,) = reading.language_faults(notebook, "mini/unit.md")

    assert str(fault).startswith("mini/unit.md, cell 'check-mean': it is another cell in fr;")


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        pytest.param(0.1, "words cannot be read in", id="too-few"),
        pytest.param(91, "91 minutes are more than a session", id="too-many"),
    ],
)
def test_minutes_that_cannot_be_are_said(course: Path, unit: Path, minutes: float, said: str) -> None:
    edit(unit / "unit.toml", "minutes = 20", f"minutes = {max(1, int(minutes))}")
    if minutes < 1:
        edit(unit / "unit.md", INTRO, INTRO + "word " * 250 + "\n\n")

    (fault,) = reading.minute_faults(read_unit(course, "mini"))

    assert said in fault.what


@pytest.mark.parametrize(
    ("new", "said"),
    [
        pytest.param("Read it [here](https://example.org).\n\n", "the link «here» does not say", id="vague-link"),
        pytest.param("<https://example.org/a>\n\n", "the link «https://example.org/a» does not", id="bare-address"),
        pytest.param("[![](a.png)](b.html)\n\n", "the link «» does not say where it leads", id="picture-link"),
        pytest.param("| a |  |\n|---|---|\n| 1 | 2 |\n\n", "a table has columns without a name", id="table"),
        pytest.param("Click in the grey box.\n\n", "«grey box» is known by its colour alone", id="colour"),
        pytest.param("What is in red is due.\n\n", "«in red» is known by its colour alone", id="in-a-colour"),
    ],
)
def test_what_only_some_can_follow_is_found(course: Path, unit: Path, tmp_path: Path, new: str, said: str) -> None:
    edit(unit / "unit.md", INTRO, new)

    faults = accessibility(course, tmp_path / "built")

    assert any(said in str(fault) and "(en)" in fault.where for fault in faults), faults


def test_what_says_where_it_leads_is_fine(course: Path, unit: Path, tmp_path: Path) -> None:
    good = "See [the list of towns](https://example.org).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nRed is a colour.\n\n"
    edit(unit / "unit.md", INTRO, good)

    assert accessibility(course, tmp_path / "built") == []


def test_a_french_colour_is_found(course: Path, unit: Path, tmp_path: Path) -> None:
    edit(unit / "fr.po", '"- additionne les nombres\\n"', '"- additionne la case grise\\n"')

    (fault,) = accessibility(course, tmp_path / "built")

    assert fault.where.endswith("(fr)")
    assert "«case grise»" in fault.what


def test_a_text_that_translation_into_itself_changes_is_found(course: Path) -> None:
    folder = read_unit(course, "mini")
    first = replace(folder.cells[0], source=folder.cells[0].source + "  ")

    (fault,) = reading.identity_faults(replace(folder, cells=(first, *folder.cells[1:])))

    assert fault.where == "mini/unit.md, cell 'intro'"
    assert fault.what == "translated into its own words it is another text"
