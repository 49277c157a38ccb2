"""The hub's own pages in the reader's language: catalogue, templates' words, the switch, the stylesheet."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import polib
from jinja2.ext import Extension
from jinja2.runtime import Context
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from markupsafe import Markup, escape
from tornado.httputil import HTTPServerRequest
from tornado.web import StaticFileHandler

from passerelle.hub.sign_in import seconds_until
from passerelle.model.people import LANGUAGES
from passerelle.review.base import LANGUAGE_COOKIE
from passerelle.review.i18n import LANGUAGE_NAMES, accepted, direction

COOKIE = LANGUAGE_COOKIE


def language_of(request: HTTPServerRequest) -> str:
    """Return the language a page is to be in: her choice, or else her browser's."""
    chosen = request.cookies.get(COOKIE)
    if chosen is not None and chosen.value in LANGUAGES:
        return chosen.value
    return accepted(request.headers.get("Accept-Language", ""))


@cache
def _catalogue(language: str) -> dict[str, str]:
    path = files("passerelle.hub") / "locale" / f"{language}.po"
    if not path.is_file():
        return {}
    return {entry.msgid: entry.msgstr for entry in polib.pofile(path.read_text("utf-8")) if entry.translated()}


def words(text: str, language: str, **facts: object) -> str:
    """Return an English text of ours in a language, its `{name}` places filled."""
    found = _catalogue(language).get(text, text)
    return found.format(**facts) if facts else found


class Words(Extension):
    """Gives templates `_("text")`, `language()` and `languages`."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        environment.globals.update(
            _=_in_page,
            language=_language_of_page,
            languages=LANGUAGE_NAMES,
            direction=direction,
            here=_address_of_page,
            asked_for_pages=_asked_for_pages,
        )


def _request(context: Context) -> HTTPServerRequest:
    # The hub hands its templates no request; `static_url` is a method of the handler that has it.
    static_url: Callable[..., str] = context["static_url"]
    handler: BaseHandler = static_url.__self__  # type: ignore[attr-defined]  # a bound method
    request: HTTPServerRequest = handler.request
    return request


@jinja2.pass_context
def _language_of_page(context: Context) -> str:
    return language_of(_request(context))


@jinja2.pass_context
def _in_page(context: Context, text: str, **facts: object) -> Markup:
    """Return the words; facts are escaped, the words are ours."""
    return Markup(words(text, _language_of_page(context), **{name: escape(fact) for name, fact in facts.items()}))  # noqa: S704


@jinja2.pass_context
def _address_of_page(context: Context) -> str:
    """Return where the language switch comes back to."""
    request = _request(context)
    # The answer to a form is not a place to come back to with GET, except the log-in page itself.
    return request.uri or "/"


@jinja2.pass_context
def _asked_for_pages(context: Context) -> bool:
    """Say whether the proxy asks for an error page because a service, and no workspace, gave no answer."""
    asked = _request(context).query_arguments.get("url", [b""])[-1]
    return b"/services/" in asked


class LanguageLoginHandler(LoginHandler):  # type: ignore[misc]  # jupyterhub has no types
    """The hub's log-in page, which leaves everybody in her own language and says how long to wait."""

    wait_until: datetime | None = None
    busy = False

    async def _render(self, login_error: str | None = None, username: str | None = None, **kwargs: Any) -> str:
        """Return the page; the authenticator has left word where no password was looked at."""
        seconds = 0
        if self.wait_until is not None:
            seconds = seconds_until(self.wait_until)
            self.set_status(429)
            self.set_header("Retry-After", str(seconds))
        elif self.busy:
            self.set_status(503)
        page: str = await super()._render(login_error, username, wait_s=seconds, busy=self.busy, **kwargs)
        return page

    def remember_language(self, language: str) -> None:
        """Keep a language for this browser session."""
        remember(self, language)


def remember(handler: BaseHandler, language: str) -> None:
    """Set the language cookie, for the session only: the computer may be shared."""
    handler._set_cookie(COOKIE, language, encrypted=False, path="/")  # with what the settings say of every cookie


class LanguageHandler(BaseHandler):  # type: ignore[misc]  # jupyterhub has no types
    """The switch on every page of the hub; a link, so that it works without JavaScript."""

    def get(self, language: str) -> None:
        """Remember the language and go back."""
        remember(self, language)
        self.redirect(self._validate_next_url(self.get_argument("next", "")) or self.hub.base_url + "login")


def handlers() -> list[tuple[Any, ...]]:
    """Return the hub's extra handlers: the switch, and the stylesheets, which need no log-in."""
    own = Path(str(files("passerelle.hub"))) / "static"
    pages = Path(str(files("passerelle.review"))) / "static"
    return [
        (rf"/language/({'|'.join(LANGUAGES)})", LanguageHandler),
        (r"/look/pages/(passerelle\.css)", StaticFileHandler, {"path": str(pages)}),
        (r"/look/(.+)", StaticFileHandler, {"path": str(own)}),
    ]
