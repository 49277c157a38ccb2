from pathlib import Path

import nbformat

from passerelle.courses import build_course, read_unit
from passerelle.proof.submissions import Release, machine_points, reference_answers


def test_the_reference_is_the_solution_without_its_markers(course: Path) -> None:
    folder = read_unit(course, "mini")

    assert reference_answers(folder) == {
        "answer-mean": "def mean(numbers):\n    return sum(numbers) / len(numbers)",
        "answer-words": "One very large number pulls the mean up.",
    }
    assert machine_points(folder) == {"check-mean": 2.0}


def test_a_submission_is_the_release_with_answers_put_in(course: Path, tmp_path: Path) -> None:
    build_course(course, tmp_path / "built")
    folder = tmp_path / "built" / "source" / "mini"
    release = Release.read(folder)

    files = release.submission({"answer-mean": "mean = max"})

    assert sorted(files) == ["mini.ipynb", "unit.json"]
    handed_in = nbformat.reads(files["mini.ipynb"].decode(), as_version=4)
    changed = [new for new, old in zip(handed_in.cells, release.notebook.cells, strict=True) if new != old]
    assert [(cell.metadata.passerelle.key, cell.source) for cell in changed] == [("answer-mean", "mean = max")]
    assert release.submission({}) != files
