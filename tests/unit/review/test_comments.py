"""What a trainer writes in formgrader beside an answer that a machine marks is read where its check speaks."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.ledger import people, releases
from passerelle.model.people import Role
from tests.unit.grading.desk import ANSWER, HALF, MANUAL, MORNING, RIGHT, TRACK, UNIT, Desk, make_course
from tests.unit.review.asking import words
from tests.unit.review.served import serve

WROTE = "Which number do you divide by?\n<script>alert(1)</script>**"
HERS = f"unit/{TRACK}/{UNIT}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def desk(tmp_path: Path, built: Path) -> Iterator[Desk]:
    """A course, a fellow's attempt at its unit, and its trainer."""
    opened = Desk.open(tmp_path / "data", built)
    with ledger.session(opened.engine) as session:
        people.add_cohort(session, "2024", "2024", MORNING)
        releases.put_release(session, TRACK, UNIT, "1", b"parcel", at=MORNING)
        people.add_person(session, "maple", Role.TRAINER, "Maple", language="en")
        for handle in ("acacia", "basil", "maple"):
            people.enrol(session, handle, "2024", TRACK, starts=MORNING - timedelta(days=1))
    opened.record(opened.submit(opened.files(HALF)))
    yield opened
    opened.engine.dispose()


def comment(desk: Desk, text: str | None, cell: str = ANSWER) -> None:
    """Save a comment as formgrader's handler does."""
    with desk.book() as book:
        book.find_comment(cell, UNIT, UNIT, "acacia").manual_comment = text
        book.db.commit()


def attempt(desk: Desk, number: int = 1) -> str:
    return f"attempt/{desk.attempts()[number - 1].receipt}"


def at_check(page: str) -> str:
    """Return the line of the check that a machine marks."""
    rows = re.findall(r"<li>.*?</li>", page[page.index('class="rows checks"') :], re.DOTALL)
    return str(rows[0])


def test_a_comment_is_said_at_its_check_and_at_its_task(desk: Desk) -> None:
    comment(desk, WROTE)
    with serve(desk) as served:
        page = served.get("acacia", attempt(desk)).text
        trainer = served.get("maple", attempt(desk)).text
        task = served.get("acacia", HERS).text

    for shown in (at_check(page), at_check(trainer), task):
        assert "Which number do you divide by?\n&lt;script&gt;alert(1)&lt;/script&gt;**</blockquote>" in shown
        assert "<script>alert" not in shown
    assert page.count("Which number do you divide by?") == task.count("Which number do you divide by?") == 1
    assert "Ce que l’équipe de formation t’a écrit" in at_check(page)


def test_nothing_is_said_where_nothing_was_written_or_it_was_taken_back(desk: Desk) -> None:
    with serve(desk) as served:
        before = served.get("acacia", attempt(desk)).text
        comment(desk, WROTE)
        comment(desk, "")
        after = served.get("acacia", attempt(desk)).text
        task = served.get("acacia", HERS).text

    assert "<blockquote>" not in before + after + task


def test_it_stands_beside_the_attempt_that_formgrader_shows(desk: Desk) -> None:
    comment(desk, WROTE)
    desk.record(desk.submit(desk.files(RIGHT)))
    with serve(desk) as served:
        first, second = (served.get("acacia", attempt(desk, number)).text for number in (1, 2))

    assert "Which number" not in first
    assert "Which number" in at_check(second)


def test_a_comment_on_what_a_person_marks_is_said_once_with_its_mark(desk: Desk) -> None:
    comment(desk, "Not read yet.", MANUAL)
    with serve(desk) as served:
        assert "Not read yet." not in served.get("acacia", attempt(desk)).text


def test_a_neighbour_reads_none_of_it(desk: Desk) -> None:
    comment(desk, WROTE)
    with serve(desk) as served:
        assert served.get("basil", attempt(desk)).status_code == 404
        assert "Which number" not in served.get("basil", HERS).text


def test_a_page_is_shown_without_comments_where_the_gradebook_cannot_be_read(desk: Desk) -> None:
    comment(desk, WROTE)
    (desk.course_dir / "gradebook.db").write_bytes(b"no gradebook")
    with serve(desk) as served:
        answer = served.get("acacia", attempt(desk))

    assert answer.status_code == 200
    assert "Which number" not in words(answer)
