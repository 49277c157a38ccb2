"""Errors explained in a real kernel: in her language, off and on, Python's own message kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from autograders.explained import CHOICE, is_wanted
from passerelle_lab import explaining

pytestmark = pytest.mark.slow

TELL = 'try:\n    __import__("autograders").set_language("{}")\n    __import__("autograders.explained").explained.watch()\nexcept ImportError:\n    pass'
WRITE = f"from pathlib import Path\nchosen = Path.home() / '{CHOICE}'\nchosen.parent.mkdir(exist_ok=True)\nchosen.write_text('{{}}')"
CELLS = {
    "tell": TELL.format("fr"),
    "before": "import sys\n'friendly_traceback' in sys.modules",
    "given": "few = [1, 2]\nimport pandas as pd\ntowns = pd.DataFrame({'population': [1]})",
    "name": "fewer",
    "syntax": "def half(:\n    pass",
    "pandas": "towns['Population']",
    "english": TELL.format("en"),
    "name-again": "fewer",
    "hers": "class Strange(Exception):\n    def __str__(self):\n        raise ValueError('no words')\nraise Strange",
    "check": "from autograders import expect\nexpect('few').equals([1, 3])",
    "plain": "%xmode Minimal",
    "minimal": "fewer",
    "context": "%xmode Context",
    "context-again": "def outer():\n    return fewer\nouter()",
    "last": "sys.last_type.__name__, sys.last_traceback.tb_next is not None",
    "bare": "from autograders.explained import explanation\nexplanation(NameError(\"name 'fewer' is not defined\"))",
    "off": WRITE.format("off"),
    "not-explained": "fewer",
    "on": WRITE.format("on"),
    "explained": "fewer",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    notebook = new_notebook(cells=[new_code_cell(text, id=name) for name, text in CELLS.items()])
    client = NotebookClient(notebook, allow_errors=True, kernel_name="python3", timeout=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("PASSERELLE_EXPLAIN_ERRORS", raising=False)
        client.resources = {"metadata": {"path": str(home)}}
        client.execute()
    return {cell.id: [nbformat.from_dict(one) for one in cell.outputs] for cell in notebook.cells}


def test_nothing_of_the_library_is_loaded_before_the_first_error(run: dict[str, Any]) -> None:
    assert run["before"][0].data["text/plain"] == "False"


@pytest.mark.parametrize(
    ("cell", "words", "error"),
    [
        pytest.param("name", "aucun objet portant le nom", "NameError", id="a-name"),
        pytest.param("syntax", "Python ne peut pas comprendre", "SyntaxError", id="syntax"),
        pytest.param("pandas", "est introuvable dans", "KeyError", id="a-column"),
        pytest.param("name-again", "no object with the name", "NameError", id="after-a-switch"),
        pytest.param("explained", "no object with the name", "NameError", id="on-again"),
    ],
)
def test_an_error_is_explained_first_and_then_named(run: dict[str, Any], cell: str, words: str, error: str) -> None:
    explained, named = run[cell]

    assert words in explained.data["text/html"]
    assert named.output_type == "error"
    assert named.ename == error
    assert len(named.traceback) == 1
    assert error in named.traceback[0]


def test_the_whole_message_is_kept_under_the_fold(run: dict[str, Any]) -> None:
    explained = run["context-again"][0].data["text/html"]

    assert "<details><summary>The whole message of Python</summary>" in explained
    assert "def outer():" in explained
    assert "Traceback (most recent call last)" in explained


def test_a_mode_and_the_debugger_find_what_they_expect(run: dict[str, Any]) -> None:
    assert "Traceback" not in run["minimal"][0].data["text/html"]
    assert run["last"][0].data["text/plain"] == "('NameError', True)"


def test_a_check_says_its_own_lines_alone(run: dict[str, Any]) -> None:
    (said,) = run["check"]

    assert said.ename == "CheckFailed"


@pytest.mark.parametrize("cell", ["hers", "not-explained"])
def test_what_cannot_or_must_not_be_explained_is_as_python_has_it(run: dict[str, Any], cell: str) -> None:
    named = run[cell][-1]

    assert named.output_type == "error"
    assert len(named.traceback) > 1 or cell == "hers"


def test_a_fault_of_the_library_is_not_told(run: dict[str, Any]) -> None:
    told = run["bare"][0].data["text/plain"]

    assert "NameError" in told
    assert "friendly-traceback" not in told


def test_her_choice_is_read_where_her_server_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_EXPLAIN_ERRORS", "off")

    assert CHOICE == explaining.CHOICE
    assert not explaining.is_on(tmp_path)


def test_where_the_setting_is_off_she_may_still_turn_explanations_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_EXPLAIN_ERRORS", "off")
    monkeypatch.setenv("HOME", str(tmp_path))
    before = explaining.is_on(tmp_path), is_wanted()
    (tmp_path / CHOICE).parent.mkdir()
    (tmp_path / CHOICE).write_text("on\n", "utf-8")

    assert before == (False, False)
    assert (explaining.is_on(tmp_path), is_wanted()) == (True, True)


def test_watching_costs_a_kernel_nothing_at_its_start() -> None:
    timed = (
        "import time, json, autograders; began = time.perf_counter(); import autograders.explained as e; e.watch(); "
    )
    timed += "import sys; print(json.dumps([time.perf_counter() - began, 'friendly_traceback' in sys.modules]))"
    out = subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, text=True).stdout
    seconds, loaded = json.loads(out)

    assert not loaded
    assert seconds < 0.2
