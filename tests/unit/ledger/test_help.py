from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select

from passerelle import ledger
from passerelle.ledger import help as asking
from passerelle.ledger import manual, people
from passerelle.ledger.help import MOST_OPEN, ChosenLevel, TooManyOpenError
from passerelle.ledger.mentoring_tables import HelpRequest
from passerelle.ledger.tables import ManualMark
from tests.unit.ledger.conftest import NOW

PARIS = ZoneInfo("Europe/Paris")
TRACK = "data-science"


def ask(
    engine: Engine,
    token: str = "t1",
    words: str = "Which rows go?",
    *,
    fellow: str = "acacia",
    track: str = TRACK,
    at: datetime = NOW,
) -> HelpRequest:
    with ledger.session(engine) as session:
        return asking.ask(
            session, fellow=fellow, track=track, unit="d1", check="c1", words=words, token=token, at=at, zone=PARIS
        )


def waiting(engine: Engine, *tracks: str, at: datetime = NOW) -> list[tuple[str, str | None]]:
    with ledger.reading(engine) as session:
        return [(person.handle, one.words) for one, person in asking.waiting(session, tracks or [TRACK], at)]


@pytest.mark.parametrize(
    ("asked", "day"),
    [
        pytest.param(NOW, date(2026, 11, 26), id="tuesday-evening"),
        pytest.param(datetime(2026, 11, 26, 23, 30, tzinfo=UTC), date(2026, 12, 1), id="friday-in-paris-already"),
    ],
)
def test_an_answer_is_promised_for_the_second_working_day(programme: Engine, asked: datetime, day: date) -> None:
    assert ask(programme, at=asked).answer_by == day


def test_a_request_that_is_sent_twice_is_one_with_her_last_words(programme: Engine) -> None:
    first, second = ask(programme), ask(programme, words="Which rows go, and why?")

    assert first.id == second.id
    assert waiting(programme) == [("acacia", "Which rows go, and why?")]


def test_a_token_is_one_persons(programme: Engine) -> None:
    ask(programme)
    ask(programme, fellow="basil", words="")

    assert waiting(programme) == [("acacia", "Which rows go?"), ("basil", None)]


def test_the_oldest_waits_first_and_only_in_ones_own_tracks(programme: Engine) -> None:
    with ledger.session(programme) as session:
        people.enrol(session, "basil", "autumn", "web-dev", starts=NOW - timedelta(days=7))
    ask(programme, fellow="basil", at=NOW - timedelta(hours=1), words="mine")
    ask(programme, "t2", fellow="basil", track="web-dev", words="elsewhere")
    ask(programme)

    assert waiting(programme) == [("basil", "mine"), ("acacia", "Which rows go?")]
    assert waiting(programme, "web-dev") == [("basil", "elsewhere")]


def test_who_has_left_the_track_waits_for_nobody(programme: Engine) -> None:
    ask(programme)
    with ledger.session(programme) as session:
        people.enrolments(session, "acacia", NOW)[0].ends = NOW + timedelta(days=1)

    assert waiting(programme, at=NOW + timedelta(hours=23)) == [("acacia", "Which rows go?")]
    assert waiting(programme, at=NOW + timedelta(days=1)) == []


def test_an_answered_request_keeps_its_first_answer(programme: Engine) -> None:
    request = ask(programme).id
    later = NOW + timedelta(hours=2)
    with ledger.session(programme) as session:
        took = asking.take(session, request, tracks=[TRACK], by="maple", at=NOW)
        empty = asking.answer(session, request, "  ", tracks=[TRACK], by="maple", at=later)
        first = asking.answer(session, request, " Look at row 12. ", tracks=[TRACK], by="maple", at=later)
        second = asking.answer(session, request, "And at row 13.", tracks=[TRACK], by="maple", at=later)

    with ledger.reading(programme) as session:
        [one] = asking.requests_of(session, "acacia")
    assert (took, empty, first, second) == (True, False, True, False)
    assert (one.taken_by, one.answer, one.answered_by, one.answered) == ("maple", "Look at row 12.", "maple", later)
    assert waiting(programme) == []


def test_nobody_takes_or_answers_what_is_of_another_track(programme: Engine) -> None:
    request = ask(programme).id
    with ledger.session(programme) as session:
        took = asking.take(session, request, tracks=["web-dev"], by="maple", at=NOW)
        said = asking.answer(session, request, "No", tracks=["web-dev"], by="maple", at=NOW)

    assert (took, said) == (False, False)
    assert waiting(programme) == [("acacia", "Which rows go?")]


def test_she_alone_withdraws_her_request_and_then_it_is_gone(programme: Engine) -> None:
    request = ask(programme).id
    with ledger.session(programme) as session:
        by_another = asking.withdraw(session, request, "basil", NOW)
        hers = asking.withdraw(session, request, "acacia", NOW)
        again = asking.withdraw(session, request, "acacia", NOW)
        late = asking.answer(session, request, "Row 12", tracks=[TRACK], by="maple", at=NOW)

    assert (by_another, hers, again, late) == (False, True, False, False)
    with ledger.reading(programme) as session:
        assert asking.requests_of(session, "acacia") == []


def test_one_who_asks_too_much_is_told_so_and_can_still_repeat(programme: Engine) -> None:
    for number in range(MOST_OPEN):
        ask(programme, f"t{number}")

    with pytest.raises(TooManyOpenError, match=f"{MOST_OPEN} requests"):
        ask(programme, "one-more")
    repeated = ask(programme, "t0")

    assert repeated.token == "t0"
    assert len(waiting(programme)) == MOST_OPEN


def test_a_pause_lasts_until_its_end_and_may_be_ended_before(programme: Engine) -> None:
    week = timedelta(days=7)
    with ledger.session(programme) as session:
        begun = asking.begin_pause(session, "acacia", NOW, NOW + week)
        longer = asking.begin_pause(session, "acacia", NOW + timedelta(days=1), NOW + 2 * week)
        during = asking.pause_at(session, "acacia", NOW + week)
        over = asking.pause_at(session, "acacia", NOW + 2 * week)
        ended = asking.end_pause(session, "acacia", NOW + week)
        after = asking.pause_at(session, "acacia", NOW + week)
        none = asking.end_pause(session, "acacia", NOW + week)

    assert begun is longer is during
    assert over is None
    assert (ended, after, none) == (True, None, False)


def test_a_pause_has_no_field_for_a_reason() -> None:
    assert set(asking.Pause.__table__.columns.keys()) == {"id", "handle", "starts", "ends", "made"}


def test_a_cue_is_put_aside_once_and_with_a_reason(programme: Engine) -> None:
    with ledger.session(programme) as session:
        kept: dict[str, Any] = {"fellow": "acacia", "cue": "quiet", "facts": "f" * 64, "by": "acacia", "at": NOW}
        without = asking.dismiss(session, **kept, reason=" ")
        first = asking.dismiss(session, **kept, reason="I was travelling.")
        second = asking.dismiss(session, **kept, reason="Again")

        assert without is None
        assert first is second
        assert [one.reason for one in asking.dismissals_of(session, "acacia")] == ["I was travelling."]


def test_the_levels_of_a_mark_are_those_chosen_last(programme: Engine) -> None:
    with ledger.session(programme) as session:
        place: dict[str, Any] = {"handle": "acacia", "track": TRACK, "unit": "d1", "check": "c1", "answer": "a" * 64}
        manual.put_manual_mark(session, **place, points=2.0, at=NOW)
        mark = session.scalars(select(ManualMark)).one()
        asking.put_rubric(session, mark, {"why": ChosenLevel("some", 1.0), "figure": ChosenLevel("one", 1.0)}, "maple")
        asking.put_rubric(session, mark, {"why": ChosenLevel("full", 2.0)}, "maple")

        assert asking.rubric_of(session, mark) == {"why": ChosenLevel("full", 2.0)}
