"""Plain asserts get nbgrader's points: a sample of `make differential`, and stock nbgrader run to see that it still says so."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.grading.differential import ours, stock
from tests.grading.differential.making import make_course
from tests.grading.differential.on_purpose import ON_PURPOSE, reason_of, stale, submission_of
from tests.grading.differential.submissions import ALL, Submission, submissions

pytestmark = pytest.mark.slow

SAMPLE = 40
LIVE = ("by-value/score-half", "by-hand/right", "several/no-file-right")
# They wait for a limit of time, nbgrader's or ours.
_LONG = ("endless",)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"), ALL)


@pytest.fixture(scope="module")
def sent(course: Path) -> list[Submission]:
    return submissions(course)


def test_there_are_enough_and_the_oracle_is_of_these(course: Path, sent: Sequence[Submission]) -> None:
    known = stock.cached(course, sent)

    assert len(known) >= 300
    assert [one.place for one in sent if one.place not in known] == [], "run: make differential-oracle"


def test_nbgrader_still_says_what_the_oracle_says(course: Path, sent: Sequence[Submission]) -> None:
    live = [one for one in sent if one.place in LIVE]

    assert len(live) == len(LIVE)
    assert stock.run(course, live) == stock.cached(course, live)


@pytest.mark.timeout(900)
def test_a_sample_gets_nbgrader_s_points_or_others_on_purpose(
    course: Path, sent: Sequence[Submission], tmp_path: Path
) -> None:
    chosen = _sample(sent)
    theirs = stock.cached(course, chosen)

    hers, _records = ours.run(course, tmp_path, chosen, workers=2)

    found = list(ours.differences(theirs, hers))
    assert [str(one) for one in found if reason_of(one) is None] == []
    assert stale(found, {one.place for one in chosen}) == []


def test_each_difference_on_purpose_says_why_and_where(sent: Sequence[Submission]) -> None:
    places = {one.place for one in sent}

    assert all(purpose.reason and purpose.places for purpose in ON_PURPOSE)
    assert {submission_of(place) for purpose in ON_PURPOSE for place in purpose.places} <= places


def test_the_guide_tells_each_difference_on_purpose() -> None:
    told = (Path(__file__).parents[2] / "docs" / "marking.md").read_text("utf-8")

    assert [one.word for one in ON_PURPOSE if f"| {one.word} | {one.reason} |" not in told] == []


def _sample(sent: Sequence[Submission]) -> list[Submission]:
    """Return some of all kinds: one of each difference on purpose, and others by seeded dice."""
    short = [one for one in sent if not any(word in one.name for word in _LONG)]
    wanted = {submission_of(purpose.places[0]) for purpose in ON_PURPOSE}
    chosen = {one.place for one in short if one.place in wanted}
    rest = [one.place for one in short if one.place not in chosen]
    chosen |= set(random.Random(40).sample(rest, SAMPLE - len(chosen)))
    return [one for one in short if one.place in chosen]
