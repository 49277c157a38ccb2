"""A deadline evening, event by event: submissions come, are received, marked and written; how long each waits.

What it is: queues in front of one exchange, some workers and one writer; whoever has work shares the cores of the
place where it is. Nothing is fitted to what it is compared with: its costs are measured one submission at a time.
"""

import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

MINUTE = 60.0
EVENING_S = 6 * 3600.0
RUSH_S = 5 * MINUTE
"""What keeps 1/(time left) finite: the last five minutes are alike."""
AGAIN, AGAIN_AFTER_S = 0.5, (3 * MINUTE, 15 * MINUTE)
"""The share that submits a second time, and how long after the first. An assumption without a source."""
RECEIVE, MARK, GIVE, WRITE = range(4)


@dataclass(frozen=True)
class Costs:
    """Seconds of one core for each part of a submission; `marking` is what was measured, to be drawn from.

    `latency` is what nobody's core is busy with: waking up, the network, the page's own question.
    """

    receive: float
    marking: Sequence[float]
    give: float
    write: float
    latency: float = 0.0
    ask_every: float = 1.0


@dataclass(frozen=True)
class Place:
    """Where it happens: cores of the machine that serves, workers, and whether these have cores of their own."""

    cores: int
    workers: int
    apart: bool = False


@dataclass
class Job:
    """A submission: when it came, was answered and was in the gradebook; what the present part still needs."""

    came: float
    needs: tuple[float, float, float, float]
    part: int = RECEIVE
    left: float = 0.0
    answered: float = 0.0
    written: float = 0.0


@dataclass
class Evening:
    """What came of it; `waiting` is how many had no answer just before each answer."""

    jobs: Sequence[Job]
    costs: Costs
    waiting: list[tuple[float, int]] = field(default_factory=list)

    def waits(self, seed: int = 7) -> list[float]:
        """Return the seconds from submit to feedback, sorted; her page asks now and then."""
        draw = random.Random(seed)
        late = self.costs.latency
        return sorted(job.answered - job.came + late + draw.uniform(0, self.costs.ask_every) for job in self.jobs)

    def percentile(self, share: float) -> float:
        """Return a percentile of the waits (nearest rank)."""
        ordered = self.waits()
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def deadline_arrivals(fellows: int, draw: random.Random) -> list[float]:
    """Return when submissions come: the pressure to act is as one over the time left (Alfi, Parisi, Pietronero 2007).

    Half of the fellows submit again after they have read what was found.
    """
    span = math.log((EVENING_S + RUSH_S) / RUSH_S)
    first = [EVENING_S + RUSH_S - RUSH_S * math.exp(span * draw.random()) for _ in range(fellows)]
    again = [moment + draw.uniform(*AGAIN_AFTER_S) for moment in first if draw.random() < AGAIN]
    return sorted(first + again)


def simulate(arrivals: Sequence[float], costs: Costs, place: Place, seed: int = 7) -> Evening:
    """Let the submissions through; the same seed gives the same evening."""
    draw = random.Random(seed)
    needs = [(costs.receive, draw.choice(costs.marking), costs.give, costs.write) for _ in arrivals]
    jobs = [Job(came, need) for came, need in zip(arrivals, needs, strict=True)]
    evening = Evening(jobs, costs)
    _Clockwork(evening, place).run()
    return evening


class _Clockwork:
    """Three stations: the exchange, the workers, the writer, who gives verdicts before it writes gradebooks."""

    def __init__(self, evening: Evening, place: Place) -> None:
        self.evening, self.place = evening, place
        self.queues: tuple[deque[Job], ...] = (deque(), deque(), deque(), deque())
        self.active: list[Job] = []
        self.free = [1, place.workers, 1]
        self.now = 0.0
        self.unanswered = 0

    def run(self) -> None:
        """Go from event to event until everything is in the gradebook."""
        coming = deque(self.evening.jobs)
        while coming or self.active:
            rates = self._rates()
            ends = min((job.left / rates[job.part == MARK] for job in self.active), default=math.inf)
            step = min(ends, coming[0].came - self.now if coming else math.inf)
            self._go_on(max(0.0, step), rates)
            while coming and coming[0].came <= self.now + 1e-9:
                self._queue(coming.popleft(), RECEIVE)
                self.unanswered += 1
            for job in [job for job in self.active if job.left <= 1e-9]:
                self._finish(job)
            self._begin()

    def _rates(self) -> tuple[float, float]:
        """Return which share of a core each one has: at the service, and in marking."""
        marking = sum(job.part == MARK for job in self.active)
        here = len(self.active) - (marking if self.place.apart else 0)
        shared = min(1.0, self.place.cores / here) if here else 1.0
        return shared, 1.0 if self.place.apart else shared

    def _go_on(self, step: float, rates: tuple[float, float]) -> None:
        self.now += step
        for job in self.active:
            job.left -= step * rates[job.part == MARK]

    def _queue(self, job: Job, part: int) -> None:
        job.part, job.left = part, job.needs[part]
        self.queues[part].append(job)

    def _finish(self, job: Job) -> None:
        self.active.remove(job)
        self.free[min(job.part, GIVE)] += 1
        if job.part == GIVE:
            job.answered = self.now
            self.evening.waiting.append((self.now, self.unanswered))
            self.unanswered -= 1
        if job.part == WRITE:
            job.written = self.now
        else:
            self._queue(job, job.part + 1)

    def _begin(self) -> None:
        for part, queue in enumerate(self.queues):
            station = min(part, GIVE)
            while queue and self.free[station]:
                self.free[station] -= 1
                self.active.append(queue.popleft())


def starts(count: int, cost_s: float, cores: int, at_once: int) -> list[float]:
    """Return when each of so many servers is there that are asked for at one moment, so many started at once."""
    alone = Costs(0.0, (cost_s,), 0.0, 0.0)
    evening = simulate([0.0] * count, alone, Place(cores, at_once))
    return sorted(job.answered for job in evening.jobs)
