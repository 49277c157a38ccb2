"""What is kept of a unit between two submissions: never more than its files say."""

import shutil
import sys
import time
from pathlib import Path

import pytest

from passerelle.courses import build_course
from passerelle.grading import kept
from passerelle.grading.kept import kept_unit
from passerelle.grading.layout import layout_of
from passerelle.grading.prepare import prepare
from tests.unit.courses.example import edit, write_example
from tests.unit.grading.desk import TRACK, UNIT, files_of, notebook

LEARNER = Path(sys.prefix)


@pytest.fixture
def course(tmp_path: Path, released_course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built course whose files are old enough to be kept."""
    monkeypatch.setattr(kept, "SETTLED_S", 0.05)
    copied = shutil.copytree(released_course, tmp_path / TRACK)
    wait_until_kept(copied)
    return copied


def wait_until_kept(course: Path) -> None:
    """Wait until a unit's files are old enough: no file can be made older than it is."""
    end = time.monotonic() + 10
    while kept_unit(layout_of(course), UNIT) is not kept_unit(layout_of(course), UNIT):
        assert time.monotonic() < end, "nothing is kept"
        time.sleep(0.02)


def test_a_unit_is_read_once(course: Path) -> None:
    assert kept_unit(layout_of(course), UNIT) is kept_unit(layout_of(course), UNIT)


def test_what_has_just_changed_is_read_again(released_course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(released_course, tmp_path / TRACK)

    assert kept_unit(layout_of(course), UNIT) is not kept_unit(layout_of(course), UNIT)


def test_a_corrected_unit_is_seen_at_once(course: Path, tmp_path: Path) -> None:
    files = files_of(notebook(course))
    before = prepare(course, UNIT, files, LEARNER)
    assert prepare(course, UNIT, files, LEARNER).key == before.key
    text = write_example(tmp_path / "text")
    edit(text / "units" / UNIT / "unit.md", "[5, 6]).equals(5.5", "[5, 8]).equals(6.5")
    build_course(text, course)

    after = prepare(course, UNIT, files, LEARNER)

    assert after.key != before.key
    assert after.card.version != before.card.version


@pytest.mark.parametrize("where", ["source/mini/mini.ipynb", "source/mini/unit.json", "course.json"])
def test_a_file_changed_in_place_to_one_of_the_same_length_is_seen_at_once(course: Path, where: str) -> None:
    first = kept_unit(layout_of(course), UNIT)
    path = course / where
    path.write_bytes(path.read_bytes().replace(b"A mean", b"A mode"))

    assert kept_unit(layout_of(course), UNIT) is not first


def test_a_file_that_comes_or_goes_is_seen_at_once(course: Path) -> None:
    first = kept_unit(layout_of(course), UNIT)
    new = course / "source" / UNIT / "data" / "new.csv"
    new.parent.mkdir(exist_ok=True)
    new.write_bytes(b"a\n1\n")
    with_it = kept_unit(layout_of(course), UNIT)
    new.unlink()

    assert "data/new.csv" not in first.public
    assert with_it.public["data/new.csv"] == b"a\n1\n"
    assert "data/new.csv" not in kept_unit(layout_of(course), UNIT).public


def test_no_more_units_are_kept_than_a_few(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "UNITS", 1)
    other = shutil.copytree(course, tmp_path / "other" / TRACK)
    first = kept_unit(layout_of(course), UNIT)
    wait_until_kept(other)

    assert kept_unit(layout_of(course), UNIT) is not first


def test_texts_of_a_unit_are_those_that_fellows_read(course: Path) -> None:
    texts = kept_unit(layout_of(course), UNIT).texts

    assert not any("HIDDEN" in text for text in texts)
    assert len(texts) > 3
