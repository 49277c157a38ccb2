"""After one new verdict every figure is right within a second: nothing is rebuilt, nothing is kept."""

import time
from datetime import timedelta

from passerelle import ledger
from passerelle.progress import fellow_progress, track_export, track_progress
from tests.unit.review.programme import COURSE, NOW, Programme, fill, verdict

WITHIN_S = 1.0
FULL = {"check-mean": 2.0, "check-missing": 4.0}


def test_a_new_verdict_is_in_every_figure_within_a_second(programme: Programme) -> None:
    fill(programme)
    with ledger.reading(programme.engine) as session:
        before = fellow_progress(session, COURSE, "iris", NOW)
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
    assert 6.0 in {row[7] for row in made.tables[0].rows}
    assert took < WITHIN_S
