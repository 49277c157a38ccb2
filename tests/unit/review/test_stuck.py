"""What could not be marked, as its trainer sees it: why, since when, what we do, and «Mark again»."""

import html
import re
from datetime import timedelta

import pytest
import requests

from passerelle import ledger
from passerelle.ledger import people, queue, reasons
from passerelle.ledger.tables import Enrolment, Job
from passerelle.model.people import LANGUAGES, Role
from passerelle.review.i18n import Reader
from passerelle.review.stuck import WHY
from tests.unit.review.programme import NOW, START, TRACK, Programme, verdict
from tests.unit.review.served import Served, serve

PAGE = f"stuck/{TRACK}"


def break_down(programme: Programme, receipt: str, reason: str) -> None:
    """Let marking stop over a receipt."""
    with ledger.session(programme.engine) as session:
        queue.put(session, receipt, START)
        session.flush()
        held = queue.lease(session, NOW, 60)
        assert held is not None
        assert held.receipt == receipt
        queue.give_back(session, held, reason, NOW)


@pytest.fixture
def broken(programme: Programme) -> tuple[Programme, list[str]]:
    """Two fellows whose work waits for us, and a trainer; another one teaches elsewhere."""
    programme.enrol("fern", "cedar")
    programme.enrol("maple", "alder", role=Role.TRAINER)
    programme.release("d1-tables", "d2-clean")
    with ledger.session(programme.engine) as session:
        for row in session.query(Enrolment).where(Enrolment.handle == "alder"):
            row.track = "web-dev"
    receipts = []
    for handle, unit, reason in (
        ("fern", "d1-tables", "box: marking: bubblewrap is not installed"),
        ("cedar", "d1-tables", "ended: the marking process ended 3 times while it had this"),
        ("cedar", "d2-clean", "ValueError: my own words"),
    ):
        receipts.append(programme.send(handle, unit, NOW - timedelta(hours=1)))
        break_down(programme, receipts[-1], reason)
    return programme, receipts


def words(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))


def ask(served: Served, handle: str, **form: str) -> requests.Response:
    browser = served.as_(handle)
    token = re.search(r'name="_xsrf" value="([^"]+)"', browser.get(served.url("mydata"), timeout=20).text)
    assert token is not None
    return browser.post(
        served.url(PAGE), data={"_xsrf": token[1], **form}, headers={"Referer": served.url(PAGE)}, timeout=20
    )


def states(programme: Programme) -> list[str]:
    with ledger.reading(programme.engine) as session:
        return [job.state for job in session.query(Job).order_by(Job.id)]


def test_the_list_says_who_why_since_when_and_what_we_do(broken: tuple[Programme, list[str]]) -> None:
    programme, receipts = broken
    with serve(programme) as served:
        home, page = words(served.get("maple")), served.get("maple", PAGE)

    assert "3 attempts could not be marked yet" in home
    said = words(page)
    assert all(f"attempt/{receipt}" in page.text for receipt in receipts)
    assert "Fern attempt 1, since" in said
    assert WHY[reasons.BOX][0] in said
    assert WHY[reasons.ENDED][1] in said
    assert "1 try so far; the next one comes by itself: Tuesday 24 November, 18:42" in said
    assert "bubblewrap is not installed" in said
    assert "my own words" not in said  # an older version's reason may quote her
    assert page.text.count('name="unit"') == 1  # the unit with two of them
    assert 'data-state="settled"' in page.text


@pytest.mark.parametrize(
    ("handle", "status"),
    [
        pytest.param("maple", 200, id="her-trainer"),
        pytest.param("alder", 404, id="a-trainer-of-another-track"),
        pytest.param("fern", 403, id="a-fellow"),
        pytest.param(None, 302, id="nobody"),
    ],
)
def test_it_is_for_the_tracks_trainers(broken: tuple[Programme, list[str]], handle: str | None, status: int) -> None:
    programme, _ = broken
    with serve(programme) as served:
        assert served.get(handle, PAGE).status_code == status
        assert served.get(handle, "stuck/web-dev").status_code in {302, 403, 404}
        if handle not in (None, "maple"):
            refused = ask(served, str(handle))
            assert refused.status_code == status
    assert states(programme) == [queue.OURS] * 3


def test_a_form_without_its_token_changes_nothing(broken: tuple[Programme, list[str]]) -> None:
    programme, receipts = broken
    with serve(programme) as served:
        answer = served.as_("maple").post(served.url(PAGE), data={"receipt": receipts[0]}, timeout=20)

    assert answer.status_code == 403
    assert states(programme) == [queue.OURS] * 3


def test_each_fellow_in_the_list_can_read_that_it_was_looked_at(broken: tuple[Programme, list[str]]) -> None:
    programme, _ = broken
    with serve(programme) as served:
        served.get("maple", PAGE)
        served.get("maple", f"{PAGE}?part=1")
        hers = words(served.get("fern", "mydata"))

    with ledger.reading(programme.engine) as session:
        looks = {one: [look.what for look in people.accesses_to(session, one)] for one in ("fern", "cedar")}
    assert looks == {"fern": ["stuck"], "cedar": ["stuck"]}
    assert "the list of what could not be marked yet" in hers


def test_the_part_that_changes_is_a_look_where_no_page_was_before_it(broken: tuple[Programme, list[str]]) -> None:
    """Who asks for the part alone looks; so does who has it before her when somebody new comes into it."""
    programme, _ = broken
    with serve(programme) as served:
        served.get("maple", f"{PAGE}?part=1")
        served.get("maple", f"{PAGE}?part=1")
        with ledger.reading(programme.engine) as session:
            first = [look.what for look in people.accesses_to(session, "fern")]
        served.clock.now = NOW + timedelta(hours=2)
        served.get("maple", f"{PAGE}?part=1")

    with ledger.reading(programme.engine) as session:
        later = [look.what for look in people.accesses_to(session, "fern")]
    assert (first, later) == (["stuck"], ["stuck", "stuck"])


def test_one_is_marked_again_first_and_the_page_follows(broken: tuple[Programme, list[str]]) -> None:
    programme, receipts = broken
    # Sent before, and by somebody whose work has not been looked at: it would be first in turn.
    programme.enrol("iris")
    programme.send("iris", "d1-tables", NOW - timedelta(hours=2))
    with serve(programme) as served:
        shown = ask(served, "maple", receipt=receipts[1])
        fellow = served.get("cedar", f"attempt/{receipts[1]}")
        with ledger.session(programme.engine) as session:
            held = queue.lease(session, NOW, 60)
            assert held is not None
        during = words(served.get("maple", f"{PAGE}?part=1"))
        with ledger.session(programme.engine) as session:
            assert queue.finish(session, held, verdict("d1-tables", {"check-mean": 2.0, "check-missing": 4.0}), NOW)
        after = served.get("maple", f"{PAGE}?part=1").text

    assert held.receipt == receipts[1]
    assert "It is the next in turn." in words(shown)
    assert f'data-follow="/services/passerelle/{PAGE}?part=1"' in shown.text
    assert "passerelle.js" in shown.text
    assert 'data-state="waiting"' in fellow.text
    assert "It is being marked now." in during
    assert receipts[1] not in after
    assert 'data-state="settled"' in after


def test_a_whole_unit_is_marked_again(broken: tuple[Programme, list[str]]) -> None:
    programme, _ = broken
    with serve(programme) as served:
        ask(served, "maple", unit="d1-tables")
        some = states(programme)
        ask(served, "maple")

    assert some == [queue.QUEUED, queue.QUEUED, queue.OURS]
    assert states(programme) == [queue.QUEUED] * 3


def test_she_reads_since_when_it_waits(broken: tuple[Programme, list[str]]) -> None:
    programme, receipts = broken
    with serve(programme) as served:
        said = words(served.get("fern", f"attempt/{receipts[0]}"))

    assert "Waiting for us" in said
    assert "Here since Tuesday 24 November, 17:42." in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_trouble_has_its_words(language: str) -> None:
    reader = Reader(language)

    assert set(WHY) == set(reasons.KINDS)
    assert all(reader.say(text) for pair in WHY.values() for text in pair)
    if language != "en":
        assert all(reader.say(text) != text for pair in WHY.values() for text in pair)
