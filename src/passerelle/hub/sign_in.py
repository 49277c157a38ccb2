"""How often a password may be tried, and by how many at once: by account, never by address.

A whole class sits behind one address. A browser that has signed in before counts for itself: who tries
somebody's user name elsewhere does not keep her out of her own.
"""

import asyncio
import hmac
import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.ledger import tries

AT_ONCE = 2
"""Passwords looked at together: each takes 64 MB and a core for a tenth of a second, on purpose."""

IN_LINE = 100
"""Who comes when so many wait is asked to come back: a flood must not fill the memory."""

SEEN_DAYS = 90
Result = TypeVar("Result")


class BusyError(Exception):
    """Too many want to sign in at this moment."""


class Door:
    """Lets passwords be looked at in turn, and not too often for one account."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._in_line = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn.

        Raises:
            BusyError: where the line is too long.
        """
        if self._in_line >= IN_LINE:
            raise BusyError
        self._in_line += 1
        try:
            async with self._turns:
                yield
        finally:
            self._in_line -= 1

    async def begin(self, key: str) -> datetime | None:
        """Count a try; return until when it has to wait, None where its password may be looked at."""
        return await self._write(lambda session: tries.begin(session, key, datetime.now(UTC)))

    async def refused(self, key: str) -> datetime | None:
        """Return until when the next try has to wait."""
        return await self._write(lambda session: tries.wait(session, key, datetime.now(UTC)))

    async def welcome(self, key: str) -> None:
        """Begin to count anew."""
        await self._write(lambda session: tries.forget(session, key))

    async def _write(self, work: Callable[[Session], Result]) -> Result:
        def write() -> Result:
            with ledger.session(self._engine) as session:
                return work(session)

        return await asyncio.to_thread(write)


def seconds_until(moment: datetime) -> int:
    """Return the whole seconds to a moment, at least 1."""
    return max(1, math.ceil((moment - datetime.now(UTC)).total_seconds()))


def _mark(handler: Any, what: str) -> str:
    return hmac.new(handler.settings["cookie_secret"], what.encode(), sha256).hexdigest()


def _seen_cookie(handler: Any, handle: str) -> str:
    # A cookie a person, so that several may share a computer; whose it is cannot be read from it.
    return "passerelle-seen-" + _mark(handler, f"seen {handle}")[:16]


def key_of(handler: Any, handle: str) -> str:
    """Return what tries are counted by: the account, and the browser where it has signed in to it before.

    A keyed hash: people type passwords into the wrong field, and the ledger should not keep that.
    """
    seen = handler.get_secure_cookie(_seen_cookie(handler, handle), max_age_days=SEEN_DAYS)
    return _mark(handler, f"tries {handle} {seen.decode('ascii', 'replace') if seen else ''}")


def remember_browser(handler: Any, handle: str) -> None:
    """Let a browser count for itself the next times she signs in with it."""
    name = _seen_cookie(handler, handle)
    if not handler.get_secure_cookie(name, max_age_days=SEEN_DAYS):
        # The hub's own way of setting cookies: secure where people come by https.
        handler._set_cookie(  # it is for its handlers, and for ours
            name, secrets.token_hex(16), expires_days=SEEN_DAYS, path=handler.hub.base_url, samesite="Lax"
        )
