"""The rules of the cues, one by one; then what holds of all of them, whatever the story."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies
from sqlalchemy import func, select

from passerelle import ledger
from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest, Meeting, Pause
from passerelle.ledger.tables import Base, Extension
from passerelle.model.people import LANGUAGES, Role
from passerelle.progress import fellow_progress, track_export, track_progress
from passerelle.progress.attention import quiet_fellows
from passerelle.progress.cues import DUE_SOON, HELP, MEETING, QUIET, SAME_CHECK, VERSIONS, WAITING, Cue, cues
from passerelle.review.i18n import Reader
from passerelle.review.words import cue_rule, cue_sentence
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, new_programme, ours, verdict

DAY = timedelta(days=1)
HALF = {"check-mean": 2.0, "check-missing": 2.0}
FULL = {"check-mean": 2.0, "check-missing": 4.0}


def said(programme: Programme, at: datetime, rule: str | None = None) -> list[Cue]:
    """Return fern's cues, of one rule where it is given."""
    with ledger.reading(programme.engine) as session:
        progress = fellow_progress(session, COURSE, "fern", at)
        assert progress is not None
        found = cues(session, COURSE, progress, at, programme.settings)
    return [cue for cue in found if rule in (None, cue.rule)]


@pytest.fixture
def fern(programme: Programme) -> Programme:
    programme.enrol("fern")
    programme.enrol("oak", role=Role.MENTOR)
    programme.release("d1-tables", "d2-clean", at=START)
    return programme


def test_quiet_counts_from_the_opening_of_what_asks_for_work(fern: Programme) -> None:
    before, after = said(fern, START + 10 * DAY - timedelta(seconds=1), QUIET), said(fern, START + 10 * DAY, QUIET)

    assert before == []
    assert [(cue.unit, dict(cue.args), cue.since) for cue in after] == [
        ("d1-tables", {"days": 10, "from": "opened"}, START + 10 * DAY)
    ]


def test_quiet_counts_from_her_last_submission(fern: Programme) -> None:
    sent = START + 5 * DAY
    fern.send("fern", "d1-tables", sent, verdict("d1-tables", FULL))

    # The next unit opens after two weeks: until then nothing is asked of her, however long ago she sent something.
    assert said(fern, START + 14 * DAY - timedelta(seconds=1), QUIET) == []
    (cue,) = said(fern, START + 24 * DAY, QUIET)

    assert (cue.unit, cue.args["last"], cue.since) == ("d2-clean", sent, START + 24 * DAY)


def test_more_time_asks_for_nothing_until_it_is_over(fern: Programme) -> None:
    until = START + 40 * DAY
    with ledger.session(fern.engine) as session:
        for unit in ("d1-tables", "d2-clean"):
            session.add(
                Extension(handle="fern", track=TRACK, unit=unit, until=until, given_by="maple", at=START + 9 * DAY)
            )

    assert said(fern, until + 10 * DAY - timedelta(seconds=1), QUIET) == []
    assert said(fern, until + 10 * DAY, QUIET)[0].unit == "d1-tables"


def test_the_same_check_in_a_row(fern: Programme) -> None:
    moments = [START + number * DAY for number in range(1, 6)]
    for number, moment in enumerate(moments[:4]):
        fern.send("fern", "d1-tables", moment, verdict("d1-tables", HALF, key=f"v{number}"))
    (cue,) = said(fern, moments[3] + timedelta(minutes=1), SAME_CHECK)
    fern.send("fern", "d1-tables", moments[4], verdict("d1-tables", {**HALF, "check-mean": 0.0}, key="v4"))
    (longer,) = said(fern, moments[4] + timedelta(minutes=1), SAME_CHECK)

    assert (cue.unit, dict(cue.args), cue.since) == ("d1-tables", {"check": "check-missing", "times": 4}, moments[3])
    assert (longer.args["times"], longer.key) == (5, cue.key), "the same row goes on: what was put aside stays aside"


@pytest.mark.parametrize(
    "points",
    [
        pytest.param([HALF, HALF, HALF], id="too-few"),
        pytest.param([HALF, HALF, FULL, HALF, HALF], id="met-in-between"),
        pytest.param([FULL, HALF, HALF, HALF, HALF], id="she-could-do-it-before"),
    ],
)
def test_the_same_check_not_in_a_row(fern: Programme, points: Sequence[dict[str, float]]) -> None:
    for number, earned in enumerate(points):
        fern.send("fern", "d1-tables", START + number * DAY, verdict("d1-tables", earned, key=f"v{number}"))

    assert said(fern, START + 6 * DAY, SAME_CHECK) == []


def test_due_soon_lasts_until_the_last_day_is_over(fern: Programme) -> None:
    due = START + 14 * DAY
    there = [bool(said(fern, at, DUE_SOON)) for at in (due - 4 * DAY, due - 3 * DAY, due - timedelta(seconds=1), due)]
    fern.send("fern", "d1-tables", due - 2 * DAY)

    assert there == [False, True, True, False]
    assert said(fern, due - DAY, DUE_SOON) == []


def test_what_waits_for_us_is_ours(fern: Programme) -> None:
    sent = START + DAY
    fern.send("fern", "d1-tables", sent, verdict("d1-tables", FULL, "a1"))
    early, there = said(fern, sent + 5 * DAY - timedelta(seconds=1), WAITING), said(fern, sent + 5 * DAY, WAITING)
    fern.mark_by_hand("fern", "d1-tables", "a1", 2.0, sent + 5 * DAY)

    assert early == []
    assert [(cue.args["kind"], cue.args["check"], cue.ours) for cue in there] == [("manual", "check-why", True)]
    assert said(fern, sent + 6 * DAY, WAITING) == []


def test_a_fault_of_ours_waits_too(fern: Programme) -> None:
    broken = fern.send("fern", "d1-tables", START + DAY)
    fern.mark(broken, ours("d1-tables"), START + DAY + timedelta(seconds=2))

    assert [cue.args["kind"] for cue in said(fern, START + 7 * DAY, WAITING)] == ["ours"]


def add_meeting(programme: Programme, starts: datetime, state: str = "planned") -> None:
    """Plan a meeting of oak and fern."""
    with ledger.session(programme.engine) as session:
        session.add(
            Meeting(fellow="fern", mentor="oak", starts=starts, state=state, uid=f"m-{starts}-{state}",
                    made_by="oak", made=START)
        )  # fmt: skip


@pytest.mark.parametrize(("state", "count"), [("planned", 1), ("held", 0), ("called-off", 0)])
def test_a_meeting_that_nobody_spoke_of_again(fern: Programme, state: str, count: int) -> None:
    add_meeting(fern, START + 2 * DAY, state)

    assert said(fern, START + 2 * DAY + timedelta(hours=3), MEETING) == [], "its day is not over"
    assert len(said(fern, START + 3 * DAY + timedelta(hours=3), MEETING)) == count


@pytest.mark.parametrize(
    ("change", "count"),
    [
        pytest.param({}, 1, id="no-answer"),
        pytest.param({"answered": START + 2 * DAY, "answered_by": "oak", "answer": "Here"}, 0, id="answered"),
        pytest.param({"withdrawn": START + 2 * DAY}, 0, id="withdrawn"),
    ],
)
def test_help_that_was_promised_by_a_day(fern: Programme, change: dict[str, object], count: int) -> None:
    day = (START + 2 * DAY).date()
    with ledger.session(fern.engine) as session:
        facts = {"fellow": "fern", "track": TRACK, "unit": "d1-tables", "asked": START, "answer_by": day}
        session.add(HelpRequest(**facts, **change))

    over = START.astimezone(ZoneInfo("Europe/Paris")).replace(hour=0, minute=0) + 3 * DAY
    assert said(fern, over - timedelta(seconds=1), HELP) == []
    assert len(said(fern, over, HELP)) == count


def test_put_aside_is_put_aside_until_the_facts_change(fern: Programme) -> None:
    (cue,) = said(fern, START + 11 * DAY, QUIET)
    with ledger.session(fern.engine) as session:
        session.add(CueDismissal(fellow="fern", cue=cue.rule, facts=cue.key, by="fern", at=START + 11 * DAY))
    aside = said(fern, START + 12 * DAY, QUIET)
    fern.send("fern", "d1-tables", START + 12 * DAY, verdict("d1-tables", FULL))

    assert aside == []
    assert len(said(fern, START + 26 * DAY, QUIET)) == 1, "another silence is another fact"


def put_aside(programme: Programme, cue: Cue, at: datetime) -> None:
    with ledger.session(programme.engine) as session:
        session.add(CueDismissal(fellow="fern", cue=cue.rule, facts=cue.key, by="fern", at=at))


def test_who_is_still_quiet_when_the_cue_expires_is_a_new_cue(fern: Programme) -> None:
    lasts = fern.settings.cue_lasts_days * DAY
    (first,) = said(fern, START + 10 * DAY, QUIET)
    put_aside(fern, first, START + 11 * DAY)
    aside = said(fern, first.expires - timedelta(seconds=1), QUIET)
    (second,) = said(fern, first.expires, QUIET)

    assert first.expires == START + 10 * DAY + lasts
    assert aside == []
    assert second.key != first.key
    assert (second.since, second.expires) == (first.since, first.expires + lasts)
    assert said(fern, START + 150 * DAY, QUIET)[0].args["days"] == 150


def test_a_quiet_one_is_heard_no_more_when_her_weeks_are_over(fern: Programme) -> None:
    over = START + 26 * 7 * DAY
    (last,) = said(fern, over + timedelta(hours=2), QUIET)

    assert over < last.expires <= over + fern.settings.cue_lasts_days * DAY
    assert said(fern, last.expires, QUIET) == []


def test_what_we_owe_is_a_new_cue_until_we_have_done_it(fern: Programme) -> None:
    fern.send("fern", "d1-tables", START + DAY, verdict("d1-tables", FULL, "a1"))
    with ledger.session(fern.engine) as session:
        day = (START + 2 * DAY).date()
        session.add(HelpRequest(fellow="fern", track=TRACK, unit="d1-tables", asked=START, answer_by=day))
    first = {cue.rule: cue for cue in said(fern, START + 7 * DAY) if cue.ours}
    for cue in first.values():
        put_aside(fern, cue, START + 8 * DAY)
    much_later = {cue.rule: cue for cue in said(fern, START + 800 * DAY) if cue.ours}

    assert [cue for cue in said(fern, START + 9 * DAY) if cue.ours] == []
    assert set(much_later) == set(first) == {WAITING, HELP}
    assert all(much_later[rule].since == cue.since for rule, cue in first.items())


def test_no_cue_about_who_has_left(fern: Programme) -> None:
    with ledger.session(fern.engine) as session:
        people.close(session, "fern", "linden", START + 11 * DAY)

    assert said(fern, START + 12 * DAY) == []


def test_a_unit_that_begins_in_a_pause_begins_later_for_her(fern: Programme) -> None:
    fern.send("fern", "d1-tables", START + DAY, verdict("d1-tables", FULL))
    with ledger.session(fern.engine) as session:
        session.add(Pause(handle="fern", starts=START + 10 * DAY, ends=START + 30 * DAY, made=START + 10 * DAY))

    # Four days of its fortnight were to come, and the pause touched 21 days.
    begins = START + 35 * DAY + timedelta(hours=1)
    assert said(fern, begins + 10 * DAY - timedelta(seconds=1), QUIET) == []
    (cue,) = said(fern, begins + 10 * DAY, QUIET)
    assert (cue.unit, cue.args["from"], cue.args["days"]) == ("d2-clean", "opened", 10)


def test_no_cue_after_the_end_of_her_enrolment(programme: Programme) -> None:
    with ledger.session(programme.engine) as session:
        people.add_person(session, "fern", Role.FELLOW, "Fern", at=START)
        people.enrol(session, "fern", "2026", TRACK, starts=START, ends=START + 20 * DAY)
    programme.release("d1-tables")

    assert said(programme, START + 19 * DAY) != []
    assert said(programme, START + 20 * DAY) == []


# What holds of every story

Event = tuple[str, int, int]
EVENTS = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["send-half", "send-full", "send-blank", "waits", "pause", "meeting", "help", "aside"]),
        strategies.integers(0, 45),
        strategies.integers(0, 3),
    ),
    max_size=14,
)


@contextmanager
def story(events: Sequence[Event]) -> Iterator[Programme]:
    """Let a story happen in a ledger of its own."""
    with TemporaryDirectory() as folder:
        programme = new_programme(Path(folder))
        programme.enrol("fern")
        programme.enrol("oak", role=Role.MENTOR)
        programme.release("d1-tables", "d2-clean", "d3-charts")
        tell(programme, events)
        yield programme
        programme.engine.dispose()


def tell(programme: Programme, events: Sequence[Event]) -> None:
    """Let the events happen, in the order of their days."""
    for number, (what, day, more) in enumerate(sorted(events, key=lambda one: one[1])):
        at = START + day * DAY + timedelta(minutes=number)
        unit = ("d1-tables", "d2-clean", "d3-charts", "d3-charts")[more]
        with ledger.session(programme.engine) as session:
            if what == "pause":
                session.add(Pause(handle="fern", starts=at, ends=at + more * 4 * DAY if more else None, made=at))
            elif what == "meeting":
                session.add(Meeting(fellow="fern", mentor="oak", starts=at, state=("planned", "held")[more % 2],
                                    uid=f"{number}", made_by="oak", made=at))  # fmt: skip
            elif what == "help":
                by = (at + more * DAY).date()
                session.add(HelpRequest(fellow="fern", track=TRACK, unit=unit, asked=at, answer_by=by))
        if what == "aside":
            for cue in said(programme, at)[:1]:
                with ledger.session(programme.engine) as session:
                    session.add(CueDismissal(fellow="fern", cue=cue.rule, facts=cue.key, by="fern", at=at))
        elif what.startswith("send"):
            earned = {"send-half": HALF, "send-full": FULL, "send-blank": dict.fromkeys(HALF, 0.0)}[what]
            answer = f"a{number}" if more else None
            programme.send("fern", unit, at, verdict(unit, earned, answer, key=f"{unit}-{earned}-{answer}"))
        elif what == "waits":
            programme.send("fern", unit, at)


@given(events=EVENTS, days=strategies.integers(0, 90))
@settings(max_examples=25, deadline=None)
def test_what_holds_of_every_cue(events: list[Event], days: int) -> None:
    now = START + days * DAY
    with story(events) as programme:
        found, again = said(programme, now), said(programme, now)
        later = {cue.key: cue for cue in said(programme, now + timedelta(hours=1))}
        with ledger.reading(programme.engine) as session:
            pauses = session.query(Pause).all()
            dismissed = {row.facts for row in session.query(CueDismissal).filter(CueDismissal.at <= now)}

    assert found == again, "the same facts at the same moment give the same cues"
    assert not found or not any(one.starts <= now and (one.ends is None or now < one.ends) for one in pauses)
    assert len({cue.key for cue in found}) == len(found)
    for cue in found:
        assert cue.version == VERSIONS[cue.rule]
        assert cue.since <= now < cue.expires
        assert cue.key not in dismissed
        if cue.key in later:
            assert (cue.since, cue.expires) == (later[cue.key].since, later[cue.key].expires)
        for language in LANGUAGES:
            reader = Reader(language)
            sentence = cue_sentence(cue, COURSE, reader, now) + cue_rule(cue.rule, programme.settings, reader)
            assert not {"%", "{"} & set(sentence)


def test_a_rule_whose_meaning_changes_is_heard_again(fern: Programme, monkeypatch: pytest.MonkeyPatch) -> None:
    (cue,) = said(fern, START + 11 * DAY, QUIET)
    monkeypatch.setitem(VERSIONS, QUIET, cue.version + 1)
    (again,) = said(fern, START + 11 * DAY, QUIET)

    assert again.key != cue.key
    assert replace(again, version=cue.version, key=cue.key) == cue


def test_the_sentences_say_the_facts(fern: Programme) -> None:
    (cue,) = said(fern, START + 12 * DAY, QUIET)

    english, french = (cue_sentence(cue, COURSE, Reader(language), NOW) for language in ("en", "fr"))

    assert english == "Tables with pandas has been open for 12 days, and nothing has been sent yet."
    assert french == (
        "«\u00a0Tableaux avec pandas\u00a0» est ouvert depuis 12\u00a0jours, et rien n’a encore été envoyé."
    ).replace("12\u00a0jours", "12 jours")
    assert cue_rule(QUIET, fern.settings, Reader("en")) == (
        "no submission for 10 days while a unit whose weeks have begun has none"
    )


def quiet_words(programme: Programme, at: datetime) -> str:
    (cue,) = said(programme, at, QUIET)
    return cue_sentence(cue, COURSE, Reader("en"), at).replace("\u00a0", " ")


def test_the_days_of_quiet_are_those_of_what_the_sentence_names(fern: Programme) -> None:
    """«No submission for 10 days» beside a last one of 19 days ago would be untrue."""
    fern.send("fern", "d1-tables", START + 5 * DAY, verdict("d1-tables", FULL))
    opened = quiet_words(fern, START + 26 * DAY)
    with ledger.session(fern.engine) as session:
        session.add(Pause(handle="fern", starts=START + 30 * DAY, ends=START + 40 * DAY, made=START + 30 * DAY))
    back = quiet_words(fern, START + 51 * DAY)
    with ledger.session(fern.engine) as session:
        until = START + 60 * DAY
        session.add(
            Extension(handle="fern", track=TRACK, unit="d2-clean", until=until, given_by="maple", at=START + 52 * DAY)
        )
    given_more = quiet_words(fern, until + 10 * DAY)
    fern.release("d3-charts", at=START)
    fern.send("fern", "d2-clean", until + 11 * DAY, verdict("d2-clean", FULL))
    sent = quiet_words(fern, until + 22 * DAY)

    last = "The last submission: Saturday 10 October."
    assert opened == f"Clean data has been open for 12 days, and nothing has been sent yet. {last}"
    assert back == f"Clean data is waiting to be begun; the pause ended 11 days ago. {last}"
    assert given_more == (
        f"The time that was given for Clean data ended 10 days ago, and nothing has been sent yet. {last}"
    )
    assert sent == (
        "No submission for 11 days, while Honest charts is waiting to be begun. The last one: Tuesday 15 December."
    )


def test_cues_leave_in_no_export(fern: Programme) -> None:
    assert said(fern, START + 12 * DAY) != []
    with ledger.reading(fern.engine) as session:
        made = track_export(track_progress(session, COURSE, START + 12 * DAY), fern.settings)
    # «waiting-for-us» is a state of a task, too.
    words = {"cue", *set(VERSIONS) - {WAITING}}

    texts = [made.content(one).decode("utf-8-sig") for one in ("json", "csv")]
    assert [word for word in words for text in texts if word in text] == []
    assert all("fern" not in text for text in texts)


def test_cues_write_nothing(fern: Programme) -> None:
    def rows() -> dict[str, int]:
        with ledger.reading(fern.engine) as session:
            tables = Base.metadata.sorted_tables
            return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}

    before = rows()
    with ledger.session(fern.engine) as session:
        progress = fellow_progress(session, COURSE, "fern", START + 12 * DAY)
        assert progress is not None
        assert cues(session, COURSE, progress, START + 12 * DAY, fern.settings) != []
        assert quiet_fellows(session, COURSE, START + 12 * DAY, fern.settings) != []

    assert rows() == before
