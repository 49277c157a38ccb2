"""Every unit of every course is proved."""

import sys
from pathlib import Path

import pytest

from passerelle.courses import read_course_table, update_catalogues
from passerelle.proof import check, lines
from tests.unit.courses.example import DOCUMENT

COURSES = DOCUMENT.parents[2] / "courses"
TRACKS = sorted(path.parent for path in COURSES.glob("*/course.toml"))
UNITS = [(track, place.unit) for track in TRACKS for place in read_course_table(track).units]


@pytest.mark.slow
@pytest.mark.timeout(900)  # some thirty submissions, each in a cold box
@pytest.mark.parametrize(("track", "unit"), [pytest.param(track, unit, id=unit) for track, unit in UNITS])
def test_the_unit_is_proved(track: Path, unit: str) -> None:
    (proof,) = check(track, unit, learner=Path(sys.prefix))

    assert proof.proved, "\n".join(lines([proof]))


@pytest.mark.parametrize("track", [pytest.param(track, id=track.name) for track in TRACKS])
def test_the_catalogues_are_as_an_update_writes_them(track: Path, tmp_path: Path) -> None:
    """So that an author's next update shows her own changes alone."""
    copy = tmp_path / track.name
    for file in (file for file in track.rglob("*") if file.is_file()):
        target = copy / file.relative_to(track)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())

    assert update_catalogues(copy) == []
