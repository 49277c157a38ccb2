"""Attacks that are quick to make, one of each kind, in both kinds of unit; all of them are made by `make attacks`."""

import pytest

from tests.attacks.all_attacks import ATTACKS
from tests.attacks.attack import Attack
from tests.attacks.judge import NEIGHBOUR, NEIGHBOURS, Judge
from tests.attacks.tiny import KINDS, POINTS, RIGHT, SECRET

pytestmark = pytest.mark.slow

SAMPLE = (
    "ast-transformer",
    "constants-of-the-caller",
    "an-int-that-lies",
    "money-always-equal",
    "notes-of-her-own",
    "helper-replaced",
    "one-says-beside",
    "one-says-beside-with-notes",
    "by-what-was-released",
    "called-back-unasked",
    "kept-in-an-error",
    "unix-sockets",
    "a-daemon",
    "earned-before-death",
    "own-checks-beside",
    "modules-beside",
    "markdown-for-a-trainer",
    "left-processes",
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SAMPLE)
def test_an_attack_gets_nothing(judge: Judge, name: str, kind: str) -> None:
    assert judge.judge(kind, ATTACKS[name]).bad == []


@pytest.mark.parametrize("kind", KINDS)
def test_after_attacks_an_honest_submission_has_its_points(judge: Judge, kind: str) -> None:
    judge.judge(kind, ATTACKS["judges-patched"])

    judge.must_be(kind, RIGHT, POINTS)
    judge.must_be(kind, NEIGHBOUR, NEIGHBOURS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_judge_sees_what_is_gained_said_lost_and_left(judge: Judge, kind: str) -> None:
    """What must not be, made on purpose: nothing passes by a judge who sees nothing."""
    unearned = Attack("right", "", RIGHT, keeps=("mean",))
    lost = Attack("lost", "", {}, POINTS, ("mean",))
    told = Attack("told", "", {"mean": f"print('REA' 'CHED', {SECRET} + 0)"})

    assert judge.judge(kind, unearned).bad == ["gains mean:1 double:2 total:2 money:1"]
    assert judge.judge(kind, lost).bad == ["loses mean"]
    assert judge.judge(kind, told).bad == ["says a secret", "got out"]
