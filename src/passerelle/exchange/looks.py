"""Looks at somebody's pages are written down before the pages are shown: all that wait, in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from passerelle.ledger import people

Writing = Callable[[Callable[[Session], None]], Awaitable[None]]
"""What does a piece of work in one transaction (`InLedger.writing`)."""


@dataclass(frozen=True)
class Look:
    """Who looked at whom, at what, when."""

    viewer: str
    subject: str
    what: str
    at: datetime


class Looks:
    """Writes looks; those that come while a transaction is under way wait for the next one, which takes them all.

    A transaction that ends is on the disk, and a busy disk takes its time: with one a page, the twentieth of twenty
    readers would wait twenty times as long. To be used on one event loop.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Sequence[Look], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, looks: Sequence[Look], writing: Writing) -> None:
        """Return when looks are in the ledger; what hinders that is raised here, for everybody who waits for it."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((looks, written))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all(writing))
        await written

    async def _write_all(self, writing: Writing) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                rows = [look for looks, _ in taken for look in looks]
                (fault,) = await asyncio.gather(writing(partial(_log, rows)), return_exceptions=True)
                for _, written in taken:
                    if written.done():  # its reader has gone
                        continue
                    if fault is None:
                        written.set_result(None)
                    else:
                        written.set_exception(fault)
        finally:
            self._task = None


def _log(looks: Sequence[Look], session: Session) -> None:
    for look in looks:
        people.log_access(session, look.viewer, look.subject, look.what, look.at)
