"""What gets out of a unit: its weight, its data's papers, and nothing secret, whoever put it there."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from passerelle.courses import build_course, read_unit, unit_source
from passerelle.grading import Marked
from passerelle.grading.warm import Tried
from passerelle.model.verdict import Message, Outcome, Verdict
from passerelle.proof.released import (
    Hidden,
    data_faults,
    digest,
    run_faults,
    secret_faults,
    size,
    size_faults,
)
from passerelle.proof.submissions import Release
from tests.unit.courses.example import edit

HIDDEN_LINE = 'expect.call("mean", [5, 6]).equals(5.5, tolerance=1e-9, else_="divide-by-count")'


def release(course: Path, into: Path, spoil: Callable[[nbformat.NotebookNode], None] | None = None) -> Release:
    """The release as it should be: cells without solutions and hidden tests; then what a test does to it."""
    build_course(course, into)
    notebook = unit_source(into, "mini")
    for cell in notebook.cells:
        kept, inside = [], False
        for line in cell.source.split("\n"):
            inside = "BEGIN " in line or (inside and "END " not in line)
            kept += [] if inside or "END " in line else [line]
        cell.source = "\n".join(kept)
    if spoil:
        spoil(notebook)
    return Release("mini", notebook, {"unit.json": (into / "source" / "mini" / "unit.json").read_bytes()})


def found(course: Path, tmp_path: Path, spoil: Callable[[nbformat.NotebookNode], None] | None = None) -> list[str]:
    return [str(fault) for fault in secret_faults(read_unit(course, "mini"), release(course, tmp_path / "b", spoil))]


def test_a_release_as_it_should_be_holds_no_secret(course: Path, tmp_path: Path) -> None:
    assert found(course, tmp_path) == []


def put(text: str, into: str = "intro") -> Callable[[nbformat.NotebookNode], None]:
    def spoil(notebook: nbformat.NotebookNode) -> None:
        cell = next(cell for cell in notebook.cells if cell.metadata.passerelle.key == into)
        cell.metadata["leak"] = {"deep": [text]}

    return spoil


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("    return sum(numbers) / len(numbers)", "a line of a solution", id="solution"),
        pytest.param(f"x\n{HIDDEN_LINE}", "a line of a hidden test", id="hidden-test"),
        pytest.param("One point for any sentence that names an outlier.", "a line of the notes for staff", id="notes"),
    ],
)
def test_a_secret_is_found_by_what_it_says(course: Path, tmp_path: Path, text: str, said: str) -> None:
    (fault,) = found(course, tmp_path, put(text))

    assert said in fault


def test_a_line_of_a_truth_file_is_found(course: Path, unit: Path, tmp_path: Path) -> None:
    (unit / "truth").mkdir()
    (unit / "truth" / "answers.csv").write_text("region,share\nNord,0.323324\n", "utf-8")

    assert "a line of a truth file: «Nord,0.323324»" in found(course, tmp_path, put("so: Nord,0.323324"))[0]


def test_a_value_of_a_hidden_test_is_found(course: Path, unit: Path, tmp_path: Path) -> None:
    edit(unit / "unit.md", HIDDEN_LINE, HIDDEN_LINE.replace("[5, 6]).equals(5.5", "[70001, 70003]).equals(70002"))

    assert found(course, tmp_path, put("70002"))
    assert not found(course, tmp_path, put("1700021"))


def test_what_the_author_shows_herself_is_no_secret(course: Path, unit: Path, tmp_path: Path) -> None:
    edit(unit / "unit.md", "Write a function `mean` that", "`return sum(numbers) / len(numbers)`: write a `mean` that")

    assert found(course, tmp_path, put("return sum(numbers) / len(numbers)")) == []


def test_messages_are_searched_for_hidden_values(course: Path, unit: Path) -> None:
    edit(unit / "unit.md", HIDDEN_LINE, HIDDEN_LINE.replace("[5, 6]).equals(5.5", "[70001, 70003]).equals(70002"))
    hidden = Hidden.of(read_unit(course, "mini"))

    assert hidden.values == {"70001", "70003", "70002"}
    (fault,) = hidden.said_faults(["Expected 70002.", "Expected 3."], "here")
    assert "shows 70002" in fault.what


def test_a_number_computed_for_a_hidden_test_is_hidden_too(course: Path) -> None:
    hidden = Hidden.of(read_unit(course, "mini"))
    tried = Tried("check-mean", messages=(Message(id="limit", args={"name": "mean", "minimum": 50500}),))

    (fault,) = hidden.computed_faults(tried, "here")
    assert fault.what == "the message 'limit' is given minimum = 50500, a number of a hidden test"
    seen = Tried("check-mean", messages=(Message(id="limit", args={"name": "mean", "minimum": 3}),))
    assert hidden.computed_faults(seen, "here") == []


def test_what_opens_slowly_is_a_fault(course: Path, tmp_path: Path) -> None:
    made = release(course, tmp_path / "b")
    folder = read_unit(course, "mini")
    assert size_faults(folder, made) == []

    heavy = Release("mini", made.notebook, {**made.files, "data/map.png": bytes(300_000), "data/t.csv": bytes(10**6)})
    (fault,) = size_faults(folder, heavy)
    assert fault.what == f"it takes {size(heavy) / 1000:.0f} kB to open, 300 are the most"


def write_data(unit: Path, sheet: str | None) -> None:
    (unit / "data").mkdir()
    (unit / "data" / "towns.csv").write_text("town\nLille\n", "utf-8")
    if sheet is not None:
        (unit / "data" / "DATASHEET.md").write_text(sheet, "utf-8")


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        pytest.param(None, ["there are data and no datasheet"], id="no-sheet"),
        pytest.param("Licence: ours.", ["it says nothing of data/towns.csv"], id="unnamed"),
        pytest.param("towns.csv is from a register.", ["it names no licence"], id="no-licence"),
        pytest.param("towns.csv, Licence Ouverte 2.0", [], id="all-there"),
    ],
)
def test_data_have_their_papers(course: Path, unit: Path, sheet: str | None, said: list[str]) -> None:
    write_data(unit, sheet)

    assert [fault.what for fault in data_faults(read_unit(course, "mini"))] == said


def ran(seconds: float, *outputs: nbformat.NotebookNode) -> Marked:
    cell = nbformat.v4.new_code_cell("x", metadata={"passerelle": {"key": "example", "kind": "example"}})
    cell.outputs = [*outputs]
    verdict = Verdict(key="k", unit="mini", version="v", engine="e", outcome=Outcome.MARKED, seconds=seconds)
    return Marked(verdict, {"mini": nbformat.v4.new_notebook(cells=[cell])})


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        pytest.param(ran(2.0), [], id="clean"),
        pytest.param(ran(61.0), ["it takes 61 s, 60 are the most"], id="slow"),
        pytest.param(
            ran(1, nbformat.v4.new_output("error", ename="KeyError", evalue="'a'", traceback=[])),
            ["it ends with KeyError: 'a'"],
            id="error",
        ),
        pytest.param(
            ran(1, nbformat.v4.new_output("stream", name="stderr", text="x.py:1\nFutureWarning: soon\n")),
            ["it warns: FutureWarning: soon"],
            id="warning",
        ),
    ],
)
def test_the_solution_runs_clean(marked: Marked, said: list[str]) -> None:
    assert [fault.what for fault in run_faults(marked, "mini/reference solution")] == said


def test_a_stamp_changes_with_a_file_and_with_nothing_else(unit: Path) -> None:
    before = digest(unit)
    (unit / "notes.md~").write_text("an editor's", "utf-8")
    assert digest(unit) == before

    edit(unit / "mentor.md", "outlier", "large number")
    assert digest(unit) != before
