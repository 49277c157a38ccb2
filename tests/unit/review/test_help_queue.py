"""The trainers' shared queue: what waits in their tracks, the oldest first."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from passerelle import ledger
from passerelle.ledger import help as asking
from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import HelpRequest
from passerelle.ledger.tables import Enrolment
from passerelle.model.people import Role
from tests.unit.review.asking import send, words
from tests.unit.review.programme import NOW, START, TRACK, Programme, verdict
from tests.unit.review.served import serve

PARIS = ZoneInfo("Europe/Paris")
FULL = {"check-mean": 2.0, "check-missing": 4.0}


def ask(programme: Programme, handle: str, text: str, hours_ago: int, track: str = TRACK) -> int:
    at = NOW - timedelta(hours=hours_ago)
    with ledger.session(programme.engine) as session:
        return asking.ask(
            session,
            fellow=handle,
            track=track,
            unit="d1-tables",
            check="check-mean",
            words=text,
            token=f"{handle}-{hours_ago}",
            at=at,
            zone=PARIS,
        ).id


@pytest.fixture
def queue(programme: Programme) -> tuple[Programme, dict[str, int]]:
    """Two requests and an answer to mark in a track of two trainers; a third one teaches elsewhere."""
    programme.enrol("fern", "cedar")
    programme.enrol("maple", "alder", "rowan", role=Role.TRAINER)
    programme.release("d1-tables")
    with ledger.session(programme.engine) as session:
        for row in session.query(Enrolment).where(Enrolment.handle == "rowan"):
            row.track = "web-dev"
        people.enrol(session, "fern", "2026", "web-dev", starts=START)
    programme.send("fern", "d1-tables", NOW - timedelta(hours=30), verdict("d1-tables", FULL, "a1"))
    requests = {
        "old": ask(programme, "cedar", "Which <b>rows</b>?", 50),
        "new": ask(programme, "fern", "", 3),
        "elsewhere": ask(programme, "fern", "Of the web", 60, "web-dev"),
    }
    return programme, requests


def of(programme: Programme, request: int) -> HelpRequest:
    with ledger.reading(programme.engine) as session:
        return session.get_one(HelpRequest, request)


def test_the_oldest_comes_first_questions_and_answers_to_mark_together(queue: tuple[Programme, dict[str, int]]) -> None:
    programme, _ = queue
    with serve(programme) as served:
        home, page = words(served.get("maple")), served.get("maple", "queue")

    assert "What waits for a trainer" in home
    lines = re.findall(r'<span class="what">(.*?)</span>', page.text)
    assert lines == [
        "Cedar · is stuck · Tables with pandas",
        "Fern · an answer to mark · Tables with pandas",
        "Fern · is stuck · Tables with pandas",
    ]
    assert "Which &lt;b&gt;rows&lt;/b&gt;?" in page.text
    assert "answer by Tuesday 24 November" in words(page)
    assert "She left the words empty" in words(page)


def test_another_tracks_questions_are_nowhere(queue: tuple[Programme, dict[str, int]]) -> None:
    programme, _ = queue
    with serve(programme) as served:
        page = words(served.get("maple", "queue"))

    assert "Of the web" not in page


def test_every_fellow_in_the_list_can_read_who_looked(queue: tuple[Programme, dict[str, int]]) -> None:
    programme, _ = queue
    with serve(programme) as served:
        served.get("maple", "queue")

    with ledger.reading(programme.engine) as session:
        looks = {
            handle: [(one.viewer, one.what) for one in people.accesses_to(session, handle)]
            for handle in ("fern", "cedar")
        }
    assert looks == {"fern": [("maple", "queue")], "cedar": [("maple", "queue")]}


def test_a_request_is_taken_by_one_seen_by_the_other_and_answered(queue: tuple[Programme, dict[str, int]]) -> None:
    programme, requests = queue
    number = str(requests["old"])
    with serve(programme) as served:
        send(served, "maple", "queue", {"request": number})
        seen = words(served.get("alder", "queue"))
        hers = words(served.get("cedar"))
        after = words(send(served, "alder", "queue", {"request": number, "answer": "Look at row 12."}))

    assert "Maple sees to it" in seen
    assert "Maple sees to it; an answer by Tuesday 24 November" in hers
    assert "Cedar · is stuck" not in after
    assert (of(programme, requests["old"]).answer, of(programme, requests["old"]).answered_by) == (
        "Look at row 12.",
        "alder",
    )


@pytest.mark.parametrize("handle", ["rowan", "fern"])
def test_nobody_else_answers(queue: tuple[Programme, dict[str, int]], handle: str) -> None:
    programme, requests = queue
    with serve(programme) as served:
        send(served, handle, "queue", {"request": str(requests["old"]), "answer": "No."})

    assert of(programme, requests["old"]).answered is None


def test_an_answer_without_words_is_none(queue: tuple[Programme, dict[str, int]]) -> None:
    programme, requests = queue
    with serve(programme) as served:
        page = words(send(served, "maple", "queue", {"request": str(requests["old"]), "answer": "  "}))

    assert "Cedar · is stuck" in page


def test_where_nothing_waits_the_page_says_so(programme: Programme) -> None:
    programme.enrol("maple", role=Role.TRAINER)
    with serve(programme) as served:
        assert "Nothing waits for you." in words(served.get("maple", "queue"))
