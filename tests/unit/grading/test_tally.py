"""What a run of marking counts, and how it is said."""

from passerelle.cli.mark import _facts
from passerelle.grading.tally import Tally
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict


def verdict(points: float, *, answer: str | None = None) -> Verdict:
    checks = [CheckResult(key="a", points=points, max_points=2, state=CheckState.PARTIAL)]
    checks.append(CheckResult(key="b", points=0, max_points=1, state=CheckState.BY_HAND))
    return Verdict(
        key="k",
        unit="u",
        version="1",
        engine="e",
        outcome=Outcome.MARKED,
        checks=tuple(checks),
        manual_answers={"b": answer},
    )


def test_each_verdict_is_one_of_three() -> None:
    tally = Tally(5)
    for number, points in enumerate((2.0, 1.0, 0.0, 2.0)):
        tally.end(f"{number}", verdict(points, answer="x" if number == 1 else None), kept=number == 3)

    assert (tally.full, tally.partly, tally.none) == (2, 1, 1)
    assert (tally.by_hand, tally.kept, tally.done) == (1, 1, 4)


def test_what_waits_for_us_is_counted_once_until_it_is_marked() -> None:
    tally = Tally(1)
    tally.end("r", None).end("r", None)
    waiting = len(tally.ours), tally.done
    tally.end("r", verdict(2.0))

    assert waiting == (1, 1)
    assert (len(tally.ours), tally.done, tally.full) == (0, 1, 1)


def test_a_unit_that_only_people_mark_has_no_points_to_speak_of() -> None:
    by_hand = verdict(0.0, answer="x")
    tally = Tally(1).end("r", by_hand.model_copy(update={"checks": by_hand.checks[1:]}))

    assert (tally.full, tally.partly, tally.none, tally.by_hand) == (0, 0, 0, 1)


def test_it_says_how_fast_how_long_and_what_it_found() -> None:
    tally = Tally(30)
    for number in range(10):
        tally.end(f"{number}", verdict(2.0))

    assert _facts(tally, 60.0) == "10 a minute, 2:00 left, 10 full"
    assert _facts(Tally(3), 0.0) == "0 a minute, 0:00 left"
