"""The page of a link: she chooses a password, once, and is signed in."""

import asyncio
import time
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import new_token
from tornado.web import HTTPError

from passerelle import ledger
from passerelle.hub import look
from passerelle.hub.sign_in import BusyError, remember_browser
from passerelle.ledger import invitations, people
from passerelle.ledger.tables import Person
from passerelle.model.passwords import LONGEST, SHORTEST, fault_of
from passerelle.model.people import LANGUAGES


class WelcomeHandler(BaseHandler):  # type: ignore[misc]  # jupyterhub has no types
    """Asks nobody who she is: who holds the link may choose the password.

    Looking at the page changes nothing, since mail programs look first. Used, over, ended and never made are
    one answer. The token stands in no log, no cache and no referrer.
    """

    form_is_old = False

    def set_default_headers(self) -> None:
        """Let nobody keep the page or learn its address."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Robots-Tag", "noindex")

    def check_xsrf_cookie(self) -> None:
        """Find out whether the form is of this browser and of this hour; `post` shows it again where it is not."""
        try:
            super().check_xsrf_cookie()
        except HTTPError:
            self.form_is_old = True

    async def get(self, token: str) -> None:
        """Answer with the form."""
        wanted = self.get_query_argument("language", "")
        if wanted in LANGUAGES:
            # Not by the switch of the other pages: that one's address holds where it comes back to, and is logged.
            look.remember(self, wanted)
            self.request.cookies[look.COOKIE] = wanted
        person = await self._person(token)
        await (self._form(person) if person else self._no_link())

    async def post(self, token: str) -> None:
        """Take the password, sign her in, end every other session of hers."""
        person = await self._person(token)
        if person is None:
            await self._no_link()
            return
        password, again = (self.get_body_argument(name, "", strip=False) for name in ("password", "again"))
        if self.form_is_old:
            await self._form(person, "old")
        elif fault := fault_of(password, again, person.handle, person.first_name, "passerelle"):
            await self._form(person, fault)
        else:
            await self._take(token, password, person)

    async def _take(self, token: str, password: str, person: Person) -> None:
        try:
            async with self.authenticator.door.turn():
                hashed = await asyncio.to_thread(people.hash_password, password)
        except BusyError:
            await self._form(person, "busy")
            return
        if await asyncio.to_thread(self._use, token, hashed) is None:
            await self._no_link()
            return
        account = await asyncio.to_thread(self.authenticator.account, person.handle)
        if account is None:
            await self._no_link()
            return
        if self.current_user is not None:
            # Somebody, she herself perhaps, is signed in here: the pages must not go on with that session.
            self.clear_login_cookie()
        user = await self.auth_to_user({"admin": None, "auth_state": None, **account.model})
        end_sessions(self, user)
        self._jupyterhub_user = None
        self.__dict__.pop("_session_id", None)
        self.set_session_cookie()
        self.set_login_cookie(user)
        user._auth_refreshed = time.monotonic()  # as the hub's own log-in does
        remember_browser(self, account.handle)
        look.remember(self, account.language)
        self.redirect(self.get_next_url(user), status=303)

    def _use(self, token: str, hashed: str) -> Person | None:
        with ledger.session(self.authenticator.engine) as session:
            return invitations.use_link(session, token, hashed)

    async def _person(self, token: str) -> Person | None:
        def read() -> Person | None:
            with ledger.reading(self.authenticator.engine) as session:
                return invitations.person_of(session, token)

        return await asyncio.to_thread(read)

    async def _form(self, person: Person, fault: str = "") -> None:
        if fault:
            self.set_status(422)
        facts = {"handle": person.handle, "fault": fault, "shortest": SHORTEST, "longest": LONGEST}
        facts["action"] = self.request.path
        xsrf = self.xsrf_token.decode("ascii")
        self.finish(await self.render_template("welcome.html", **facts, xsrf=xsrf))

    async def _no_link(self) -> None:
        self.set_status(404)
        self.finish(await self.render_template("welcome.html", handle=""))

    def _log(self) -> None:
        # The address is the secret.
        self.request.uri = self.request.path = f"{self.hub.base_url}welcome/[secret]"
        super()._log()


def end_sessions(handler: BaseHandler, user: Any) -> None:
    """End every session of a person: the hub's own at once, those of services and servers when they next ask.

    Her running server goes on, with a token of its own.
    """
    user.orm_user.cookie_id = new_token()
    for token in handler.db.query(orm.APIToken).filter_by(user_id=user.id):
        if token.session_id:
            handler.db.delete(token)
    handler.db.commit()
