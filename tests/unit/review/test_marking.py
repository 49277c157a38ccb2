"""A trainer's marking page: the queue, the last results, flaky checks, and marking a unit again after a look ahead."""

import html
import re
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.ledger import people, queue, rehearsals
from passerelle.ledger.tables import Enrolment, Job, Receipt, Rehearsal
from passerelle.model.people import Role
from passerelle.model.verdict import Message, Trust, Verdict
from tests.unit.review.programme import NOW, TRACK, Programme, verdict
from tests.unit.review.served import Served, serve

PAGE = f"marking/{TRACK}"
HALF = {"check-mean": 2.0, "check-missing": 0.0}


@pytest.fixture
def marked(programme: Programme) -> tuple[Programme, list[str]]:
    """Two fellows with a result each, one that waits; a trainer, and another one who teaches elsewhere."""
    programme.enrol("fern", "cedar")
    programme.enrol("maple", "alder", role=Role.TRAINER)
    programme.release("d1-tables", "d2-clean")
    with ledger.session(programme.engine) as session:
        for row in session.query(Enrolment).where(Enrolment.handle == "alder"):
            row.track = "web-dev"
    caught = verdict("d1-tables", HALF).model_copy(
        update={"tampering": (Message(id="tampering-canary", args={"check": "check-missing"}),), "trust": Trust.BESIDE}
    )
    first = programme.send("fern", "d1-tables", NOW - timedelta(hours=3), caught)
    second = programme.send("cedar", "d1-tables", NOW - timedelta(hours=2), _flaky())
    waits = programme.send("fern", "d2-clean", NOW - timedelta(minutes=1))
    return programme, [first, second, waits]


def _flaky() -> Verdict:
    made = verdict("d1-tables", {"check-mean": 2.0, "check-missing": 4.0}, key="flaky")
    said = Message(id="rows", args={"expected": 418, "found": 421})
    other = made.checks[1].model_copy(update={"points": 1.0, "messages": (said,)})
    return made.model_copy(update={"flaky": ("check-missing",), "others": (other,)})


def words(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))


def ask(served: Served, handle: str, **form: str) -> requests.Response:
    browser = served.as_(handle)
    token = re.search(r'name="_xsrf" value="([^"]+)"', browser.get(served.url("mydata"), timeout=20).text)
    assert token is not None
    return browser.post(
        served.url(PAGE), data={"_xsrf": token[1], **form}, headers={"Referer": served.url(PAGE)}, timeout=20
    )


def newest(programme: Programme) -> Rehearsal | None:
    with ledger.reading(programme.engine) as session:
        return rehearsals.latest(session, TRACK)


def rehearse(programme: Programme, better: str) -> int:
    """Let the marking service come to a rehearsal: one attempt would get full points."""
    with ledger.session(programme.engine) as session:
        while (found := rehearsals.due(session)) and found[1] is not None:
            row, receipt = found
            full = verdict("d1-tables", {"check-mean": 2.0, "check-missing": 4.0}, key="corrected")
            rehearsals.note(session, row.id, receipt.id, full if receipt.id == better else None)
        assert found is not None
        rehearsals.end(session, found[0].id, NOW)
        return found[0].id


def test_it_says_what_waits_what_came_and_which_check_is_flaky(marked: tuple[Programme, list[str]]) -> None:
    programme, receipts = marked
    with serve(programme) as served:
        home, page = served.get("maple"), served.get("maple", PAGE)

    said = words(page)
    assert f'href="/services/passerelle/{PAGE}"' in home.text
    assert "Fern in turn Clean data · attempt 1, since" in said
    assert all(f"attempt/{receipt}" in page.text for receipt in receipts)
    assert "Missing rows seen 1 time, last on" in said
    assert "4 points one time, 1 the other time." in said
    assert "Expected 418 rows, found 421." in said
    assert "checked beside the fellow’s code" in said
    assert said.count("Please look at this one.") == 1
    assert 'data-state="settled"' in page.text


def test_the_fellow_reads_nothing_of_two_answers(marked: tuple[Programme, list[str]]) -> None:
    programme, receipts = marked
    with serve(programme) as served:
        said = words(served.get("cedar", f"attempt/{receipts[1]}"))

    assert "Missing rows" in said
    assert "421" not in said


@pytest.mark.parametrize(
    ("handle", "status"),
    [
        pytest.param("maple", 200, id="her-trainer"),
        pytest.param("alder", 404, id="a-trainer-of-another-track"),
        pytest.param("fern", 403, id="a-fellow"),
        pytest.param(None, 302, id="nobody"),
    ],
)
def test_it_is_for_the_tracks_trainers(marked: tuple[Programme, list[str]], handle: str | None, status: int) -> None:
    programme, _ = marked
    with serve(programme) as served:
        assert served.get(handle, PAGE).status_code == status
        if handle not in (None, "maple"):
            assert ask(served, str(handle), unit="d1-tables").status_code == status
    assert newest(programme) is None


def test_each_fellow_on_it_can_read_that_it_was_looked_at(marked: tuple[Programme, list[str]]) -> None:
    programme, _ = marked
    with serve(programme) as served:
        served.get("maple", PAGE)
        served.get("maple", f"{PAGE}?part=1")
        hers = words(served.get("fern", "mydata"))

    with ledger.reading(programme.engine) as session:
        looks = {one: [look.what for look in people.accesses_to(session, one)] for one in ("fern", "cedar")}
    assert looks == {"fern": ["marking"], "cedar": ["marking"]}
    assert "the marking page of a course" in hers


def test_the_part_that_changes_is_a_look_where_no_page_was_before_it(marked: tuple[Programme, list[str]]) -> None:
    programme, _ = marked
    with serve(programme) as served:
        served.get("maple", f"{PAGE}?part=1")
        served.get("maple", f"{PAGE}?part=1")

    with ledger.reading(programme.engine) as session:
        assert [look.what for look in people.accesses_to(session, "fern")] == ["marking"]


def test_she_sees_first_who_would_gain_then_has_it_marked_again(marked: tuple[Programme, list[str]]) -> None:
    programme, receipts = marked
    with serve(programme) as served:
        asked = ask(served, "maple", unit="d1-tables")
        number = rehearse(programme, better=receipts[0])
        page = served.get("maple", PAGE)
        seen = words(page)
        before = _states(programme)
        recorded = ask(served, "maple", rehearsal=str(number))
        twice = ask(served, "maple", rehearsal=str(number))

    assert "We start looking in a moment." in words(asked)
    assert f'data-follow="/services/passerelle/{PAGE}?part=1"' in asked.text
    assert "Fern would gain Missing rows 0 4 in all 2 6" in seen
    assert "Cedar would" not in seen
    assert "1 attempt would be marked again." in seen
    assert before == {receipts[0]: queue.DONE, receipts[1]: queue.DONE, receipts[2]: queue.QUEUED}
    assert "1 attempt is still to be marked again." in words(recorded)
    assert "1 attempt is still to be marked again." in words(twice)
    assert _states(programme) == {**before, receipts[0]: queue.QUEUED}


def test_the_whole_page_follows_while_it_is_marked_again(marked: tuple[Programme, list[str]]) -> None:
    programme, receipts = marked
    with serve(programme) as served:
        ask(served, "maple", unit="d1-tables")
        ask(served, "maple", rehearsal=str(rehearse(programme, better=receipts[0])))
        before = parts(served)
        _set_state(programme, receipts[0], queue.DONE)
        after = parts(served)

    assert before["queue"].count("Fern in turn") == 2
    assert "1 attempt is still to be marked again." in before["again"]
    assert after["queue"].count("Fern in turn") == 1
    assert "Marked again on" in after["again"]
    assert "Fern" in after["last"]
    assert "Fern" not in before["last"]


def test_an_attempt_that_meets_a_fault_of_ours_keeps_no_other_unit_waiting(
    marked: tuple[Programme, list[str]],
) -> None:
    programme, receipts = marked
    with serve(programme) as served:
        ask(served, "maple", unit="d1-tables")
        ask(served, "maple", rehearsal=str(rehearse(programme, better=receipts[0])))
        _set_state(programme, receipts[0], queue.OURS)
        page = served.get("maple", PAGE)

    assert "1 attempt could not be marked again yet" in words(page)
    assert "Marked again on" not in words(page)
    assert 'data-state="settled"' in page.text
    assert '<select name="unit">' in page.text


def parts(served: Served) -> dict[str, str]:
    """Return what the page's script gets, by part."""
    found = served.get("maple", f"{PAGE}?part=1").text.split('<div data-part="')[1:]
    return {one.split('"')[0]: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", one)) for one in found}


def test_where_no_key_changed_there_is_nothing_to_record(marked: tuple[Programme, list[str]]) -> None:
    programme, _ = marked
    with serve(programme) as served:
        ask(served, "maple", unit="d1-tables")
        rehearse(programme, better="")
        page = served.get("maple", PAGE)

    assert "there is nothing to mark again." in words(page)
    assert 'name="rehearsal"' not in page.text


def test_a_fault_of_ours_is_said(marked: tuple[Programme, list[str]]) -> None:
    programme, _ = marked
    with serve(programme) as served:
        ask(served, "maple", unit="d1-tables")
        with ledger.session(programme.engine) as session:
            row = rehearsals.latest_open(session)
            assert row is not None
            rehearsals.end(session, row.id, NOW, "check: unit d1-tables, check check-mean: the check itself stopped")
        said = words(served.get("maple", PAGE))

    assert "A check of this unit stopped by itself. Nothing has changed: every attempt keeps its result." in said
    assert "unit d1-tables, check check-mean: the check itself stopped" in said
    assert "everybody is marked" not in said


def test_a_unit_that_is_not_there_and_a_form_without_its_token_change_nothing(
    marked: tuple[Programme, list[str]],
) -> None:
    programme, _ = marked
    with serve(programme) as served:
        assert ask(served, "maple", unit="d9-nothing").status_code == 404
        assert served.as_("maple").post(served.url(PAGE), data={"unit": "d1-tables"}, timeout=20).status_code == 403
    assert newest(programme) is None


def _set_state(programme: Programme, receipt: str, state: str) -> None:
    with ledger.session(programme.engine) as session:
        job = session.scalars(select(Job).where(Job.receipt == receipt)).one()
        job.state, job.done = state, NOW if state == queue.DONE else None
        job.reason = "check: unit d1-tables" if state == queue.OURS else None


def _states(programme: Programme) -> dict[str, str]:
    with ledger.reading(programme.engine) as session:
        jobs = session.execute(select(Job, Receipt).join(Receipt, Receipt.id == Job.receipt)).all()
    return {receipt.id: job.state for job, receipt in jobs}
