"""Check cells in a real kernel, read by stock nbgrader: what shows under the cell, and the points it gives."""

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

pytestmark = pytest.mark.slow

META = {"nbgrader": {"schema_version": 3, "grade": True, "solution": False, "locked": True, "points": 3, "task": False}}
CELLS = {
    "answer": "mean = 36.7\ndef double(number):\n    return {}['price']",
    "missed": "from autograders import expect\nexpect('mean').equals(36.9)",
    "met": "expect('mean').equals(36.7)",
    "partly": (
        "with expect.part(1, 'The mean'):\n    expect('mean').between(0, 100)\n"
        "with expect.part(2, 'The double'):\n    expect.call('double', 2).equals(4)\n"
        "expect.points()"
    ),
    "language": "import autograders\nautograders.set_language('fr')",
    "again": "expect('mean').equals(36.9)",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    cells = []
    for name, text in CELLS.items():
        meta = {"nbgrader": {**META["nbgrader"], "grade_id": name}} if name not in ("answer", "language") else {}
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


def test_the_language_can_be_switched_in_the_kernel(run: dict[str, Any]) -> None:
    assert run["again"].outputs[0].traceback == ["`mean`\u00a0: attendu 36,9, trouvé 36,7."]
