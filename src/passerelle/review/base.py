"""What every page has: who reads it, in which language, under which rules."""

from collections.abc import Collection
from datetime import timedelta
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from jupyterhub.services.auth import HubOAuthenticated, UserNotAllowed
from tornado.web import HTTPError, RequestHandler

from passerelle.exchange.context import Context, InLedger
from passerelle.exchange.errors import ApiError
from passerelle.exchange.looks import Look
from passerelle.ledger import people
from passerelle.ledger.tables import Person
from passerelle.model.course import Course
from passerelle.model.people import LANGUAGES, Role
from passerelle.review import words
from passerelle.review.i18n import LANGUAGE_NAMES, Reader, accepted, direction
from passerelle.review.prose import notes_html, with_code
from passerelle.review.shelf import Shelf

LANGUAGE_COOKIE = "passerelle-language"
"""The hub's pages set it and read it too (`hub/look.py`)."""

SAME_LOOK = timedelta(hours=1)
"""For so long a list that asks for its changes by itself is the look that was written down."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        *("default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "connect-src 'self'"),
        *("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)


@cache
def templates(language: str) -> Environment:
    """Return the templates in a language."""
    made = Environment(
        loader=PackageLoader("passerelle.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = Reader(language).catalogue
    # The extension adds its methods to the class where mypy cannot see them.
    installing: Any = made
    installing.install_gettext_translations(catalogue, newstyle=True)
    made.filters["code"] = with_code
    made.filters["notes"] = notes_html
    made.globals.update(
        LANGUAGE_NAMES=LANGUAGE_NAMES,
        ROLE_WORDS=words.ROLE_WORDS,
        STANDING_WORDS=words.STANDING_WORDS,
        Standing=words.Standing,
        unit_standing=words.unit_standing,
        task_standing=words.task_standing,
    )
    return made


@cache
def asset(prefix: str, name: str) -> str:
    """Return the address of a static file, which changes with its content, so that it may be kept for ever."""
    content = files("passerelle.review").joinpath("static", name).read_bytes()
    return f"{prefix}static/{name}?v={sha256(content).hexdigest()[:12]}"


# jupyterhub has no types: its mix-in is Any.
class PageHandler(InLedger, HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """A page for one person, whom the hub names and the ledger knows."""

    person: Person | None = None
    form_is_old = False
    roles: frozenset[Role] = frozenset(Role)
    """Whose page this is; anybody else is told so."""

    def initialize(self, context: Context, shelf: Shelf) -> None:
        """Take what the service holds."""
        self.context = context
        self.shelf = shelf
        self.moment = context.clock()
        if context.hub_auth is not None:
            self.hub_auth = context.hub_auth

    def set_default_headers(self) -> None:
        """Let a page be nothing but text, our style and our script, and be kept by nobody."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Set a cookie that scripts cannot read, and that stays on https where there is https."""
        flags = {"httponly": True, "samesite": "Lax", "secure": self.context.settings.encrypted}
        super().set_cookie(name, value, *args, **{**flags, **kwargs})

    def check_xsrf_cookie(self) -> None:
        """Check that a form is of this session; the page says so where it is not."""
        try:
            super().check_xsrf_cookie()
        except HTTPError:
            self.form_is_old = True
            raise

    async def prepare(self) -> None:
        """Find out who reads, or send her to log in."""
        model = await self.hub_auth.get_user(self, sync=False)
        try:
            named = self.check_hub_user(model) if model else None
        except UserNotAllowed:
            self.refuse()
        if named is None:
            if self.request.method not in {"GET", "HEAD"}:
                self.form_is_old = True  # nobody is logged in any more
                self.refuse()
            self.redirect(self.get_login_url())
            return
        self.current_user = named
        if named.get("kind", "user") == "user":
            self.person = await self.reading(partial(people.account, handle=named["name"]))
        try:
            self.context.pace.take(named["name"], 0)
        except ApiError as refusal:
            raise HTTPError(refusal.status) from refusal
        if self.person is None or Role(self.person.role) not in self.roles:
            self.refuse()

    async def log_look(self, subject: str, what: str) -> None:
        """Write down that the reader looks at somebody else's page, before it is shown."""
        if subject != self.me.handle:
            await self._write_looks([subject], what)

    async def log_looks(self, subjects: Collection[str], what: str, *, again: bool = False) -> None:
        """Write down that the reader looks at a list with some people in it, before it is shown.

        With `again` the list may be one that she has had before her for a while: of who was in it then, it is the
        same look.
        """
        others = sorted({one for one in subjects if one != self.me.handle})
        if again and others:
            since = self.moment - SAME_LOOK
            others = await self.reading(
                lambda session: people.not_looked_at(session, self.me.handle, others, what, since)
            )
        if others:
            await self._write_looks(others, what)

    async def _write_looks(self, subjects: Collection[str], what: str) -> None:
        looks = [Look(self.me.handle, handle, what, self.moment) for handle in subjects]
        await self.context.looks.write(looks, self.writing)

    @property
    def me(self) -> Person:
        """Return who reads."""
        if self.person is None:
            self.refuse()
        return self.person

    @property
    def reader(self) -> Reader:
        """Return how the reader has things said; before we know her, her last choice here or her browser says it."""
        if self.person:
            return Reader(self.person.language, self.zone)
        chosen = self.get_cookie(LANGUAGE_COOKIE)
        known = chosen if chosen in LANGUAGES else accepted(self.request.headers.get("Accept-Language", ""))
        return Reader(known, self.zone)

    @property
    def zone(self) -> ZoneInfo:
        """Return the programme's time zone."""
        return ZoneInfo(self.context.settings.timezone)

    def refuse(self) -> NoReturn:
        """Say that this is somebody else's page."""
        raise HTTPError(403)

    def course(self, track: str) -> Course:
        """Return a track, or say that there is no such page."""
        found = self.shelf.course(track)
        if found is None:
            raise HTTPError(404)
        return found

    def page(self, template: str, **values: Any) -> None:
        """Answer with a page in the reader's language."""
        reader = self.reader
        shown = templates(reader.language).get_template(template)
        common = {
            "reader": reader,
            "person": self.person,
            "now": self.moment,
            "prefix": self.context.prefix,
            "asset": partial(asset, self.context.prefix),
            "path": self.request.path,
            "direction": direction(reader.language),
            "other_languages": [one for one in LANGUAGES if one != reader.language],
            "xsrf": self.xsrf_token.decode("ascii") if self.person else "",
        }
        self.finish(shown.render({**common, **values}))

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """Answer with a calm page that says what to do next."""
        kind = {403: "not-yours", 404: "not-here", 405: "not-here", 429: "too-fast"}.get(status_code, "ours")
        self.page("error.html", kind="old-form" if self.form_is_old else kind)

    def log_exception(self, *exc_info: Any) -> None:
        """Leave words to `write_error`."""
        if exc_info and isinstance(exc_info[1], HTTPError):
            return
        super().log_exception(*exc_info)


class NotHereHandler(PageHandler):
    """Every address that no page has."""

    def get(self) -> None:
        """Say so."""
        raise HTTPError(404)
