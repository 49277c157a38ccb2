"""No mark is lost for what is not read again: our own writes, and marks that are as they were."""

from pathlib import Path

import pytest
from sqlalchemy import select

from passerelle import ledger
from passerelle.grading import book
from passerelle.grading.gradebook import fingerprint
from passerelle.grading.noticed import Noticer
from passerelle.ledger.manual import put_manual_mark
from passerelle.ledger.tables import ManualMark, Receipt, VerdictRow
from tests.ledgers import POSTGRESQL, SQLITE
from tests.unit.grading.desk import MANUAL, TRACK, UNIT, Desk

HERS, OTHERS = (TRACK, "acacia", UNIT), (TRACK, "basil", UNIT)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def gradebooks(request: pytest.FixtureRequest) -> str:
    """Both kinds."""
    return str(request.param)


@pytest.fixture
def noticer(desk: Desk) -> Noticer:
    """A noticer that has seen a submission of each of two fellows."""
    desk.record(desk.submit(desk.files()))
    desk.record(desk.submit(desk.files(), "basil"))
    opened = Noticer(desk.engine, lambda: {TRACK: desk.course_dir})
    assert opened.look(idle=True) == set()
    return opened


def points(desk: Desk, handle: str = "acacia") -> list[float]:
    """Return the marks that the ledger has of a fellow, in their order."""
    with ledger.reading(desk.engine) as session:
        return list(
            session.scalars(select(ManualMark.points).where(ManualMark.handle == handle).order_by(ManualMark.id))
        )


def test_our_own_write_is_the_last_state(desk: Desk, noticer: Noticer) -> None:
    before = fingerprint(desk.course_dir)
    desk.record(desk.submit(desk.files(words="Another.")))

    assert (desk.own.before, desk.own.after) == (before, fingerprint(desk.course_dir))
    assert before != desk.own.after


def test_marks_around_our_own_write_are_noticed(desk: Desk, noticer: Noticer) -> None:
    desk.mark_by_hand(0.25, handle="basil")
    desk.record(desk.submit(desk.files(words="Another.")))
    noticer.wrote(TRACK, desk.own)
    assert noticer.look(idle=True) == {OTHERS}

    desk.record(desk.submit(desk.files(words="A third.")))
    desk.mark_by_hand(0.75)
    noticer.wrote(TRACK, desk.own)
    assert noticer.look(idle=True) == {HERS}
    assert (points(desk, "basil"), points(desk)) == ([0.25], [0.75])


def test_our_own_writes_need_no_look(desk: Desk, noticer: Noticer) -> None:
    for words in ("Another.", "A third."):
        desk.record(desk.submit(desk.files(words=words)))
        noticer.wrote(TRACK, desk.own)
    # Had it looked, it would have found what is in the ledger alone.
    with ledger.session(desk.engine) as session:
        put_manual_mark(session, handle="acacia", track=TRACK, unit=UNIT, check=MANUAL, answer="x", points=1.0)

    assert noticer.look(idle=True) == set()


@pytest.mark.parametrize("gradebooks", [SQLITE], indirect=True)  # on a server the count is read under the lock
def test_a_mark_saved_between_our_commit_and_our_look_at_the_file_is_noticed(
    desk: Desk, noticer: Noticer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, looks = book.fingerprint, list[tuple[int, ...]]()

    def marked_meanwhile(course_dir: Path) -> tuple[int, ...]:
        if looks:  # the first is before the write, under its lock
            desk.mark_by_hand(0.5, handle="basil")
        looks.append(ours(course_dir))
        return looks[-1]

    with monkeypatch.context() as patched:
        patched.setattr(book, "fingerprint", marked_meanwhile)
        desk.record(desk.submit(desk.files(words="Another.")))
    noticer.wrote(TRACK, desk.own)

    assert len(looks) == 2
    assert desk.own.after == ()
    assert noticer.look(idle=True) == {OTHERS}
    assert points(desk, "basil") == [0.5]


def test_a_mark_taken_back_is_taken_back(desk: Desk, noticer: Noticer) -> None:
    desk.mark_by_hand(0.5)
    assert noticer.look(idle=True) == {HERS}
    desk.mark_by_hand(None)

    assert noticer.look(idle=True) == {HERS}
    assert points(desk) == []


def test_one_taken_back_while_nobody_looked_is_taken_back_at_the_start(desk: Desk, noticer: Noticer) -> None:
    desk.mark_by_hand(0.5)
    noticer.look(idle=True)
    desk.mark_by_hand(None)

    assert Noticer(desk.engine, lambda: {TRACK: desk.course_dir}).look(idle=True) == {HERS}
    assert points(desk) == []


def test_one_given_on_our_own_page_and_taken_back_in_formgrader_before_the_next_look(
    desk: Desk, noticer: Noticer
) -> None:
    with ledger.session(desk.engine) as session:
        (answer,) = (
            row.record["manual_answers"][MANUAL]
            for row in session.scalars(
                select(VerdictRow)
                .join(Receipt, Receipt.verdict_key == VerdictRow.key)
                .where(Receipt.handle == "acacia")
            )
        )
        put_manual_mark(session, handle="acacia", track=TRACK, unit=UNIT, check=MANUAL, answer=answer, points=1.0)
    desk.mark_by_hand(1.0)
    desk.mark_by_hand(None)

    assert HERS in noticer.look(idle=True)
    assert points(desk) == []


def test_a_mark_for_an_answer_that_the_ledger_does_not_know_yet_waits_for_it(desk: Desk, noticer: Noticer) -> None:
    with ledger.session(desk.engine) as session:
        (receipt,) = session.scalars(select(Receipt).where(Receipt.handle == "acacia"))
        known, receipt.verdict_key = receipt.verdict_key, None
    desk.mark_by_hand(0.5)
    assert noticer.look(idle=True) == set()
    with ledger.session(desk.engine) as session:
        session.get_one(Receipt, receipt.id).verdict_key = known
    desk.mark_by_hand(0.25, handle="basil")

    assert noticer.look(idle=True) == {HERS, OTHERS}
    assert points(desk) == [0.5]
