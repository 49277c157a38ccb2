"""A course made elsewhere: nbgrader's rules for what was sent, keys, places. Real marking is in tests/grading."""

import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from passerelle import ledger
from passerelle.grading.assignment import mark_assignment, open_bench, take_all
from passerelle.grading.elsewhere import UnreadableSourceError, source_notebooks
from passerelle.grading.gradebook import GradebookUnusableError, UnitNotReleasedError
from passerelle.grading.layout import CourseConfigError, allow_elsewhere, layout_of
from passerelle.grading.marking import Marked
from passerelle.grading.prepare import Prepared, prepare
from passerelle.grading.rebuild import Origin
from passerelle.grading.report import MarkRecord
from passerelle.grading.sheet import executed_notebook
from passerelle.grading.worker import Marking
from passerelle.ledger.tables import Receipt
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict
from tests.unit.grading.elsewhere import (
    DUE,
    LATE,
    ONE,
    PS,
    SQUARE,
    TWO,
    WHY,
    generate,
    hand_in,
    make_course,
    numbers,
    penalties,
    submission,
)

LEARNER = Path(sys.prefix)
Notebooks = dict[str, nbformat.NotebookNode]


@pytest.fixture(scope="module")
def shared_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def course(shared_elsewhere: Path, tmp_path: Path) -> Path:
    root = tmp_path / "course"
    shutil.copytree(shared_elsewhere, root)
    allow_elsewhere(root)
    return root


def files(notebooks: Notebooks, **others: bytes) -> dict[str, bytes]:
    return {f"{name}.ipynb": nbformat.writes(made).encode() for name, made in notebooks.items()} | others


def prepared(course: Path, notebooks: Notebooks, **others: bytes) -> Prepared:
    return prepare(course, PS, files(notebooks, **others), LEARNER)


def cells(course: Path, notebooks: Notebooks, name: str = ONE) -> list[tuple[str, str]]:
    """Return the cells of a rebuilt notebook: key (or «added») and text."""
    (work,) = (work for work in prepared(course, notebooks).works if work.name == name)
    return [(cell.key or "added", cell.text) for cell in work.rebuilt.cells if cell.origin is not Origin.MISSING]


def notices(course: Path, notebooks: Notebooks) -> list[str]:
    return [notice.id for notice in prepared(course, notebooks).notices]


def cell_of(notebooks: Notebooks, key: str) -> Any:
    found = [
        cell
        for made in notebooks.values()
        for cell in made.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == key
    ]
    return found[0]


def test_every_notebook_is_there_with_its_marked_cells(course: Path) -> None:
    works = prepared(course, submission(course)).works

    assert [work.name for work in works] == [ONE, TWO]
    marked = {work.name: [cell.key for cell in work.rebuilt.cells if cell.points is not None] for work in works}
    assert marked == {ONE: ["test-square", "test-halves"], TWO: ["why", "shout", "describe", "test-shout"]}
    by_hand = {cell.key for work in works for cell in work.rebuilt.cells if cell.is_by_hand}
    assert by_hand == {"why", "shout", "describe"}


def test_tests_come_from_the_gradebook_with_what_was_hidden(course: Path) -> None:
    sent = submission(course)
    cell_of(sent, "test-square").source = "pass"

    text = dict(cells(course, sent))["test-square"]

    assert "assert square(-3) == 9" in text
    assert "### BEGIN HIDDEN TESTS" in text, "between the marks that the examiner knows, whatever the course's are"
    assert notices(course, sent) == ["notice-restored"]


def test_the_author_s_solutions_are_there_for_who_needs_them(course: Path) -> None:
    work = prepared(course, submission(course)).works[0]

    assert any(SQUARE in cell.source for cell in work.solution.cells)
    assert not any("number * number" in cell.source for cell in work.source.cells)


def test_a_restored_cell_is_no_change_where_nothing_was_changed(course: Path) -> None:
    assert notices(course, submission(course)) == []


def test_the_last_of_two_cells_with_one_id_counts_and_the_first_runs_all_the_same(course: Path) -> None:
    sent = submission(course)
    first = nbformat.from_dict(cell_of(sent, "square"))
    first.source, first.id = "def square(number):\n    return 0", "copy"
    sent[ONE].cells.insert(0, first)

    found = cells(course, sent)

    assert found[0] == ("added", first.source)
    assert ("square", SQUARE) in found
    assert notices(course, sent) == ["notice-copied"]


def test_cells_stay_in_the_order_in_which_they_were_sent(course: Path) -> None:
    sent = submission(course)
    sent[ONE].cells.reverse()

    keys = [key for key, _ in cells(course, sent) if key != "added"]

    assert keys == ["test-halves", "halves", "test-square", "square", "rows"]


def test_a_changed_cell_type_is_put_right(course: Path) -> None:
    sent = submission(course)
    cell = cell_of(sent, "square")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]

    work = prepared(course, sent).works[0]

    assert next(one for one in work.rebuilt.cells if one.key == "square").cell_type == "code"


def test_a_missing_test_waits_for_a_person_as_with_nbgrader(course: Path) -> None:
    sent = submission(course)
    sent[ONE].cells.remove(cell_of(sent, "test-square"))

    work = prepared(course, sent).works[0]

    (missing,) = (cell for cell in work.rebuilt.cells if cell.key == "test-square")
    assert missing.is_by_hand
    assert work.rebuilt.manual_answers["test-square"] is not None
    assert notices(course, sent) == ["notice-absent"]


def test_a_missing_test_is_put_back_where_the_course_says_so(course: Path) -> None:
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.OverwriteCells.add_missing_cells = True\n")
    sent = submission(course)
    sent[ONE].cells.remove(cell_of(sent, "test-square"))

    keys = [key for key, _ in cells(course, sent)]

    assert keys.index("test-square") == keys.index("square") + 1


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        pytest.param(None, False, id="as-it-was-released"),
        pytest.param(WHY, True, id="answered"),
        pytest.param("", True, id="emptied-is-a-change-for-nbgrader"),
    ],
)
def test_who_marks_a_manual_answer(course: Path, answer: str | None, waits: bool) -> None:
    work = prepared(course, submission(course, {"why": answer})).works[1]

    assert (work.rebuilt.manual_answers["why"] is not None) is waits


def test_a_task_is_answered_anywhere(course: Path) -> None:
    sent = submission(course)
    before = prepared(course, sent).works[1].rebuilt.manual_answers["describe"]
    sent[TWO].cells.append(nbformat.v4.new_markdown_cell("My description."))
    after = prepared(course, sent).works[1].rebuilt.manual_answers["describe"]

    assert before is not None
    assert before != after


def test_a_notebook_that_was_not_sent_is_absent_and_asks_nobody(course: Path) -> None:
    work = prepared(course, submission(course, names=(ONE,))).works[1]

    assert work.absent
    assert set(work.rebuilt.manual_answers.values()) == {None}


def test_a_notebook_that_cannot_be_read_costs_nothing_in_the_other(course: Path) -> None:
    sent = files(submission(course)) | {f"{TWO}.ipynb": b"{"}

    works = prepare(course, PS, sent, LEARNER).works

    assert [work.unreadable is None for work in works] == [True, False]


def test_all_that_lies_beside_the_source_is_put_over_what_was_sent(course: Path) -> None:
    work = prepared(course, submission(course), **{"data/rows.txt": b"9", "mine.py": b"x = 1"}).works[0]

    assert work.files == {"data/rows.txt": b"2\n4\n", "mine.py": b"x = 1"}


# Keys


def changed_metadata(sent: Notebooks) -> None:
    for made in sent.values():
        made.metadata["kernelspec"] = {"name": "other", "display_name": "Other"}
        for cell in made.cells:
            cell.metadata["tags"] = ["skip-execution"]
            cell.metadata.setdefault("nbgrader", {}).update({"points": 99, "schema_version": 1, "locked": False})
            cell.metadata.nbgrader.pop("task", None)


def changed_outputs(sent: Notebooks) -> None:
    for made in sent.values():
        for cell in made.cells:
            if cell.cell_type == "code":
                cell.execution_count = 7
                cell.outputs = [nbformat.v4.new_output("stream", text="something")]


def changed_answer(sent: Notebooks) -> None:
    cell_of(sent, "square").source += "  # other"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(changed_metadata, True, id="metadata"),
        pytest.param(changed_outputs, True, id="outputs"),
        pytest.param(changed_answer, False, id="an-answer"),
    ],
)
def test_what_of_a_submission_is_in_its_key(course: Path, change: Callable[[Notebooks], None], same: bool) -> None:
    before = prepared(course, submission(course)).key
    sent = submission(course)
    change(sent)

    assert (prepared(course, sent).key == before) is same


def corrected_check(course: Path) -> Path:
    made = numbers()
    next(cell for cell in made.cells if cell.id == "test-square").source += "\nassert square(0) == 0"
    (course / "source" / PS / f"{ONE}.ipynb").write_text(nbformat.writes(made), "utf-8")
    generate(course)
    return LEARNER


def corrected_solution(course: Path) -> Path:
    made = numbers()
    next(
        cell for cell in made.cells if cell.id == "square"
    ).source = "# <answer>\nsquare = lambda one: one ** 2\n# </answer>"
    (course / "source" / PS / f"{ONE}.ipynb").write_text(nbformat.writes(made), "utf-8")
    return LEARNER


def other_data(course: Path) -> Path:
    (course / "source" / PS / "data" / "rows.txt").write_text("3\n4\n")
    return LEARNER


def another_environment(course: Path) -> Path:
    other = course / "environment"
    (other / "lib" / "python3.11" / "site-packages" / "numpy-9.9.dist-info").mkdir(parents=True)
    return other


def run_source(course: Path) -> Path:
    made = numbers()
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.execution_count = 3
            cell.outputs = [nbformat.v4.new_output("stream", text="2\n")]
    (course / "source" / PS / f"{ONE}.ipynb").write_text(nbformat.writes(made), "utf-8")
    return LEARNER


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(corrected_check, False, id="a-check", marks=pytest.mark.slow),
        pytest.param(corrected_solution, False, id="a-reference-solution"),
        pytest.param(other_data, False, id="data"),
        pytest.param(another_environment, False, id="environment"),
        pytest.param(run_source, True, id="what-the-source-showed"),
    ],
)
def test_what_of_a_course_is_in_the_key(course: Path, change: Callable[[Path], Path], same: bool) -> None:
    sent = files(submission(course))
    before = prepare(course, PS, sent, LEARNER).key
    learner = change(course)

    assert (prepare(course, PS, sent, learner).key == before) is same


# Places


def test_another_layout_is_the_configuration_s(course: Path) -> None:
    config = course / "nbgrader_config.py"
    structure = 'c.CourseDirectory.directory_structure = "{assignment_id}/{nbgrader_step}/{student_id}"\n'
    config.write_text(config.read_text() + structure + 'c.CourseDirectory.submitted_directory = "in"\n')
    (course / PS / "in" / "Anna.B-2").mkdir(parents=True)

    layout = layout_of(course)

    assert layout.track == "elsewhere101"
    assert dict(layout.submissions(PS)) == {"Anna.B-2": course / PS / "in" / "Anna.B-2"}
    assert layout.autograded("anna", PS) == course / PS / "autograded" / "anna"


def test_no_configuration_runs_where_nobody_said_it_may(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")

    assert layout_of(tmp_path).is_ours
    assert not (tmp_path / "ran").exists()


def test_no_configuration_runs_in_a_course_of_ours(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")
    (tmp_path / "course.json").write_text("{}")
    allow_elsewhere(tmp_path)

    assert layout_of(tmp_path).is_ours
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("c.Nonsense = undefined", "NameError", id="it-stops"),
        pytest.param("c.CourseDirectory.db_url = 'mysql://host/db'", "SQLite", id="another-database"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said(course: Path, line: str, said: str) -> None:
    config = course / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}{line}\n")

    with pytest.raises(CourseConfigError, match=said):
        layout_of(course)


def test_an_assignment_that_is_not_in_the_gradebook_says_what_to_run(course: Path) -> None:
    shutil.copytree(course / "source" / PS, course / "source" / "ps2")

    with pytest.raises(UnitNotReleasedError, match="nbgrader generate_assignment ps2"):
        source_notebooks(layout_of(course), "ps2")


def test_no_gradebook_at_all_says_what_to_run(course: Path) -> None:
    (course / "gradebook.db").unlink()

    with pytest.raises(GradebookUnusableError, match="generate_assignment"):
        source_notebooks(layout_of(course), PS)


@pytest.mark.slow
def test_a_notebook_for_another_language_is_refused(course: Path) -> None:
    made = numbers()
    made.metadata.kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    (course / "source" / PS / f"{ONE}.ipynb").write_text(nbformat.writes(made), "utf-8")
    generate(course)

    with pytest.raises(UnreadableSourceError, match="only Python"):
        source_notebooks(layout_of(course), PS)


# Times


@pytest.mark.parametrize(
    ("stamp", "received"),
    [
        pytest.param("2025-03-10 14:30:00 UTC", datetime(2025, 3, 10, 14, 30, tzinfo=UTC), id="its-own"),
        pytest.param("2025-03-10 14:30:00 CET", datetime(2025, 3, 10, 13, 30, tzinfo=UTC), id="in-another-zone"),
        pytest.param(None, DUE.replace(tzinfo=UTC), id="none-is-in-time"),
    ],
)
def test_when_a_submission_came(course: Path, stamp: str | None, received: datetime) -> None:
    hand_in(course, "anna", submission(course), stamp)
    with open_bench(course, PS) as bench:
        (taken,) = take_all(bench, PS, None, stamp=True)
        again = take_all(bench, PS, None, stamp=True)
        with ledger.reading(bench.engine) as session:
            came = session.get_one(Receipt, taken.receipt).received

    assert came == received
    assert again == [taken], "a second look takes nothing anew"


# What is recorded


def marking_nothing(
    course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = ""
) -> Marked:
    """Give every test its points: here it is about what happens to a verdict."""
    ready = prepare(course_dir, unit, files, learner)
    checks, answers, shown = list[CheckResult](), dict[str, str | None](), dict[str, NotebookNode]()
    for work in ready.works:
        found = [
            CheckResult(
                key=cell.key,
                notebook=work.name,
                points=cell.points if cell.is_check else 0,
                max_points=cell.points,
                state=CheckState.PASSED if cell.is_check else CheckState.BY_HAND,
            )
            for cell in work.rebuilt.cells
            if cell.points is not None
        ]
        checks += found
        answers |= {f"{work.name}/{key}": answer for key, answer in work.rebuilt.manual_answers.items()}
        shown[work.name] = executed_notebook(work.source, work.rebuilt, {}, {one.key: one for one in found}, {})
    verdict = Verdict(
        key=ready.key, unit=unit, version="1", engine="none", outcome=Outcome.MARKED, checks=tuple(checks),
        manual_answers=answers,
    )  # fmt: skip
    return Marked(verdict, shown)


def marked(course: Path) -> list[MarkRecord]:
    return mark_assignment(course, PS, learner=LEARNER, marking=Marking(marking_nothing, key_of))


def key_of(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> str:
    return prepare(course_dir, unit, files, learner).key


def test_a_penalty_plugin_that_stops_for_one_leaves_the_others(course: Path) -> None:
    (course / "late_one.py").write_text(
        "from nbgrader.plugins import BasePlugin\n\n\nclass Stops(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return {'anna': 1.5}[student_id]\n"
    )
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.AssignLatePenalties.plugin_class = "late_one.Stops"\n')
    for handle in ("anna", "bea"):
        hand_in(course, handle, submission(course), LATE)

    records = marked(course)

    assert [one.state for one in records] == ["marked", "ours"]
    assert "the late penalty plugin stops for bea" in (records[1].reason or "")
    # Not more than a notebook has.
    assert penalties(course, "anna") == {ONE: 1.5, TWO: 1.0}


def test_a_mark_by_hand_belongs_to_its_answer(course: Path) -> None:
    def by_hand() -> tuple[float | None, bool]:
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
            grade = book.find_grade("why", TWO, PS, "anna")
            return grade.manual_score, grade.needs_manual_grade

    hand_in(course, "anna", submission(course), "2025-03-10 09:00:00 UTC")
    marked(course)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grade = book.find_grade("why", TWO, PS, "anna")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()
    hand_in(course, "anna", submission(course, {"square": SQUARE + "  # again"}), "2025-03-10 10:00:00 UTC")
    marked(course)
    kept = by_hand()
    hand_in(course, "anna", submission(course, {"why": "Another reason."}), "2025-03-10 11:00:00 UTC")
    (record,) = marked(course)

    assert kept == (1.5, False)
    assert by_hand() == (None, True), "a changed answer goes to a person"
    assert (record.attempt, {one.key: one.points for one in record.checks}["why"]) == (3, None)


def test_a_collected_folder_stays_as_it_is(course: Path) -> None:
    folder = hand_in(course, "anna", submission(course), "2025-03-10 10:00:00 CET", **{"huge.bin": b"0" * 30_000_000})
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    marked(course)

    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
