"""Where marking begins to draw: at the unit's name, or at a seed of each fellow where the unit says so."""

import hashlib
import json
import stat
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import nbformat
import pytest
from sqlalchemy import func, select

from passerelle import ledger
from passerelle.courses import build_course, load_course
from passerelle.grading.assignment import LEDGER, mark_assignment
from passerelle.grading.marking import Marked, mark, verdict_key
from passerelle.grading.prepare import engine, prepare
from passerelle.grading.rehearsal import rehearse
from passerelle.grading.seeds import EXAMPLE, SECRET, NobodyError, fellow_key, seed_of, seed_of_box
from passerelle.grading.walls import environment_mark
from passerelle.grading.worker import Worker, courses_of
from passerelle.ledger.tables import VerdictRow
from tests.unit.courses.example import edit, write_example
from tests.unit.grading.desk import CHECK, Desk
from tests.unit.grading.desk import UNIT as UNIT_OF_DESK
from tests.unit.grading.test_assignment import collect
from tests.unit.grading.test_worker import drain
from tests.unit.grading.trial import LEARNER, QUICK, UNIT, make_course, results, source, submission

DRAWING = """\
import random
from autograders import expect

_drawn = random.randrange(10**9)
expect("mean_price").equals(_drawn, look="look-mean")"""
"""A check that says what it has drawn, where her answer is another."""

DRAWN_BY_HER = "import random\nmean_price = random.randrange(10**9)"


def drawing_course(root: Path, seed: str = "fellow") -> Path:
    """Write the trial, its first check drawing a number."""
    course_dir = make_course(root)
    notebook = source()
    (check,) = (cell for cell in notebook.cells if cell.id == "check-mean")
    check.source = DRAWING
    (course_dir / "source" / UNIT / f"{UNIT}.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    built = json.loads((course_dir / "course.json").read_text("utf-8"))
    built["units"][0]["seed"] = seed
    (course_dir / "course.json").write_text(json.dumps(built), "utf-8")
    return course_dir


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawing_course(tmp_path_factory.mktemp("drawing"))


def drawn(outcome: Marked) -> tuple[object, object]:
    """Return what the check drew, and what it found of hers."""
    (message,) = results(outcome)["check-mean"].messages
    return message.args["expected"], message.args["found"]


def key_of(course_dir: Path, fellow: str) -> str:
    return verdict_key(course_dir, UNIT, submission(), learner=LEARNER, fellow=fellow)


# The secret and the seed


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = fellow_key(tmp_path / "secrets", "fern")

    assert fellow_key(tmp_path / "secrets", "fern") == first
    assert fellow_key(tmp_path / "secrets", "iris") != first
    assert fellow_key(tmp_path / "elsewhere", "fern") != first
    (kept,) = (tmp_path / "secrets").iterdir()
    assert (kept.name, stat.S_IMODE(kept.stat().st_mode)) == (SECRET, 0o600)


def test_the_seed_is_of_the_fellow_and_the_unit(drawing: Path, tmp_path: Path) -> None:
    unit = load_course(drawing).unit(UNIT)
    another = unit.model_copy(update={"card": unit.card.model_copy(update={"unit": "another"})})
    fern, iris = (fellow_key(tmp_path, handle) for handle in ("fern", "iris"))
    seeds = [seed_of(unit, fern), seed_of(unit, iris), seed_of(another, fern), seed_of(unit, EXAMPLE)]

    assert len(set(seeds)) == 4
    assert seed_of(unit, fern) == seeds[0]


def test_her_own_code_begins_elsewhere_than_her_checks(drawing: Path, tmp_path: Path) -> None:
    (work,) = prepare(drawing, UNIT, submission(), LEARNER, fellow_key(tmp_path, "fern")).works

    assert work.box_seed not in (work.seed, UNIT)
    assert seed_of_box(UNIT, UNIT) == UNIT, "what is drawn in other units stays what it was"


# The key


def test_the_key_of_a_unit_whose_seed_is_for_all_is_what_it_was(tmp_path: Path) -> None:
    course_dir, files = make_course(tmp_path), submission()
    ready = prepare(course_dir, UNIT, files, LEARNER)
    (work,) = ready.works

    def facts(cells: Iterable[nbformat.NotebookNode]) -> list[object]:
        return [
            [one.cell_type, one.source, one.metadata.get("passerelle"), one.metadata.get("nbgrader")] for one in cells
        ]

    former = {
        "unit": ["demo", UNIT, "1"],
        "notebooks": [
            {
                "name": UNIT,
                "source": facts(work.source.cells),
                "solution": facts(work.source.cells),
                "cells": [[cell.key, cell.cell_type, cell.text] for cell in work.rebuilt.cells],
                "unreadable": None,
                "notices": [],
            }
        ],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in work.files.items()},
        "beside": {
            path.relative_to(course_dir / "source" / UNIT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((course_dir / "source" / UNIT).rglob("*"))
            if path.is_file() and path.suffix != ".ipynb"
        },
        "engine": engine(),
        "environment": environment_mark(LEARNER),
        "seed": UNIT,
    }

    assert ready.key == hashlib.sha256(json.dumps(former, sort_keys=True).encode()).hexdigest()
    assert key_of(course_dir, fellow_key(tmp_path / "secrets", "fern")) == ready.key, "whoever she is"


def test_where_the_seed_is_hers_so_is_the_key(drawing: Path, tmp_path: Path) -> None:
    fern, iris = (fellow_key(tmp_path, handle) for handle in ("fern", "iris"))

    assert key_of(drawing, fern) == key_of(drawing, fern)
    assert key_of(drawing, fern) != key_of(drawing, iris)


def test_a_seed_of_nobody_is_a_fault_of_ours(drawing: Path) -> None:
    with pytest.raises(NobodyError, match=f"^{UNIT}: its seed is each fellow's"):
        key_of(drawing, "")


# From unit.toml


def test_a_unit_says_whose_its_seed_is_and_nothing_of_it_is_released(tmp_path: Path) -> None:
    course = write_example(tmp_path / "text")
    before = build_course(course, tmp_path / "before")
    edit(course / "units" / "mini" / "unit.toml", "minutes = 20\n", 'minutes = 20\nseed = "fellow"\n')
    after = build_course(course, tmp_path / "after")

    assert (before.unit("mini").seed, after.unit("mini").seed) == ("unit", "fellow")
    assert load_course(tmp_path / "after") == after
    assert before.unit("mini").card == after.unit("mini").card, "its version, and what she gets, stay"


# Marking


@pytest.mark.slow
def test_two_fellows_draw_other_numbers_and_each_the_same_again(drawing: Path, tmp_path: Path) -> None:
    fern, iris = (fellow_key(tmp_path, handle) for handle in ("fern", "iris"))
    files = submission({"answer-mean": DRAWN_BY_HER})
    one, again, other = (
        mark(drawing, UNIT, files, learner=LEARNER, limits=QUICK, fellow=who) for who in (fern, fern, iris)
    )

    assert one.verdict.model_copy(update={"seconds": 0}) == again.verdict.model_copy(update={"seconds": 0})
    assert one.verdict.key != other.verdict.key
    assert len({*drawn(one), *drawn(other)}) == 4, "neither her check's numbers nor hers are another's"


def let_seeds_differ(desk: Desk) -> None:
    """Let the desk's unit say that its seed is each fellow's."""
    path = desk.course_dir / "course.json"
    built = json.loads(path.read_text("utf-8"))
    built["units"][0]["seed"] = "fellow"
    path.write_text(json.dumps(built), "utf-8")


@pytest.mark.slow
def test_the_service_gives_each_fellow_a_verdict_of_her_own(desk: Desk) -> None:
    let_seeds_differ(desk)
    for handle in ("acacia", "basil", "acacia"):
        desk.submit(desk.files(words="..."), handle)
        # Another worker every time, as after a restart.
        fellow_of = partial(fellow_key, desk.settings.secrets)
        drain(Worker(desk.engine, lambda: courses_of(desk.settings), desk.settings.learner, fellow_of=fellow_of))
    hers, again = (row.verdict for row in desk.attempts("acacia"))
    (other,) = (row.verdict for row in desk.attempts("basil"))

    assert hers is not None
    assert again is not None
    assert other is not None
    assert hers.key == again.key != other.key
    assert [desk.grade(CHECK, handle)["score"] for handle in ("acacia", "basil")] == [2.0, 2.0]


@pytest.mark.slow
def test_a_course_directory_keeps_a_secret_where_a_unit_asks_for_it(desk: Desk) -> None:
    secret = desk.course_dir / LEDGER.parent / SECRET
    for handle in ("anna", "bea"):
        collect(desk, handle, desk.files(words="..."), None)
    how = {"learner": desk.settings.learner, "workers": 2}
    mark_assignment(desk.course_dir, UNIT_OF_DESK, **how)
    assert (verdicts(desk.course_dir), secret.exists()) == (1, False)

    let_seeds_differ(desk)
    rehearse(desk.course_dir, UNIT_OF_DESK, **how)
    assert not secret.exists(), "a dry run writes nothing"
    for _ in range(2):
        mark_assignment(desk.course_dir, UNIT_OF_DESK, **how)
        assert (verdicts(desk.course_dir), stat.S_IMODE(secret.stat().st_mode)) == (3, 0o600)


def verdicts(course_dir: Path) -> int:
    """Return how many verdicts the ledger of a course directory has."""
    engine = ledger.engine(f"sqlite:///{course_dir / LEDGER}")
    with ledger.reading(engine) as session:
        found = session.scalar(select(func.count()).select_from(VerdictRow))
    engine.dispose()
    return found or 0
