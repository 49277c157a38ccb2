"""The simulation of docs/scale.md: queues whose answers can be worked out by hand."""

import random

import pytest

from benchmarks.evening import AGAIN, EVENING_S, MINUTE, Costs, Place, deadline_arrivals, simulate, starts


def answered(costs: Costs, place: Place, *arrivals: float) -> list[float]:
    return [pytest.approx(job.answered) for job in simulate(arrivals, costs, place).jobs]


def test_a_submission_alone_takes_the_sum_of_its_parts() -> None:
    evening = simulate([5.0], Costs(0.1, [2.0], 0.3, 0.7, latency=0.4, ask_every=0.0), Place(2, 1))

    assert evening.jobs[0].answered == pytest.approx(5 + 0.1 + 2.0 + 0.3)
    assert evening.waits() == [pytest.approx(0.1 + 2.0 + 0.3 + 0.4)]
    assert evening.jobs[0].written == pytest.approx(5 + 0.1 + 2.0 + 0.3 + 0.7)


@pytest.mark.parametrize(
    ("place", "moments"),
    [
        pytest.param(Place(2, 1), [2, 4, 6], id="one-worker-marks-one-after-another"),
        pytest.param(Place(4, 3), [2, 2, 2], id="a-worker-each"),
        pytest.param(Place(1, 2), [4, 4, 6], id="two-workers-share-one-core"),
        pytest.param(Place(1, 3, apart=True), [2, 2, 2], id="workers-with-cores-of-their-own"),
    ],
)
def test_workers_and_cores_are_shared(place: Place, moments: list[float]) -> None:
    assert answered(Costs(0.0, [2.0], 0.0, 0.0), place, 0.0, 0.0, 0.0) == moments


def test_the_writer_gives_verdicts_before_it_writes_gradebooks() -> None:
    evening = simulate([0.0, 0.0, 0.0], Costs(0.0, [1.0], 0.5, 10.0), Place(8, 3))

    assert [job.answered for job in evening.jobs] == [pytest.approx(moment) for moment in (1.5, 2.0, 2.5)]
    assert max(job.written for job in evening.jobs) == pytest.approx(32.5)


def test_most_come_in_the_last_hour_and_the_same_seed_gives_the_same_evening() -> None:
    arrivals = deadline_arrivals(20_000, random.Random(7))
    first = [moment for moment in arrivals if moment <= EVENING_S]

    assert arrivals == deadline_arrivals(20_000, random.Random(7))
    assert len(arrivals) == pytest.approx(20_000 * (1 + AGAIN), rel=0.02)
    assert sum(moment > EVENING_S - 60 * MINUTE for moment in arrivals) > 0.55 * len(arrivals)
    assert sum(moment > EVENING_S - 10 * MINUTE for moment in first) > 0.2 * len(arrivals)


def test_servers_start_as_many_at_once_as_there_are_cores() -> None:
    assert starts(4, 3.0, 2, 2) == [pytest.approx(moment) for moment in (3, 3, 6, 6)]
