"""The addresses of the pages (docs/guides say what each is for)."""

import mimetypes
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from passerelle.exchange.context import Context
from passerelle.ledger import erasure, people
from passerelle.ledger.mentoring_tables import ErasureRequest
from passerelle.model.people import HANDLE_PATTERN, LANGUAGES, Role
from passerelle.review import programme, staff, words
from passerelle.review.base import LANGUAGE_COOKIE, NotHereHandler, PageHandler
from passerelle.review.callback import CallbackPage
from passerelle.review.downloads import KINDS, FellowDownload, TrackDownload
from passerelle.review.fellow import AttemptPage, UnitPage, show_path
from passerelle.review.help_queue import QueuePage
from passerelle.review.marking import MarkingPage
from passerelle.review.meetings import CalendarPage, MeetingPage, MeetingsPage
from passerelle.review.mentees import show_mentees
from passerelle.review.own import HelpForm, OwnForm
from passerelle.review.pdf import SheetPdf
from passerelle.review.privacy import ErasuresPage, EverythingDownload
from passerelle.review.rubric import MarkPage
from passerelle.review.saved import SavedPage
from passerelle.review.sheet import SheetPage
from passerelle.review.shelf import Shelf
from passerelle.review.stuck import StuckPage
from passerelle.review.stuck_where import StuckWherePage

Route = tuple[str, type[RequestHandler], dict[str, Any]]
_NAME = r"[a-z0-9][a-z0-9-]*"


class HomePage(PageHandler):
    """What each role comes for."""

    async def get(self) -> None:
        """Answer with the home of the reader's role."""
        home = {
            Role.FELLOW: show_path,
            Role.MENTOR: show_mentees,
            Role.TRAINER: staff.show_course,
            Role.COORDINATOR: programme.show_programme,
        }[Role(self.me.role)]
        await home(self)


@dataclass
class SeenBy:
    """A day's looks of one reader at one page: `at` is the last of them. The log and the download have each look."""

    at: datetime
    name: str
    role: str
    what: str
    times: int = 1


class MyDataPage(PageHandler):
    """Her language, what we keep, and who looked at her pages."""

    async def get(self) -> None:
        """Answer with the page."""

        def read(session: Session) -> tuple[list[SeenBy], list[str], ErasureRequest | None]:
            looks: dict[tuple[str, str, date], SeenBy] = {}
            say = self.reader.say
            for look in people.accesses_to(session, self.me.handle):
                same = (look.viewer, look.what, look.at.astimezone(self.zone).date())
                if same in looks:
                    looks[same].times += 1
                    continue
                viewer = people.person(session, look.viewer)
                name, role = (
                    (viewer.first_name, viewer.role)
                    if viewer
                    else (say(words.VIEWERS.get(look.viewer, look.viewer)), "")
                )
                what = words.LOOKED_AT.get(look.what, look.what)
                looks[same] = SeenBy(look.at, name, words.ROLE_WORDS.get(role, ""), what)
            wish = erasure.open_request(session, self.me.handle)
            return list(looks.values()), people.tracks_of(session, self.me.handle, self.moment), wish

        looks, tracks, wish = await self.reading(read)
        courses = [course for course in map(self.shelf.course, tracks) if course]
        hers = courses if self.me.role == Role.FELLOW else []
        self.page("mydata.html", looks=looks, courses=hers, wish=wish)


class LanguageForm(PageHandler):
    """The language switch of every page."""

    async def post(self) -> None:
        """Keep the language and go back to the page she came from."""
        chosen = self.get_body_argument("language", "")
        if chosen not in LANGUAGES:
            raise HTTPError(404)
        await self.writing(lambda session: people.set_language(session, self.me.handle, chosen))
        # The hub's own pages (log-in, opening a workspace) look at this; for the browser session, as theirs.
        self.set_cookie(LANGUAGE_COOKIE, chosen, path="/")
        back = self.get_body_argument("next", "")
        parts = urlsplit(back)
        home = self.context.prefix
        ours = not parts.scheme and not parts.netloc and parts.path.startswith(home)
        ours = ours and "\\" not in back and ".." not in back
        self.redirect(parts.path if ours else home, status=303)


class StaticFiles(StaticFileHandler):
    """The style and the script: no secret, the same for everybody."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002  # Tornado's
        """Let a browser keep a file for ever: its address changes with its content."""
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")

    def get_content_type(self) -> str:
        """Say the type with its encoding."""
        kind = mimetypes.guess_type(self.absolute_path or "")[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def routes(context: Context) -> list[Route]:
    """Return the pages' addresses and handlers; the last one answers every other address of the service.

    Put them after the exchange's. The application needs `cookie_secret` in its settings.
    """
    prefix, kept = re.escape(context.prefix), {"context": context, "shelf": Shelf(context.settings.courses)}
    pages: list[tuple[str, type[PageHandler]]] = [
        ("", HomePage),
        ("oauth_callback", CallbackPage),
        (rf"unit/({_NAME})/({_NAME})", UnitPage),
        (r"attempt/([0-9a-f]{8,64})", AttemptPage),
        (rf"mentee/({HANDLE_PATTERN})", SheetPage),
        (rf"mentee/({HANDLE_PATTERN})\.pdf", SheetPdf),
        (rf"mentee/({HANDLE_PATTERN})/units", staff.UnitsPage),
        (rf"mentee/({HANDLE_PATTERN})/meetings", MeetingsPage),
        (r"meeting/([0-9]{1,9})", MeetingPage),
        (r"meeting/([0-9]{1,9})\.ics", CalendarPage),
        (rf"mentee/({HANDLE_PATTERN})\.({KINDS})", FellowDownload),
        (rf"mentee/({HANDLE_PATTERN})/saved", SavedPage),
        (rf"stuck/({_NAME})", StuckPage),
        (rf"marking/({_NAME})", MarkingPage),
        (r"queue", QueuePage),
        (r"mark/([0-9a-f]{8,64})/([a-z][a-z0-9-]*)", MarkPage),
        (rf"stuck-where/({_NAME})", StuckWherePage),
        (rf"help/({_NAME})", HelpForm),
        (r"own/([a-z]+)", OwnForm),
        (rf"people/({HANDLE_PATTERN})/link", programme.LinkForm),
        (r"programme/(quiet|owed)", programme.AttentionPage),
        (rf"programme/cohort/({_NAME})", programme.CohortPage),
        (r"programme/mentors", programme.MentorsPage),
        (r"programme/change/(pair|pairing-ends|enrol|enrolment-ends)", programme.ChangeForm),
        (r"programme/cohorts", programme.CohortForm),
        (r"mydata", MyDataPage),
        (r"mydata/everything\.zip", EverythingDownload),
        (r"erasures", ErasuresPage),
        (rf"export/({_NAME})\.({KINDS})", TrackDownload),
        (r"language", LanguageForm),
    ]
    static: Route = (
        prefix + r"static/([a-z-]+\.(?:css|js|svg))",
        StaticFiles,
        {"path": str(Path(__file__).parent / "static")},
    )
    return [
        *((prefix + pattern, handler, kept) for pattern, handler in pages),
        static,
        (prefix + ".*", NotHereHandler, kept),
    ]
