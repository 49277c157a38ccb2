"""A fellow's own acts: «I'm stuck», goal and question, a pause, a cue put aside, the wish to be forgotten."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from passerelle import ledger
from passerelle.ledger import erasure, mentoring
from passerelle.ledger import help as asking
from passerelle.ledger.mentoring_tables import CueDismissal, HelpRequest
from passerelle.model.people import Role
from tests.unit.review.asking import send, words
from tests.unit.review.programme import NOW, START, TRACK, Programme, verdict
from tests.unit.review.served import Served, serve

PARIS = ZoneInfo("Europe/Paris")
TOKEN = "a-token-of-this-form"


@pytest.fixture
def path(programme: Programme) -> Programme:
    """Two fellows in a track with one open unit."""
    programme.enrol("fern", "cedar")
    programme.enrol("maple", role=Role.TRAINER)
    programme.release("d1-tables", at=NOW - timedelta(days=20))
    return programme


def asked(programme: Programme) -> list[HelpRequest]:
    with ledger.reading(programme.engine) as session:
        return session.query(HelpRequest).order_by(HelpRequest.id).all()


def ask(served: Served, handle: str = "fern", about: str = "d1-tables/check-mean", text: str = "Why 3?") -> str:
    return words(send(served, handle, f"help/{TRACK}", {"about": about, "words": text, "token": TOKEN}))


def test_my_path_leads_to_a_form_that_knows_the_unit_and_says_the_day(path: Programme) -> None:
    with serve(path) as served:
        home = served.get("fern").text
        link = re.search(r'href="[^"]*(help/data-science\?unit=d1-tables)"', home)
        assert link is not None
        form = served.get("fern", link[1])

    assert '<option value="d1-tables" selected>' in form.text
    assert '<option value="d1-tables/check-mean">' in form.text
    assert "you get an answer by Thursday 26 November" in words(form)


def test_a_form_that_is_sent_twice_is_one_request_with_its_day_on_my_path_and_the_unit(path: Programme) -> None:
    with serve(path) as served:
        first, second = ask(served), ask(served)
        home = words(served.get("fern"))

    [one] = asked(path)
    assert (one.fellow, one.track, one.unit, one.check, one.words) == (
        *("fern", TRACK, "d1-tables", "check-mean", "Why 3?"),
    )
    for page in (first, second, home):
        assert "Tables with pandas · The mean price" in page
        assert "an answer by Thursday 26 November" in page


def test_an_attempt_asks_about_the_first_check_with_points_to_have(path: Programme) -> None:
    sent = path.send(
        "fern", "d1-tables", START, verdict("d1-tables", {"check-mean": 2.0, "check-missing": 1.0}, "answer")
    )
    with serve(path) as served:
        page = served.get("fern", f"attempt/{sent}").text

    assert f"help/{TRACK}?unit=d1-tables&amp;check=check-missing" in page


@pytest.mark.parametrize("about", ["", "d9-none/check-mean", "nothing"])
def test_what_the_course_does_not_have_is_a_question_about_the_track(path: Programme, about: str) -> None:
    with serve(path) as served:
        said = ask(served, about=about)

    [one] = asked(path)
    assert (one.unit, one.check) == (None, None)
    assert "A question" in said


def test_the_answer_is_read_on_my_path_and_the_unit(path: Programme) -> None:
    with serve(path) as served:
        ask(served)
        [one] = asked(path)
        with ledger.session(path.engine) as session:
            asking.answer(session, one.id, "Divide by <b>how many</b>.", tracks=[TRACK], by="maple", at=NOW)
        home, unit = served.get("fern"), served.get("fern", f"unit/{TRACK}/d1-tables")

    for page in (home, unit):
        assert "Maple answered on" in words(page)
        assert "Divide by &lt;b&gt;how many&lt;/b&gt;." in page.text
        assert "I no longer need this" not in words(page)


def test_she_withdraws_her_own_request_and_nobody_elses(path: Programme) -> None:
    with serve(path) as served:
        ask(served)
        number = str(asked(path)[0].id)
        send(served, "cedar", f"help/{TRACK}", {"withdraw": number})
        still = words(served.get("fern"))
        send(served, "fern", f"help/{TRACK}", {"withdraw": number})
        gone = words(served.get("fern"))

    assert "What you asked" in still
    assert "What you asked" not in gone


@pytest.mark.parametrize(
    ("handle", "track", "form"),
    [
        pytest.param("fern", "web-dev", {"token": TOKEN}, id="not-her-track"),
        pytest.param("maple", TRACK, {"token": TOKEN}, id="a-trainer"),
        pytest.param("fern", TRACK, {"token": "short"}, id="no-token"),
        pytest.param("fern", TRACK, {"withdraw": "1" * 30}, id="no-number"),
    ],
)
def test_who_may_not_ask_leaves_no_request(path: Programme, handle: str, track: str, form: dict[str, str]) -> None:
    with serve(path) as served:
        answer = send(served, handle, f"help/{track}", form)

    assert answer.status_code in (403, 404)
    assert asked(path) == []


def test_one_who_has_asked_very_often_keeps_her_words_in_the_form(path: Programme) -> None:
    with ledger.session(path.engine) as session:
        for number in range(asking.MOST_OPEN):
            asking.ask(session, fellow="fern", track=TRACK, token=f"{number:08}", at=NOW, zone=PARIS)
    with serve(path) as served:
        answer = send(served, "fern", f"help/{TRACK}", {"about": "", "words": "One more", "token": TOKEN})

    assert answer.status_code == 422
    assert "One more" in answer.text
    assert len(asked(path)) == asking.MOST_OPEN


def test_goal_and_question_are_kept_and_can_be_taken_back(path: Programme) -> None:
    with serve(path) as served:
        for what, text in (("goal", "An <i>apprenticeship</i>"), ("question", "How do I explain a join?")):
            send(served, "fern", f"own/{what}", {"text": text})
        kept = served.get("fern").text
        send(served, "fern", "own/question", {"text": "  "})
        after = served.get("fern").text

    assert "An &lt;i&gt;apprenticeship&lt;/i&gt;" in kept
    assert "How do I explain a join?" in kept
    assert "How do I explain a join?" not in after
    with ledger.reading(path.engine) as session:
        assert mentoring.goal(session, "fern", "fern", NOW) == "An <i>apprenticeship</i>"


def test_a_pause_begins_without_a_reason_and_ends_when_she_says_so(path: Programme) -> None:
    with serve(path) as served:
        begun = words(send(served, "fern", "own/pause", {"until": "2026-12-06"}))
        ended = words(send(served, "fern", "own/pause", {"end": "1"}))
        open_end = words(send(served, "fern", "own/pause", {"until": "2020-01-01"}))

    assert "You are on a pause until Sunday 6 December. Nobody asks why" in begun
    assert "no rule notices anything. Meanwhile nothing falls due: your dates move by the days of your pause." in begun
    assert "Begin a pause" in ended
    assert "your dates after it move by the days of your pause" in ended
    assert "You are on a pause. Nobody asks why" in open_end


def test_a_cue_stands_with_its_rule_until_she_puts_it_aside_with_a_reason(path: Programme) -> None:
    with serve(path) as served:
        page = served.get("fern")
        cue = re.search(r'name="rule" value="([a-z-]+)"><input type="hidden" name="key" value="([0-9a-f]+)"', page.text)
        assert cue is not None
        form = {"rule": cue[1], "key": cue[2]}
        without = served.get("fern").text if send(served, "fern", "own/cue", {**form, "reason": " "}) else ""
        of_another = send(served, "cedar", "own/cue", {**form, "reason": "not mine"})
        after = words(send(served, "fern", "own/cue", {**form, "reason": "I was ill-equipped."}))

    assert "What the rules notice" in words(page)
    assert "The rule:" in words(page)
    assert cue[2] in without
    assert of_another.ok
    assert "What you put aside I was ill-equipped." in after
    with ledger.reading(path.engine) as session:
        assert [(one.fellow, one.reason) for one in session.query(CueDismissal)] == [("fern", "I was ill-equipped.")]


def test_no_rule_notices_anything_during_a_pause(path: Programme) -> None:
    with serve(path) as served:
        before = words(served.get("fern"))
        during = words(send(served, "fern", "own/pause", {}))

    assert "What the rules notice" in before
    assert "What the rules notice" not in during


def test_a_wish_to_be_erased_is_asked_twice_written_down_and_can_be_called_off(path: Programme) -> None:
    with serve(path) as served:
        unsure = words(send(served, "fern", "own/erasure", {}))
        sure = words(send(served, "fern", "own/erasure", {"sure": "1"}))
        with ledger.reading(path.engine) as session:
            wish = erasure.open_request(session, "fern")
        off = words(send(served, "fern", "own/erasure", {"call_off": "1"}))

    assert "You asked for erasure" not in unsure
    assert wish is not None
    assert wish.asked_by == "fern"
    assert "You asked for erasure on Tuesday 24 November" in sure
    assert "You asked for erasure" not in off


@pytest.mark.parametrize("what", ["goal", "question", "pause", "cue", "erasure"])
def test_her_forms_are_hers_alone(path: Programme, what: str) -> None:
    with serve(path) as served:
        answer = send(served, "maple", f"own/{what}", {"text": "x", "sure": "1"})

    assert answer.status_code == 403


def test_who_looked_is_on_my_data_with_the_moment(path: Programme) -> None:
    with serve(path) as served:
        ask(served)
        served.clock.now = NOW + timedelta(hours=1)
        served.get("maple", "queue")
        said = words(served.get("fern", "mydata"))

    assert "Maple trainer the list of what waits for a trainer Tuesday 24 November, 19:42" in said
