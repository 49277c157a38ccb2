"""After one new verdict every figure is right within a second: nothing is rebuilt, nothing is kept."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from passerelle import ledger
from passerelle.ledger import people
from passerelle.progress import fellow_progress, track_export, track_progress
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, fill, verdict
from tests.unit.review.served import Served, serve

WITHIN_S = 1.0
FULL = {"check-mean": 2.0, "check-missing": 4.0}


def test_a_new_verdict_is_in_every_figure_within_a_second(programme: Programme) -> None:
    fill(programme)
    with ledger.reading(programme.engine) as session:
        before = fellow_progress(session, COURSE, "iris", NOW)
        exported = track_export(track_progress(session, COURSE, NOW), programme.settings)
    sent = programme.send("iris", "d2-clean", NOW - timedelta(minutes=1))
    programme.mark(sent, verdict("d2-clean", FULL, why=None), NOW)

    began = time.perf_counter()
    with ledger.reading(programme.engine) as session:
        alone = fellow_progress(session, COURSE, "iris", NOW)
        track = track_progress(session, COURSE, NOW)
    made = track_export(track, programme.settings)
    took = time.perf_counter() - began

    assert before is not None
    assert alone is not None
    assert (before.unit("d2-clean").points, alone.unit("d2-clean").points) == (None, 6.0)
    assert alone in track.fellows
    assert [one.mastered for one in alone.trend][-1] == 2
    names = [one.name for one in made.tables[0].columns]
    # Rows of who is exported under which id stay in their places: only hers has changed, and only in this unit.
    changed = [dict(zip(names, row, strict=True)) for row in made.tables[0].rows if row not in exported.tables[0].rows]
    assert len({one["fellow"] for one in changed}) == 1
    assert {(one["unit"], one["unit_points"], one["attempts"]) for one in changed} == {("d2-clean", 6.0, 1)}
    assert took < WITHIN_S


@pytest.fixture
def served(programme: Programme) -> Iterator[Served]:
    fill(programme)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "iris", starts=START)
        for one in people.people(session):
            one.language = "en"
    with serve(programme) as running:
        yield running


def words(served: Served, handle: str, path: str) -> str:
    """Return the words of a page, as one line."""
    answer = served.get(handle, path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


NEW = {
    "the sheet": ("oak", "mentee/iris/units", "6 of 8 points"),
    "her path": ("iris", "", "2 of 3 tasks"),
    "the unit": ("iris", f"unit/{TRACK}/d2-clean", "Attempt 1 counts: 6 of 8 points."),
    "the course": ("maple", "", "Iris 6 of 8 points"),
    "the queue": ("maple", "queue", "Iris · an answer to mark · Clean data"),
}
OLD = {
    "My mentees": ("oak", "", "no submission yet"),
    "the programme": ("linden", "programme/quiet", "Iris iris"),
}
"""What a page says only when the verdict is there, or no longer: who looks, where, the words."""


def stale(served: Served) -> list[str]:
    """Return the pages that do not say yet what the verdict makes true."""
    pages = {name: words(served, who, path) for name, (who, path, _) in (NEW | OLD).items()}
    return [
        *(name for name, (_, _, said) in NEW.items() if said not in pages[name]),
        *(name for name, (_, _, said) in OLD.items() if said in pages[name]),
    ]


@pytest.mark.slow
def test_a_new_verdict_is_on_every_page_within_a_second(programme: Programme, served: Served) -> None:
    assert stale(served) == [*NEW, *OLD]

    sent = programme.send("iris", "d2-clean", NOW - timedelta(minutes=1))
    programme.mark(sent, verdict("d2-clean", FULL, why="hers"), NOW)

    until = time.monotonic() + WITHIN_S
    while (late := stale(served)) and time.monotonic() < until:
        pass
    assert late == []
