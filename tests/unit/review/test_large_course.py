"""The pages of a trainer with a large class: pages of it, and what they ask of the ledger whatever its size."""

import re
from collections import Counter
from datetime import timedelta

from sqlalchemy import Connection, event

from passerelle import ledger
from passerelle.ledger import people
from passerelle.progress import track_progress
from passerelle.progress.owed import waiting_at
from passerelle.review.staff import A_PAGE, FIRST
from tests.unit.review.programme import COURSE, NOW, TRACK, Programme, fill, verdict
from tests.unit.review.served import serve
from tests.unit.review.test_pages import said

FULL = {"check-mean": 2.0, "check-missing": 4.0}
MORE = 30


def enlarge(programme: Programme, many: int) -> None:
    """Add fellows who have each sent D2, with an answer that nobody has marked."""
    handles = [f"new-{number:02}" for number in range(many)]
    programme.enrol(*handles)
    for number, handle in enumerate(handles):
        at = NOW - timedelta(days=2, minutes=number)
        programme.send(handle, "d2-clean", at, verdict("d2-clean", FULL, f"{handle}'s"))


def test_a_page_of_a_class_shows_some_fellows_and_counts_them_all(programme: Programme) -> None:
    fill(programme)
    enlarge(programme, MORE)
    shown: Counter[str] = Counter()
    with serve(programme) as pages:
        first = pages.get("maple").text
        path: str | None = ""
        while path is not None:
            page = pages.get("maple", path).text
            shown.update(set(re.findall(r'/mentee/([a-z0-9-]+)"', page)))
            following = re.search(r'href="[^"]*/services/passerelle/(\?track=[^"]*&amp;from=(\d+))">La suite', page)
            path = following[1].replace("&amp;", "&") if following else None
        everywhere = [pages.get("maple", f"?track={TRACK}&from={odd}").status_code for odd in ("-1", "x", "9999999")]

    words = said(first).replace("\u00a0", " ")
    assert f"{6 + MORE} apprenantes" in words
    assert f"1 à {A_PAGE} sur {6 + MORE}" in words
    assert f"{1 + MORE} apprenantes sur {6 + MORE} ont envoyé leur travail" in words
    assert f"et {1 + MORE - FIRST} autres" in words
    assert shown == Counter(
        [f"new-{number:02}" for number in range(MORE)] + ["acacia", "basil", "cedar", "dahlia", "fern", "iris"]
    )
    assert everywhere == [200, 200, 200]


def test_what_waits_in_a_track_is_what_the_read_model_says_of_each_fellow(programme: Programme) -> None:
    fill(programme)
    enlarge(programme, 3)
    with ledger.reading(programme.engine) as session:
        fellows = {one.handle for one in people.fellows_of_track(session, TRACK, NOW)}
        expected = {
            (one.fellow, unit.unit): list(unit.waiting)
            for one in track_progress(session, COURSE, NOW).fellows
            for unit in one.units
            if unit.waiting
        }
        found = {
            (handle, unit): waiting for handle, unit, waiting in waiting_at(session, COURSE, NOW, fellows)
        }  # fmt: skip

    assert {place: [one for one, _ in waiting] for place, waiting in found.items()} == expected
    assert {one.kind.value for waiting in expected.values() for one in waiting} == {"marking", "ours", "manual"}
    assert all(row.number == one.attempt for waiting in found.values() for one, row in waiting)


def test_a_larger_class_asks_the_ledger_no_more_often(programme: Programme) -> None:
    fill(programme)
    enlarge(programme, 2)
    asked: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    def count(path: str) -> int:
        pages.get("maple", path)
        asked.clear()
        assert pages.get("maple", path).status_code == 200
        return sum(not one.startswith("INSERT") for one in asked)

    event.listen(programme.engine, "before_cursor_execute", note)
    with serve(programme) as pages:
        small = {path: count(path) for path in ("", "queue")}
        with ledger.session(programme.engine) as session:
            for number in range(10, 30):
                people.add_person(session, f"late-{number}", "fellow", "Late", language="fr", at=NOW)
                people.enrol(session, f"late-{number}", "2026", TRACK, starts=NOW - timedelta(weeks=3))
        for number in range(10, 30):
            at = NOW - timedelta(days=1, minutes=number)
            programme.send(f"late-{number}", "d1-tables", at, verdict("d1-tables", FULL, f"late {number}"))
        large = {path: count(path) for path in small}

    assert large == small
