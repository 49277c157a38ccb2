"""The page on which a trainer marks by a rubric: real gradebook, real submission."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.ledger import people
from passerelle.model.people import Role
from tests.unit.grading.desk import MANUAL, MORNING, TRACK, UNIT, Desk, make_course
from tests.unit.review.asking import send, words
from tests.unit.review.served import Served, serve

HOSTILE = "An outlier **pulls** it.<script>alert(1)</script> [go](javascript:alert(1)) ![x](https://evil.example/x.png)"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def desk(tmp_path: Path, built: Path) -> Iterator[Desk]:
    """A course with an explanation to mark, its trainer, and a trainer of nothing."""
    opened = Desk.open(tmp_path / "data", built)
    with ledger.session(opened.engine) as session:
        people.add_cohort(session, "2024", "2024", MORNING)
        people.enrol(session, "acacia", "2024", TRACK, starts=MORNING)
        for handle in ("maple", "rowan"):
            people.add_person(session, handle, Role.TRAINER, handle.title(), language="en")
        people.enrol(session, "maple", "2024", TRACK, starts=MORNING)
    opened.record(opened.submit(opened.files(words=HOSTILE)))
    yield opened
    opened.engine.dispose()


def page_of(desk: Desk) -> str:
    return f"mark/{desk.attempts()[0].receipt}/{MANUAL}"


def mark(desk: Desk, served: Served, handle: str = "maple", **form: str) -> str:
    return words(send(served, handle, page_of(desk), form))


def test_the_list_of_what_waits_leads_to_her_answer_what_was_asked_and_the_levels(desk: Desk) -> None:
    with serve(desk) as served:
        assert page_of(desk) in served.get("maple", "queue").text
        page = served.get("maple", page_of(desk))

    said = words(page)
    assert "When does a mean mislead? Write one sentence." in said
    assert "An outlier pulls it." in said
    assert "An outlier is named" in said
    assert "For example: «One very rich person changes the mean of a street.»" in said
    assert len(re.findall('type="radio"', page.text)) == 2


def test_nothing_of_her_answer_runs_links_or_loads(desk: Desk) -> None:
    with serve(desk) as served:
        text = served.get("maple", page_of(desk)).text

    answer = text[text.index('id="answer"') : text.index("<form class", text.index('id="answer"'))]
    assert "<strong>pulls</strong>" in answer
    assert "<script" not in answer
    assert "href" not in answer
    assert "<img" not in answer


def test_a_mark_lands_in_the_gradebook_and_on_her_page_with_its_level(desk: Desk) -> None:
    with serve(desk) as served:
        after = mark(desk, served, **{"level-outlier": "named", "comment": "Which one?"})
        again = served.get("maple", page_of(desk)).text
        hers = words(served.get("acacia", f"attempt/{desk.attempts()[0].receipt}"))

    assert "Nothing waits for you." in after
    assert desk.grade(MANUAL)["manual_score"] == 1.0
    assert desk.attempts()[0].points == 3.0
    assert re.search(r'value="named" required checked', again)
    assert "Which one?" in hers
    assert "Une valeur extrême est nommée : Nomme une valeur extrême" in hers.replace("\u00a0", " ")


def test_a_form_without_every_level_keeps_nothing_but_what_she_wrote(desk: Desk) -> None:
    with serve(desk) as served:
        answer = send(served, "maple", page_of(desk), {"level-outlier": "perfect", "comment": "Which one?"})

    assert answer.status_code == 422
    assert "choose a level for each criterion" in words(answer)
    with ledger.reading(desk.engine) as session:
        looks = [look.what for look in people.accesses_to(session, "acacia")]
    assert looks == ["mark"], "the page that comes back shows her answer, so it is a look"
    assert "Which one?" in answer.text
    assert desk.attempts()[0].waits_for_person


def test_an_answer_that_stands_no_longer_is_not_marked(desk: Desk) -> None:
    old = page_of(desk)
    desk.record(desk.submit(desk.files(words="Another thought.")))
    with serve(desk) as served:
        answer = send(served, "maple", old, {"level-outlier": "named"})

    assert answer.status_code == 409
    assert desk.grade(MANUAL)["manual_score"] is None


def test_in_a_course_in_outline_the_answer_is_shown_as_it_was_sent_and_the_ledger_alone_has_the_mark(
    desk: Desk,
) -> None:
    shutil.rmtree(desk.course_dir / "source")
    (desk.course_dir / "gradebook.db").unlink()
    with serve(desk) as served:
        before = served.get("maple", page_of(desk))
        after = mark(desk, served, **{"level-outlier": "named", "comment": "Which one?"})
        again = served.get("maple", page_of(desk)).text

    assert "An outlier pulls it." in words(before)
    assert "<script>alert" not in before.text
    assert "formgrader" not in before.text.lower(), "there is none to open"
    assert "Nothing waits for you." in after
    assert desk.attempts()[0].points == 3.0
    assert re.search(r'value="named" required checked', again)
    assert not (desk.course_dir / "gradebook.db").exists()


def test_without_its_gradebook_a_course_keeps_no_mark_and_the_page_says_why(desk: Desk) -> None:
    (desk.course_dir / "gradebook.db").unlink()
    with serve(desk) as served:
        answer = send(served, "maple", page_of(desk), {"level-outlier": "named", "comment": "Which one?"})

    assert answer.status_code == 503
    assert "has no gradebook at the moment" in words(answer)
    assert "Which one?" in answer.text
    assert desk.attempts()[0].waits_for_person


@pytest.mark.parametrize("handle", ["rowan", "acacia"])
def test_who_does_not_teach_there_neither_reads_nor_marks(desk: Desk, handle: str) -> None:
    with serve(desk) as served:
        read = served.get(handle, page_of(desk)).status_code
        sent = send(served, handle, page_of(desk), {"level-outlier": "named"}).status_code

    assert {read, sent} <= {403, 404}
    assert desk.attempts()[0].waits_for_person


def test_she_can_read_that_her_answer_was_looked_at(desk: Desk) -> None:
    with serve(desk) as served:
        served.get("maple", page_of(desk))

    with ledger.reading(desk.engine) as session:
        assert [(one.viewer, one.what) for one in people.accesses_to(session, "acacia")] == [("maple", "mark")]


@pytest.mark.parametrize("place", [f"mark/{'0' * 32}/{MANUAL}", f"mark/{{receipt}}/check-{UNIT}"])
def test_what_is_no_answer_to_mark_is_not_there(desk: Desk, place: str) -> None:
    with serve(desk) as served:
        path = place.format(receipt=desk.attempts()[0].receipt)
        assert served.get("maple", path).status_code == 404
