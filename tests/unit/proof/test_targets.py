import os
import shutil
from pathlib import Path

import pytest

from passerelle.courses import CourseTextError
from passerelle.proof.targets import Target, targets
from tests.unit.courses.example import edit, write_example


@pytest.fixture
def courses(tmp_path: Path) -> Path:
    """Two tracks: demo with mini and maxi, other with mini and last."""
    demo = write_example(tmp_path)
    shutil.copytree(demo, demo.parent / "other")
    for track, second in ((demo, "maxi"), (demo.parent / "other", "last")):
        shutil.copytree(track / "units" / "mini", track / "units" / second)
        with (track / "course.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[[units]]\nunit = "{second}"\nweeks = [3, 4]\n')
    return demo.parent


def meant(courses: Path, *words: str) -> list[tuple[str, str]]:
    return [(target.source.name, target.unit) for target in targets(words, courses)]


def test_no_word_is_every_unit(courses: Path) -> None:
    assert meant(courses) == [("demo", "mini"), ("demo", "maxi"), ("other", "mini"), ("other", "last")]


def test_a_track_is_meant_by_path_or_name(courses: Path) -> None:
    assert meant(courses, str(courses / "demo")) == meant(courses, "demo") == [("demo", "mini"), ("demo", "maxi")]


def test_a_unit_is_meant_by_path_or_name(courses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert meant(courses, "maxi", "last") == [("demo", "maxi"), ("other", "last")]
    monkeypatch.chdir(courses / "other" / "units")
    assert meant(courses, "mini" + os.sep) == [("other", "mini")]


def test_a_unit_behind_its_track_is_that_unit_alone(courses: Path) -> None:
    assert targets([str(courses / "other"), "mini"], courses) == [Target(courses / "other", "mini")]


def test_each_unit_is_proved_once(courses: Path) -> None:
    assert meant(courses, "demo", "mini", "mini") == [("demo", "mini")]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        pytest.param("mini", "two tracks have this unit", id="two"),
        pytest.param("mimi", "there is no such track or unit; name one of: demo, other, mini", id="none"),
    ],
)
def test_what_means_nothing_or_two_things_is_said(courses: Path, word: str, said: str) -> None:
    with pytest.raises(CourseTextError, match=said):
        targets([word], courses)


def test_a_place_without_tracks_says_how(tmp_path: Path) -> None:
    with pytest.raises(CourseTextError, match="there is no track; name one"):
        targets([], tmp_path)


def test_a_unit_that_the_track_does_not_name_is_none(courses: Path) -> None:
    edit(courses / "other" / "course.toml", '[[units]]\nunit = "last"\nweeks = [3, 4]\n', "")

    with pytest.raises(CourseTextError, match="no such track or unit"):
        targets(["last"], courses)
