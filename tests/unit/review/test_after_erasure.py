"""When somebody has been erased, everybody else's pages go on, and no tombstone stands on any of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.ledger import erasure, people
from passerelle.model.people import Role
from tests.unit.review.meeting_story import meet
from tests.unit.review.programme import NOW, TRACK, fill, new_programme
from tests.unit.review.served import Served, serve

PAGES = {
    "oak": ("", "mentee/basil", "mentee/basil/meetings", "mydata"),
    "willow": ("", "mydata"),
    "maple": ("", "queue", f"marking/{TRACK}", f"stuck/{TRACK}", f"stuck-where/{TRACK}", f"export/{TRACK}.csv", "mydata"),
    "linden": ("", "programme/quiet", "programme/owed", "programme/mentors", "programme/cohort/2026", "erasures",
               f"export/{TRACK}.json", "mydata"),
    "basil": ("", "mydata", "mentee/basil"),
}  # fmt: skip


@pytest.fixture(params=["fern", "oak", "maple"])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Served]]:
    """A year's programme, from which a fellow, a mentor or a trainer was erased."""
    programme = new_programme(tmp_path)
    fill(programme)
    meet(programme)
    with ledger.session(programme.engine) as session:
        people.enrol(session, "basil", "2026", "another-track", starts=NOW)
        erasure.ask(session, request.param, request.param, NOW)
        assert erasure.erase(session, request.param, erasure.new_tombstone(), NOW)
        assert request.param not in {one.handle for one in people.people(session, Role.FELLOW)}
    with serve(programme) as served:
        yield request.param, served
    programme.engine.dispose()


def test_pages_of_others_go_on(left: tuple[str, Served]) -> None:
    gone, served = left
    odd = []
    for handle, paths in PAGES.items():
        for path in paths if handle != gone else ():
            answer = served.get(handle, path)
            if answer.status_code != 200 and not (gone == "oak" and path.startswith("mentee")):
                odd.append(f"{handle} {path}: {answer.status_code}")
            if "erased-" in answer.text or (gone == "fern" and "Fern" in answer.text):
                odd.append(f"{handle} {path}: names a tombstone")

    assert odd == []
    assert served.get(gone, "").status_code == 403
