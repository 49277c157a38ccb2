"""A sample of the 1,000 mutated notebooks; `make mutated` marks all of them."""

import pytest

from tests.attacks.judge import Judge
from tests.attacks.mutated import mutated, run, untouched
from tests.attacks.tiny import KINDS, POINTS, RIGHT, UNIT, release

pytestmark = pytest.mark.slow

SAMPLE, EVERY = 40, 8


def test_each_has_a_verdict_and_untouched_answers_keep_their_marks(tmp_path_factory: pytest.TempPathFactory) -> None:
    told = run(Judge(tmp_path_factory.mktemp("tiny")), SAMPLE, EVERY)

    assert told.bad == []
    assert told.keyed == 2 * SAMPLE
    assert told.marked == 2 * SAMPLE / EVERY
    assert told.kept > told.marked / 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_always_the_same_notebook_and_most_are_changed(kind: str) -> None:
    made = [mutated(kind, number) for number in range(100)]

    assert made == [mutated(kind, number) for number in range(100)]
    assert len({repr(files) for files in made}) > 90


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_right_submission_every_answer_is_untouched(kind: str) -> None:
    import json

    files = {f"{UNIT}.ipynb": json.dumps(release(kind, RIGHT)).encode()}

    assert untouched(kind, files) == set(POINTS)
