"""The fellow's server extension: open a unit, submit it, her language, a receipt's result.

All under `<base url>passerelle/`, for herself only: Jupyter Server checks who asks, and the XSRF token of what
changes something. The exchange is asked in threads: its client waits, her kernels must not.
"""

import asyncio
import json
import os
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import template, web
from tornado.escape import url_escape

from passerelle_lab import unit_folder
from passerelle_lab.client import Client, ClientError
from passerelle_lab.copies import UnitFolder
from passerelle_lab.parcel import ParcelError
from passerelle_lab.settings import follow_language
from passerelle_lab.words import LANGUAGES, moment, say

NAME = r"[a-z0-9][a-z0-9-]{0,63}"
LANGUAGE_TIMEOUT_S = 2.0
SUBMIT_TIMEOUT_S = 15.0
RELEASES_KEPT_S = 30.0
RECEIPT = r"[0-9A-Za-z-]{1,64}"
_PAGES = template.Loader(str(Path(__file__).parent / "templates"))

EXPECTED = (ClientError, ParcelError, unit_folder.FolderError)
"""What may go not as it should without any fault of this code."""


def server_pages() -> str:
    """Return the address of the pages, empty where this server runs without them."""
    return os.environ.get("PASSERELLE_PAGES", "")


def server_language() -> str:
    """Return her language as this server knows it."""
    language = os.environ.get("PASSERELLE_LANGUAGE", "en")
    return language if language in LANGUAGES else "en"


def render(title: str, **parts: Any) -> str:
    """Return one of our small pages: `language`, `notices`, `lines`, `forms` (with `xsrf`), `links`."""
    shown: dict[str, Any] = {"notices": [], "lines": [], "links": [], "forms": [], "xsrf": "", **parts}
    return _PAGES.load("page.html").generate(title=title, **shown).decode()


class PasserelleHandler(JupyterHandler):
    """What the handlers share: her home, her language, her pages."""

    @property
    def content_security_policy(self) -> str:
        """Return a policy that lets our own small pages do nothing but show and submit."""
        # A submission ends on its receipt's page, at the pages' own host: a form's redirects count as its action.
        pages = urlsplit(self.pages)
        forms = f"'self' {pages.scheme}://{pages.netloc}" if pages.netloc else "'self'"
        return (
            f"default-src 'none'; style-src 'unsafe-inline'; form-action {forms}; base-uri 'none'; "
            "frame-ancestors 'none'"
        )

    @property
    def home(self) -> Path:
        """Return the directory that her Lab shows."""
        return Path(str(self.settings["server_root_dir"])).expanduser()

    @property
    def pages(self) -> str:
        """Return the address of the pages, empty where this server runs without them."""
        return server_pages()

    @property
    def own_language(self) -> str:
        """Return her language as this server knows it."""
        return server_language()

    async def language(self) -> str:
        """Return her language, asked of the exchange: she may have changed it on her page."""
        try:
            # She waits for a page: the language is not worth more than a moment.
            line = replace(Client.from_environment(), timeout_s=LANGUAGE_TIMEOUT_S)
            language = (await asyncio.to_thread(line.me)).get("language")
        except ClientError:
            return self.own_language
        if language in LANGUAGES and language != self.own_language:
            remember(language)
        return self.own_language

    def notebook_url(self, track: str, unit: str) -> str:
        """Return where Lab opens a unit's notebook, in a workspace that is not restored."""
        path = unit_folder.notebook_path(track, unit).as_posix()
        return str(url_path_join(self.base_url, "lab/workspaces/passerelle/tree", path)) + "?reset"

    def page(self, title: str, **parts: Any) -> None:
        """Send one of our small pages: `notices`, `lines`, `forms` (fields and a button each), `links`."""
        page = render(title, **{"language": self.own_language, "xsrf": self.xsrf_form_html(), **parts})
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(page)

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(body))

    async def is_newer(self, track: str, unit: str) -> bool:
        """Say whether there is a release newer than her notebook; no, where nobody can tell now."""
        mine = UnitFolder(self.home, track, unit).version()
        newest = await self._newest(track, unit)
        return None not in {mine, newest} and mine != newest

    async def _newest(self, track: str, unit: str) -> str | None:
        known: dict[str, tuple[float, dict[str, str]]] = self.settings.setdefault("passerelle_releases", {})
        asked, versions = known.get(track, (0.0, {}))
        if unit not in versions or time.monotonic() - asked > RELEASES_KEPT_S:
            try:
                line = replace(Client.from_environment(), timeout_s=LANGUAGE_TIMEOUT_S)
                units = await asyncio.to_thread(line.units, track)
            except EXPECTED:
                return versions.get(unit)
            versions = {str(one["unit"]): str(one["version"]) for one in units}
            known[track] = (time.monotonic(), versions)
        return versions.get(unit)

    def link_to_path(self, language: str) -> list[dict[str, str]]:
        """Return a link to her own page, where there is one."""
        return [{"href": self.pages, "text": say(language, "Go to my path")}] if self.pages else []


def remember(language: str) -> None:
    """Make her language that of this server, of the kernels it starts from now on, and of Lab's next load."""
    os.environ["PASSERELLE_LANGUAGE"] = language
    follow_language(Path.home(), language)


def reason(language: str, error: Exception) -> tuple[int, str, str]:
    """Return the status, the id and the words, in her language, of an expected error."""
    if isinstance(error, ClientError):
        return error.status or 502, error.id, str(error)
    if isinstance(error, unit_folder.FolderError):
        return 422, "folder", say(language, error.text, **error.values)
    return 422, "folder", str(error)


class OpenHandler(PasserelleHandler):
    """`open/<track>/<unit>`: to the notebook, fetched first where she does not have it."""

    @web.authenticated
    async def get(self, track: str, unit: str) -> None:
        """Redirect to the notebook in Lab."""
        language = await self.language()
        try:
            if not (self.home / unit_folder.notebook_path(track, unit)).is_file():
                files = await asyncio.to_thread(Client.from_environment().release, track, unit)
                unit_folder.place(self.home, track, unit, files, language)
            elif await self.is_newer(track, unit) and not await self.renewed_untouched(track, unit, language):
                # Taking it is her act; the page has a way to hers as it is.
                return self.redirect(url_path_join(self.base_url, "passerelle/renew", track, unit))
        except EXPECTED as error:
            status, _, words = reason(language, error)
            self.set_status(status)
            again = {"href": self.request.path, "text": say(language, "Try again"), "first": "yes"}
            links = [again, *self.link_to_path(language)]
            return self.page(say(language, "The unit is not open"), notices=[words], links=links, language=language)
        return self.redirect(self.notebook_url(track, unit))

    async def renewed_untouched(self, track: str, unit: str, language: str) -> bool:
        """Take the new version at once where her notebook holds nothing of hers; say whether it was so."""
        folder = UnitFolder(self.home, track, unit)
        if not folder.is_untouched():
            return False
        files = await asyncio.to_thread(Client.from_environment().release, track, unit)
        folder.renew(files, language, datetime.now(UTC))
        return True


class SubmitHandler(PasserelleHandler):
    """`submit/<track>/<unit>`: GET asks her, POST submits; the bar posts JSON and gets JSON, the page's form a page."""

    @web.authenticated
    async def get(self, track: str, unit: str) -> None:
        """Say what would be submitted, and ask."""
        language = await self.language()
        path = self.home / unit_folder.notebook_path(track, unit)
        try:
            files = unit_folder.collect(self.home, track, unit)
            title = unit_folder.title(files[path.name], language) or unit
            doubts = unit_folder.doubts(files, unit, language)
        except EXPECTED as error:
            return self.refuse(error, track, unit, language)
        saved = moment(language, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        text = (
            "You submit the notebook as you last saved it ({when}), and the files beside it. "
            "You can submit as often as you like. Your best attempt counts."
        )
        return self.page(
            say(language, "Submit my work: {title}", title=title),
            notices=doubts,
            lines=[say(language, text, when=saved)],
            forms=[{"token": str(uuid.uuid4()), "button": say(language, "Submit")}],
            links=[
                {"href": self.notebook_url(track, unit), "text": say(language, "Open the notebook")},
                *self.link_to_path(language),
            ],
            language=language,
        )

    @web.authenticated
    async def post(self, track: str, unit: str) -> None:
        """Submit the files as they are saved."""
        from_bar = self.request.headers.get("Content-Type", "").startswith("application/json")
        asked: dict[str, Any] = (self.get_json_body() or {}) if from_bar else {"confirmed": True}
        language = asked.get("language", self.own_language)
        language = language if language in LANGUAGES else self.own_language
        token = str(asked.get("token") or self.get_body_argument("token", "") or uuid.uuid4())
        try:
            self._check_is_the_one(asked.get("path"), track, unit)
            files = unit_folder.collect(self.home, track, unit)
            doubts = unit_folder.doubts(files, unit, language)
            if doubts and not asked.get("confirmed"):
                return self.answer({"id": "confirm", "error": " ".join(doubts)}, 409)
            line = replace(Client.from_environment(), timeout_s=SUBMIT_TIMEOUT_S)
            receipt = await asyncio.to_thread(line.submit, track, unit, files, token)
        except EXPECTED as error:
            if from_bar:
                status, error_id, words = reason(language, error)
                return self.answer({"id": error_id, "error": words}, status)
            return self.refuse(error, track, unit, language, token)
        return self.answer(receipt) if from_bar else self.show(receipt, language)

    def _check_is_the_one(self, path: str | None, track: str, unit: str) -> None:
        """A copy's bar must not submit the original without a word."""
        expected = unit_folder.notebook_path(track, unit).as_posix()
        if path is not None and path != expected:
            text = "This notebook is a copy. You submit {path}: open it and copy your work there."
            raise unit_folder.FolderError(text, path=expected)

    def refuse(self, error: Exception, track: str, unit: str, language: str, token: str = "") -> None:
        """Say on a page why nothing was sent, and where to go; after silence, the same submission can be sent again."""
        status, error_id, words = reason(language, error)
        self.set_status(status)
        # The key was used for other bytes: the line dropped after a receipt, and she has changed something since.
        token = str(uuid.uuid4()) if token and error_id == "key-reused" else token
        again = token and error_id in {"unreachable", "key-reused"}
        forms = [{"token": token, "button": say(language, "Submit again")}] if again else []
        opened = url_path_join(self.base_url, "passerelle/open", track, unit)
        there = {"href": opened, "text": say(language, "Open the notebook"), "first": "" if forms else "yes"}
        links = [there, *self.link_to_path(language)]
        title = say(language, "Nothing was sent yet.")
        self.page(title, notices=[words], forms=forms, links=links, language=language)

    def show(self, receipt: dict[str, Any], language: str) -> None:
        """Go to the receipt's page; say the receipt here where there are no pages."""
        if self.pages:
            self.redirect(f"{self.pages}attempt/{url_escape(str(receipt['receipt']), plus=False)}", status=303)
            return
        when = moment(language, datetime.fromisoformat(receipt["received"]))
        text = say(
            language,
            "Received {when}. Fingerprint {hash}. It is being marked.",
            when=when,
            hash=receipt["sha256"][:8],
        )
        self.page(say(language, "Received"), lines=[text], language=language)


class LanguageHandler(PasserelleHandler):
    """`language`: read and stored; it is that of her pages, of her notebooks and, where she set none there, of Lab."""

    @web.authenticated
    async def get(self) -> None:
        """Send her language."""
        self.answer({"language": await self.language()})

    @web.authenticated
    async def put(self) -> None:
        """Store her language: here at once, and with the exchange."""
        language = (self.get_json_body() or {}).get("language")
        if language not in LANGUAGES:
            return self.answer({"id": "language-unknown", "error": ", ".join(LANGUAGES)}, 400)
        remember(language)
        if not os.environ.get("PASSERELLE_API"):  # on Binder, say: nobody else is to know
            return self.answer({"language": language})
        try:
            await asyncio.to_thread(Client.from_environment().set_language, language)
        except EXPECTED as error:
            status, error_id, words = reason(language, error)
            return self.answer({"id": error_id, "error": words}, status)
        return self.answer({"language": language})


class ResultsHandler(PasserelleHandler):
    """`results/<receipt>`: the exchange's answer about one of her attempts."""

    @web.authenticated
    async def get(self, receipt: str) -> None:
        """Send the result as it is now."""
        try:
            self.answer(await asyncio.to_thread(Client.from_environment().result, receipt))
        except EXPECTED as error:
            status, error_id, words = reason(self.own_language, error)
            self.answer({"id": error_id, "error": words}, status)
