"""What a pair agrees on, and who may read it: Oak mentors Acacia now, Willow did before (see `programme`)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.ledger import mentoring, people
from passerelle.ledger.mentoring_tables import Meeting
from tests.unit.ledger.conftest import NOW

SOON = NOW + timedelta(days=2)
LATER = NOW + timedelta(days=30)
BEFORE = NOW - timedelta(days=10)


def planned(session: Session, starts: datetime = SOON, mentor: str = "oak", at: datetime = NOW) -> Meeting:
    found = mentoring.plan(session, mentor, "acacia", mentor, starts=starts, at=at)
    assert found is not None
    return found


Act = Callable[[Session, str, int, datetime], object]
ACTS: dict[str, Act] = {
    "read": mentoring.meeting,
    "move": lambda session, by, number, at: mentoring.move(session, by, number, starts=LATER, at=at),
    "call-off": mentoring.call_off,
    "hold": mentoring.hold,
    "note": lambda session, by, number, at: mentoring.note(session, by, number, "Well.", read=None, at=at),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("viewer", "at", "allowed"),
    [
        pytest.param("oak", NOW, True, id="her-mentor"),
        pytest.param("acacia", NOW, True, id="she-herself"),
        pytest.param("willow", NOW, False, id="a-mentor-of-before"),
        pytest.param("basil", NOW, False, id="another-fellow"),
        pytest.param("maple", NOW, False, id="her-trainer"),
        pytest.param("oak", LATER, False, id="after-the-pairing"),
        pytest.param("acacia", LATER, True, id="she-herself-after-the-pairing"),
    ],
)
def test_a_meeting_is_the_fellows_always_and_the_mentors_while_the_pairing_lasts(
    programme: Engine, viewer: str, at: datetime, allowed: bool, act: str
) -> None:
    with ledger.session(programme) as session:
        number = planned(session).id
        people.pair(session, "willow", "basil", starts=BEFORE)
        session.flush()
        session.execute(people.Pairing.__table__.update().where(people.Pairing.mentor == "oak").values(ends=LATER))

        done = ACTS[act](session, viewer, number, at)

    # Notes are the mentor's to write; everything else is both of theirs.
    assert bool(done) is (allowed and not (act == "note" and viewer == "acacia"))


def test_a_new_mentor_reads_nothing_that_was_made_with_the_one_before(programme: Engine) -> None:
    with ledger.session(programme) as session:
        number = planned(session, BEFORE, "willow", at=BEFORE).id
        kept = mentoring.agree(
            session, "willow", "acacia", "willow", owner="acacia", text="Send it.", due=None, at=BEFORE
        )

        assert kept is not None
        assert mentoring.meeting(session, "oak", number, NOW) is None
        assert [list(found(session, "oak", "acacia", NOW)) for found in (mentoring.meetings, mentoring.actions)] == [
            [],
            [],
        ]
        assert mentoring.settle(session, "oak", kept.id, "done", NOW) is None
        assert mentoring.actions(session, "acacia", "acacia", NOW) == [kept]


@pytest.mark.parametrize(
    ("by", "fellow", "mentor"),
    [
        pytest.param("willow", "acacia", "willow", id="no-pair-any-more"),
        pytest.param("oak", "basil", "oak", id="no-pair"),
        pytest.param("maple", "acacia", "oak", id="neither-of-them"),
        pytest.param("basil", "acacia", "oak", id="another-fellow"),
    ],
)
def test_only_a_pair_plans_and_agrees(programme: Engine, by: str, fellow: str, mentor: str) -> None:
    with ledger.session(programme) as session:
        assert mentoring.plan(session, by, fellow, mentor, starts=SOON, at=NOW) is None
        assert mentoring.agree(session, by, fellow, mentor, owner=mentor, text="Call.", due=None, at=NOW) is None


def test_nobody_agrees_for_a_third(programme: Engine) -> None:
    with ledger.session(programme) as session:
        assert mentoring.agree(session, "oak", "acacia", "oak", owner="basil", text="x", due=None, at=NOW) is None


@pytest.mark.parametrize(("viewer", "reads"), [("acacia", True), ("oak", True), ("willow", False), ("maple", False)])
def test_her_goal_and_question_are_hers_and_her_mentors(programme: Engine, viewer: str, reads: bool) -> None:
    with ledger.session(programme) as session:
        for text in ("A job.", "An apprenticeship in September."):
            mentoring.set_goal(session, "acacia", text, NOW)
        mentoring.ask(session, "acacia", "How do I explain a join?", NOW)

        found = mentoring.question(session, viewer, "acacia", NOW)

        assert mentoring.goal(session, viewer, "acacia", NOW) == ("An apprenticeship in September." if reads else None)
        assert (found.text if found else None) == ("How do I explain a join?" if reads else None)


def test_what_she_takes_back_is_gone_for_everybody(programme: Engine) -> None:
    with ledger.session(programme) as session:
        for text in ("Words.", "  "):
            mentoring.set_goal(session, "acacia", text, NOW)
            mentoring.ask(session, "acacia", text, NOW)

        assert mentoring.goal(session, "acacia", "acacia", NOW) is None
        assert mentoring.question(session, "oak", "acacia", NOW) is None


def test_a_meeting_takes_her_question_up_and_another_waits_again(programme: Engine) -> None:
    with ledger.session(programme) as session:
        mentoring.ask(session, "acacia", "First?", NOW)
        asked = mentoring.question(session, "oak", "acacia", NOW)
        assert asked is not None
        held = mentoring.hold(session, "oak", planned(session).id, SOON, took_up=asked.id)
        assert held is not None
        after = mentoring.question(session, "oak", "acacia", SOON)
        mentoring.ask(session, "acacia", "Second?", SOON)
        waiting = mentoring.question(session, "oak", "acacia", SOON)

        assert (held.state, held.held, after) == ("held", SOON, None)
        assert mentoring.question_of(session, "oak", held.id, SOON) == "First?"
        assert mentoring.question_of(session, "willow", held.id, SOON) is None
        assert waiting is not None
        assert waiting.text == "Second?"


def test_a_meeting_takes_up_no_question_of_somebody_else(programme: Engine) -> None:
    with ledger.session(programme) as session:
        mentoring.ask(session, "basil", "Mine?", NOW)
        asked = mentoring.question(session, "basil", "basil", NOW)
        assert asked is not None
        held = mentoring.hold(session, "oak", planned(session).id, SOON, took_up=asked.id)

        assert held is not None
        assert asked.meeting is None


def test_what_happened_once_happens_no_other_way(programme: Engine) -> None:
    with ledger.session(programme) as session:
        held, off = planned(session), planned(session, LATER)
        mentoring.hold(session, "oak", held.id, SOON)
        mentoring.call_off(session, "acacia", off.id, SOON)

        assert mentoring.call_off(session, "oak", held.id, SOON) is None
        assert mentoring.hold(session, "oak", off.id, SOON) is None
        assert mentoring.move(session, "oak", off.id, starts=SOON, at=SOON) is None
        assert (held.state, off.state) == ("held", "called-off")


def test_each_change_of_a_plan_counts_for_the_calendar(programme: Engine) -> None:
    with ledger.session(programme) as session:
        found = planned(session)
        counts = [found.sequence]
        for starts in (LATER, LATER, SOON):
            mentoring.move(session, "acacia", found.id, starts=starts, at=NOW)
            counts.append(found.sequence)
        mentoring.call_off(session, "oak", found.id, NOW)

        assert [*counts, found.sequence] == [0, 1, 1, 2, 3]


def test_the_next_meeting_is_the_earliest_planned_one_also_when_its_time_passed_unsaid(programme: Engine) -> None:
    with ledger.session(programme) as session:
        late, soon, off, past = (planned(session, at) for at in (LATER, SOON, NOW, NOW - timedelta(days=1)))
        mentoring.call_off(session, "oak", off.id, NOW)
        found = mentoring.meetings(session, "oak", "acacia", NOW)

        assert list(found) == [late, soon, off, past]
        assert (mentoring.next_of(found), mentoring.last_of(found)) == (past, None)
        mentoring.hold(session, "oak", past.id, NOW)
        assert (mentoring.next_of(found), mentoring.last_of(found)) == (soon, past)


def test_notes_written_meanwhile_are_not_overwritten(programme: Engine) -> None:
    with ledger.session(programme) as session:
        found = planned(session)

        assert mentoring.note(session, "oak", found.id, "First.\r\nSecond.", read=None, at=SOON) is True
        assert mentoring.note(session, "oak", found.id, "Other window.", read=None, at=LATER) is False
        assert (found.notes, found.noted) == ("First.\nSecond.", SOON)
        assert mentoring.note(session, "oak", found.id, "Third.", read=SOON, at=LATER) is True


def test_actions_come_open_first_by_their_day(programme: Engine) -> None:
    with ledger.session(programme) as session:
        made = {}
        for name, due in (("none", None), ("late", date(2026, 12, 9)), ("early", date(2026, 12, 1)), ("done", None)):
            made[name] = mentoring.agree(session, "acacia", "acacia", "oak", owner="oak", text=name, due=due, at=NOW)
        done = made["done"]
        assert done is not None
        mentoring.settle(session, "acacia", done.id, "done", SOON)

        found = mentoring.actions(session, "oak", "acacia", SOON)
        assert [one.text for one in found] == ["early", "late", "none", "done"]
        mentoring.settle(session, "oak", done.id, "open", SOON)
        assert mentoring.is_open(done)


def test_feedback_goes_both_ways_after_a_meeting_and_the_newest_words_count(programme: Engine) -> None:
    with ledger.session(programme) as session:
        found = planned(session)
        early = mentoring.give_feedback(session, "oak", found.id, went_well="x", next_time="", at=NOW)
        mentoring.hold(session, "oak", found.id, SOON)
        for author, words in (("oak", "Calm."), ("acacia", "Clear."), ("acacia", "Very clear.")):
            mentoring.give_feedback(session, author, found.id, went_well=words, next_time=" ", at=SOON)
        stranger = mentoring.give_feedback(session, "willow", found.id, went_well="x", next_time="", at=SOON)
        given = mentoring.feedback(session, "oak", found.id, SOON)

        assert (early, stranger) == (None, None)
        assert {author: (one.went_well, one.next_time) for author, one in given.items()} == {
            "oak": ("Calm.", None),
            "acacia": ("Very clear.", None),
        }
        assert mentoring.feedback(session, "willow", found.id, SOON) == {}


@pytest.mark.parametrize("text", ["", " \r\n ", "x" * 161], ids=["empty", "blank", "long"])
def test_an_action_is_one_line(programme: Engine, text: str) -> None:
    with ledger.session(programme) as session, pytest.raises(mentoring.TextError):
        mentoring.agree(session, "oak", "acacia", "oak", owner="oak", text=text, due=None, at=NOW)


@pytest.mark.parametrize("minutes", [0, 14, 91])
def test_a_meeting_has_a_length_that_people_sit_through(programme: Engine, minutes: int) -> None:
    with ledger.session(programme) as session, pytest.raises(ValueError, match="minutes"):
        mentoring.plan(session, "oak", "acacia", "oak", starts=SOON, minutes=minutes, at=NOW)
