"""Honest work is not hurt: what notebooks do in earnest earns its points in both kinds of unit.

Cases share a notebook, one check each; each notebook is marked once a kind (real box, real examiner).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograders.failure import Fact
from passerelle.grading.marking import mark
from passerelle.model.verdict import CheckResult, CheckState
from tests.unit.grading.trial import LEARNER, UNIT, make_course, sent

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Case:
    """What she does, and the number that comes of it; cells before the last one are cells that she added."""

    cells: tuple[str, ...]
    value: int


def case(*cells: str, value: int = 42) -> Case:
    return Case(cells, value)


AT_ONCE: Mapping[str, Case] = {
    "threads": case(
        "import threading\nfound = []\n"
        "workers = [threading.Thread(target=lambda n=n: found.append(n)) for n in range(8)]\n"
        "for one in workers: one.start()\nfor one in workers: one.join()\nthreads = sum(found)",
        value=28,
    ),
    "a_thread_that_goes_on": case(
        "import threading, time\nseen = []\n"
        "def watch():\n    while True:\n        seen.append(1)\n        time.sleep(.01)\n"
        "threading.Thread(target=watch, daemon=True).start()\ntime.sleep(.1)\na_thread_that_goes_on = min(len(seen), 1)",
        value=1,
    ),
    "futures": case(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    futures = sum(pool.map(abs, range(-6, 3)))",
        value=24,
    ),
    "processes": case(
        "from concurrent.futures import ProcessPoolExecutor\ndef square(n): return n * n\n"
        "with ProcessPoolExecutor(2) as pool:\n    processes = sum(pool.map(square, range(5)))",
        value=30,
    ),
    "fork": case(
        "import multiprocessing\ndef cube(n): return n ** 3\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n    fork = sum(pool.map(cube, range(4)))",
        value=36,
    ),
    "spawn": case(
        "%%writefile spawned.py\ndef double(n):\n    return 2 * n",
        "import multiprocessing, spawned\n"
        "with multiprocessing.get_context('spawn').Pool(2) as pool:\n    spawn = sum(pool.map(spawned.double, range(4)))",
        value=12,
    ),
    "loky": case("from joblib import Parallel, delayed\nloky = sum(Parallel(n_jobs=2)(delayed(abs)(n) for n in range(-3, 4)))",
                 value=12),
    "forest": case(
        "from sklearn.datasets import make_classification\nfrom sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.model_selection import cross_val_score\n"
        "rows, marks = make_classification(60, random_state=0)\n"
        "model = RandomForestClassifier(n_estimators=5, n_jobs=2, random_state=0)\n"
        "forest = len(cross_val_score(model, rows, marks, cv=3, n_jobs=2))",
        value=3,
    ),
}  # fmt: skip

SHOWN: Mapping[str, Case] = {
    "plots": case(
        "%matplotlib inline\nimport matplotlib.pyplot as plt, os\nplt.plot([1, 2, 3])\nplt.savefig('prices.png')\nplt.show()\n"
        "plots = int(os.path.getsize('prices.png') > 1000)",
        value=1,
    ),
    "html": case("%%html\n<b>towns</b>", "html = 42"),
    "written": case("%%writefile towns.py\ncount = 42\n", "import towns\nwritten = towns.count"),
    "timed": case("%timeit -n 3 -r 2 sum(range(100))\ntimed = 42"),
    "time_of_a_cell": case("%%time\ntime_of_a_cell = sum(range(10))", value=45),
    "warned": case("import warnings\nwarnings.warn('old')\nwarnings.warn('older', DeprecationWarning)\nwarned = 42"),
    "logged": case(
        "import logging, sys\nlogging.basicConfig(level=logging.INFO)\nlogging.getLogger('me').info('reading')\n"
        "logging.error('a line')\nprint('to stderr', file=sys.stderr)\nlogged = 42"
    ),
    "long": case("for line in range(60_000):\n    print(line, 'a long line of output, again and again')\nlong = 42"),
    "progress": case(
        "import sys\nfor step in range(200):\n    print(f'\\r{step} of 200', end='', file=sys.stderr)\nprogress = 42"
    ),
    "widgets": case(
        "import ipywidgets\nfrom IPython.display import display, clear_output\n"
        "slider = ipywidgets.IntSlider(value=42)\ndisplay(slider)\nclear_output()\nwidgets = slider.value"
    ),
    "names": case("prénom_élève = 'Zoé'\nπ = 3\nnames = len(prénom_élève) * π", value=9),
    "typed": case(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import Protocol\n"
        "class Has(Protocol):\n    size: int\n@dataclass(frozen=True, slots=True)\nclass Town:\n    size: int = 42\n"
        "def of(one: Has) -> int: return one.size\ntyped: int = of(Town())"
    ),
}

OUTSIDE: Mapping[str, Case] = {
    "temporary": case(
        "import tempfile, pathlib\nwith tempfile.TemporaryDirectory() as folder:\n"
        "    path = pathlib.Path(folder) / 'a.txt'\n    path.write_text('42')\n    temporary = int(path.read_text())"
    ),
    "program": case(
        "import subprocess\nprogram = int(subprocess.run(['python', '-c', 'print(6 * 7)'], capture_output=True, "
        "text=True, check=True).stdout)"
    ),
    "listing": case("listed = !ls data\nlisting = len(listed)", value=1),
    "shown_listing": case("!ls -la\nshown_listing = 42"),
    "bash": case("%%bash\nprintf 42 > from-bash.txt\necho done", "bash = int(open('from-bash.txt').read())"),
    "captured": case("%%capture shown\nprint('42')", "captured = int(shown.stdout)"),
    "server": case(
        "import http.server, threading, urllib.request\n"
        "class Answers(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n        self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'42')\n"
        "httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answers)\n"
        "threading.Thread(target=httpd.serve_forever, daemon=True).start()\n"
        "server = int(urllib.request.urlopen(f'http://localhost:{httpd.server_port}/').read())"
    ),
    "database": case(
        "import sqlite3\ntotal = 0\nfor place in (':memory:', 'towns.db'):\n    with sqlite3.connect(place) as opened:\n"
        "        opened.execute('create table town (people int)')\n"
        "        opened.execute('insert into town values (21)')\n"
        "        total += opened.execute('select sum(people) from town').fetchone()[0]\ndatabase = total"
    ),
    "awaited": case("import asyncio\nasync def later():\n    await asyncio.sleep(.05)\n    return 42\nawaited = await later()"),
    "gathered": case(
        "import asyncio\nasync def one(n):\n    await asyncio.sleep(.01)\n    return n\n"
        "gathered = sum(await asyncio.gather(*(one(n) for n in range(4))))",
        value=6,
    ),
    "asleep": case("import time\ntime.sleep(4)\nasleep = 42"),
    "large": case("held = bytearray(500_000_000)\nlarge = len(held) // 1_000_000\ndel held", value=500),
    "installed": case("%pip install cowsay", "installed = 42"),
}  # fmt: skip
BATCHES = {"at-once": AT_ONCE, "shown": SHOWN, "outside": OUTSIDE}
KINDS = {
    "expect": "from autograders import expect\nexpect({name!r}).equals({value})",
    "plain": "assert {name} == {value}",
}


def notebook(batch: Mapping[str, Case], kind: str, *, sent_in: bool) -> NotebookNode:
    cells = []
    for name, one in batch.items():
        *added, answer = one.cells
        cells += [new_code_cell(text) for text in added if sent_in]
        text = answer if sent_in else f"### BEGIN SOLUTION\n{name} = {one.value}\n### END SOLUTION"
        cells.append(_cell(f"answer-{name}", text, solution=True))
        cells.append(_cell(f"check-{name}", KINDS[kind].format(name=name, value=one.value), grade=True))
    made: NotebookNode = new_notebook(cells=cells)
    return made


def _cell(key: str, text: str, *, grade: bool = False, solution: bool = False) -> NotebookNode:
    made: NotebookNode = new_code_cell(text)
    made.metadata["nbgrader"] = {
        "grade_id": key, "grade": grade, "solution": solution, "locked": not solution, "schema_version": 3,
        "task": False, "cell_type": "code", **({"points": 1} if grade else {}),
    }  # fmt: skip
    return made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("honest")


@cache
def marked(root: Path, batch: str, kind: str) -> dict[str, CheckResult]:
    course_dir = make_course(root / f"{batch}-{kind}")
    nbformat.write(notebook(BATCHES[batch], kind, sent_in=False), course_dir / "source" / UNIT / f"{UNIT}.ipynb")
    outcome = mark(course_dir, UNIT, sent(notebook(BATCHES[batch], kind, sent_in=True)), learner=LEARNER)
    assert outcome.verdict.tampering == ()
    assert outcome.verdict.flaky == ()
    return {check.key.removeprefix("check-"): check for check in outcome.verdict.checks}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("batch", "name"), [pytest.param(batch, name, id=name) for batch, cases in BATCHES.items() for name in cases]
)
def test_honest_work_earns_its_points(root: Path, batch: str, name: str, kind: str) -> None:
    check = marked(root, batch, kind)[name]

    assert (check.points, check.messages) == (1, ())


@pytest.mark.parametrize("kind", KINDS)
def test_who_asks_for_input_reads_that_nobody_answers(root: Path, kind: str) -> None:
    course_dir = make_course(root / f"input-{kind}")
    batch = {"asked": case("asked = int(input('How many? '))"), "after": case("after = 42")}
    nbformat.write(notebook(batch, kind, sent_in=False), course_dir / "source" / UNIT / f"{UNIT}.ipynb")
    outcome = mark(course_dir, UNIT, sent(notebook(batch, kind, sent_in=True)), learner=LEARNER)
    asked, after = outcome.verdict.checks

    facts = [Fact(one.id, one.args, one.look) for one in asked.messages]
    said = {language: "\n".join(line for one in facts for line in one.lines(language, {})) for language in ("en", "fr")}
    assert (asked.points, asked.state, after.points) == (0, CheckState.MISSED, 1)
    assert "nobody is there to answer `input()`" in said["en"]
    assert "personne n’est là pour répondre à `input()`" in said["fr"]
