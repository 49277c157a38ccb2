"""Marks several submissions at once with `dask.distributed`: on this machine, or wherever a scheduler has workers.

A cluster holds nothing that matters. What it is asked comes back as marked, as an error, or as lost; the ledger knows
what was asked, and what is lost is asked again from there. A port on 127.0.0.1 is open to everybody on this machine,
and who speaks to a scheduler runs code as its user: so the local one asks for a certificate that is made anew each
time and never leaves the memory of its processes.
"""

import itertools
import logging
import queue
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from passerelle.grading import errand
from passerelle.grading.errand import Errand, Files, Place, WorkerDiffersError, WorkerEndedError
from passerelle.grading.layout import is_allowed
from passerelle.grading.nest import SETTINGS, Nest
from passerelle.model.errors import ServiceError

if TYPE_CHECKING:
    from passerelle.grading.marking import Marked

AHEAD = 2
"""So many submissions a worker are under way, and at most as many results wait to be written."""
CONNECT_S = 10.0
RECONNECT_S = 60.0
NOBODY_S = 120.0
FETCH_S = 30.0
LOOK_EVERY_S = 2.0
WARM_EVERY_S = 30.0

log = logging.getLogger("passerelle.marking")


class SchedulerLostError(ServiceError):
    """A scheduler cannot be reached."""

    @classmethod
    def at(cls, address: str, error: object = None) -> Self:
        """Build the error from its address and what was met."""
        why = f" ({error})" if error else ""
        return cls(f"{address}: the scheduler does not answer{why}; start it, then run this again: nothing is lost")

    @classmethod
    def empty(cls, address: str) -> Self:
        """Build the error for a scheduler without workers."""
        return cls(f"{address}: no worker has come for {NOBODY_S:g} s; start some («dask worker … --nthreads 1»)")


@dataclass(frozen=True)
class Outcome:
    """What came of a submission: marked, an error, or neither: lost, to be asked again."""

    tag: int
    marked: "Marked | None" = None
    error: Exception | None = None


class Here:
    """Marks in this process, at once: for one worker, that costs no start."""

    def __init__(self, mark: Callable[..., "Marked"]) -> None:
        self._mark = mark
        self._done: deque[Outcome] = deque()

    @property
    def room(self) -> int:
        """Return how many more may be under way."""
        return 0 if self._done else 1

    def start(self, tag: int, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> None:
        """Mark a submission; `take` has what came of it."""
        try:
            made = Outcome(tag, self._mark(course_dir, unit, files, learner=learner, fellow=fellow))
        except Exception as error:  # noqa: BLE001  whoever takes it sorts it
            made = Outcome(tag, error=error)
        self._done.append(made)

    def take(self, timeout_s: float = 0.0) -> Outcome | None:  # noqa: ARG002  Cluster's
        """Return one that came to its end."""
        return self._done.popleft() if self._done else None

    def mark(self, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> "Marked":
        """Mark a submission and wait for it, as `marking.mark`."""
        return self._mark(course_dir, unit, files, learner=learner, fellow=fellow)


class Cluster:
    """Workers that mark; `start` and `take` from one thread.

    Args:
        mark: how one submission is marked: a function of a module that workers have, too.
        nest: the processes of a local cluster.
        scheduler: else the address of a running scheduler, `tcp://…` or `tls://…`.
        on_done: is called, in another thread, when something can be taken.

    Raises:
        SchedulerLostError: nothing answers there.
    """

    def __init__(
        self,
        mark: Callable[..., "Marked"],
        nest: Nest | None = None,
        *,
        scheduler: str = "",
        on_done: Callable[[], object] = lambda: None,
    ) -> None:
        assert (nest is None) != (not scheduler)  # one of the two  # noqa: S101
        self._mark, self._nest, self._scheduler, self._on_done = mark, nest, scheduler, on_done
        self._run, self._numbers = uuid.uuid4().hex[:12], itertools.count()
        self._landed: queue.SimpleQueue[tuple[str, Outcome | None]] = queue.SimpleQueue()
        self._under_way: dict[str, tuple[int, Errand, Any]] = {}
        self._kept: deque[Outcome] = deque()
        self._alone: deque[tuple[int, Errand]] = deque()
        self._alone_now: str | None = None
        self._checked: set[Place] = set()
        self._warm_with: Errand | None = None
        self._warm: set[str] = set()
        self._warm_until = 0.0
        self._workers, self._looked, self._empty_since = (nest.workers if nest else 1), 0.0, time.monotonic()
        # Dask has no types of its own.
        self._local: Any = None
        self._client: Any = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Opening and closing

    def _open(self) -> Any:
        import dask  # noqa: PLC0415  late: one worker needs none of it

        # To import it would make Tornado's log quieter in all of this process, which is not its own.
        dask.config.set({"distributed.logging": {"version": 1, "incremental": True}})
        import distributed  # noqa: PLC0415

        for name in ("distributed", "distributed.client", "distributed.scheduler"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it is said here
        warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
        if self._nest is not None:
            return self._open_local(self._nest)
        dask.config.set({name: value for name, value in SETTINGS.items() if name.startswith("distributed.admin")})
        try:
            connect: Any = distributed.Client
            return connect(self._scheduler, timeout=CONNECT_S, set_as_default=False, heartbeat_interval="5s")
        except (OSError, ValueError, TypeError) as error:
            raise SchedulerLostError.at(self._scheduler, error) from error

    def _open_again(self) -> Any:
        """Return a new client where Dask's own has given up; what the old one was asked came back as lost."""
        until = time.monotonic() + RECONNECT_S
        while True:
            try:
                return self._open()
            except SchedulerLostError:
                if time.monotonic() > until:
                    raise

    def _open_local(self, nest: Nest) -> Any:
        import dask  # noqa: PLC0415
        import distributed  # noqa: PLC0415

        made: Any = distributed
        # One death is enough: its submission is then tried alone, and no other one is marked twice for it.
        dask.config.set({**SETTINGS, "distributed.scheduler.allowed-failures": 0})
        security = made.Security.temporary()
        options = {"host": "127.0.0.1", "protocol": "tls://", "dashboard": False, "dashboard_address": "127.0.0.1:0"}
        options["local_directory"] = nest.scratch
        self._local = made.SpecCluster(
            scheduler={"cls": made.Scheduler, "options": {**options, "security": security}},
            security=security,
            silence_logs=logging.CRITICAL,
        )
        keys = ("tls_ca_file", "tls_worker_key", "tls_worker_cert")
        nest.join(self._local.scheduler_address, {key: getattr(security, key) for key in keys})
        return made.Client(self._local, set_as_default=False, direct_to_workers=True, heartbeat_interval="60s")

    def close(self) -> None:
        """End it; what is under way is given up, and the workers of a local cluster are ended."""
        if self._nest is not None:
            self._nest.close()
        for _, _, future in self._under_way.values():
            if self._scheduler and self._client.status == "running":
                future.cancel()
        self._under_way.clear()
        self._client.close(timeout=5)
        if self._local is not None:
            self._local.close(timeout=5)

    # Asking

    @property
    def room(self) -> int:
        """Return how many more may be started now."""
        self._look()
        if self._alone or self._alone_now is not None or self._client.status != "running":
            return 0
        most, started, landed = AHEAD * self._workers, len(self._under_way), self._landed.qsize()
        return max(0, min(most - (started - landed), 2 * most - started - len(self._kept)))

    def start(self, tag: int, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> None:
        """Ask for a submission to be marked; `take` has what came of it, under this number."""
        self._ask(tag, self._errand(course_dir, unit, files, learner, fellow))

    def _errand(self, course_dir: Path, unit: str, files: Files, learner: Path, fellow: str) -> Errand:
        place = self._place(course_dir, learner)
        self._check(place)
        engine = errand.engine_of(place.learner) if self._scheduler else None  # our own processes are this version
        return Errand(place, unit, dict(files), fellow, engine)

    @staticmethod
    def _place(course_dir: Path, learner: Path) -> Place:
        return Place(str(course_dir.resolve()), str(learner.absolute()), is_allowed(course_dir))

    def _ask(self, tag: int, asked: Errand) -> str:
        key = f"mark-{self._run}-{next(self._numbers)}"
        try:
            future = self._client.submit(errand.run, self._mark, asked, key=key, pure=False)
        except Exception as error:
            if self._client.status == "closed":
                raise SchedulerLostError.at(self._said_address) from error
            raise
        self._under_way[key] = tag, asked, future
        future.add_done_callback(partial(self._fetch, key, tag))
        return key

    def _fetch(self, key: str, tag: int, future: Any) -> None:
        """Get what came of one, in Dask's thread, while ours writes; None is the death of a worker."""
        from distributed import KilledWorker  # noqa: PLC0415

        made: Outcome | None = Outcome(tag)  # cancelled, or lost with its scheduler
        try:
            if future.status == "finished":
                made = Outcome(tag, future.result(timeout=FETCH_S))
            elif future.status == "error":
                error = future.exception(timeout=FETCH_S)
                made = None if isinstance(error, KilledWorker) else Outcome(tag, error=_ours(error))
        except Exception as error:  # noqa: BLE001  the worker that had the result went: it is asked again
            log.info("a result was lost", extra={"facts": {"why": type(error).__name__}})
        self._landed.put((key, made))
        self._on_done()

    def warm(self, course_dir: Path, unit: str, files: Files, *, learner: Path) -> None:
        """Let each worker mark this once, as soon as it is there, for what that imports; no more comes of it."""
        self._warm_with = Errand(self._place(course_dir, learner), unit, dict(files), "warm")

    def _warm_up(self, now: float) -> None:
        if self._warm_with is None or now < self._warm_until:
            return
        for address in self._there():
            if address not in self._warm:
                self._warm.add(address)
                key = f"warm-{self._run}-{next(self._numbers)}"
                how: dict[str, Any] = {"workers": [address], "allow_other_workers": True, "pure": False, "key": key}
                future = self._client.submit(errand.run, self._mark, self._warm_with, **how)
                future.add_done_callback(lambda one: one.release())
        self._warm_until = now + (WARM_EVERY_S if len(self._warm) >= self._workers else 0.0)

    # Taking

    def take(self, timeout_s: float = 0.0) -> Outcome | None:
        """Return what came of one that was started, None where none came to its end in time.

        Raises:
            SchedulerLostError: its scheduler went and did not come back; nothing more will come.
        """
        return self._kept.popleft() if self._kept else self._next(timeout_s)

    def _next(self, timeout_s: float) -> Outcome | None:
        self._look()
        try:
            key, made = self._landed.get(timeout=timeout_s) if timeout_s else self._landed.get_nowait()
        except queue.Empty:
            return None
        tag, asked, future = self._under_way.pop(key)
        future.release()
        was_alone = key == self._alone_now
        if was_alone:
            self._alone_now = None
        if made is None and not was_alone:
            self._alone.append((tag, asked))
        elif made is None:
            made = Outcome(tag, error=WorkerEndedError.twice())
        if self._alone and not self._under_way:
            # Whichever it had ended its worker: one after the other, with nobody beside it.
            self._alone_now = self._ask(*self._alone.popleft())
        return made

    def mark(self, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> "Marked":
        """Mark a submission and wait for it, as `marking.mark`; the others go on."""
        asked = self._errand(course_dir, unit, files, learner, fellow)
        self._ask(-1, asked)
        while True:
            made = self._next(1.0)
            if made is None:
                continue
            if made.tag >= 0:
                self._kept.append(made)
            elif made.error is not None:
                raise made.error
            elif made.marked is not None:
                return made.marked
            else:
                self._ask(-1, asked)

    # Looking after it

    def _look(self) -> None:
        """See, now and then, that somebody is there to mark.

        Raises:
            SchedulerLostError: nobody has been for too long.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        if self._nest is not None:
            if self._nest.revive():
                log.warning("the marking processes ended, and are started again")
            self._warm_up(now)
            return
        if self._client.status == "closed":
            self._client = self._open_again()
        elif self._client.status != "running":
            log.warning("%s: the scheduler went; waiting for it", self._scheduler)
            return
        self._workers = len(self._there())
        if self._workers:
            self._empty_since = now
        elif now - self._empty_since > NOBODY_S:
            raise SchedulerLostError.empty(self._scheduler)
        self._workers = max(1, self._workers)

    def _there(self) -> list[str]:
        """Return the addresses of the workers that are there; none where nobody can say."""
        try:
            return [*self._client.nthreads()]
        except Exception as error:  # noqa: BLE001  the scheduler went just now: the next look says so
            log.info("nobody says who is there", extra={"facts": {"why": type(error).__name__}})
            return []

    @property
    def _said_address(self) -> str:
        return self._scheduler or "the scheduler in this process"

    def check(self, course_dir: Path, learner: Path) -> None:
        """Wait for a worker, and compare what those that are there would mark with.

        Raises:
            SchedulerLostError: none comes.
            WorkerDiffersError: one would mark otherwise.
        """
        try:
            self._client.wait_for_workers(1, timeout=NOBODY_S)
        except TimeoutError as error:
            raise SchedulerLostError.empty(self._scheduler) from error
        self._check(self._place(course_dir, learner))

    def _check(self, place: Place) -> None:
        """Compare, once a course, what the workers that are there would mark with.

        Raises:
            WorkerDiffersError: one would mark otherwise; those that come later are asked with each submission.
        """
        if not self._scheduler or place in self._checked:
            return
        ours = errand.engine_of(place.learner)
        for address, said in self._client.run(errand.said_by_worker, place, on_error="return").items():
            if isinstance(said, BaseException):
                raise WorkerDiffersError.at(address, f"it cannot mark ({type(said).__name__}: {said})")
            engine, has_course = said
            differing = ours.differing(engine)
            if not has_course:
                differing = f"it has no {place.course_dir}"
            if differing is not None:
                raise WorkerDiffersError.at(address, differing)
        threads = {address: count for address, count in self._client.nthreads().items() if count != 1}
        for address, count in threads.items():
            raise WorkerDiffersError.at(address, f"it has {count} threads, and marks with one («--nthreads 1»)")
        self._checked.add(place)


def _ours(error: BaseException | None) -> Exception:
    return error if isinstance(error, Exception) else ServiceError(f"a worker was stopped ({type(error).__name__})")
