"""What a submission may try against marking. Each attack is an answer or a notebook; none earns a point it has not
earned by answering, none sees what is hidden, none stops anything but itself.
"""

import json
import time
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell

from passerelle.grading import Marked, mark
from passerelle.model.verdict import CheckState
from tests.unit.grading.trial import (
    ANSWERS,
    HIDDEN_NAME,
    LEARNER,
    RIGHT,
    SECRET,
    UNIT,
    everything_said,
    make_course,
    marked,
    points,
    release,
    results,
    sent,
)

pytestmark = pytest.mark.slow

LIAR = """
class Liar(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __le__(self, other): return True
    __ge__ = __lt__ = __gt__ = __le__
    def __hash__(self): return 0
    def __sub__(self, other): return 0
    __rsub__ = __sub__
    def __abs__(self): return 0
"""
UNEARNED = {
    "an-object-equal-to-everything": LIAR + "mean_price = Liar(1)\ndouble = lambda n: Liar(1)",
    "a-class-that-calls-itself-int": "mean_price = type('int', (int,), {'__eq__': lambda *_: True})(1)\ndouble = str",
    "a-number-for-nbgrader": "get_ipython().displayhook(5)\n5",
    "an-input-transformer": (
        "get_ipython().input_transformers_post.append(lambda lines: ['5\\n'])\nget_ipython().ast_transformers.append(5)"
    ),
    "a-vocabulary-of-her-own": (
        "import sys, types\n"
        "import autograders, autograders.answers, autograders.typed, autograders.asked, autograders.compare\n"
        "autograders.compare.difference = autograders.compare.same = lambda *_, **__: None\n"
        "autograders.asked.Asked._fail = lambda *_, **__: None\n"
        "autograders.expect.points = lambda: 2.0\n"
        "for name in list(sys.modules):\n"
        "    if name.startswith('passerelle'): sys.modules[name] = types.ModuleType(name)"
    ),
    "an-agent-that-claims-points": (
        "import json, os, socket, stat\n"
        "for number in range(3, 1024):\n"
        "    try:\n"
        "        if stat.S_ISSOCK(os.fstat(number).st_mode):\n"
        "            body = json.dumps({'examined': {'points': 100, 'unmet': []}, 'state': 'done', 'outputs': []}).encode()\n"
        "            os.write(number, (len(body).to_bytes(4, 'big') + body) * 3)\n"
        "    except OSError: pass"
    ),
    "answers-that-are-not-data": (
        "import autograders.answers as a\n"
        "class Odd(dict): pass\n"
        "a.get = a.call = lambda *_, **__: {'state': 'value', 'value': {'t': 'pickle', 'v': 'gASVAAAA'}, 'points': 9}"
    ),
    "all-builtins-patched": (
        "import builtins\nbuiltins.isinstance = lambda *_: True\nbuiltins.len = lambda *_: 4\nbuiltins.sum = lambda *_: 4"
    ),
    "every-kept-moment-killed": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "the-parent-killed": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "the-line-flooded": (
        "import os, stat\n"
        "for number in range(3, 1024):\n"
        "    try:\n"
        "        if stat.S_ISSOCK(os.fstat(number).st_mode):\n"
        "            while True: os.write(number, b'\\xff' * 65536)\n"
        "    except OSError: pass"
    ),
}


@pytest.fixture(scope="module")
def course_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def tables_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("tables"), tables=True)


@pytest.mark.parametrize("name", UNEARNED)
def test_no_trick_earns_a_point(course_dir: Path, name: str) -> None:
    outcome = marked(course_dir, {"answer-mean": UNEARNED[name], "answer-double": "pass"})

    assert points(outcome) == {"mean": 0, "double": 0}


@pytest.mark.parametrize("name", ["all-builtins-patched", "an-input-transformer", "a-number-for-nbgrader"])
def test_after_a_trick_the_next_submission_is_marked_as_ever(course_dir: Path, name: str) -> None:
    marked(course_dir, {"answer-mean": UNEARNED[name]})

    assert points(marked(course_dir)) == {"mean": 1, "double": 2}


def edited(**metadata: object) -> dict[str, bytes]:
    """Return a blank submission whose every cell has this metadata, too."""
    notebook = release()
    for cell in notebook.cells:
        cell.metadata.update(metadata)
    return sent(notebook)


def test_check_cells_tagged_to_be_skipped_are_run(course_dir: Path) -> None:
    outcome = mark(course_dir, UNIT, edited(tags=["skip-execution"]), learner=LEARNER)

    assert points(outcome) == {"mean": 0, "double": 0}


def test_another_schema_version_changes_nothing(course_dir: Path) -> None:
    notebook = release(RIGHT)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(schema_version=99, points=1000, checksum="0")

    outcome = mark(course_dir, UNIT, sent(notebook), learner=LEARNER)

    assert points(outcome) == {"mean": 1, "double": 2}


def test_a_doubled_check_cell_changes_nothing(course_dir: Path) -> None:
    notebook = release(RIGHT)
    checks = [cell for cell in notebook.cells if cell.id.startswith("check-")]
    for cell in checks:
        twin = new_code_cell("5", metadata=cell.metadata, id=cell.id)
        notebook.cells.insert(0, twin)

    outcome = mark(course_dir, UNIT, sent(notebook), learner=LEARNER)

    assert points(outcome) == {"mean": 1, "double": 2}
    assert sum(one.max_points for one in outcome.verdict.checks) == 4


def test_a_warning_on_standard_error_costs_nothing(course_dir: Path) -> None:
    noisy = RIGHT["answer-mean"] + "\nimport warnings, sys\nwarnings.warn('careful')\nprint('!', file=sys.stderr)"

    assert points(marked(course_dir, {"answer-mean": noisy})) == {"mean": 1, "double": 2}


def test_neither_checks_nor_truth_nor_solutions_are_in_the_box(course_dir: Path) -> None:
    search = (
        "import os\n"
        "found = []\n"
        "for top in ('/home', '/tmp', '/passerelle', '/dev/shm'):\n"
        "    for folder, _, names in os.walk(top):\n"
        "        for name in names:\n"
        "            found.append(os.path.join(folder, name))\n"
        "print([name for name in found if not name.startswith(('/passerelle/', '/home/fellow/.ipython/'))])\n"
        "print([name for name in found if 'truth' in name or name.endswith('.ipynb')])"
    )
    outcome = marked(course_dir, {"answer-mean": search})

    shown = next(cell.outputs[0].text for cell in outcome.notebook.cells if cell.id == "answer-mean")
    files, secrets = shown.splitlines()
    assert secrets == "[]"
    assert sorted(eval(files)) == ["/home/fellow/work/data/prices.txt", "/home/fellow/work/unit.json"]


def leaks(way: str) -> dict[str, str]:
    """Return answers that keep what their functions are called with, and show it wherever they can."""
    keep = {
        "a-global": "seen.append(repr(args))",
        "a-file": "open('seen.txt', 'a').write(repr(args))",
        "an-error": "raise type(repr(args), (ValueError,), {})(repr(args))",
        "output": "print(repr(args))\n    import sys; print(repr(args), file=sys.stderr)",
        "a-result": "return [repr(args)]",
        "a-class": "return type(repr(args).replace(' ', ''), (), {})()",
    }[way]
    function = f"seen = []\ndef NAME(*args):\n    {keep}\n    return args[0]\n"
    later = "import os\nprint(seen, open('seen.txt').read() if os.path.exists('seen.txt') else '')\n"
    reader = "def read(*args):\n    import os\n    return open('seen.txt').read() if os.path.exists('seen.txt') else str(seen)\n"
    return {
        "answer-mean": "mean_price = 4",
        "answer-double": function.replace("NAME", "double"),
        "answer-large": reader + later + function.replace("NAME", "large"),
    }


@pytest.mark.parametrize("way", ["a-global", "a-file", "an-error", "output", "a-result", "a-class"])
def test_what_is_hidden_comes_out_nowhere(tables_dir: Path, way: str) -> None:
    outcome = marked(tables_dir, leaks(way))

    said = everything_said(outcome)
    assert HIDDEN_NAME not in said
    assert str(SECRET) not in said


def test_a_file_written_in_one_check_tells_nothing_in_another(tables_dir: Path) -> None:
    keep = "def double(number):\n    open('seen.txt', 'a').write(f'{number};')\n    return number * 2"
    tell = "def large(rows, least):\n    return open('seen.txt').read()"

    outcome = marked(tables_dir, {"answer-double": keep, "answer-large": tell})

    assert points(outcome)["double"] == 2
    assert results(outcome)["check-large"].messages[0].id == "kind-differs"
    assert str(SECRET) not in everything_said(outcome)


def test_a_bomb_in_an_answer_is_its_own_verdict(course_dir: Path) -> None:
    bombs = {
        "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "deep": "mean_price = []\nfor _ in range(100_000): mean_price = [mean_price]",
        "wide": "mean_price = ['x' * 1000] * 10_000_000",
    }
    for answer in bombs.values():
        outcome = marked(course_dir, {"answer-mean": answer})

        assert points(outcome)["mean"] == 0
        assert results(outcome)["check-mean"].state in (CheckState.MISSED, CheckState.UNANSWERED)


def test_outputs_are_outputs_whatever_the_box_says(course_dir: Path) -> None:
    forge = (
        "import autograders.box as b, gc, sys\n"
        "runner = next(o for o in (gc.unfreeze(), gc.get_objects())[1] if type(o).__name__ == 'Runner')\n"
        "odd = [{'output_type': 'stream', 'name': 'stdout', 'text': 5}, {'output_type': 'evil'}, 7, None,\n"
        "       {'output_type': 'display_data', 'data': {'application/javascript': 'alert(1)', 'text/plain': ['x']}},\n"
        "       {'output_type': 'error', 'ename': 5, 'evalue': None, 'traceback': {}}]\n"
        "type(runner).run = lambda *_, **__: {'state': ['done'], 'outputs': odd, 'error': 5}\n"
    )
    outcome: Marked = marked(course_dir, {"answer-mean": forge, "answer-double": ANSWERS["answer-double"]})

    outputs = json.dumps([cell.get("outputs", []) for cell in outcome.notebook.cells])
    assert "javascript" not in outputs
    assert "evil" not in outputs


def test_outputs_without_end_are_cut_outside_of_the_box_too(course_dir: Path) -> None:
    forge = (
        "import gc\n"
        "runner = next(o for o in (gc.unfreeze(), gc.get_objects())[1] if type(o).__name__ == 'Runner')\n"
        "much = [{'output_type': 'stream', 'name': 'stdout', 'text': 'x' * 3_000_000}]\n"
        "type(runner).run = lambda *_, **__: {'state': 'done', 'outputs': much}\n"
    )
    notebook = release({**RIGHT, "answer-mean": forge})
    notebook.cells += [new_code_cell(f"{number}") for number in range(6)]

    outcome = mark(course_dir, UNIT, sent(notebook), learner=LEARNER)

    assert len(json.dumps([cell.get("outputs", []) for cell in outcome.notebook.cells])) < 7_000_000


def test_an_answer_that_overwhelms_the_examiner_is_her_verdict_and_no_fault_of_ours(course_dir: Path) -> None:
    collide = (
        "import autograders.answers as a\n"
        "slow = {'state': 'value', 'value': {'t': 'set', 'v': [n * (2**61 - 1) for n in range(1, 250_000)]}}\n"
        "a.get = lambda *_: slow"
    )
    began = time.monotonic()

    outcome = marked(course_dir, {"answer-mean": collide})

    assert points(outcome) == {"mean": 0, "double": 2}
    # Keys that collide are refused before they keep the examiner busy.
    assert results(outcome)["check-mean"].messages[0].id == "garbled"
    assert time.monotonic() - began < 60


def test_paths_of_files_she_sends_lead_nowhere_else(course_dir: Path) -> None:
    files = {"../../evil.py": b"1", "/etc/evil": b"1", "a/../../evil": b"1", "data/prices.txt": b"99", "x\n": b"1"}
    notebook = release({**RIGHT, "answer-double": "import os\nfiles = sorted(os.listdir())\nprint(files)"})

    outcome = mark(course_dir, UNIT, {**sent(notebook), **files}, learner=LEARNER)

    shown = next(cell.outputs[0].text for cell in outcome.notebook.cells if cell.id == "answer-double")
    assert shown == "['data', 'unit.json']\n"
    assert points(outcome)["mean"] == 1
    assert {one.id for one in outcome.verdict.notices} == {"files-left-out"}
