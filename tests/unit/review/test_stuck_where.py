"""Where many are stuck: counts of fellows, small ones untold."""

import re

import pytest

from passerelle.model.people import Role
from tests.unit.review.asking import words
from tests.unit.review.programme import NOW, START, TRACK, Programme, verdict
from tests.unit.review.served import serve

PAGE = f"stuck-where/{TRACK}"
MISSING = {"check-mean": 2.0, "check-missing": 1.0}
BOTH = {"check-mean": 0.0, "check-missing": 1.0}
FULL = {"check-mean": 2.0, "check-missing": 4.0}


@pytest.fixture
def track(programme: Programme) -> Programme:
    """Four miss a check, one of them another too; a fifth did, and does no more; one left."""
    handles = ("acacia", "basil", "cedar", "dahlia", "fern")
    programme.enrol(*handles)
    programme.enrol("maple", role=Role.TRAINER)
    programme.enrol("rowan", role=Role.MENTOR)
    programme.release("d1-tables")
    for handle in handles:
        points = BOTH if handle == "acacia" else MISSING
        programme.send(handle, "d1-tables", START, verdict("d1-tables", points, key=f"first-{handle}"))
    programme.send("fern", "d1-tables", NOW, verdict("d1-tables", FULL, key="second"))
    return programme


def rows(text: str) -> list[list[str]]:
    body = re.search(r"<tbody>(.*?)</tbody>", text, re.DOTALL)
    assert body is not None
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body[1].split("</tr>") if "<td" in row]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in cells]


def test_the_newest_attempts_are_counted_and_small_numbers_are_not_told(track: Programme) -> None:
    with serve(track) as served:
        page = served.get("maple", PAGE)

    assert rows(page.text) == [
        ["Missing rows", "Tables with pandas", "4"],
        ["The mean price", "Tables with pandas", "fewer than 3"],
    ]
    assert "Acacia" not in words(page)


def test_who_does_not_teach_there_gets_no_page(track: Programme) -> None:
    with serve(track) as served:
        assert {served.get(handle, PAGE).status_code for handle in ("acacia", "rowan")} == {403}


def test_where_nobody_misses_anything_the_page_says_so(programme: Programme) -> None:
    programme.enrol("maple", role=Role.TRAINER)
    with serve(programme) as served:
        assert "In the newest attempts no check is missed." in words(served.get("maple", PAGE))


def test_where_all_numbers_are_small_the_page_says_that_nothing_is_in_the_way_of_many(programme: Programme) -> None:
    programme.enrol("acacia")
    programme.enrol("maple", role=Role.TRAINER)
    programme.release("d1-tables")
    programme.send("acacia", "d1-tables", START, verdict("d1-tables", MISSING, key="alone"))
    with serve(programme) as served:
        said = words(served.get("maple", PAGE))

    assert "nothing is in the way of many at the moment" in said
    assert "fewer than 3" in said
