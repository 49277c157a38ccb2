"""Every unit of every course: what is quick to prove, and that all the rest was proved of these very files, by this very engine.

The whole proof, with some hundred planted bugs a unit, is `make check`; it writes docs/courses/, which is read here.
"""

import sys
from pathlib import Path

import pytest

from passerelle.courses import read_course_table, update_catalogues
from passerelle.proof import Depth, check, lines
from passerelle.proof.table import stale_units
from tests.unit.courses.example import DOCUMENT

ROOT = DOCUMENT.parents[2]
TRACKS = sorted(path.parent for path in (ROOT / "courses").glob("*/course.toml"))
UNITS = [(track, place.unit) for track in TRACKS for place in read_course_table(track).units]


@pytest.mark.slow
@pytest.mark.timeout(1200)  # some thirty submissions, each with a box of its own
@pytest.mark.parametrize(("track", "unit"), [pytest.param(track, unit, id=unit) for track, unit in UNITS])
def test_the_unit_reads_well_and_each_answer_earns_what_is_stated(track: Path, unit: str) -> None:
    """The solution, the blank release, every answer of wrong/ and right/: points and hints, marked as a fellow's are."""
    (proof,) = check(track, unit, learner=Path(sys.prefix), depth=Depth.ANSWERS)

    assert proof.proved, "\n".join(lines([proof]))
    assert min(proof.wrong, proof.right) > 0


@pytest.mark.parametrize("track", [pytest.param(track, id=track.name) for track in TRACKS])
def test_the_table_of_proofs_is_of_these_files_and_all_is_proved(track: Path) -> None:
    page = (ROOT / "docs" / "courses" / f"{track.name}.md").read_text("utf-8")
    units = [place.unit for place in read_course_table(track).units]

    assert stale_units(page, track, units) == [], (
        f"their files, autograders or the marking changed since: run `passerelle check {track.name} --table docs/courses`"
        " (or `make check`: all tracks)"
    )
    for unit in units:
        assert f"| {unit} | yes |" in page


@pytest.mark.parametrize("track", [pytest.param(track, id=track.name) for track in TRACKS])
def test_the_catalogues_are_as_an_update_writes_them(track: Path, tmp_path: Path) -> None:
    """So that an author's next update shows her own changes alone."""
    copy = tmp_path / track.name
    for file in (file for file in track.rglob("*") if file.is_file()):
        target = copy / file.relative_to(track)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())

    assert update_catalogues(copy) == []
