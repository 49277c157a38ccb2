"""Log-in against the ledger: handle and password, role and tracks become the hub's groups."""

import asyncio
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import Template404
from sqlalchemy import Engine
from traitlets import Unicode

from passerelle import ledger
from passerelle.hub.leaving import LeavingHandler
from passerelle.hub.look import LanguageLoginHandler
from passerelle.hub.roles import groups_of
from passerelle.hub.sign_in import BusyError, Door, key_of, remember_browser
from passerelle.hub.welcome import WelcomeHandler
from passerelle.ledger import people
from passerelle.model.people import HANDLE_PATTERN, Role, course_user


@dataclass(frozen=True)
class Account:
    """What the hub needs to know of somebody."""

    handle: str
    language: str
    groups: list[str]

    @property
    def model(self) -> dict[str, Any]:
        """Return it as the hub wants it."""
        return {"name": self.handle, "groups": self.groups}


class PasserelleAuthenticator(Authenticator):  # type: ignore[misc]  # jupyterhub has no types
    """Authenticate whom the ledger knows; accounts of courses cannot log in."""

    database_url = Unicode(help="SQLAlchemy URL of the ledger").tag(config=True)

    @cached_property
    def engine(self) -> Engine:
        """Return the ledger's engine."""
        return ledger.engine(self.database_url)

    @cached_property
    def door(self) -> Door:
        """Return what lets passwords be looked at in turn."""
        return Door(self.engine)

    def account(self, handle: str, password: str | None = None) -> Account | None:
        """Return the open account of a handle, or None where there is none (or the password is another)."""
        with ledger.reading(self.engine) as session:
            # First of all, so that every answer takes as long.
            if password is not None and not people.password_matches(session, handle, password):
                return None
            if not re.fullmatch(HANDLE_PATTERN, handle) or handle.startswith(course_user("")):
                return None
            person = people.account(session, handle)
            if person is None:
                return None
            tracks = people.tracks_of(session, handle)
            return Account(handle, person.language, groups_of(Role(person.role), tracks))

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """Return the hub's model of who logs in, or None."""
        handle = (data.get("username") or "").strip().lower()
        page = handler if isinstance(handler, LanguageLoginHandler) else None
        key = key_of(handler, handle)
        wait = await self.door.begin(key)
        try:
            account = None if wait else await self._look_at(handle, data.get("password") or "")
        except BusyError:
            if page:
                page.busy = True
            return None
        if account is None:
            if page:
                page.wait_until = wait or await self.door.refused(key)
            return None
        await self.door.welcome(key)
        remember_browser(handler, handle)
        if page:
            page.remember_language(account.language)
        return account.model

    async def _look_at(self, handle: str, password: str) -> Account | None:
        async with self.door.turn():
            # argon2 takes its time on purpose: not in the hub's event loop.
            return await asyncio.to_thread(self.account, handle, password)

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:  # noqa: ARG002  # the hub's signature
        """Take up changed roles and tracks; end the session of somebody whose account is closed or unknown."""
        if user.name.startswith(course_user("")):
            return True
        account = await asyncio.to_thread(self.account, user.name)
        return account.model if account else False

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:  # noqa: ARG002  # the hub's signature
        """Return our log-in and log-out, which come before the hub's own, and the page of links."""
        return [
            ("/login", LanguageLoginHandler),
            (r"/welcome/([A-Za-z0-9_-]{20,100})", WelcomeHandler),
            ("/logout", LeavingHandler),
            # The hub's page for tokens: nobody here has a use for it, and it needs scripts that our policy forbids.
            ("/token", Template404),
        ]
