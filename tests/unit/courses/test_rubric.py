"""The rubric of a manual cell: read, checked against its points, translated, and in no release."""

from pathlib import Path

import pytest

from passerelle.courses import CourseTextError, build_course, read_unit
from passerelle.model.course import Criterion, Level
from tests.unit.courses.example import edit


def test_a_rubric_is_built_in_every_language_with_its_examples(course: Path, tmp_path: Path) -> None:
    rubrics = build_course(course, tmp_path / "built").unit("mini").rubrics

    assert rubrics == {
        "answer-words": (
            Criterion(
                criterion="outlier",
                title={"en": "An outlier is named", "fr": "Une valeur extrême est nommée"},
                levels=(
                    Level(
                        level="absent",
                        points=0,
                        title={"en": "No reason, or another one", "fr": "Pas de motif, ou un autre"},
                        example={
                            "en": "A mean is sometimes not right.",
                            "fr": "Une moyenne n’est pas toujours juste.",
                        },
                    ),
                    Level(
                        level="named",
                        points=1,
                        title={"en": "Names an outlier", "fr": "Nomme une valeur extrême"},
                        example={
                            "en": "One very rich person changes the mean of a street.",
                            "fr": "Une personne très riche change la moyenne d’une rue.",
                        },
                    ),
                ),
            ),
        )
    }


def test_a_rubric_is_in_no_release_and_changes_no_version(course: Path, unit: Path, tmp_path: Path) -> None:
    before = build_course(course, tmp_path / "built").unit("mini").card.version
    released = "".join(file.read_text("utf-8") for file in (tmp_path / "built" / "source").rglob("*") if file.is_file())

    edit(unit / "unit.toml", "Names an outlier", "Names one outlier")

    assert "rich person" not in released
    assert build_course(course, tmp_path / "built").unit("mini").card.version == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("rubric.answer-words", "rubric.answer-word", "no manual cell 'answer-word'", id="no-such-cell"),
        pytest.param("rubric.answer-words", "rubric.check-mean", "no manual cell 'check-mean'", id="not-by-hand"),
        pytest.param("{ points = 1,", "{ points = 2,", "give 2 points, the cell 1", id="another-sum"),
        pytest.param("{ points = 0,", "{ points = 0.5,", "the first has 0 points", id="not-from-nothing"),
        pytest.param("{ points = 1,", "{ points = 0,", "each further one more", id="equal-levels"),
        pytest.param("levels.named", "levels.Named", "is not an id", id="no-id"),
    ],
)
def test_a_defect_is_said(course: Path, unit: Path, old: str, new: str, said: str) -> None:
    edit(unit / "unit.toml", old, new)

    with pytest.raises(CourseTextError, match=said):
        read_unit(course, "mini")
