"""Check cells in a real kernel, read by stock nbgrader: what shows under the cell, and the points it gives."""

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

pytestmark = pytest.mark.slow

META = {"nbgrader": {"schema_version": 3, "grade": True, "solution": False, "locked": True, "points": 3, "task": False}}
NOT_CHECKS = {"answer", "language", "drawing", "called"}
CELLS = {
    "answer": "mean = 36.7\ndef double(number):\n    return {}['price']",
    "missed": "from autograders import expect\nexpect('mean').equals(36.9)",
    "met": "expect('mean').equals(36.7)",
    "partly": (
        "with expect.part(1, 'The mean'):\n    expect('mean').between(0, 100)\n"
        "with expect.part(2, 'The double'):\n    expect.call('double', 2).equals(4)\n"
        "expect.points()"
    ),
    "drawing": (
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.bar(['Gap', 'Laon'], [40, 25])\nplt.show()"
    ),
    "drawn": "expect.figure(marks='bars', from_zero=True)",
    "drawn-again": "expect('ax').figure(title=True)",
    "called": "def chart(values):\n    plt.plot(values)",
    "called-drawn": "expect.call('chart', [1, 3]).drawn('line').column('y').equals([1, 3])",
    "language": "import autograders\nautograders.set_language('fr')",
    "again": "expect('mean').equals(36.9)",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    cells = []
    for name, text in CELLS.items():
        meta = {"nbgrader": {**META["nbgrader"], "grade_id": name}} if name not in NOT_CHECKS else {}
        cells.append(new_code_cell(text, id=name, metadata=nbformat.from_dict(meta)))
    notebook = new_notebook(cells=cells)
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("home"))}}
    NotebookClient(notebook, allow_errors=True, resources=place, kernel_name="python3", timeout=120).execute()
    return {cell.id: cell for cell in notebook.cells}


def test_what_is_not_met_shows_its_lines_and_no_traceback(run: dict[str, Any]) -> None:
    (output,) = run["missed"].outputs

    assert output.ename == "CheckFailed"
    assert output.traceback == ["`mean`: expected 36.9, found 36.7."]
    assert determine_grade(run["missed"]) == (0, 3)


def test_what_is_met_says_so_and_nbgrader_gives_all_points(run: dict[str, Any]) -> None:
    (output,) = run["met"].outputs

    assert output.data["text/plain"] == "✓ As expected."
    assert determine_grade(run["met"]) == (3, 3)


def test_parts_are_partial_credit_and_each_says_what_it_found(run: dict[str, Any]) -> None:
    first, second, result = run["partly"].outputs

    assert first.data["text/plain"] == "● The mean"
    assert second.data["text/plain"].splitlines()[:3] == [
        "○ The double",
        "   `double(2)` stopped with KeyError: 'price'",
        "   In the line: `return {}['price']`",
    ]
    assert result.data["text/plain"] == "1.0"
    assert determine_grade(run["partly"]) == (1.0, 3)


@pytest.mark.parametrize("name", ["drawn", "called-drawn"])
def test_what_was_drawn_is_looked_at_after_the_notebook_has_closed_it(run: dict[str, Any], name: str) -> None:
    (output,) = run[name].outputs

    assert output.data["text/plain"] == "✓ As expected."


def test_a_drawing_by_its_name(run: dict[str, Any]) -> None:
    assert run["drawn-again"].outputs[0].traceback == ["`ax`, the title: nothing is written there yet."]


def test_the_language_can_be_switched_in_the_kernel(run: dict[str, Any]) -> None:
    assert run["again"].outputs[0].traceback == ["`mean`\u00a0: attendu 36,9, trouvé 36,7."]
