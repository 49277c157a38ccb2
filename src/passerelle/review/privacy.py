"""Her right to everything and to nothing: the download of all that we have, and wishes to be erased."""

import asyncio
import contextlib
from collections.abc import Iterator

from sqlalchemy.orm import Session
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from passerelle.ledger import erasure, people
from passerelle.model.people import Role
from passerelle.progress import Wanted, track_export, track_progress
from passerelle.review.base import PageHandler
from passerelle.review.everything import Whose, everything

_being_sent: set[str] = set()
"""Who is getting hers now: one at a time a person, since each takes a share of the machine for a while."""


class EverythingDownload(PageHandler):
    """All that there is of who asks: hers alone, by her own session."""

    async def get(self) -> None:
        """Answer with a zip, as it is made."""
        handle = self.me.handle
        if getattr(self, "_token_authenticated", False):
            self.refuse()  # by a browser she signed in with: a notebook's code has a token of hers, too
        if handle in _being_sent:
            raise HTTPError(429)
        _being_sent.add(handle)
        try:
            self.set_header("Content-Type", "application/zip")
            day = self.moment.astimezone(self.zone).strftime("%Y-%m-%d")
            self.set_header("Content-Disposition", f'attachment; filename="passerelle-{day}.zip"')
            pieces = everything(Whose(self.context.engine, handle, self.reader, self.moment, self._progress))
            with contextlib.suppress(StreamClosedError):  # she has gone
                while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                    self.write(piece)
                    await self.flush()
        finally:
            _being_sent.discard(handle)

    def _progress(self, session: Session) -> Iterator[tuple[str, bytes, bytes]]:
        me, settings = self.me, self.context.settings
        tracks = {
            *people.tracks_of(session, me.handle, self.moment),
            *people.ended_tracks(session, me.handle, self.moment),
        }
        for track in sorted(tracks) if me.role == Role.FELLOW else ():
            course = self.shelf.course(track)
            if course is not None:
                standing = track_progress(session, course, self.moment, [me.handle], zone=self.zone)
                hers = track_export(standing, settings, Wanted(identified=True, named=True))
                yield track, hers.content("csv"), hers.content("json")


class ErasuresPage(PageHandler):
    """Who wishes to be erased; a coordinator agrees, and the job does it within minutes."""

    roles = frozenset({Role.COORDINATOR})

    async def get(self) -> None:
        """Answer with the wishes."""
        await self._show()

    async def post(self) -> None:
        """Agree to one: its user name has to be written, since nothing brings anything back."""
        number, typed = self.get_body_argument("request", ""), self.get_body_argument("handle", "").strip().lower()
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise HTTPError(404)

        def agree(session: Session) -> bool:
            wishes = {wish.id: wish for wish, _ in erasure.open_requests(session)}
            wish = wishes.get(int(number))
            if wish is None:
                raise HTTPError(404)
            if wish.handle != typed:
                return False
            return erasure.agree(session, wish.id, self.me.handle, self.moment) is not None

        if await self.writing(agree):
            self.redirect(self.request.path, status=303)
        else:
            self.set_status(422)
            await self._show(int(number))

    async def _show(self, not_agreed: int = 0) -> None:
        wishes = await self.reading(erasure.open_requests)
        self.page("erasures.html", wishes=wishes, not_agreed=not_agreed)
