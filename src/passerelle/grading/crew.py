"""Marks ahead in several processes, for one marker that records: each submission is a matter of its own."""

import ctypes
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import Self

from passerelle.grading.layout import allow_elsewhere
from passerelle.grading.marking import Marked
from passerelle.model.errors import ServiceError

Files = Mapping[str, bytes]
_PR_SET_PDEATHSIG = 1


class CrewError(ServiceError):
    """A marking process ended."""

    @classmethod
    def ended(cls) -> Self:
        """Build the error; no submission is at fault before it was marked alone."""
        return cls("the marking process ended twice while it had this; mark it alone, or give the machine more memory")


class Crew:
    """Some processes that mark; `mark` has the same arguments and result as `marking.mark`.

    Args:
        course_dir: whose submissions are marked.
        workers: how many processes.
        mark: how one submission is marked.
        key_of: what the key of the verdict on a fellow's submission will be.
        ahead: the submissions in the order in which they will be asked for, as far as that is known; one that
            has its verdict already is left out by who makes this.
    """

    def __init__(
        self,
        course_dir: Path,
        workers: int,
        mark: Callable[..., Marked],
        key_of: Callable[[Files, str], str],
        ahead: Iterator[tuple[str, Files, str]],
        *,
        learner: Path,
    ) -> None:
        self._course_dir, self._workers, self._mark, self._key_of = course_dir, workers, mark, key_of
        self._ahead, self._learner = ahead, learner
        self._under_way: dict[str, Future[Marked]] = {}
        self._done: set[str] = set()
        self._pool = self._new_pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def mark(self, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> Marked:  # noqa: ARG002  marking.mark's
        """Mark a submission, or take what was marked ahead.

        Raises:
            ServiceError: a fault of ours, as `marking.mark` does, or a process that ended twice.
        """
        key = self._key_of(files, fellow)
        try:
            return self._take(key, unit, files, fellow)
        except BrokenProcessPool:
            # Whichever it had ended it: the others are marked again, and this one alone.
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._under_way.clear()
            self._pool = self._new_pool()
            alone = self._start(unit, files, fellow)
            try:
                return alone.result()
            except BrokenProcessPool:
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = self._new_pool()
                raise CrewError.ended() from None

    def _take(self, key: str, unit: str, files: Files, fellow: str) -> Marked:
        if key not in self._under_way:
            self._under_way[key] = self._start(unit, files, fellow)
        self._go_ahead(unit)
        mine = self._under_way[key]
        try:
            return mine.result()
        finally:
            del self._under_way[key]
            self._done.add(key)

    def _go_ahead(self, unit: str) -> None:
        """Keep the processes busy, and no more than twice as many results waiting."""
        while len(self._under_way) < 2 * self._workers:
            found = next(self._ahead, None)
            if found is None:
                return
            key, files, fellow = found
            if key not in self._under_way and key not in self._done:
                self._under_way[key] = self._start(unit, files, fellow)

    def _start(self, unit: str, files: Files, fellow: str) -> Future[Marked]:
        return self._pool.submit(_mark, self._mark, self._course_dir, unit, dict(files), self._learner, fellow)

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawned: this process has threads, and its locks are nobody else's.
        return ProcessPoolExecutor(self._workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """End with whoever started this process, and leave Ctrl-C to it."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _mark(mark: Callable[..., Marked], course_dir: Path, unit: str, files: Files, learner: Path, fellow: str) -> Marked:
    allow_elsewhere(course_dir)
    return mark(course_dir, unit, files, learner=learner, fellow=fellow)
