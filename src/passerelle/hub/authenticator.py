"""Log-in against the ledger: handle and password, role and tracks become the hub's groups."""

import asyncio
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jupyterhub.auth import Authenticator
from sqlalchemy import Engine
from traitlets import Unicode

from passerelle import ledger
from passerelle.hub.look import LanguageLoginHandler
from passerelle.hub.roles import groups_of
from passerelle.ledger import people
from passerelle.model.people import HANDLE_PATTERN, Role, course_user


@dataclass(frozen=True)
class Account:
    """What the hub needs to know of somebody."""

    handle: str
    language: str
    groups: list[str]


class PasserelleAuthenticator(Authenticator):  # type: ignore[misc]  # jupyterhub has no types
    """Authenticate whom the ledger knows; accounts of courses cannot log in."""

    database_url = Unicode(help="SQLAlchemy URL of the ledger").tag(config=True)

    @cached_property
    def engine(self) -> Engine:
        """Return the ledger's engine."""
        return ledger.engine(self.database_url)

    def account(self, handle: str, password: str | None = None) -> Account | None:
        """Return the account of a handle, or None where there is none (or the password is another)."""
        if not re.fullmatch(HANDLE_PATTERN, handle) or handle.startswith(course_user("")):
            return None
        with ledger.reading(self.engine) as session:
            if password is not None and not people.password_matches(session, handle, password):
                return None
            person = people.person(session, handle)
            if person is None:
                return None
            tracks = people.tracks_of(session, handle)
            return Account(handle, person.language, groups_of(Role(person.role), tracks))

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """Return the hub's model of who logs in, or None."""
        handle = (data.get("username") or "").strip().lower()
        # argon2 takes its time on purpose: not in the hub's event loop.
        account = await asyncio.to_thread(self.account, handle, data.get("password") or "")
        if account is None:
            return None
        if isinstance(handler, LanguageLoginHandler):
            handler.remember_language(account.language)
        return {"name": account.handle, "groups": account.groups}

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:  # noqa: ARG002  # the hub's signature
        """Take up changed roles and tracks; end the session of somebody the ledger no longer knows."""
        if user.name.startswith(course_user("")):
            return True
        account = await asyncio.to_thread(self.account, user.name)
        return {"name": account.handle, "groups": account.groups} if account else False

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:  # noqa: ARG002  # the hub's signature
        """Return our log-in page; it comes before the hub's own."""
        return [("/login", LanguageLoginHandler)]
