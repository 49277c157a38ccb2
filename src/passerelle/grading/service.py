"""The marking service's loop: it marks what comes in until it is told to stop."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.grading import pause
from passerelle.grading.cluster import Cluster, Here, SchedulerLostError
from passerelle.grading.line import Crew
from passerelle.grading.nest import hatched
from passerelle.grading.seeds import fellow_key
from passerelle.grading.wake import Bell, wake
from passerelle.grading.worker import LOOK_EVERY_S, Marking, Worker, marked_courses
from passerelle.ledger import queue, receipts
from passerelle.model.settings import Settings

log = logging.getLogger("passerelle.marking")


def work(settings: Settings, stop: threading.Event, *, marking: Marking | None = None) -> None:
    """Mark what comes in until told to stop.

    Args:
        settings: the installation.
        stop: set it to end the loop; it ends after what it writes just now, and within a second when idle. What is
            being marked elsewhere goes back into the queue.
        marking: how one submission is marked.

    Raises:
        ServiceError: where another marking service runs already.
    """
    engine = ledger.engine(settings.database_url)
    try:
        with Bell(settings.marking_socket) as bell:
            while not stop.is_set():
                try:
                    _work(settings, engine, bell, stop, marking or Marking())
                except SchedulerLostError as error:
                    log.warning("marking waits: %s", error)
                    bell.wait(LOOK_EVERY_S)
    finally:
        engine.dispose()


def _work(settings: Settings, engine: Engine, bell: Bell, stop: threading.Event, marking: Marking) -> None:
    with ExitStack() as stack:
        crew = stack.enter_context(_crew(settings, engine, marking))
        # We are the only one: what is leased was a killed marker's, and need not wait for its lease to run out.
        with ledger.session(engine) as session:
            queue.end_leases(session, datetime.now(UTC))
        fellow_of = partial(fellow_key, settings.secrets)
        courses = partial(marked_courses, settings)
        worker = Worker(engine, courses, settings.learner, marking, fellow_of=fellow_of, crew=crew)
        stack.callback(worker.give_up)
        while not stop.is_set():
            with pause.step(settings.root) as may:
                busy = may and worker.step()
                # What is under way is the middle of something: nobody works on the databases before it is through.
                while may and worker.under_way and not stop.is_set():
                    if not busy:
                        bell.wait(LOOK_EVERY_S)
                    busy = worker.step(new=not pause.is_wished(settings.root))
            if not busy and not stop.is_set():
                bell.wait(LOOK_EVERY_S)


@contextmanager
def _crew(settings: Settings, engine: Engine, marking: Marking) -> Iterator[Crew]:
    """Open who marks, as the settings say."""
    ring = partial(wake, settings.marking_socket)
    if settings.scheduler:
        with Cluster(marking.mark, scheduler=settings.scheduler, on_done=ring) as cluster:
            yield cluster
        return
    with hatched(settings.workers) as nest:
        if nest is None:
            yield Here(marking.mark)
            return
        with Cluster(marking.mark, nest, on_done=ring) as cluster:
            _warm(cluster, settings, engine)
            yield cluster


def _warm(cluster: Cluster, settings: Settings, engine: Engine) -> None:
    """Let the workers import, before anybody waits for it, what the unit asks for that was sent last."""
    with ledger.reading(engine) as session:
        last = receipts.last_unit(session)
    course_dir = marked_courses(settings).get(last[0]) if last is not None else None
    if last is None or course_dir is None:
        return
    unit = last[1]
    released = course_dir / "release" / unit / f"{unit}.ipynb"
    if released.is_file():
        cluster.warm(course_dir, unit, {released.name: released.read_bytes()}, learner=settings.learner)
