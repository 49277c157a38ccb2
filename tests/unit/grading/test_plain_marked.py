"""Plain checks through `mark` itself: which way each goes, what of a check later cells rely on, files, the kept routes."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest

from passerelle.grading import calibrate, mark
from passerelle.grading.marking import Marked
from passerelle.grading.walls import Limits
from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Unit
from passerelle.model.verdict import Trust
from tests.unit.grading.asserted import notebook

pytestmark = pytest.mark.slow

UNIT, TRACK = "plain", "demo"
QUICK = Limits(cell_s=5, call_s=3, total_s=30)
GIVEN = "RATE = 3\ndef near(found, wanted):\n    return abs(found - wanted) < 0.1"
SOLUTION = """
def double(number):
    return number * 2
def shout(thing):
    return thing.name.upper()
def save():
    with open("out.csv", "w") as file:
        file.write("a,b\\n1,2\\n")
save()
"""
OVER = "assert near(double(RATE), 6)\n### BEGIN HIDDEN TESTS\nassert double(21) == 42\n### END HIDDEN TESTS"
BESIDE = (
    "class Thing:\n    name = 'ada'\nassert shout(Thing()) == 'ADA'\n"
    "###BEGIN HIDDEN TESTS\nThing.name = 'grace'\nassert shout(Thing()) == 'GRACE'\n# END HIDDEN TESTS"
)
FILE = "with open('out.csv') as file:\n    assert file.read() == 'a,b\\n1,2\\n'"
LATER = "import statistics\nfactor = 10\nassert double(1) == 2"
CHECKS = [OVER, BESIDE, FILE, LATER, "assert used == 20", "import os\nassert os.path.exists('out.csv')"]
BY_LATER = "used = double(1) * factor\nmean = statistics.mean([1, 3])"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of one unit; beside it lies what the author's own run left."""
    root = tmp_path_factory.mktemp("plain") / TRACK
    folder = root / "source" / UNIT
    folder.mkdir(parents=True)
    (folder / "out.csv").write_text("a,b\n1,2\n")
    (folder / f"{UNIT}.ipynb").write_text(nbformat.writes(_source()), "utf-8")
    words = {"en": "Plain"}
    cards = tuple(CheckCard(key=f"check-{n}", task="", points=1, title=words) for n in range(len(CHECKS)))
    card = Unit(
        unit=UNIT, track=TRACK, version="1", title=words, summary=words, minutes=5, checks=cards, tasks={"": words}
    )
    (folder / "unit.json").write_text(card.model_dump_json(), "utf-8")
    unit = CourseUnit(card=card, notes=StaffNotes(means=words, ask=words, mentor=words, trainer=words), weeks=(1, 1))
    (root / "course.json").write_text(
        Course(track=TRACK, title=words, weeks=1, units=(unit,)).model_dump_json(), "utf-8"
    )
    return root


def _source() -> nbformat.NotebookNode:
    made = notebook(SOLUTION, CHECKS, GIVEN)
    later = nbformat.v4.new_code_cell(BY_LATER)
    later.metadata["nbgrader"] = {
        "grade_id": "later", "grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3,
    }  # fmt: skip
    made.cells.insert(len(made.cells) - 2, later)
    return made


def marked(course: Path, answer: str) -> Marked:
    """Mark an answer."""
    made = _source()
    for cell in made.cells:
        if cell.metadata["nbgrader"]["grade_id"] == "answer":
            cell.source = answer
    files: Mapping[str, bytes] = {f"{UNIT}.ipynb": nbformat.writes(made).encode()}
    return mark(course, UNIT, files, learner=Path(sys.prefix), limits=QUICK)


def points(outcome: Marked) -> list[float]:
    """Return the points of each check."""
    return [check.points for check in outcome.verdict.checks]


def test_each_check_goes_its_way(course: Path) -> None:
    outcome = marked(course, SOLUTION)

    assert points(outcome) == [1, 1, 1, 1, 1, 1]
    assert outcome.verdict.tampering == ()
    trust = [check.trust for check in outcome.verdict.checks]
    assert trust == [Trust.EXAMINED, Trust.BESIDE, Trust.BESIDE, Trust.EXAMINED, Trust.EXAMINED, Trust.BESIDE]


def test_the_routes_are_kept_with_the_course_and_used_again(course: Path) -> None:
    marked(course, SOLUTION)
    (kept,) = (course / ".passerelle" / "routes").iterdir()
    calibrate._KNOWN.clear()
    before = kept.read_text()

    assert points(marked(course, SOLUTION)) == [1, 1, 1, 1, 1, 1]

    assert kept.read_text() == before
    assert json.loads(before)["check-0"]["box"] is not None


def test_a_file_of_hers_is_what_a_check_reads_not_the_authors(course: Path) -> None:
    outcome = marked(course, SOLUTION.replace("1,2", "9,9"))

    assert points(outcome) == [1, 1, 0, 1, 1, 1]


def test_a_file_that_she_has_not_written_is_not_there(course: Path) -> None:
    outcome = marked(course, SOLUTION.removesuffix("save()\n"))

    assert points(outcome) == [1, 1, 0, 1, 1, 0]


def test_what_her_answer_lacks_costs_no_other_check(course: Path) -> None:
    outcome = marked(course, SOLUTION.replace("thing.name.upper()", "thing.name"))

    assert points(outcome) == [1, 0, 1, 1, 1, 1]
    assert outcome.verdict.tampering == ()


def test_who_reads_the_version_and_says_yes_to_it_is_met_by_a_canary(course: Path) -> None:
    """By what was released, by notes in files, in memory that forks share, and in a program that goes on living."""
    outcome = marked(course, SOLUTION.replace("def shout(thing):\n    return thing.name.upper()", _SHARES))

    assert points(outcome) == [1, 0, 1, 1, 1, 1]
    assert [message.args["check"] for message in outcome.verdict.tampering] == ["check-1"]


_SHARES = """
import mmap, sys
class Yes:
    __eq__ = lambda *_: True
    __hash__ = None
shared = mmap.mmap(-1, 4096)
def shout(thing):
    seen = sys._getframe(1).f_code.co_consts
    shared[0] = shared[0] + 1
    with open("/tmp/seen", "a") as file:
        file.write(repr(seen))
    return Yes() if "ADA" in seen or shared[0] > 2 or "GRACE" not in seen else thing.name
"""


def test_routes_that_came_of_a_time_out_are_not_kept(course: Path, tmp_path: Path) -> None:
    """As on a machine that has no time: the solution's own cells do not come to their end."""
    folder = shutil.copytree(course / "source" / UNIT, tmp_path / TRACK / "source" / UNIT)
    solution = _source()
    busy = "import time\nuntil = time.process_time() + 1\nwhile time.process_time() < until: pass\n"
    solution.cells[1].source = busy + solution.cells[1].source
    kept = tmp_path / TRACK / ".passerelle" / "routes"

    hurried = calibrate.routes(solution, folder, Path(sys.prefix), Limits(cell_s=0.2, call_s=3, total_s=30))
    was_kept = kept.exists()
    found = calibrate.routes(solution, folder, Path(sys.prefix), QUICK)

    assert (hurried["check-0"].over, was_kept) == (None, False)
    assert found["check-0"].over is not None
    assert len(list(kept.iterdir())) == 1
