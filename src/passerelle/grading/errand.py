"""What a worker is asked: to mark one submission, and what it must be like to do so.

Workers import this, so it stays light; the marker itself comes in with the first errand.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

from passerelle.model.errors import ServiceError

if TYPE_CHECKING:
    from passerelle.grading.marking import Marked

Files = Mapping[str, bytes]


class WorkerEndedError(ServiceError):
    """A marking process ended while it had a submission."""

    @classmethod
    def twice(cls) -> Self:
        """Build the error; that it was the submission's doing is likely, and not proven: it waits for us."""
        return cls("the marking process ended twice while it had this, the second time alone; look at its memory")


class WorkerDiffersError(ServiceError):
    """A worker would mark otherwise than the one who asks."""

    @classmethod
    def at(cls, worker: str, differing: str) -> Self:
        """Build the error from the worker's name or address, and what is not the same there."""
        return cls(
            f"worker {worker}: {differing}; install the same version there, at the same path, and start the worker anew"
        )


@dataclass(frozen=True)
class Place:
    """Where marking takes place, as paths that are the same everywhere.

    `elsewhere` says that the course directory may be one that was not built here (`layout.allow_elsewhere`).
    """

    course_dir: str
    learner: str
    elsewhere: bool = False


@dataclass(frozen=True)
class Engine:
    """What a verdict depends on beside the course and what was sent, as hashes."""

    marker: str
    environment: str

    def differing(self, other: Self) -> str | None:
        """Return what another's engine has that is not the same; None where there is nothing."""
        if self.marker != other.marker:
            return f"its Passerelle is another one ({other.marker}, here {self.marker})"
        if self.environment != other.environment:
            return f"its learner environment is another one ({other.environment[:12]}, here {self.environment[:12]})"
        return None


@dataclass(frozen=True)
class Errand:
    """One submission to be marked: plain data. `fellow` stands for whose it is, in the seeds alone.

    `engine` is what a worker must have that was started by somebody else.
    """

    place: Place
    unit: str
    files: Files
    fellow: str
    engine: Engine | None = None


def engine_of(learner: str) -> Engine:
    """Return what this process would mark with."""
    from passerelle.grading.prepare import engine  # noqa: PLC0415  see above
    from passerelle.grading.walls import environment_mark  # noqa: PLC0415

    return Engine(engine(), sha256(environment_mark(Path(learner)).encode()).hexdigest())


def said_by_worker(place: Place) -> tuple[Engine, bool]:
    """Return, in a worker, what it would mark with, and whether it has the course directory."""
    return engine_of(place.learner), Path(place.course_dir).is_dir()


def run(mark: Callable[..., "Marked"], errand: Errand) -> "Marked":
    """Mark, in a worker.

    Raises:
        WorkerDiffersError: this worker would mark otherwise than who asks.
        ServiceError: as `marking.mark` does.
    """
    from passerelle.grading.layout import allowed_elsewhere  # noqa: PLC0415  see above

    place = errand.place
    differing = errand.engine.differing(engine_of(place.learner)) if errand.engine is not None else None
    if differing is not None:
        raise WorkerDiffersError.at(_name(), differing)
    course_dir = Path(place.course_dir)
    with ExitStack() as stack:
        if place.elsewhere:
            stack.enter_context(allowed_elsewhere(course_dir))
        return mark(course_dir, errand.unit, errand.files, learner=Path(place.learner), fellow=errand.fellow)


def _name() -> str:
    from distributed import get_worker  # noqa: PLC0415  see above

    try:
        return str(get_worker().address)
    except ValueError:
        return f"process {os.getpid()}"
