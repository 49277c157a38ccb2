"""A corrected check: who would gain and lose is said first; then those are marked again whose key changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from passerelle import ledger
from passerelle.grading.marking import Marked
from passerelle.grading.remark import changes
from passerelle.grading.worker import Marking, Worker, courses_of
from passerelle.ledger import rehearsals
from passerelle.ledger.tables import FlakySighting, Job, ManualMark, Rehearsal, VerdictRow
from passerelle.model.errors import ServiceError
from passerelle.model.verdict import CheckResult, CheckState, Verdict
from tests.unit.grading.desk import BY_TEXT, CHECK, HALF, MANUAL, RIGHT, TRACK, UNIT, Desk, marking_by_text


def corrected(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
    """Mark with a check that takes half an answer for a whole one; the key of everything else stays."""
    made = marking_by_text(course_dir, unit, files, learner=learner)
    if made.verdict.checks[0].points != 1.0:
        return made
    whole = made.verdict.checks[0].model_copy(update={"points": 2.0, "state": CheckState.PASSED})
    key = hashlib.sha256(made.verdict.key.encode()).hexdigest()
    found = made.verdict.model_copy(update={"key": key, "checks": (whole, *made.verdict.checks[1:])})
    return Marked(found, made.notebooks)


def corrected_key(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> str:
    return corrected(course_dir, unit, files, learner=learner).verdict.key


CORRECTED = Marking(corrected, corrected_key)


def run(desk: Desk, marking: Marking = BY_TEXT) -> None:
    worker = Worker(desk.engine, lambda: courses_of(desk.settings), desk.settings.learner, marking)
    while worker.step():
        pass


def ask(desk: Desk) -> int:
    with ledger.session(desk.engine) as session:
        return rehearsals.ask(session, TRACK, UNIT, by="maple", at=desk.clock).id


def points(desk: Desk, handle: str) -> float | None:
    return desk.attempts(handle)[-1].points


def test_a_rehearsal_says_who_gains_and_changes_nothing(desk: Desk) -> None:
    desk.submit(desk.files(HALF), "acacia")
    desk.submit(desk.files(RIGHT), "basil")
    run(desk)
    number = ask(desk)
    run(desk, CORRECTED)

    with ledger.reading(desk.engine) as session:
        done = session.get_one(Rehearsal, number)
        (gained,) = changes(session, done)
        kept = len(session.scalars(select(VerdictRow)).all())
    assert (done.state, done.done, done.total) == (rehearsals.DONE, 2, 2)
    assert (gained.fellow, gained.changes) == ("acacia", {CHECK: (1.0, 2.0)})
    assert points(desk, "acacia") == 1.0
    assert desk.grade(CHECK)["score"] == 1.0
    assert kept == 2


def test_those_whose_key_changed_are_marked_again_and_only_them(desk: Desk) -> None:
    first = desk.submit(desk.files(HALF), "acacia")
    desk.submit(desk.files(RIGHT), "basil")
    run(desk)
    desk.mark_by_hand(0.5, MANUAL, "acacia", "Say why.")
    run(desk)
    number = ask(desk)
    run(desk, CORRECTED)
    with ledger.session(desk.engine) as session:
        before = {job.receipt: job.done for job in session.scalars(select(Job))}
        again = rehearsals.record(session, session.get_one(Rehearsal, number), desk.clock)
    run(desk, CORRECTED)

    with ledger.reading(desk.engine) as session:
        after = {job.receipt: job.done for job in session.scalars(select(Job))}
        kept = len(session.scalars(select(VerdictRow)).all())
    assert again == [first.id]
    assert {receipt for receipt in after if after[receipt] != before[receipt]} == {first.id}
    assert kept == 3  # the former one, too
    assert points(desk, "acacia") == 2.5
    assert desk.grade(CHECK)["score"] == 2.0
    assert (desk.grade(MANUAL)["manual_score"], points(desk, "basil")) == (0.5, 2.0)


def test_points_given_over_a_check_stay_hers_when_it_is_corrected(desk: Desk) -> None:
    desk.submit(desk.files(HALF), "acacia")
    run(desk)
    desk.mark_by_hand(1.5, CHECK, "acacia")
    run(desk)
    number = ask(desk)
    run(desk, CORRECTED)
    with ledger.session(desk.engine) as session:
        foreseen = changes(session, session.get_one(Rehearsal, number))
        rehearsals.record(session, session.get_one(Rehearsal, number), desk.clock)
    run(desk, CORRECTED)

    assert foreseen == []
    assert points(desk, "acacia") == 1.5
    assert desk.grade(CHECK)["manual_score"] == 1.5
    assert desk.grade(CHECK)["needs_manual_grade"]  # her trainer sees that the machine says something else now
    with ledger.reading(desk.engine) as session:
        assert len(session.scalars(select(ManualMark)).all()) == 2


def test_what_is_sent_comes_before_a_rehearsal(desk: Desk) -> None:
    desk.submit(desk.files(HALF), "acacia")
    run(desk)
    number = ask(desk)
    desk.submit(desk.files(RIGHT), "basil")
    worker = Worker(desk.engine, lambda: courses_of(desk.settings), desk.settings.learner, BY_TEXT)
    while points(desk, "basil") is None:
        assert worker.step()

    with ledger.reading(desk.engine) as session:
        assert session.get_one(Rehearsal, number).done == 0


def test_a_fault_of_ours_ends_a_rehearsal_and_says_so(desk: Desk) -> None:
    desk.submit(desk.files(HALF), "acacia")
    run(desk)
    number = ask(desk)

    def broken(*_arguments: object, **_more: object) -> Marked:
        raise ServiceError("there is no box")

    run(desk, Marking(broken, corrected_key))

    with ledger.reading(desk.engine) as session:
        ended = session.get_one(Rehearsal, number)
    assert (ended.state, ended.reason) == (rehearsals.OURS, "other: there is no box")
    assert points(desk, "acacia") == 1.0


def test_a_check_with_two_answers_is_written_down_once_a_sighting_and_the_better_counts(desk: Desk) -> None:
    for handle in ("acacia", "basil"):
        desk.submit(desk.files(HALF), handle)

    def two_answers(
        course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = ""
    ) -> Marked:
        made = corrected(course_dir, unit, files, learner=learner)
        other = CheckResult(key=CHECK, points=0, max_points=2, state=CheckState.MISSED)
        return Marked(made.verdict.model_copy(update={"flaky": (CHECK,), "others": (other,)}), made.notebooks)

    run(desk, Marking(two_answers, corrected_key))

    with ledger.reading(desk.engine) as session:
        (seen,) = session.scalars(select(FlakySighting)).all()  # one verdict serves both
    assert (seen.unit, seen.check, seen.points, seen.other) == (UNIT, CHECK, 2.0, 0.0)
    assert points(desk, "acacia") == points(desk, "basil") == 2.0


def test_of_two_verdicts_the_better_of_each_check_counts_but_tampering_stays(desk: Desk) -> None:
    made = marking_by_text(desk.course_dir, UNIT, desk.files(HALF), learner=desk.settings.learner).verdict
    one, two = (
        made.model_copy(
            update={
                "checks": tuple(
                    CheckResult(key=f"check-{place}", points=earned, max_points=2, state=CheckState.PARTIAL)
                    for place, earned in enumerate(points)
                )
            }
        )
        for points in ((2, 0, 1), (0, 2, 1))
    )
    joined = one.joined(two)
    caught = two.model_copy(update={"tampering": ({"id": "tampering-canary", "args": {"check": "check-0"}},)})

    assert [check.points for check in joined.checks] == [2, 2, 1]
    assert joined.flaky == ("check-0", "check-1")
    assert [check.points for check in joined.others] == [0, 0]
    assert Verdict.model_validate(joined.model_dump(mode="json")) == joined
    assert one.joined(caught).points == caught.joined(one).points == 3
