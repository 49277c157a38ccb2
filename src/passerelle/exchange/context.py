"""What every handler works with."""

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from jupyterhub.services.auth import HubOAuth
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.exchange.limits import Pace, Uploads
from passerelle.exchange.looks import Looks
from passerelle.model.settings import Settings
from passerelle.model.unix_socket import address_of

Answer = TypeVar("Answer")

SERVICE_PREFIX = "/services/passerelle/"


def utc_now() -> datetime:
    """Return the exchange's time: the one that counts."""
    return datetime.now(UTC)


def _one_thread() -> Executor:
    return ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")


def wake_marking(marking_socket: Path, word: bytes) -> None:
    """Tell the marking service that there is work. It looks by itself too, so nobody hearing is no error."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        try:
            with address_of(marking_socket) as address:
                channel.sendto(word, address)
        except OSError:
            return


@dataclass(frozen=True)
class Context:
    """An installation as its handlers see it.

    `hub_auth` is the hub's own where it is None; `wake` gets `b"mark"` after a submission or a request to mark
    again, `b"manual <track>"` when a person marked something. `checking` is held while a submission is looked at;
    `pace` and `uploads` bound what one account may ask for. `writer` is the thread in which everything is written.
    """

    settings: Settings
    engine: Engine
    clock: Callable[[], datetime] = utc_now
    prefix: str = field(default_factory=lambda: os.environ.get("JUPYTERHUB_SERVICE_PREFIX", SERVICE_PREFIX))
    hub_auth: HubOAuth | None = None
    wake: Callable[[bytes], None] | None = None
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)
    pace: Pace = field(default_factory=Pace)
    uploads: Uploads = field(default_factory=Uploads)
    looks: Looks = field(default_factory=Looks)
    writer: Executor = field(default_factory=_one_thread)

    def wake_marking(self, word: bytes) -> None:
        """Wake the marking service; never raises for its sake."""
        if self.wake is not None:
            self.wake(word)
        else:
            wake_marking(self.settings.marking_socket, word)


class InLedger:
    """A handler that works in the ledger: in a thread, beside the event loop."""

    context: Context

    async def reading(self, work: Callable[[Session], Answer]) -> Answer:
        """Return what `work` reads, without holding up others who read or write."""

        def done() -> Answer:
            with ledger.reading(self.context.engine) as session:
                return work(session)

        return await asyncio.to_thread(done)

    async def writing(self, work: Callable[[Session], Answer]) -> Answer:
        """Return what `work` does in one transaction, which is committed when this returns.

        In a thread of its own: SQLite has one writer at a time. Those who wait for it, or for a lock that another
        process holds, must not sit in the few threads in which everybody else reads.
        """

        def done() -> Answer:
            with ledger.session(self.context.engine) as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self.context.writer, done)
