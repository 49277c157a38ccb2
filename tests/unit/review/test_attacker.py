"""An attacker's look at the pages around a fellow: other people's ids, words that would run, files that would act."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import Action, Goal, HelpRequest, Meeting, MeetingFeedback, Question
from passerelle.ledger.tables import Pairing
from passerelle.model.people import Role
from passerelle.review import pdf
from passerelle.review.long_work import OF_ONE
from passerelle.review.pages import routes as page_routes
from tests.attacks.routes import methods_of
from tests.attacks.town import ELSEWHERE, ENDED, HER, PEER, PEOPLE
from tests.unit.review.neighbours import neighbours
from tests.unit.review.programme import NOW, TRACK, Programme
from tests.unit.review.served import PREFIX, Served

SCRIPT = "</title></textarea><script>alert(1)</script><img src=x onerror=alert(2)>"
PAYLOAD = f"{SCRIPT}\"' onmouseover=alert(3) {{{{ 7*191 }}}} =cmd|calc [x](javascript:alert(4))"


@dataclass
class Town:
    """The pages with everybody around them."""

    served: Served
    known: dict[str, str]
    programme: Programme

    def post(self, who: str, path: str, *, xsrf: bool = True, **fields: str) -> requests.Response:
        browser = self.served.as_(who)
        token = self.served.form_token(browser)
        sent = {**fields, **({"_xsrf": token} if xsrf else {})}
        self.served.context.pace.__init__()  # type: ignore[misc]  # so many requests a second: begin anew
        return browser.post(self.served.url(path), data=sent, timeout=20, allow_redirects=False)

    def get(self, handle: str, path: str) -> requests.Response:
        self.served.context.pace.__init__()  # type: ignore[misc]  # so many requests a second: begin anew
        return self.served.get(handle, path)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town in which an attacker has written into every field there is."""
    with neighbours(Path(tmp_path_factory.mktemp("attacker"))) as (served, known, programme):
        with ledger.session(programme.engine) as session:
            meeting = session.get_one(Meeting, int(known["meeting"]))
            meeting.state, meeting.held, meeting.notes = "held", NOW, PAYLOAD
            planned = Meeting(
                fellow=HER, mentor="oak", starts=NOW, state="planned", uid="planned", made_by="oak", made=NOW
            )
            session.add(planned)
            session.flush()
            known["planned"] = str(planned.id)
            session.add_all(
                [
                    MeetingFeedback(meeting=meeting.id, author="oak", went_well=PAYLOAD, next_time=PAYLOAD, at=NOW),
                    Goal(handle=HER, text=PAYLOAD, at=NOW),
                    Question(handle=HER, text=PAYLOAD, at=NOW),
                    Action(fellow=HER, mentor="oak", owner="oak", made_by=HER, text=PAYLOAD, made=NOW),
                    HelpRequest(fellow=HER, track=TRACK, words=PAYLOAD, asked=NOW, answer_by=NOW.date(), token="t1"),
                    HelpRequest(
                        fellow=HER, track=TRACK, words=PAYLOAD, asked=NOW, answer_by=NOW.date(), token="t2",
                        answer=PAYLOAD, answered=NOW, answered_by="maple",
                    ),
                ]
            )  # fmt: skip
            for handle in (HER, "oak", "maple"):
                person = people.person(session, handle)
                assert person is not None
                person.first_name = "<script>alert(5)</script>"
        yield Town(served, known, programme)


def pages_of(town: Town) -> list[tuple[str, str]]:
    """Return who can open which page of those that show what people wrote."""
    of_hers = ["", "mydata", f"mentee/{HER}", f"mentee/{HER}/units", f"mentee/{HER}/meetings"]
    of_hers += [f"meeting/{town.known['meeting']}", f"meeting/{town.known['planned']}", f"help/{TRACK}"]
    found = [(HER, path) for path in of_hers]
    found += [("oak", path) for path in of_hers if not path.startswith("help")]
    found += [("maple", path) for path in ("", "queue", f"mentee/{HER}", f"mentee/{HER}/units", f"marking/{TRACK}")]
    found += [("linden", path) for path in ("", "programme/quiet", "programme/owed", "programme/mentors", "erasures")]
    return [*found, ("linden", "programme/cohort/2026")]


def test_no_word_of_anybody_runs_on_any_page(town: Town) -> None:
    shown = 0
    for handle, path in pages_of(town):
        answer = town.get(handle, path)
        assert answer.status_code == 200, (handle, path)
        text = answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        for sign in ("<script>alert", "<img src=x", 'href="javascript:', "1337", "</textarea><script"):
            assert sign not in text, (handle, path, sign)
        assert not re.search(r"<[^>]*\sonmouseover=", text), (handle, path)
        shown += "&lt;script&gt;alert" in text
    assert shown > 10, "the words are on the pages, as words"


def test_no_form_is_taken_without_the_token_of_its_session(town: Town) -> None:
    posting = [route for route in page_routes(town.served.context) if "POST" in methods_of(route[1])]
    assert len(posting) > 12
    paths = ["own/goal", "own/erasure", f"help/{TRACK}", f"mentee/{HER}/meetings", f"meeting/{town.known['planned']}"]
    paths += ["queue", "erasures", "programme/cohorts", "programme/change/pair", f"people/{HER}/link", "language"]
    paths += [f"mentee/{HER}/units", f"stuck/{TRACK}", f"marking/{TRACK}"]

    taken = [
        (handle, path)
        for path in paths
        for handle in (HER, "oak", "maple", "linden")
        if town.post(handle, path, xsrf=False, text="forged", act="call-off").status_code != 403
    ]

    assert taken == []


@pytest.mark.parametrize("handle", [PEER, ELSEWHERE, "willow", ENDED, "maple", "linden"])
def test_nobody_else_acts_in_a_meeting_of_hers(town: Town, handle: str) -> None:
    number = town.known["planned"]
    acts = [
        {"act": "hold"}, {"act": "call-off"}, {"act": "note", "text": "forged"},
        {"act": "move", "day": "2026-12-01", "time": "10:00"}, {"act": "feedback", "went_well": "forged"},
        {"act": "agree", "text": "forged", "owner": HER, "mentor": handle},
    ]  # fmt: skip
    for fields in acts:
        assert town.post(handle, f"meeting/{number}", **fields).status_code in (403, 404), fields
        assert town.post(handle, f"mentee/{HER}/meetings", **fields).status_code in (403, 404), fields
    plan = {"act": "plan", "day": "2026-12-01", "time": "10:00", "mentor": handle}
    assert town.post(handle, f"mentee/{HER}/meetings", **plan).status_code in (403, 404)

    with ledger.reading(town.programme.engine) as session:
        meeting = session.get_one(Meeting, int(number))
        assert (meeting.state, meeting.notes, meeting.starts) == ("planned", None, NOW)
        assert session.scalars(select(Action).where(Action.text == "forged")).all() == []


def test_she_makes_no_pair_with_whom_she_likes(town: Town) -> None:
    """Fields that name people are as forged as any other."""
    plan = {"act": "plan", "day": "2026-12-01", "time": "10:00"}
    for mentor in ("willow", ENDED, PEER, HER, "linden", "nobody-here", ""):
        assert town.post(HER, f"mentee/{HER}/meetings", **plan, mentor=mentor).status_code == 403, mentor
    for owner in (PEER, "willow", "maple", ""):
        agree = {"act": "agree", "text": "forged too", "owner": owner, "mentor": "oak"}
        assert town.post(HER, f"mentee/{HER}/meetings", **agree).status_code == 403, owner

    with ledger.reading(town.programme.engine) as session:
        assert session.scalars(select(Action).where(Action.text == "forged too")).all() == []
        mentors = session.scalars(select(Meeting.mentor).where(Meeting.fellow == HER)).all()
        assert set(mentors) == {"oak", ENDED}


def test_an_action_or_a_question_of_another_pair_is_out_of_reach(town: Town) -> None:
    with ledger.session(town.programme.engine) as session:
        people.add_person(session, "sorrel", Role.FELLOW, "Sorrel", at=NOW)
        people.pair(session, "willow", "sorrel", starts=NOW.replace(year=2025))
        action = Action(fellow="sorrel", mentor="willow", owner="willow", made_by="willow", text="theirs", made=NOW)
        question = Question(handle="sorrel", text="theirs", at=NOW)
        session.add_all([action, question])
        session.flush()
        numbers = (action.id, question.id)

    settled = town.post("oak", f"mentee/{HER}/meetings", act="settle", action=str(numbers[0]), how="done")
    town.post("oak", f"meeting/{town.known['planned']}", act="hold", question=str(numbers[1]))

    assert settled.status_code == 403
    with ledger.session(town.programme.engine) as session:
        assert session.get_one(Action, numbers[0]).done is None
        assert session.get_one(Question, numbers[1]).meeting is None
        planned = session.get_one(Meeting, int(town.known["planned"]))
        planned.state, planned.held = "planned", None


def test_a_trainer_of_another_track_answers_nothing_of_hers(town: Town) -> None:
    with ledger.reading(town.programme.engine) as session:
        asked = session.scalars(select(HelpRequest).where(HelpRequest.answered.is_(None))).one()

    town.post(PEOPLE["other trainer"], "queue", request=str(asked.id), answer="forged")
    town.post(PEOPLE["other trainer"], "queue", request=str(asked.id))

    with ledger.reading(town.programme.engine) as session:
        found = session.get_one(HelpRequest, asked.id)
        assert (found.answer, found.taken_by) == (None, None)


@pytest.mark.parametrize(
    "number", ["0", "-1", "1e3", "1%20OR%201=1", "²", "99999999999999999999", "%00", "1/..%2f..%2fmydata"]
)
def test_forged_numbers_of_meetings_find_nothing(town: Town, number: str) -> None:
    for end in ("", ".ics"):
        assert town.get("oak", f"meeting/{number}{end}").status_code in (400, 404), (number, end)


def test_a_calendar_file_names_nobody(town: Town) -> None:
    text = town.get("oak", f"meeting/{town.known['planned']}.ics").content.decode()

    for word in (HER, "oak", "alert", "Passerelle", "mentor", "http", "mailto"):
        assert word not in text, word
    names = {line.split(":")[0].split(";")[0] for line in text.split("\r\n") if line and not line.startswith(" ")}
    assert names & {"ATTENDEE", "ORGANIZER", "DESCRIPTION", "LOCATION", "URL", "ATTACH"} == set()


@pytest.mark.slow
def test_the_pdf_fetches_nothing_and_runs_nothing(town: Town) -> None:
    with ledger.session(town.programme.engine) as session:
        inner = '<link rel="attachment" href="file:///etc/passwd"><img src="file:///etc/hostname"><style>@import url(file:///x)</style>'
        session.add(Question(handle=HER, text=inner, at=NOW))
    answer = town.get("oak", f"mentee/{HER}.pdf")

    assert answer.status_code == 200
    for word in (b"/JavaScript", b"/JS", b"/EmbeddedFile", b"/Launch", b"/URI", b"root:x:0", b"/OpenAction"):
        assert word not in answer.content, word
    name = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.pdf"', name)


@pytest.mark.parametrize("path", ["csv", "json"])
def test_no_cell_of_a_download_is_a_formula_and_no_name_is_in_it(town: Town, path: str) -> None:
    for handle, address in ((HER, f"mentee/{HER}.{path}"), ("linden", f"export/{TRACK}.{path}")):
        answer = town.get(handle, address)
        assert answer.status_code == 200
        assert "script" not in answer.text
        assert HER not in answer.text
        cells = answer.text.replace("\r\n", ";").split(";") if path == "csv" else []
        assert [cell for cell in cells if cell.lstrip('"').startswith(("=", "+", "@", "\t"))] == []


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        f"{PREFIX}../../hub/logout",
        "javascript:x",
    ],
)
def test_no_form_leads_elsewhere(town: Town, back: str) -> None:
    answers = [
        town.post("linden", "programme/change/pairing-ends", id="999999", back=back),
        town.post(HER, "language", language="en", next=back),
    ]
    for answer in answers:
        place = answer.headers.get("Location", PREFIX)
        assert place.startswith(PREFIX), place
        assert ".." not in place, place


def test_a_line_end_in_where_to_go_back_to_breaks_nothing(town: Town) -> None:
    answer = town.post(
        "linden", "programme/change/pair", fellow=HER, mentor="willow", back=f"{PREFIX}x\r\nSet-Cookie: a=b"
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, PREFIX)
    with ledger.session(town.programme.engine) as session:
        for one in session.scalars(select(Pairing).where(Pairing.mentor == "willow", Pairing.fellow == HER)):
            session.delete(one)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "31/12/9999", "2026-02-30", "٢٠٢٦-١٢-٠١", "1e9", "-1-1-1"])
def test_no_day_of_any_calendar_breaks_a_page(town: Town, day: str) -> None:
    meeting = town.known["planned"]
    forms = [
        ("oak", f"mentee/{HER}/meetings", {"act": "plan", "day": day, "time": "10:00"}),
        ("oak", f"meeting/{meeting}", {"act": "move", "day": day, "time": "23:59:59.999999+14:00"}),
        ("oak", f"mentee/{HER}/meetings", {"act": "agree", "text": "far", "owner": "oak", "due": day}),
        (HER, "own/pause", {"until": day}),
        ("linden", "programme/cohorts", {"cohort": "far", "title": "Far", "starts": day}),
        ("maple", f"mentee/{HER}/units", {"track": TRACK, "unit": "d1-tables", "until": day}),
    ]
    answers = [town.post(who, path, **fields).status_code for who, path, fields in forms]
    pages = [(HER, ""), ("oak", f"mentee/{HER}"), ("oak", f"mentee/{HER}/meetings"), ("linden", "")]
    pages += [("linden", "programme/cohort/far"), (HER, f"mentee/{HER}.csv"), ("oak", ""), ("maple", "queue")]
    shown = [town.get(who, path).status_code for who, path in pages]
    town.post(HER, "own/pause", end="1")

    assert [code for code in [*answers, *shown] if code >= 500] == []


def test_nobody_else_reads_when_a_pair_was_to_meet(town: Town) -> None:
    """The cue of a meeting that passed is of the two who planned it; her trainer, or her next mentor, plans nothing."""
    with ledger.session(town.programme.engine) as session:
        people.add_person(session, "tansy", Role.MENTOR, "Tansy", at=NOW)
        people.pair(session, "tansy", HER, starts=NOW - timedelta(days=9))
        for handle in (HER, "oak", "maple", "tansy"):
            people.set_language(session, handle, "en")
    town.served.clock.now = NOW + timedelta(days=3)
    try:
        shown = {who: town.get(who, f"mentee/{HER}").text for who in (HER, "oak", "maple", "tansy")}
    finally:
        town.served.clock.now = NOW

    assert {who for who, text in shown.items() if "has passed" in text} == {HER, "oak"}


@pytest.mark.slow
def test_files_that_take_long_hold_up_nobody_who_reads_a_page(town: Town) -> None:
    """One page of paper is laid out at a time: whoever asks for many waits for her own alone."""

    def paper() -> int:
        return town.served.as_("oak").get(town.served.url(f"mentee/{HER}.pdf"), timeout=200).status_code

    with ThreadPoolExecutor(10) as browsers:
        with pdf.ONE_LAYOUT:
            asked = [browsers.submit(paper) for _ in range(10)]
            refused = {one.result() for one in islice(as_completed(asked, 100), 10 - OF_ONE)}
            assert town.get(HER, "mydata").status_code == 200
        codes = Counter(one.result(200) for one in asked)

    assert refused == {429}
    assert codes == {200: OF_ONE, 429: 10 - OF_ONE}
