"""Her unit after it was fetched: a newer version, a fresh copy, a submission or a copy brought back, and its state.

Each act is a page with a form, for links, and JSON for the bar. What it replaces is kept as a copy first.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tornado import web

from passerelle_lab import notice
from passerelle_lab.client import Client
from passerelle_lab.copies import Change, UnitFolder, titles
from passerelle_lab.handlers import EXPECTED, PasserelleHandler, reason
from passerelle_lab.record import Record
from passerelle_lab.unit_folder import FolderError
from passerelle_lab.words import dated_moment, say

TAB_GONE_AFTER_S = 50.0


def now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)


class ActHandler(PasserelleHandler):
    """What the acts on a unit's folder share: a page asks, POST does; the bar posts JSON and gets JSON."""

    def words(self, language: str) -> tuple[str, str, str]:
        """Return the page's title, what it explains, and its button."""
        raise NotImplementedError

    async def folder_of(self, *names: str) -> UnitFolder:
        """Return the folder that an address means."""
        return UnitFolder(self.home, *names)

    async def act(self, folder: UnitFolder, language: str) -> Change:
        """Do it."""
        raise NotImplementedError

    @property
    def from_bar(self) -> bool:
        """Say whether the bar asks."""
        return self.request.headers.get("Content-Type", "").startswith("application/json")

    @web.authenticated
    async def get(self, *names: str) -> None:
        """Explain, and ask."""
        language = await self.language()
        try:
            folder = await self.folder_of(*names)
        except EXPECTED as error:
            return self.refuse(error, language)
        title, text, button = self.words(language)
        opened = {"href": self.notebook_url(folder.track, folder.unit), "text": say(language, "Open mine as it is")}
        links = [opened, *self.link_to_path(language)]
        return self.page(title, lines=[text], forms=[{"button": button}], links=links, language=language)

    @web.authenticated
    async def post(self, *names: str) -> None:
        """Do it, and open the notebook."""
        language = self.own_language
        try:
            folder = await self.folder_of(*names)
            change = await self.act(folder, language)
        except EXPECTED as error:
            return self.refuse(error, language)
        if self.from_bar:
            return self.answer({"kept": change.kept, "beside": change.beside})
        return self.redirect(self.notebook_url(folder.track, folder.unit), status=303)

    def refuse(self, error: Exception, language: str) -> None:
        """Say why nothing was done."""
        status, error_id, words = reason(language, error)
        if self.from_bar:
            return self.answer({"id": error_id, "error": words}, status)
        self.set_status(status)
        title = say(language, "Nothing was changed")
        return self.page(title, notices=[words], links=self.link_to_path(language), language=language)

    async def release(self, folder: UnitFolder) -> Mapping[str, bytes]:
        """Return the newest release's files."""
        return await asyncio.to_thread(Client.from_environment().release, folder.track, folder.unit)


class RenewHandler(ActHandler):
    """`renew/<track>/<unit>`: take the new version, her work carried over."""

    def words(self, language: str) -> tuple[str, str, str]:
        """Return what the page says."""
        text = (
            "This unit was improved since you opened it. Your answers, your own cells and your changes come along. "
            "Your notebook as it is now stays as a copy."
        )
        button = say(language, "Take the new version (your answers stay)")
        return say(language, "A new version is here"), say(language, text), button

    async def act(self, folder: UnitFolder, language: str) -> Change:
        """Take it."""
        if not folder.notebook.is_file():
            raise FolderError("There is no notebook here yet. Open the unit first.")
        return folder.renew(await self.release(folder), language, now())


class FreshHandler(ActHandler):
    """`fresh/<track>/<unit>`: start over with the release as it is."""

    def words(self, language: str) -> tuple[str, str, str]:
        """Return what the page says."""
        text = (
            "You get the unit as it was on the first day. Your notebook as it is now stays as a copy in the folder "
            "“versions”, and you can take it back. What you submitted stays submitted."
        )
        title = say(language, "Start over with a fresh copy")
        return title, say(language, text), title

    async def act(self, folder: UnitFolder, language: str) -> Change:
        """Put it in."""
        return folder.start_over(await self.release(folder), language, now())


class RestoreHandler(ActHandler):
    """`restore/<receipt>`: bring an attempt back into the notebook."""

    receipt: str = ""

    def words(self, language: str) -> tuple[str, str, str]:
        """Return what the page says."""
        text = (
            "The notebook becomes what you submitted then. Your notebook as it is now stays as a copy in the folder "
            "“versions”, and you can take it back."
        )
        title = say(language, "Get this attempt back into my notebook")
        return title, say(language, text), title

    async def folder_of(self, *names: str) -> UnitFolder:
        """Return the folder of a receipt's unit."""
        self.receipt = names[0]
        attempt = await asyncio.to_thread(Client.from_environment().result, self.receipt)
        return UnitFolder(self.home, str(attempt["track"]), str(attempt["unit"]))

    async def act(self, folder: UnitFolder, language: str) -> Change:  # noqa: ARG002  # the acts' signature
        """Bring it back."""
        files = await asyncio.to_thread(Client.from_environment().submission_files, self.receipt)
        return folder.bring_back(files, now())


class LastHandler(RestoreHandler):
    """`last/<track>/<unit>`: bring the newest attempt back."""

    async def folder_of(self, *names: str) -> UnitFolder:
        """Return the folder, and remember the newest receipt."""
        attempts = await asyncio.to_thread(Client.from_environment().submissions, *names)
        attempts = [one for one in attempts if one["unit"] == names[1]]
        if not attempts:
            raise FolderError("You have not submitted this unit yet.")
        self.receipt = str(attempts[-1]["receipt"])
        return UnitFolder(self.home, *names)


class CopiesHandler(ActHandler):
    """`copies/<track>/<unit>`: her copies; POST brings one back, or keeps a notebook that the bar sends as one."""

    @web.authenticated
    async def get(self, *names: str) -> None:
        """List them."""
        language = await self.language()
        folder = await self.folder_of(*names)
        copies = folder.copies()
        text = (
            "Each time something of yours was replaced, it was kept in the folder “versions” beside your notebook. "
            "Taking a copy back keeps what you have now as a copy too."
        )
        none = say(language, "There is no copy yet: nothing of yours was replaced.")
        dated = [(name, moment_of(name, language)) for name in copies]
        self.page(
            say(language, "My earlier versions"),
            lines=[say(language, text) if copies else none],
            forms=[{"copy": name, "button": say(language, "Take back: {when}", when=when)} for name, when in dated],
            links=[
                {"href": self.notebook_url(folder.track, folder.unit), "text": say(language, "Open the notebook")},
                *self.link_to_path(language),
            ],
            language=language,
        )

    async def act(self, folder: UnitFolder, language: str) -> Change:  # noqa: ARG002  # the acts' signature
        """Bring one back, or keep what the tab holds, or what is saved."""
        if not self.from_bar:
            return folder.bring_back(folder.copied(self.get_body_argument("copy", "")), now())
        sent = (self.get_json_body() or {}).get("notebook")
        notebook = json.dumps(sent, indent=1).encode() if sent else folder.notebook.read_bytes()
        return Change(folder.keep({folder.notebook.name: notebook}, now()))


class StateHandler(PasserelleHandler):
    """`state/<track>/<unit>`: what the bar must know of the folder; `?tab=` says that a tab has the notebook open."""

    @web.authenticated
    async def get(self, track: str, unit: str) -> None:
        """Send it."""
        folder = UnitFolder(self.home, track, unit)
        try:
            modified = datetime.fromtimestamp(folder.notebook.stat().st_mtime, UTC).isoformat()
        except OSError:
            modified = None
        self.answer(
            {
                "newer": await self.is_newer(track, unit),
                "renewed": Record.of(folder.path).renewed,
                "copies": len(folder.copies()),
                "modified": modified,
                "tabs": self._other_tabs(track, unit),
                "titles": titles(folder.path),
                "notice": await asyncio.to_thread(notice.read, Path.home()),
            }
        )

    @web.authenticated
    def delete(self, track: str, unit: str) -> None:
        """Take note that a tab closes."""
        self._tabs(track, unit).pop(self.get_query_argument("tab", ""), None)
        self.answer({})

    def _tabs(self, track: str, unit: str) -> dict[str, float]:
        open_tabs: dict[tuple[str, str], dict[str, float]] = self.settings.setdefault("passerelle_tabs", {})
        return open_tabs.setdefault((track, unit), {})

    def _other_tabs(self, track: str, unit: str) -> int:
        tab, at, tabs = self.get_query_argument("tab", ""), time.monotonic(), self._tabs(track, unit)
        if tab:
            tabs[tab] = at
        for gone in [one for one, seen in tabs.items() if at - seen > TAB_GONE_AFTER_S]:
            del tabs[gone]
        return len(tabs.keys() - {tab})


class NoticeHandler(PasserelleHandler):
    """`notice`: what the watchdog left word of; DELETE takes it away."""

    @web.authenticated
    async def get(self) -> None:
        """Send it, `null` where there is none."""
        self.answer({"notice": await asyncio.to_thread(notice.read, Path.home())})

    @web.authenticated
    def delete(self) -> None:
        """Take it away."""
        notice.dismiss(Path.home())
        self.answer({})


def moment_of(name: str, language: str) -> str:
    """Return a copy's moment as people say it; its name where it tells none."""
    try:
        return dated_moment(language, datetime.strptime(name[:24], "before-%Y-%m-%d-%H%M%S").astimezone())
    except ValueError:
        return name
