"""Meetings of a pair on their pages: whose they are, what their forms do, what is said of what cannot be kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import requests

from passerelle import ledger
from passerelle.ledger import mentoring, people
from passerelle.ledger.mentoring_tables import Action, Meeting
from passerelle.review.calendar import calendar_file
from passerelle.review.i18n import Reader
from tests.unit.review.meeting_story import PLANNED, meet
from tests.unit.review.programme import NOW, Programme, fill
from tests.unit.review.served import PREFIX, Served, serve
from tests.unit.review.test_pages import looks, said

LIST = "mentee/fern/meetings"


@dataclass
class Pair:
    """Fern and Oak, their pages and their meetings."""

    programme: Programme
    served: Served
    held: str
    planned: str

    def send(self, handle: str, path: str, **fields: str) -> requests.Response:
        """Send a form of a page."""
        browser = self.served.as_(handle)
        page = browser.get(self.served.url(path), timeout=20).text
        token = re.findall(r'name="_xsrf" value="([^"]+)"', page)
        form = {"_xsrf": token[0] if token else "", **fields}
        return browser.post(self.served.url(path), form, timeout=20, allow_redirects=False)

    def words(self, handle: str, path: str) -> str:
        """Return the words of a page."""
        return said(self.served.get(handle, path).text).replace("\u00a0", " ")

    def meeting(self, path: str) -> Meeting:
        """Return a meeting as it is kept."""
        with ledger.reading(self.programme.engine) as session:
            found = session.get(Meeting, int(path.rsplit("/", 1)[-1]))
            assert found is not None
            return found

    def actions(self) -> list[Action]:
        """Return all actions of Fern's."""
        with ledger.reading(self.programme.engine) as session:
            return list(mentoring.actions(session, "fern", "fern", NOW))


@pytest.fixture
def pair(programme: Programme) -> Iterator[Pair]:
    fill(programme)
    made = meet(programme)
    with serve(programme) as served:
        yield Pair(programme, served, f"meeting/{made['held']}", f"meeting/{made['planned']}")


@pytest.mark.parametrize("ending", ["", ".ics"], ids=["page", "calendar"])
def test_a_meeting_is_the_pairs_and_nobody_elses(pair: Pair, ending: str) -> None:
    readers = ("fern", "oak", "willow", "basil", "maple", "linden")
    statuses = {who: pair.served.get(who, pair.held + ending).status_code for who in readers}

    # «There is none» and «it is somebody else's» are one answer; other roles have no such page at all.
    assert statuses == {"fern": 200, "oak": 200, "willow": 404, "basil": 404, "maple": 403, "linden": 403}
    assert pair.served.get("oak", "meeting/999" + ending).status_code == 404


def test_the_list_is_hers_and_her_mentors(pair: Pair) -> None:
    readers = ("fern", "oak", "willow", "basil", "maple", "linden")
    statuses = {who: pair.served.get(who, LIST).status_code for who in readers}

    assert statuses == {"fern": 200, "oak": 200, "willow": 403, "basil": 403, "maple": 403, "linden": 403}


@pytest.mark.parametrize("form", [{"act": "note", "text": "Mine."}, {"act": "hold"}, {"act": "call-off"}])
@pytest.mark.parametrize("handle", ["willow", "basil"])
def test_a_form_of_somebody_else_changes_nothing(pair: Pair, handle: str, form: dict[str, str]) -> None:
    browser = pair.served.as_(handle)
    token = re.findall(r'name="_xsrf" value="([^"]+)"', browser.get(pair.served.url(), timeout=20).text)[0]
    answer = browser.post(pair.served.url(pair.planned), {"_xsrf": token, **form}, timeout=20, allow_redirects=False)

    assert answer.status_code == 404
    assert (pair.meeting(pair.planned).state, pair.meeting(pair.planned).notes) == ("planned", None)


def test_when_the_pairing_ends_the_meetings_stay_hers_alone(pair: Pair) -> None:
    with ledger.session(pair.programme.engine) as session:
        session.execute(people.Pairing.__table__.update().where(people.Pairing.mentor == "oak").values(ends=NOW))

    assert [pair.served.get(who, pair.held).status_code for who in ("fern", "oak")] == [200, 404]
    assert pair.send("fern", pair.planned, act="call-off").status_code == 303


def test_each_look_of_her_mentor_is_written_down(pair: Pair) -> None:
    before = len(looks(pair.programme, "fern"))
    for who, path in (("oak", LIST), ("oak", pair.held), ("fern", LIST), ("willow", pair.held)):
        pair.served.get(who, path)

    assert looks(pair.programme, "fern")[:-before] == [("oak", "meetings")] * 2


@pytest.mark.parametrize("handle", ["fern", "oak"])
def test_either_of_them_plans_at_the_programmes_clock(pair: Pair, handle: str) -> None:
    answer = pair.send(handle, LIST, act="plan", mentor="oak", day="2026-12-03", time="18:30")

    assert (answer.status_code, answer.headers["Location"]) == (303, PREFIX + LIST)
    with ledger.reading(pair.programme.engine) as session:
        found = mentoring.meetings(session, "oak", "fern", NOW)
    assert found[0].starts == datetime(2026, 12, 3, 17, 30, tzinfo=UTC)
    assert found[0].minutes == 30


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        pytest.param("soon", "18:30", id="no-day"),
        pytest.param("2026-12-03", "evening", id="no-time"),
        pytest.param("2030-12-03", "18:30", id="too-far"),
        pytest.param("9999-12-31", "23:59", id="the-end-of-the-calendar"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_day_that_cannot_be_read_is_said_and_stays_in_the_form(pair: Pair, day: str, clock: str) -> None:
    answer = pair.send("oak", LIST, act="plan", day=day, time=clock)

    assert answer.status_code == 422
    assert "Ce jour ou cette heure ne se lit pas." in said(answer.text).replace("\u00a0", " ")
    assert f'name="time" required value="{clock}"' in answer.text


def test_a_fellow_plans_with_no_mentor_but_hers(pair: Pair) -> None:
    assert pair.send("fern", LIST, act="plan", mentor="willow", day="2026-12-03", time="18:30").status_code == 403


def test_holding_a_meeting_takes_her_question_up(pair: Pair) -> None:
    page = pair.served.get("oak", pair.planned).text
    number = re.findall(r'name="question" value="(\d+)" checked', page)[0]
    answer = pair.send("oak", pair.planned, act="hold", question=number)

    assert answer.status_code == 303
    assert pair.meeting(pair.planned).state == "held"
    assert "How do I explain a join in an interview?" in pair.words("fern", pair.planned)
    with ledger.reading(pair.programme.engine) as session:
        assert mentoring.question(session, "fern", "fern", NOW) is None


def test_notes_are_read_by_both_and_the_page_says_so_above_the_box(pair: Pair) -> None:
    page = pair.served.get("oak", pair.held).text
    rule, box = page.index('id="notes-rule"'), page.index("<textarea")

    assert rule < box
    words = said(page[rule:box])
    assert "Fern lit ces notes dès que vous les enregistrez." in words
    assert all(word in words for word in ("santé", "asile", "famille"))
    assert "We read D1 together. Next: the profile." in pair.words("fern", pair.held)
    assert pair.send("fern", pair.held, act="note", text="Hers.").status_code == 403


def test_notes_of_two_windows_are_both_kept_on_the_page(pair: Pair) -> None:
    stamp = pair.meeting(pair.held).noted
    assert stamp is not None
    first = pair.send("oak", pair.held, act="note", text="First window.", read=stamp.isoformat())
    second = pair.send("oak", pair.held, act="note", text="Second window.", read=stamp.isoformat())

    assert (first.status_code, second.status_code) == (303, 422)
    page = said(second.text)
    assert "First window." in page
    assert "Second window." in page
    assert pair.meeting(pair.held).notes == "First window."


def test_actions_are_agreed_done_dropped_and_opened_again(pair: Pair) -> None:
    assert pair.send("oak", pair.held, act="agree", owner="fern", text="Call.", due="2026-12-01").status_code == 303
    made = next(one for one in pair.actions() if one.text == "Call.")
    states = []
    for who, path, how in (("fern", LIST, "done"), ("oak", pair.held, "open"), ("fern", pair.held, "dropped")):
        assert pair.send(who, path, act="settle", action=str(made.id), how=how).status_code == 303
        now = next(one for one in pair.actions() if one.id == made.id)
        states.append((now.done is not None, now.dropped is not None))

    assert (made.owner, str(made.due), made.meeting) == ("fern", "2026-12-01", int(pair.held.rsplit("/", 1)[-1]))
    assert states == [(True, False), (False, False), (False, True)]


@pytest.mark.parametrize("text", ["", "x" * 161], ids=["empty", "long"])
def test_an_action_that_cannot_be_kept_comes_back(pair: Pair, text: str) -> None:
    before = len(pair.actions())
    answer = pair.send("oak", LIST, act="agree", owner="fern", text=text)

    assert (answer.status_code, len(pair.actions())) == (422, before)
    assert 'role="alert"' in answer.text
    assert f'value="{text}"' in answer.text


def test_nobody_gives_an_action_to_a_third(pair: Pair) -> None:
    assert pair.send("oak", LIST, act="agree", owner="basil", text="Call.").status_code == 403


def test_feedback_goes_both_ways(pair: Pair) -> None:
    answer = pair.send("fern", pair.held, act="feedback", went_well="You asked first.", next_time="More time for SQL.")

    assert answer.status_code == 303
    page = pair.words("oak", pair.held)
    assert "You asked first." in page
    assert "More time for SQL." in page
    assert "You led us through it." in pair.words("fern", pair.held)
    assert pair.send("oak", pair.planned, act="feedback", went_well="x").status_code == 422


def test_a_meeting_that_does_not_take_place_asks_for_no_reason(pair: Pair) -> None:
    page = pair.served.get("fern", pair.planned).text
    form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'value="call-off"' in form)

    assert set(re.findall(r'name="(\w+)"', form)) == {"_xsrf", "act"}
    assert pair.send("fern", pair.planned, act="call-off").status_code == 303
    assert pair.send("oak", pair.planned, act="hold").status_code == 422


@pytest.mark.parametrize("act", ["", "erase", "ask"])
def test_a_form_that_says_nothing_we_know_does_nothing(pair: Pair, act: str) -> None:
    assert [pair.send("oak", path, act=act).status_code for path in (LIST, pair.held)] == [404, 404]


def test_what_she_wrote_is_text(pair: Pair) -> None:
    bad = "<script>alert(1)</script>"
    pair.send("oak", pair.held, act="agree", owner="fern", text=bad)
    pair.send("fern", pair.held, act="feedback", went_well=bad)

    for path in (LIST, pair.held, "mentee/fern"):
        assert bad not in pair.served.get("oak", path).text


# My mentees


def test_who_is_met_next_comes_first_with_what_changed(pair: Pair) -> None:
    page = pair.words("oak", "")

    assert page.index("Fern") < page.index("Basil")
    assert "Prochaine rencontre : jeudi 26 novembre, 18:30" in page
    assert "Depuis votre rencontre du mardi 10 novembre" in page
    assert "Elle a écrit une question pour vous." in page
    assert "1 action faite" in page
    assert "1 essai envoyé" in page
    assert "Pas encore de rencontre prévue." in page


def test_a_first_time_mentor_is_led_and_another_is_not(pair: Pair) -> None:
    assert "Comment ça se passe" in pair.words("willow", "")
    assert "Comment ça se passe" not in pair.words("oak", "")
    pair.send("willow", "mentee/cedar/meetings", act="plan", day="2026-12-03", time="18:30")
    card = pair.served.get("willow").text
    first = re.findall(r'href="[^"]*(meeting/\d+)"', card)[0]

    assert "Votre première rencontre : la page vous guide." in pair.words("willow", first)
    assert "Votre première rencontre" not in pair.words("cedar", first) + pair.words("oak", pair.planned)


def test_a_meeting_whose_time_has_passed_asks_whether_it_was_held(pair: Pair) -> None:
    pair.served.clock.now = PLANNED + timedelta(hours=2)
    page = pair.words("oak", "")

    assert "Votre rencontre du jeudi 26 novembre est passée." in page
    assert "Écrire ce que vous avez convenu" in page


# The calendar file


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a calendar file, unfolded, after the rules of RFC 5545 on lines."""
    assert content.endswith(b"\r\n")
    raw = content.decode("utf-8").split("\r\n")[:-1]
    assert all(len(line.encode()) <= 75 and "\n" not in line for line in raw)
    return "\r\n".join(raw).replace("\r\n ", "").split("\r\n")


def event(starts: datetime, **fields: object) -> Meeting:
    made = {"state": "planned", "minutes": 30, "sequence": 0, "uid": "0f" * 16} | fields
    return Meeting(fellow="fern", mentor="oak", starts=starts, **made)


def values(lines: list[str], block: str) -> list[dict[str, str]]:
    """Return the properties of each block of a name."""
    found: list[dict[str, str]] = []
    inside = False
    for line in lines:
        if line in (f"BEGIN:{block}", f"END:{block}"):
            inside = line.startswith("BEGIN")
            found += [{}] if inside else []
        elif inside:
            name, _, value = line.partition(":")
            found[-1][name] = value
    return found


def test_a_calendar_file_is_a_time_a_length_and_one_word(pair: Pair) -> None:
    answer = pair.served.get("oak", pair.planned + ".ics")
    lines = lines_of(answer.content)
    (found,) = values(lines, "VEVENT")

    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert found["DTSTART;TZID=Europe/Paris"] == "20261126T183000"
    assert (found["DURATION"], found["SUMMARY"], found["STATUS"]) == ("PT30M", "Rencontre", "CONFIRMED")
    assert (lines[0], lines[1], lines[-1]) == ("BEGIN:VCALENDAR", "VERSION:2.0", "END:VCALENDAR")
    named = answer.text.lower() + answer.headers["Content-Disposition"].lower()
    assert not re.search(r"fern|oak|passerelle|mentor|http|data|refugee|fellow", named)


@pytest.mark.parametrize(
    ("zone", "starts", "expected"),
    [
        pytest.param(
            "Europe/Paris",
            datetime(2026, 10, 24, 8, tzinfo=UTC),
            [
                ("DAYLIGHT", "20260329T020000", "+0100", "+0200"),
                ("STANDARD", "20261025T030000", "+0200", "+0100"),
            ],
            id="the-day-before-the-clocks-change",
        ),
        pytest.param(
            "America/Guadeloupe",
            datetime(2026, 10, 24, 8, tzinfo=UTC),
            [("STANDARD", "19691231T200000", "-0400", "-0400")],
            id="a-zone-whose-clocks-never-change",
        ),
    ],
)
def test_the_zone_is_described(zone: str, starts: datetime, expected: list[tuple[str, str, str, str]]) -> None:
    lines = lines_of(calendar_file(event(starts), Reader("fr"), ZoneInfo(zone), NOW))
    found = [
        (kind, one["DTSTART"], one["TZOFFSETFROM"], one["TZOFFSETTO"])
        for kind in ("DAYLIGHT", "STANDARD")
        for one in values(lines, kind)
    ]

    assert found == expected
    assert f"TZID:{zone}" in lines
    assert any(line.startswith(f"DTSTART;TZID={zone}:") for line in lines)


def test_a_plan_that_was_called_off_leaves_the_calendar() -> None:
    before, after = (
        values(lines_of(calendar_file(one, Reader("en"), ZoneInfo("Europe/Paris"), NOW)), "VEVENT")[0]
        for one in (event(PLANNED), event(PLANNED, state="called-off", sequence=1))
    )

    assert before["UID"] == after["UID"]
    assert (after["STATUS"], after["SEQUENCE"]) == ("CANCELLED", "1")


@pytest.mark.parametrize(
    ("section", "form"),
    [
        ("notes", {"act": "note", "text": "We read D2."}),
        ("actions", {"act": "agree", "owner": "fern", "text": "Call."}),
        ("feedback", {"act": "feedback", "went_well": "All."}),
    ],
)
def test_what_is_kept_leads_back_to_its_section_which_says_when(pair: Pair, section: str, form: dict[str, str]) -> None:
    noted = pair.meeting(pair.held).noted
    read = {"read": noted.isoformat()} if noted else {}
    answer = pair.send("oak", pair.held, due="", **form, **(read if section == "notes" else {}))
    where = answer.headers["Location"]
    page = pair.served.get("oak", where.removeprefix(PREFIX).split("#")[0]).text

    clock = NOW.astimezone(ZoneInfo("Europe/Paris"))
    assert (answer.status_code, where) == (303, f"{PREFIX}{pair.held}?saved={section}-{clock:%H%M}#{section}")
    status = page.index(f'role="status">Enregistré à {clock:%H}\u00a0h\u00a0{clock:%M}.')
    assert page.index(f'id="{section}"') < status < page.index("<form", page.index(f'id="{section}"'))
    assert 'role="status"' not in pair.served.get("oak", pair.held).text


def test_a_status_that_nobody_wrote_is_not_shown(pair: Pair) -> None:
    for other in ("notes-9999", "others-1200", "notes-12001", "%3Cb%3E"):
        assert 'role="status"' not in pair.served.get("oak", f"{pair.held}?saved={other}").text


def test_actions_settled_more_than_a_day_ago_are_folded(pair: Pair) -> None:
    assert pair.send("oak", pair.held, act="agree", owner="fern", text="Call them.", due="").status_code == 303
    made = next(one for one in pair.actions() if one.text == "Call them.")
    pair.send("oak", pair.held, act="settle", action=str(made.id), how="done")
    fresh = pair.served.get("oak", LIST).text
    pair.served.clock.now += timedelta(days=2)
    later = pair.served.get("oak", LIST).text

    for page, folded in ((fresh, False), (later, True)):
        before = page[: page.index("Call them.")]
        assert (before.rfind("<details>") > before.rfind("</details>")) is folded
    assert "réglée" in later
